"""What the sources of remote files share: bytes into given buffers, and use as a context manager."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class RemoteSource(ABC):
    """A ``ByteSource`` by its ``read`` and ``close``."""

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; ``TruncatedError`` where they are not there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of all; a read after it is an error."""

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        """Fill all ``buffers`` in turn from ``offset`` on; the count, or ``TruncatedError``."""
        total = sum(len(buffer) for buffer in buffers)
        data = self.read(offset, total)
        at = 0
        for buffer in buffers:
            buffer[:] = data[at : at + len(buffer)]
            at += len(buffer)
        return total

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
