"""Element headers as bytes, and a plan of pieces that becomes a stream (PS3.5 7.1, 7.5).

A data set is written by planning: a flat list of pieces (slices of what came in, small new bytes, values to be
swapped) whose total is known at every moment, so the header of a sequence of defined length is filled in when its
content is complete, without recursion and without copying. ``render`` then joins small pieces and cuts big ones, so
that nothing bigger than a megabyte is ever handed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kerma.encoding.source import Buffer
from kerma.encoding.swap import swapped
from kerma.encoding.syntax import UNDEFINED, Encoding
from kerma.standard import vrs

PIECE = 1 << 20
_SMALL = 1 << 16


class Swap:
    """A value whose words change their byte order on the way out."""

    __slots__ = ("size", "view")

    def __init__(self, view: memoryview, size: int) -> None:
        self.view = view
        self.size = size


Piece = Buffer | Swap


def element_header(encoding: Encoding, tag: int, vr: str, length: int) -> bytes:
    """The header of one element. A value too long for the 16-bit length of its VR is written as UN (PS3.5 6.2.2)."""
    u16, u32 = encoding.u16.pack, encoding.u32.pack
    head = u16(tag >> 16) + u16(tag & 0xFFFF)
    if not encoding.explicit:
        return head + u32(length)
    if vr not in vrs.LONG:
        if length <= 0xFFFE:
            return head + vr.encode("ascii") + u16(length)
        vr = "UN"
    return head + vr.encode("ascii") + b"\0\0" + u32(length)


def header_size(encoding: Encoding, vr: str, length: int) -> int:
    return 12 if encoding.explicit and (vr in vrs.LONG or length > 0xFFFE) else 8


def item_header(encoding: Encoding, length: int = UNDEFINED) -> bytes:
    return encoding.pair.pack(encoding.item, length)


def item_end(encoding: Encoding) -> bytes:
    return encoding.pair.pack(encoding.item_end, 0)


def sequence_end(encoding: Encoding) -> bytes:
    return encoding.pair.pack(encoding.sequence_end, 0)


class Plan:
    """Pieces in order and their total length. Slices of one buffer that touch each other become one."""

    __slots__ = ("_buf", "_end", "_start", "pieces", "total")

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.total = 0
        self._buf: Buffer | None = None
        self._start = 0
        self._end = 0

    def add(self, piece: Piece) -> None:
        if self._buf is not None:
            self._flush()
        self.pieces.append(piece)
        self.total += len(piece.view) if isinstance(piece, Swap) else len(piece)

    def copy(self, buf: Buffer, start: int, end: int) -> None:
        """``buf[start:end]`` as it is."""
        if end <= start:
            return
        self.total += end - start
        if self._buf is buf and self._end == start:
            self._end = end
            return
        if self._buf is not None:
            self._flush()
        self._buf, self._start, self._end = buf, start, end

    def reserve(self, size: int) -> int:
        """Room for a header of ``size`` bytes that is filled in later; the slot's number."""
        if self._buf is not None:
            self._flush()
        self.pieces.append(b"")
        self.total += size
        return len(self.pieces) - 1

    def fill(self, slot: int, header: bytes) -> None:
        self.pieces[slot] = header

    def finish(self) -> list[Piece]:
        if self._buf is not None:
            self._flush()
        return self.pieces

    def _flush(self) -> None:
        assert self._buf is not None
        self.pieces.append(memoryview(self._buf)[self._start : self._end])
        self._buf = None


def render(pieces: Iterable[Piece]) -> Iterator[Buffer]:
    """The plan as a stream of buffers of at most a megabyte; small pieces are joined."""
    small: list[Buffer] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, Swap):
            view, step = piece.view, piece.size
        else:
            view, step = piece, 0  # type: ignore[assignment]
        length = len(view)
        if length > _SMALL:
            if small:
                yield b"".join(small)
                small, size = [], 0
            for at in range(0, length, PIECE):
                part = memoryview(view)[at : at + PIECE]
                yield swapped(part, step) if step else part
            continue
        small.append(swapped(view, step) if step else view)
        size += length
        if size > _SMALL:
            yield b"".join(small)
            small, size = [], 0
    if small:
        yield b"".join(small)


def slices(buf: Buffer, start: int, end: int) -> Iterator[Buffer]:
    """``buf[start:end]`` in pieces of at most a megabyte, without copying."""
    view = memoryview(buf)
    for at in range(start, end, PIECE):
        yield view[at : min(end, at + PIECE)]
