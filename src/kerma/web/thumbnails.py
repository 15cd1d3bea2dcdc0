"""Small pictures that were made before, kept in memory up to a bound (PS3.18 10.4.4).

Rules: a key holds the name of the blob, which holds its checksum, so that what is kept is never out of date; who may
see it is decided before anybody asks here. Safe on several threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

MAX_BYTES = 64 << 20
MAX_ONE = 1 << 20
"""Bytes of one picture that is kept."""


class Kept:
    """The pictures that were asked for last, by key."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max = max_bytes
        self._held: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return self._size

    def get(self, key: Hashable) -> bytes | None:
        with self._guard:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def put(self, key: Hashable, picture: bytes) -> None:
        if len(picture) > min(MAX_ONE, self._max):
            return
        with self._guard:
            self._size += len(picture) - len(self._held.pop(key, b""))
            self._held[key] = picture
            while self._size > self._max:
                self._size -= len(self._held.popitem(last=False)[1])
