"""Fragments of encapsulated pixel data as items, and how they make frames (PS3.5 A.4).

``walk`` goes over item headers; ``group`` says which fragments make which frame where no table does. A code stream says
in its first bytes that it begins: that is what tells the frames apart when each has several fragments.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable

from kerma.encoding.source import Buffer
from kerma.errors import FormatError

ITEM = 0xE000FFFE
SEQUENCE_END = 0xE0DDFFFE
PAIR = struct.Struct("<II")
UNDEFINED = 0xFFFFFFFF

BEGINNINGS: tuple[bytes, ...] = (
    b"\xff\xd8",  # JPEG, JPEG-LS
    b"\xff\x4f\xff\x51",  # JPEG 2000, HTJ2K
    b"\xff\x0a",  # JPEG XL
    b"\0\0\0\x0cJXL ",  # JPEG XL in boxes
    b"\0\0\0\x0cjP  ",  # JPEG 2000 in boxes, which DICOM does not have but files do
)
"""How code streams begin; RLE and deflated ones say nothing of the kind."""


class Spans:
    """(offset, length) of fragments, in 16 bytes each."""

    __slots__ = ("lengths", "offsets")

    def __init__(self) -> None:
        self.offsets = array("Q")
        self.lengths = array("Q")

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, offset: int, length: int) -> None:
        self.offsets.append(offset)
        self.lengths.append(length)

    def between(self, first: int, last: int) -> list[tuple[int, int]]:
        return list(zip(self.offsets[first:last], self.lengths[first:last], strict=True))


def walk(buf: Buffer, pos: int, end: int) -> tuple[Spans, bool]:
    """The fragments from ``pos`` to the delimiter or ``end``, and whether all of them and the delimiter were there.

    What comes behind damage is not looked at.
    """
    spans = Spans()
    unpack = PAIR.unpack_from
    offsets, lengths = spans.offsets, spans.lengths
    while pos + 8 <= end:
        tag, length = unpack(buf, pos)
        pos += 8
        if tag != ITEM:
            return spans, tag == SEQUENCE_END
        if length > end - pos:
            return spans, False
        offsets.append(pos)
        lengths.append(length)
        pos += length
    return spans, False


def group(count: int, frames: int, head: Callable[[int], bytes], *, one_each: bool) -> array[int] | None:
    """The first fragment of each frame, and the count behind the last; fewer frames than ``frames`` where there are not
    as many. None where nothing tells the frames apart.

    ``head`` gives the first bytes of a fragment; ``one_each``: the syntax has exactly one fragment a frame.
    """
    if count <= frames or one_each:
        return array("Q", range(min(count, frames) + 1))
    if frames == 1:
        return array("Q", (0, count))
    starts = array("Q", (number for number in range(count) if head(number).startswith(BEGINNINGS)))
    if len(starts) != frames or starts[0]:
        return None
    starts.append(count)
    return starts


def item_at(data: Buffer, pos: int, offset: int) -> int:
    """The length of the item whose header is at ``pos`` of ``data``; ``FormatError`` where there is no item."""
    if pos + 8 <= len(data):
        tag, length = PAIR.unpack_from(data, pos)
        if tag == ITEM and length != UNDEFINED:
            return int(length)
    raise FormatError("no fragment begins there", offset=offset)
