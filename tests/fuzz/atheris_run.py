"""Coverage-guided fuzzing of one target: ``python -m tests.fuzz.atheris_run TARGET [libFuzzer options and folders]``.

Needs atheris (``make fuzz`` installs it where there is a wheel for this machine). The plain loops run, because the
fuzzer sees the coverage of Python only; with ``KERMA_PLAIN=0`` the compiled ones, where they are built. An input that
breaks a promise, takes too long or too much memory is written to a file; the target's function in ``targets`` run on it
shows what is wrong.
"""

from __future__ import annotations

import logging
import os
import sys

os.environ.setdefault("KERMA_PLAIN", "1")

import atheris

with atheris.instrument_imports(include=["kerma"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run the target named by the first argument until libFuzzer's options say that it is enough."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz.atheris_run {{{','.join(TARGETS)}}} [libFuzzer options and folders]")
    target = TARGETS[sys.argv[1]]
    logging.disable()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: target(bytes(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
