"""Run a target on files that the fuzzer wrote: ``python -m tests.fuzz.again TARGET FILE...``, the traceback and all."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    for name in sys.argv[2:]:
        TARGETS[sys.argv[1]](Path(name).read_bytes())
        sys.stdout.write(f"{name}: nothing found\n")
