"""A child that reads one file and says what that cost: ``python measure.py PATH``, a line of JSON.

``ms`` is CPU time of reading and decoding everything, ``MB`` the most memory that the process ever had. More than a
gigabyte of address space is not to be had.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time

import kerma

try:
    from .reader import visit
except ImportError:  # run as a script
    from reader import visit  # type: ignore[import-not-found, no-redef]


def main() -> None:
    """Read it."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    began = time.process_time()
    with contextlib.suppress(kerma.KermaError):
        visit(kerma.read(sys.argv[1]))
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps({"ms": round(spent * 1000, 1), "MB": peak >> 10}) + "\n")


if __name__ == "__main__":
    main()
