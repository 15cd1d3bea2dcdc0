"""How the C library of a web process keeps memory that is freed (glibc's ``mallopt``; elsewhere nothing is done).

Frames and pieces of files are buffers of hundreds of kilobytes that live for a millisecond. Left to itself, glibc gives
each of them back to the system and asks for it again, page by page: reading 512 KB from the page cache then takes 130
to 600 us instead of 80. A process that only serves HTTP keeps some megabytes instead.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT = 4 << 20
"""Bytes that each arena keeps, and of the smallest buffer that is still given back at once."""


def keep_freed_memory() -> bool:
    """Set it for this process; whether that could be done."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    mallopt.argtypes = (ctypes.c_int, ctypes.c_int)
    mallopt.restype = ctypes.c_int
    return bool(mallopt(_M_TRIM_THRESHOLD, _KEPT)) and bool(mallopt(_M_MMAP_THRESHOLD, _KEPT))
