"""A file as a ``ByteSource``: positioned reads, no shared file position, no buffering (PS3.10 files, blobs)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from kerma.errors import FormatError, TruncatedError

_LOOK = 1 << 17
_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


class FileSource:
    """Random access to a file that is not changed while it is open. Reads may run in several threads at once."""

    __slots__ = ("_fd", "_name", "_size")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens ``path``; ``OSError`` as the system gives it."""
        self._name = os.fspath(path)
        self._fd = -1
        self._fd = os.open(self._name, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        self._size = os.fstat(self._fd).st_size

    @property
    def size(self) -> int:
        return self._size

    def fileno(self) -> int:
        """The file descriptor, for ``sendfile``."""
        return self._fd

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; ``TruncatedError`` where they are not there."""
        self._check(offset, length)
        data = os.pread(self._fd, length, offset)
        if len(data) == length:
            return data
        parts = [data]
        got = len(data)
        while got < length:
            data = os.pread(self._fd, length - got, offset + got)
            if not data:
                raise self._short(offset, length, length - got)
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        """Fill all ``buffers`` in turn from ``offset`` on; the count, or ``TruncatedError``."""
        total = sum(len(buffer) for buffer in buffers)
        self._check(offset, total)
        got = 0
        # The system takes at most IOV_MAX buffers at once, and may return less than was asked for.
        pending = [memoryview(buffer) for buffer in buffers]
        at = 0
        while at < len(pending):
            count = os.preadv(self._fd, pending[at : at + 512], offset + got)
            if count <= 0:
                raise self._short(offset, total, total - got)
            got += count
            while at < len(pending) and count >= len(pending[at]):
                count -= len(pending[at])
                at += 1
            if count:
                pending[at] = pending[at][count:]
        return total

    def in_memory(self, offset: int, length: int) -> bool:
        """Whether the system has this range at hand, so that reading it does not wait for the disk. It looks at a page
        of each 128 KB, which is how the system reads ahead; False where it cannot tell.
        """
        if self._fd < 0 or _NOWAIT is None or not 0 < length <= self._size - offset:
            return False
        page = bytearray(1)
        try:
            for at in (*range(offset, offset + length, _LOOK), offset + length - 1):
                if os.preadv(self._fd, [page], at, _NOWAIT) != 1:
                    return False
        except OSError:  # BlockingIOError: it would wait; others: the file system does not tell
            return False
        return True

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _check(self, offset: int, length: int) -> None:
        if self._fd < 0:
            raise FormatError("the source is closed", where=self._name)
        missing = offset + length - self._size
        if offset < 0 or length < 0 or missing > 0:
            raise self._short(offset, length, max(missing, 0))

    def _short(self, offset: int, length: int, missing: int) -> TruncatedError:
        return TruncatedError(
            f"{length} bytes wanted, {missing} are missing", missing=missing, offset=offset, where=self._name
        )
