"""Whether the archive can be read and written, and how much it holds: what watchers ask again and again.

Rule: what was found a moment ago is not looked for again, however often it is asked.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time

from kerma.archive import Archive
from kerma.errors import KermaError

_LEAST_FREE = 64 << 20
_CHECKS_KEPT = 1.0
_NUMBERS_KEPT = 30.0
_NEVER = float("-inf")


class Readiness:
    """What the last look at the archive found."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._checked, self._counted = _NEVER, _NEVER
        self._checks: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    def checks(self) -> dict[str, str]:
        """By name "ok" or what is wrong."""
        with self._lock:
            if time.monotonic() - self._checked > _CHECKS_KEPT:
                self._checks = {"index": self._index(), "storage": self._storage()}
                self._checked = time.monotonic()
            return self._checks

    def numbers(self) -> dict[str, int]:
        """How much there is; empty where the index does not answer."""
        with self._lock:
            if time.monotonic() - self._counted > _NUMBERS_KEPT:
                self._numbers = self._count()
                self._counted = time.monotonic()
            return self._numbers

    def _index(self) -> str:
        try:
            next(self._archive.find("study", limit=1), None)
        except (KermaError, OSError):
            return "the index does not answer"
        return "ok"

    def _storage(self) -> str:
        root = self._archive.root
        probe = root / f".ready-{os.getpid()}"
        try:
            probe.write_bytes(b"ready")
            free = shutil.disk_usage(root).free
        except OSError:
            return "the folder of the archive cannot be written to"
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()
        return "ok" if free >= _LEAST_FREE else "the disk of the archive is full"

    def _count(self) -> dict[str, int]:
        try:
            stats = self._archive.stats()
        except (KermaError, OSError):
            return {}
        return {
            name: getattr(stats, name) for name in ("patients", "studies", "series", "instances", "quarantined", "size")
        }
