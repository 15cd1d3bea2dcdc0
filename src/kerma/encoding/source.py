"""Where bytes lie: the one interface between data sets and whatever holds them.

A ``ByteSource`` is random access to a fixed number of bytes: a buffer, a file, a member of an archive, an object-store
range. The rooms of PS3.5 see only this; files are opened by ``formats`` and by the archive's blob stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from kerma.errors import TruncatedError

Buffer = bytes | bytearray | memoryview


class ByteSource(Protocol):
    """Random access to ``size`` bytes."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; ``TruncatedError`` where they are not there."""
        ...

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        """Fill all ``buffers`` in turn from ``offset`` on (scatter); the count, or ``TruncatedError``."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BytesSource:
    """A ``ByteSource`` over a buffer in memory."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data).cast("B")

    @property
    def size(self) -> int:
        return len(self._view)

    def read(self, offset: int, length: int) -> bytes:
        self._check(offset, length)
        return bytes(self._view[offset : offset + length])

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        total = sum(len(buffer) for buffer in buffers)
        self._check(offset, total)
        for buffer in buffers:
            buffer[:] = self._view[offset : offset + len(buffer)]
            offset += len(buffer)
        return total

    def close(self) -> None:
        """Nothing to close: the buffer is the caller's."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, offset: int, length: int) -> None:
        missing = offset + length - len(self._view)
        if offset < 0 or length < 0 or missing > 0:
            raise TruncatedError(
                f"{length} bytes wanted, {max(missing, 0)} are missing", missing=max(missing, 0), offset=offset
            )
