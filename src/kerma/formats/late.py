"""A file whose head was read and whose rest is read when somebody asks for it.

Of a large file the first kilobytes are read and nothing else: whoever looks at a header does not pay for pixels. What
lies behind them is read, or mapped where it is very large, when it is asked for. Nothing is held open until then, so
a list of ten thousand data sets needs no file descriptors. The price is that the file must still be what it was: size,
time and inode are compared, and a file that was changed or taken away in between is an error that says so.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import tempfile
from typing import Any

from kerma.encoding.source import Buffer, ByteSource
from kerma.errors import FormatError, LimitError
from kerma.formats.saving import write_all
from kerma.formats.source import FileSource
from kerma.limits import Limits

_MAPPED = 16 << 20  # larger files than this are mapped
_PIECE = 8 << 20  # bytes that are fetched at a time
FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def read_fully(fd: int, size: int) -> bytes:
    """``size`` bytes from where ``fd`` stands, fewer only where the file ends before."""
    data = os.read(fd, size)
    left = size - len(data)
    more = left and os.read(fd, left)
    if not more:
        return data  # as a rule, and nothing is copied
    parts = [data]
    while more:
        parts.append(more)
        left -= len(more)
        more = left and os.read(fd, left)
    return b"".join(parts)


def read_at(fd: int, offset: int, length: int) -> bytes:
    """``length`` bytes from ``offset``, fewer only where the file ends before."""
    os.lseek(fd, offset, os.SEEK_SET)
    return read_fully(fd, length)


class LateFile:
    """The whole bytes of a file, later. ``stat`` is what it was when its head was read."""

    __slots__ = ("_closed", "_data", "_stamp", "path", "size")

    def __init__(self, path: str | os.PathLike[str], stat: os.stat_result) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.size = stat.st_size
        self._stamp = _stamp(stat)
        self._data: Any = None
        self._closed = False

    def data(self) -> Buffer:
        """All bytes of the file. ``FormatError`` where it is not the file that it was, ``OSError`` where it is gone."""
        if self._data is None:
            if self._closed:
                raise FormatError("the data set was closed before this was read", where=self.path)
            self._data = self._load()
        data: Buffer = self._data
        return data

    def read(self, offset: int, length: int) -> Buffer:
        """A range of the file and nothing else of it; the same errors."""
        if self._data is not None:
            return memoryview(self._data)[offset : offset + length]
        if self._closed:
            raise FormatError("the data set was closed before this was read", where=self.path)
        fd = os.open(self.path, FLAGS)
        try:
            self._check(fd)
            return read_at(fd, offset, length)
        finally:
            os.close(fd)

    def _check(self, fd: int) -> None:
        if _stamp(os.fstat(fd)) != self._stamp:
            raise FormatError("the file was changed since its head was read", where=self.path, hint="read it again")

    def _load(self) -> Any:
        fd = os.open(self.path, FLAGS)
        try:
            self._check(fd)
            if self.size > _MAPPED:
                return _map(fd)
            data = read_fully(fd, self.size)
            if len(data) != self.size:
                raise FormatError("the file became shorter while it was read", where=self.path, hint="read it again")
            return data
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the bytes. Views that the caller still holds keep a map alive; it goes with the last of them."""
        self._closed = True
        data, self._data = self._data, None
        if isinstance(data, mmap.mmap):
            with contextlib.suppress(BufferError):
                data.close()


class LateSource:
    """The whole bytes of a source, later, and ranges of it: for what lies on another machine. Closes the source."""

    __slots__ = ("_data", "_limits", "_source", "size")

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self.size = source.size
        self._limits = limits
        self._source = source
        self._data: Any = None

    def data(self) -> Buffer:
        """All bytes: in memory, or where they are many mapped, of a source that is no file by way of a nameless
        temporary one. ``LimitError`` where more than ``limits.max_inflated`` would be fetched.
        """
        if self._data is None:
            if isinstance(self._source, FileSource) and self.size > _MAPPED:
                self._data = _map(self._source.fileno())
            elif self.size > self._limits.max_inflated:
                raise LimitError(f"all {self.size:,} bytes would have to be fetched", hint="download the file first")
            else:
                self._data = self._load()
        data: Buffer = self._data
        return data

    def _load(self) -> Any:
        if self.size <= _MAPPED:
            return self._source.read(0, self.size)
        with tempfile.TemporaryFile(buffering=0) as file:
            for at in range(0, self.size, _PIECE):
                write_all(file.fileno(), self._source.read(at, min(_PIECE, self.size - at)))
            return _map(file.fileno())

    def read(self, offset: int, length: int) -> Buffer:
        """A range, and nothing else is fetched."""
        if self._data is not None:
            return memoryview(self._data)[offset : offset + length]
        return self._source.read(offset, length)

    def read_bytes(self, offset: int, length: int) -> bytes:
        """A range, fewer bytes only where the source ends before."""
        return self._source.read(offset, max(0, min(length, self.size - offset)))

    def close(self) -> None:
        """Let go of the source and of what was fetched."""
        self._data = None
        self._source.close()


def _map(fd: int) -> mmap.mmap:
    if sys.version_info >= (3, 13):
        return mmap.mmap(fd, 0, access=mmap.ACCESS_READ, trackfd=False)
    return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
