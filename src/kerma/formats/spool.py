"""Pieces that are made before they can be written: in memory while they are few, in a temporary file beyond.

For pixel data, whose offset table and compression ratio stand in front of frames that are not made yet. Rules: the file
has no name where the system lets it have none, and goes with the last view of it; what is kept in memory is bounded by
the constructor.
"""

from __future__ import annotations

import mmap
import tempfile
from itertools import accumulate
from typing import IO

from kerma.encoding.source import Buffer
from kerma.formats.saving import write_all

IN_MEMORY = 32 << 20


class Spool:
    """Takes pieces and gives them back as views, in the order that they came in."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._bound = in_memory
        self._held: list[Buffer] = []
        self._lengths: list[int] = []
        self._file: IO[bytes] | None = None
        self.size = 0
        """Bytes so far."""

    def add(self, piece: Buffer) -> None:
        """Take a piece, which must not change any more."""
        self.size += len(piece)
        self._lengths.append(len(piece))
        if self._file is None and self.size <= self._bound:
            self._held.append(piece)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="kerma-", buffering=0)  # noqa: SIM115 - lives as long as the spool
            for held in self._held:
                self._write(held)
            self._held = []
        self._write(piece)

    def _write(self, piece: Buffer) -> None:
        assert self._file is not None
        write_all(self._file.fileno(), piece)

    def whole(self) -> Buffer:
        """All pieces in one buffer; of a temporary file it is a map."""
        if self._file is None:
            return self._held[0] if len(self._held) == 1 else b"".join(self._held)
        view = memoryview(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ))
        self._file.close()
        return view

    def pieces(self) -> list[Buffer]:
        """The pieces one by one."""
        if self._file is None:
            return self._held
        view = memoryview(self.whole())
        ends = list(accumulate(self._lengths))
        return [view[end - length : end] for end, length in zip(ends, self._lengths, strict=True)]

    def close(self) -> None:
        """Forget everything, where nobody wants it any more."""
        self._held = []
        if self._file is not None:
            self._file.close()
