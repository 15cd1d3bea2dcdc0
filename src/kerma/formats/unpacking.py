"""Compressed bytes as a stream, within bounds: gzip (RFC 1952), bzip2 and xz.

Rules: what comes out is counted as it comes, against ``ArchiveLimits``; a decompressor may use 256 MB at most; a stream
that ends early is ``TruncatedError``, never shorter content.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import IO, Any, Final

from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.limits import ArchiveLimits

MAGIC: Final = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_STEP = 1 << 16
_MEMORY = 256 << 20
_FREE = 1 << 20  # bytes that may come out of however little went in


def kind_of(head: bytes) -> str | None:
    """``gzip``, ``bzip2``, ``xz`` or None, by the first bytes."""
    return next((kind for kind, magic in MAGIC.items() if head.startswith(magic)), None)


class Unpacked(io.RawIOBase):
    """What ``file`` (from where it stands, ``packed`` bytes) decompresses to. The file stays the caller's."""

    def __init__(self, file: IO[bytes], kind: str, packed: int, limits: ArchiveLimits) -> None:
        self._file = file
        self._kind = kind
        self._bound = min(limits.max_total, limits.max_ratio * packed + _FREE)
        self._stream = self._new()
        self._pending = b""
        self._count = 0
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._some(len(view))
        view[: len(data)] = data
        self._count += len(data)
        if self._count > self._bound:
            raise LimitError(f"the compressed file unpacks to more than {self._bound:,} bytes")
        return len(data)

    def _new(self) -> Any:
        if self._kind == "gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        return bz2.BZ2Decompressor() if self._kind == "bzip2" else lzma.LZMADecompressor(memlimit=_MEMORY)

    def _some(self, size: int) -> bytes:
        """At least one byte, at most ``size``; nothing at the end."""
        while True:
            if self._stream.eof:
                # Streams may follow each other, and zeros may fill up the last block of a tape.
                self._pending = self._stream.unused_data.lstrip(b"\0") or self._file.read(_STEP).lstrip(b"\0")
                if not self._pending:
                    return b""
                self._stream = self._new()
                self._begun = False
            if not self._pending and self._hungry():
                self._pending = self._file.read(_STEP)
                if not self._pending and self._begun:
                    raise TruncatedError(f"the {self._kind} stream does not end", missing=1, offset=self._count)
                if not self._pending:
                    return b""
            data = self._step(size)
            if data:
                return data

    def _hungry(self) -> bool:
        return self._kind == "gzip" or bool(self._stream.needs_input)

    def _step(self, size: int) -> bytes:
        self._begun = True
        try:
            data: bytes = self._stream.decompress(self._pending, size)
        except (zlib.error, OSError, lzma.LZMAError, ValueError) as error:
            text = " ".join(str(error).split())[:80]
            raise FormatError(f"broken {self._kind} stream: {text}", offset=self._count) from None
        self._pending = self._stream.unconsumed_tail if self._kind == "gzip" else b""
        return data
