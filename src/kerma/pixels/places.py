"""Where the bytes of one element lie, and how to get at a range of them without getting the rest.

May touch the insides of data sets; opens nothing itself. A data set that was read whole gives slices of its buffer; one
whose file is read late gives ranges of the file; one that was built gives what was assigned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.dataset.fragments import Fragments
from kerma.encoding.headers import read_header
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, key_of
from kerma.errors import PixelError, TruncatedError

Read = Callable[[int, int], Buffer]


class Place:
    """One element's value. ``start`` is its offset in the source; ``length`` is None for one of undefined length, which
    then ends at ``bound`` at the latest. ``read`` (offset, length) gives bytes of the source.
    """

    __slots__ = ("bound", "length", "little_endian", "read", "start", "vr", "whole")

    def __init__(
        self, start: int, length: int | None, bound: int, vr: str, little_endian: bool, read: Read, whole: Any
    ) -> None:
        self.start = start
        self.length = length
        self.bound = bound
        self.vr = vr
        self.little_endian = little_endian
        self.read = read
        self.whole = whole
        """Gives a buffer of the whole source, for walks."""

    @property
    def size(self) -> int:
        """Bytes of the value, at most."""
        return self.bound - self.start if self.length is None else self.length

    def range(self, offset: int, length: int) -> Buffer:
        """``length`` bytes at ``offset`` of the source. ``TruncatedError`` where they are not there."""
        missing = offset + length - self.bound
        if offset < self.start or length < 0 or missing > 0:
            raise TruncatedError("the pixel data end before that", missing=max(missing, 1), offset=offset)
        data = self.read(offset, length)
        if len(data) != length:
            raise TruncatedError("the source became shorter", missing=length - len(data), offset=offset)
        return data


def place_of(ds: Dataset, tag: int) -> Place | Fragments:
    """The place of the value of ``tag``; ``PixelError`` where it is absent.

    Encapsulated pixel data that was assigned is given as it is.
    """
    body = ds._body
    at = body.find(key_of(tag))
    if at is None:
        raise PixelError(f"the data set has no element ({tag >> 16:04X},{tag & 0xFFFF:04X})")
    if isinstance(at, str):
        value = body.cache[key_of(tag)]
        if isinstance(value, Fragments):
            return value
        return _assigned(b"" if value is None else value, at)
    read = _reader(body)
    head = body.marks.odd.get(at) if body.marks.odd else None
    if head is None:
        # The header alone, put where it would be read from the whole.
        near = read_header(bytes(read(at, min(12, body.end - at))).ljust(12, b"\0"), 0, body.encoding)
        head = near._replace(value=near.value + at)
    length = None if head.length == UNDEFINED else head.length
    bound = body.end if length is None else min(head.value + length, body.end)
    return Place(head.value, length, bound, body.vr_of(head), body.encoding.little_endian, read, lambda: body.buf)


def _reader(body: Body) -> Read:
    """Ranges of what ``body`` was read from: of its buffer, or of the file that is read late."""
    full = body.full
    if full is not None:
        view = memoryview(full)
        return lambda offset, length: view[offset : offset + length]
    window = body.window
    late = getattr(body.late, "__self__", None)
    ranged: Read | None = getattr(late, "read", None)

    def read(offset: int, length: int) -> Buffer:
        if offset + length <= len(window):
            return memoryview(window)[offset : offset + length]
        if ranged is None or body.full is not None:
            return memoryview(body.buf)[offset : offset + length]
        return ranged(offset, length)

    return read


def _assigned(value: Buffer, vr: str) -> Place:
    view = memoryview(value)

    def read(offset: int, length: int) -> Buffer:
        return view[offset : offset + length]

    return Place(0, len(view), len(view), vr, True, read, lambda: view)
