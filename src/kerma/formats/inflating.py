"""A large deflated data set, inflated to a temporary file instead of memory (PS3.5 A.5).

Rules: the bytes are read, inflated and written a megabyte at a time; the temporary file has no name where the system
lets it have none, and goes with the source; what it may grow to is bounded by ``Limits.max_inflated``.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from kerma.encoding.inflate import inflate_pieces
from kerma.encoding.source import Buffer, ByteSource, BytesSource
from kerma.limits import Limits

_STEP = 1 << 20


class InflatedSource:
    """A ``ByteSource`` over what a deflated data set inflates to. ``buffer`` is all of it, mapped."""

    def __init__(self, source: ByteSource, offset: int, length: int, limits: Limits) -> None:
        with tempfile.TemporaryFile(prefix="kerma-", buffering=0) as file:
            size = 0
            for piece in inflate_pieces(_pieces(source, offset, length), limits):
                view = memoryview(piece)
                while view:
                    view = view[os.write(file.fileno(), view) :]
                size += len(piece)
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None
        self.buffer: memoryview | bytes = b"" if self._map is None else memoryview(self._map)
        self._bytes = BytesSource(self.buffer)

    @property
    def size(self) -> int:
        return len(self.buffer)

    def read(self, offset: int, length: int) -> bytes:
        return self._bytes.read(offset, length)

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        return self._bytes.readinto(offset, buffers)

    def close(self) -> None:
        """The map goes with the last view of it."""
        self._bytes = BytesSource(b"")
        self.buffer = b""
        self._map = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pieces(source: ByteSource, offset: int, length: int) -> Iterator[Buffer]:
    for at in range(offset, offset + length, _STEP):
        yield source.read(at, min(_STEP, offset + length - at))
