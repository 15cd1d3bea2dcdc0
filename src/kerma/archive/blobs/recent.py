"""The newest blobs stay in the kernel's page cache, older ones make room.

An archive that receives all day would fill the page cache with bytes that nobody asks for. So when a blob is durable
its file stays open for a while; when enough newer ones have come the kernel is told that its pages are not needed,
and the next blob is written into pages that were just in use. Where memory has to be had from a hypervisor first,
that is most of the cost of a write (docs/decisions/0003-durability.md). A study that is sent on at once is read from
memory all the same. What is deleted is let go at once: an open file keeps its room on the disk.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque

BYTES = 64 << 20
COUNT = 64


class Recent:
    """The file descriptors of the newest blobs: at most ``count``, of at most ``size`` bytes together."""

    def __init__(self, size: int = BYTES, count: int = COUNT) -> None:
        self._size = size
        self._count = count
        self._held: deque[tuple[int, int, str]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, handle: int, size: int, name: str = "") -> None:
        """Take over an open file that is synced; ``name`` is what ``forget`` calls it."""
        old: list[int] = []
        with self._lock:
            self._held.append((handle, size, name))
            self._bytes += size
            while self._held and (self._bytes > self._size or len(self._held) > self._count):
                first, length, _ = self._held.popleft()
                self._bytes -= length
                old.append(first)
        for one in old:
            _let_go(one)

    def forget(self, name: str) -> None:
        """Let go of a file that is deleted."""
        with self._lock:
            gone = [one for one in self._held if one[2] == name]
            for one in gone:
                self._held.remove(one)
                self._bytes -= one[1]
        for handle, _, _ in gone:
            with contextlib.suppress(OSError):
                os.close(handle)

    def close(self) -> None:
        """Close what is held; its pages stay where they are."""
        with self._lock:
            held, self._held, self._bytes = self._held, deque(), 0
        for handle, _, _ in held:
            with contextlib.suppress(OSError):
                os.close(handle)


def _let_go(handle: int) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    with contextlib.suppress(OSError):
        os.close(handle)
