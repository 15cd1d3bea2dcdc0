"""Long sequences: where 180,000 items lie, found without keeping what nobody will ask for (PS3.5 7.5).

``walk.skip`` keeps the end of every undefined length that it passes, so that nothing is walked twice. In a slide that
is a million numbers for the sake of the few items that somebody will look at. Here only the offsets of the items
themselves are kept, eight bytes each, and an item's inside is walked again when it is asked for.

Rules:

- An item of undefined length ends where ``skip`` says, or where a ``Pattern`` learnt from an earlier item matches it
  (``patterns``): that is the same, only sooner.
- Anything odd ends in None, and the caller takes the careful way. So does an item of undefined length with more than
  ``_SMALL`` bytes: sequences may nest a hundred thousand deep, and then each end must be kept, not walked for again.
- Of a mapped file the pages behind are given back as the walk goes on: the memory is bounded, not the sequence.
"""

from __future__ import annotations

import mmap
from array import array
from typing import Any

from kerma.encoding.headers import encoding_inside
from kerma.encoding.marks import Marks
from kerma.encoding.nested import skip
from kerma.encoding.patterns import Patterns
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, Encoding
from kerma.errors import FormatError
from kerma.limits import Strictness

_DROP = 4 << 20  # bytes walked over before pages are given back
_TOUCHED = 64  # places touched before pages are given back: the system maps 64 KB around each
_SMALL = 1 << 16
_PAGE = mmap.ALLOCATIONGRANULARITY


class Pages:
    """The pages of a mapped file that a walk has touched; ``passed`` gives them back. For any other buffer it does
    nothing.

    Only the map's own view of the file is let go: the bytes stay in the system's cache and come back when they are read
    again.
    """

    __slots__ = ("_advise", "_from", "_length", "_option")

    def __init__(self, buf: Any, pos: int) -> None:
        option: int = getattr(mmap, "MADV_DONTNEED", -1)
        self._advise = buf.madvise if option >= 0 and isinstance(buf, mmap.mmap) else None
        self._option = option
        self._from = pos - pos % _PAGE
        self._length = len(buf)

    def passed(self, pos: int) -> None:
        """The walk is at ``pos`` and does not go back."""
        upto = min(pos - pos % _PAGE, self._length)
        if self._advise is not None and upto > self._from:
            self._advise(self._option, self._from, upto - self._from)
            self._from = upto


def long_sequence(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, tag: int, offsets: array[int] | None = None
) -> int | None:
    """The offset of the delimiter of the undefined-length sequence, or pixel data, whose first item is at ``start``;
    the offsets of the items go into ``offsets``.

    None where anything is odd. Raises ``FormatError`` and its kinds as ``skip`` does.
    """
    pos = _after_items(buf, start, end, encoding, marks, tag, offsets)
    if pos < 0 or end - pos < 8:
        return None
    return pos if encoding.pair.unpack_from(buf, pos) == (encoding.sequence_end, 0) else None


def item_offsets(buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, tag: int) -> array[int] | None:
    """The offsets of the items of a sequence whose items fill ``start`` to ``end``; None where anything is
    odd, and where ``marks`` has the ends of the items.
    """
    if start + 8 in marks.ends:
        return None  # the ends are known
    offsets = array("Q")
    try:
        pos = _after_items(buf, start, end, encoding, marks, tag, offsets)
    except FormatError:
        return None
    return offsets if pos == end else None


def _after_items(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, tag: int, offsets: array[int] | None
) -> int:
    """The offset behind the items from ``start`` on, where something else is or no 8 bytes are left; it may be beyond
    ``end``. -1 where one is odd.
    """
    pair, item = encoding.pair.unpack_from, encoding.item
    patterns = Patterns(encoding)
    pages = Pages(buf, start)
    add = None if offsets is None else offsets.append
    touched = 0
    drop = start + _DROP
    pos = start
    while end - pos >= 8:
        key, length = pair(buf, pos)
        if key != item:
            break
        if add is not None:
            add(pos)
        if length != UNDEFINED:
            pos += 8 + length
            touched += 1 if length > _PAGE else 0
        else:
            after = patterns.end_of(buf, pos)
            pos = after if after >= 0 else _item(buf, pos, end, encoding, marks, tag, patterns)
            if pos < 0:
                break
        if pos > drop or touched > _TOUCHED:
            pages.passed(min(pos, end))
            drop, touched = pos + _DROP, 0
    return pos


def _item(buf: Buffer, at: int, end: int, encoding: Encoding, marks: Marks, tag: int, patterns: Patterns) -> int:
    """The offset after the item of undefined length at ``at``, -1 where it is odd; its pattern is learnt."""
    trial = Marks(marks.limits, Strictness.STRICT)
    end = min(end, at + 8 + _SMALL)
    if encoding_inside(buf, at + 8, end, encoding) is not encoding:
        return -1
    after = skip(buf, at + 8, end, encoding, trial, (), tag, in_item=True)
    if trial.odd or trial.bare:
        return -1
    patterns.learn(buf, at, after)
    return after
