"""Reading around damage: where elements go on behind bytes that are none (PS3.5 7.1, 7.5), for ``Strictness.SALVAGE``.

Called only where a careful reading has failed. Rules of this module:

- Nothing is repaired by guessing at lengths. An element is given whole or not at all; of a cut sequence, the items and
  elements that are whole.
- Reading goes on only where a *run* of element headers proves itself: known tags in ascending order with a VR that the
  standard gives them, up to the end, to a delimiter, or for several elements.
- All damage is noted once, by its offset, with severity "error" and with the bytes that belong to no element.
- The work is bounded by the size of what is read: each search goes forward, and their sum has a limit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kerma.encoding.headers import tag_text
from kerma.encoding.marks import Header, Marks, Salvage
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, Encoding, key_of
from kerma.errors import FormatError, TruncatedError
from kerma.findings import Finding
from kerma.standard import elements

if TYPE_CHECKING:
    from kerma.encoding.walk import Level, Walk

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_VR = re.compile(rb"(?=A[EST]|CS|D[AST]|F[DL]|IS|L[OT]|O[BDFLVW]|PN|S[HLQSTV]|U[CILNRSTV])")
_TAG = re.compile(rb"(?s)(?=(?:[^\0][\0\x20\x22\x30\x40\x50\x54\x60\x70\x7f]|\0[\x20-\x70]).{5}(?:[\0-\x0f]|\xff))")
_LITTLE_ENDS = re.compile(rb"(?s)\xfe\xff(?:\0\xe0|\x0d\xe0\0{4}|\xdd\xe0\0{4})")
_BIG_ENDS = re.compile(rb"(?s)\xff\xfe(?:\xe0\0|\xe0\x0d\0{4}|\xe0\xdd\0{4})")
_LONGEST_RUN = 48  # headers that are looked at to believe a run
_BELIEVED = 3  # of which at least so many are known, where the run does not come to an end
_FREE, _TIMES = 64 << 20, 8  # bytes that all searches together may look at: so many, and so many times the source
_MOST = 1000  # places of damage; behind them nothing is searched


def note(marks: Marks, error: FormatError, kept: tuple[int, int] | None, more: str = "") -> None:
    """Damage as a ``Finding``, once for each offset."""
    state = marks.salvage
    assert state is not None
    offset = error.offset if error.offset is not None else kept[0] if kept is not None else 0
    if offset in state.damage:
        return
    text = error.message
    if kept is not None and kept[1] > kept[0]:
        text += f"; {kept[1] - kept[0]} bytes from offset {kept[0]} are kept as they are"
    missing = error.missing if isinstance(error, TruncatedError) else 0
    finding = Finding(
        "cut" if missing else "damaged",
        text + more,
        offset,
        error.path,
        "PS3.5 7.1",
        severity="error",
        missing=missing,
        kept=kept,
    )
    state.damage[offset] = finding
    marks.findings.append(finding)


# -- where reading goes on ---------------------------------------------------------------------------------------------


def go_on(
    buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, floor: int, *, nested: bool = False
) -> int:
    """The offset from ``pos`` on where elements go on, ``end`` where they do not.

    ``floor`` is the tag of the last whole element. ``nested``: in an item, where a delimiter also ends the search.
    """
    state = marks.salvage
    assert state is not None
    if not may_search(state, end - pos, len(buf)):
        return end
    stop = next_end(buf, pos, end, encoding) if nested else end
    pattern, back = (_VR, 4) if encoding.explicit else (_TAG, 0)
    step = 1 << 20
    at = pos
    while at < stop:  # in pieces: what is searched may be a map of gigabytes
        piece = bytes(buf[at : min(stop, at + step + 16)])
        for match in pattern.finditer(piece):
            start = at + match.start() - back
            if start >= at + step:
                break
            if pos <= start < stop and _runs(buf, start, end, encoding, floor, nested=nested):
                return start
        at += step
    return stop


def next_end(buf: Buffer, pos: int, end: int, encoding: Encoding) -> int:
    """The offset of the next item or delimiter, ``end`` where there is none."""
    pattern = _LITTLE_ENDS if encoding.little_endian else _BIG_ENDS
    step = 1 << 8  # doubled: what lies near is found without a copy of a megabyte
    while pos < end:
        piece = bytes(buf[pos : min(end, pos + step + 8)])
        match = pattern.search(piece)
        if match is not None:
            return pos + match.start() if pos + match.start() + 8 <= end else end
        pos += step
        step = min(step << 1, 1 << 20)
    return end


def may_search(state: Salvage, size: int, whole: int) -> bool:
    """Whether another ``size`` bytes may be searched: damage and work stay bounded, whatever the file holds."""
    state.searched += size
    return len(state.damage) < _MOST and state.searched <= _FREE + _TIMES * whole


def _runs(buf: Buffer, pos: int, end: int, encoding: Encoding, floor: int, *, nested: bool) -> bool:
    """Whether a run of elements begins at ``pos``."""
    known = 0
    needed = _BELIEVED
    last = -1
    for _ in range(_LONGEST_RUN):
        if end - pos < 8:
            return pos == end and known > 0 and (needed == _BELIEVED or known >= needed)
        header = bare_header(buf, pos, end, encoding)
        if header is None:
            return known > needed
        tag = key_of(header.key)
        if tag >> 16 == 0xFFFE:
            return nested and tag != _ITEM and known > 0
        if tag <= last:
            return known > needed
        if last < 0 and tag <= floor:
            needed += 3  # back to smaller tags: only on better evidence
        last = tag
        if not _fits(tag, header.vr):
            return False
        known += elements.lookup(tag) is not None
        if header.length == UNDEFINED:
            return known > 0 and _tag_at(buf, header.value, end, encoding) in {_ITEM, _SEQUENCE_END}
        pos = header.value + header.length
        if pos > end:
            return known >= needed
    return True


def bare_header(buf: Buffer, pos: int, end: int, encoding: Encoding) -> Header | None:
    """The header at ``pos`` as its bytes say, None where they say nothing; its value may go past ``end``."""
    if end - pos < 8:
        return None
    if not encoding.explicit:
        key, length = encoding.header.unpack_from(buf, pos)
        return Header(key, "", length, pos + 8)
    key, code, length = encoding.header.unpack_from(buf, pos)
    if not encoding.little_endian:
        key = key_of(key)
    if key & 0xFFFF == 0xFFFE:
        return Header(key, "", 0, pos + 8)
    if code in encoding.short:
        return Header(key, encoding.vr_of[code], length, pos + 8)
    if code not in encoding.long or end - pos < 12:
        return None
    return Header(key, encoding.vr_of[code], encoding.u32.unpack_from(buf, pos + 8)[0], pos + 12)


def _fits(tag: int, vr: str) -> bool:
    """Whether an element of ``tag`` may have ``vr``; "" is implicit VR."""
    row = elements.lookup(tag)
    if row is None:
        return bool(tag & 0x10000 or not tag & 0xFFFF or vr)
    words = {"OB", "OW"}
    return vr in {"", "UN"} or vr in row.vrs or (vr in words and not words.isdisjoint(row.vrs))


def _tag_at(buf: Buffer, pos: int, end: int, encoding: Encoding) -> int:
    if end - pos < 8:
        return 0
    key = int(encoding.u32.unpack_from(buf, pos)[0])
    return next(
        (tag for tag, mark in ((_ITEM, encoding.item), (_ITEM_END, encoding.item_end)) if key == mark),
        _SEQUENCE_END if key == encoding.sequence_end else 0,
    )


def holds_items(buf: Buffer, header: Header, end: int, encoding: Encoding) -> bool:
    """Whether the value of a header that may go too far is a sequence: by its VR or the dictionary, and by how it
    begins.
    """
    vr = header.vr or elements.vr_of(key_of(header.key))
    return vr in {"SQ", "UN"} and _tag_at(buf, header.value, end, encoding) == _ITEM


# -- inside undefined lengths ------------------------------------------------------------------------------------------


def mend(walk: Walk, error: FormatError, state: Salvage) -> None:
    """Bring ``walk`` past the place where it failed; what it closes ends there."""
    level = walk.stack[-1]
    at = error.offset if error.offset is not None else walk.pos
    if level.in_item:
        _mend_item(walk, level, at, error)
    elif level.tag in _PIXELS:
        _mend_fragments(walk, level, at, error, state)
    else:
        _mend_sequence(walk, level, at, error, state)


def _mend_item(walk: Walk, level: Level, at: int, error: FormatError) -> None:
    buf, end, encoding = walk.buf, walk.end, level.encoding
    after = go_on(buf, at + 1, end, encoding, walk.marks, -1, nested=True)
    note(walk.marks, error, (at, after))
    if after >= end:
        _close_all(walk)
        return
    walk.pos = after
    if _tag_at(buf, after, end, encoding) == _ITEM:  # the next item: this one has lost its delimiter
        _close(walk, level, after)


def _mend_fragments(walk: Walk, level: Level, at: int, error: FormatError, state: Salvage) -> None:
    """Fragments count by their order: those before the damage are given, none behind it."""
    buf, end, encoding = walk.buf, walk.end, level.encoding
    after = min(at + 8, end)
    while after < end and _tag_at(buf, after, end, encoding) != _SEQUENCE_END:
        if not may_search(state, 0, len(buf)):
            after = end
            break
        after = next_end(buf, after + 1, end, encoding)
    note(walk.marks, error, (at, after))
    _close(walk, level, at)
    walk.pos = state.resume[level.start] = min(after + 8, end)


def _mend_sequence(walk: Walk, level: Level, at: int, error: FormatError, state: Salvage) -> None:
    buf, end, encoding = walk.buf, walk.end, level.encoding
    cut = _tag_at(buf, at, end, encoding) == _ITEM  # an item that goes past the end: its whole elements are given
    after = end if cut or not may_search(state, end - at, len(buf)) else next_end(buf, at + 1, end, encoding)
    note(walk.marks, error, None if cut else (at, after))
    if after >= end:
        if not cut and at < end:
            state.gaps[at] = end
        _close_all(walk)
        return
    state.gaps[at] = after
    walk.pos = after


def _close(walk: Walk, level: Level, pos: int) -> None:
    marks = walk.marks
    assert marks.salvage is not None
    marks.ends[level.start] = pos
    marks.bare.add(level.start)
    marks.salvage.mended.add(level.start)
    walk.pos = pos
    walk.stack.pop()
    if level.in_item and walk.stack:
        walk.stack[-1].count += 1


def _close_all(walk: Walk) -> None:
    """All that is open ends with what holds it."""
    for level in reversed(walk.stack[:]):
        _close(walk, level, walk.end)


def forget(marks: Marks, start: int, end: int) -> None:
    """Take back what was found out of the bytes from ``start`` to ``end``, before they are read in another encoding."""
    state = marks.salvage
    assert state is not None
    marks.forget(start, end)
    for known in (state.damage, state.gaps, state.resume):
        for at in [at for at in known if start <= at < end]:
            del known[at]
    state.mended = {at for at in state.mended if not start <= at < end}


def behind(error: FormatError, last: int | None) -> str:
    """What is to be said of the element before damage that is no cut: its length may be what is wrong."""
    if last is None or isinstance(error, TruncatedError):
        return ""
    return f"; the value of {tag_text(last)} before it may be wrong too"
