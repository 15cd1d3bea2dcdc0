"""Memory that a web process keeps: that it can be said, in a process of its own."""

from __future__ import annotations

import subprocess
import sys


def test_glibc_takes_it() -> None:
    code = "from kerma.web.allocation import keep_freed_memory; print(keep_freed_memory())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{sys.platform.startswith('linux')}\n"
