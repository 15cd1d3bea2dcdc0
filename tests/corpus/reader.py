"""A child process that reads files one by one under limits of memory and CPU time, and says what came of each.

Run as ``python reader.py MEGABYTES SECONDS`` with paths on standard input, one a line; a JSON line for each on
standard output. Whatever hostile bytes make of it, the limits hold: a child that is killed by them fails the test
that started it.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import kerma
from kerma.errors import KermaError


def visit(dataset: Any) -> tuple[int, int]:
    """All values, items included, without recursion: how many elements, and how many of them gave a typed error."""
    count = errors = 0
    stack = [dataset] if dataset.meta is None else [dataset, dataset.meta]
    while stack:
        current = stack.pop()
        try:
            tags = list(current)
        except KermaError:  # an item is scanned when it is used
            errors += 1
            continue
        for tag in tags:
            count += 1
            try:
                element = current[tag]
                value = element.value
            except KermaError:
                errors += 1
                continue
            if element.vr == "SQ" and value is not None:
                stack.extend(value)
    return count, errors


def read(path: str) -> dict[str, Any]:
    """What reading ``path`` came to; anything but a ``KermaError`` is a failure."""
    try:
        count, errors = visit(kerma.read(path))
    except KermaError as error:
        return {"path": path, "error": type(error).__name__, "offset": getattr(error, "offset", None)}
    except Exception as error:  # noqa: BLE001  this is what the test looks for
        return {"path": path, "failed": f"{type(error).__name__}: {error}"}
    return {"path": path, "elements": count, "errors": errors}


def main() -> None:
    """Read all under the limits."""
    megabytes, seconds = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    for line in sys.stdin:
        path = line.rstrip("\n")
        sys.stdout.write(json.dumps(read(path)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
