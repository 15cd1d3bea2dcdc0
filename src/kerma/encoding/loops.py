"""The loops over element headers, typed: one source, run as plain Python or compiled (PS3.5 7.1; PS3.10 7.1).

The build of the compiled twin reads the import of ``shadow`` as ``import cython`` and that of ``raw`` as the C
functions of ``raw.pxd``; every other line is the same in both. The plain one is always there, and it is what the
compiled one is tested against. ``kerma.encoding.twin`` says which is in use.

Rules:

- Nothing is read before the loop has made sure that it lies inside the held buffer: ``last`` is the last offset at
  which 8 bytes are left.
- Offsets are signed 64-bit numbers and at most the size of a buffer; a length from outside has 32 bits. A sum of one
  of each cannot overflow, and it is compared with ``last`` before anything is read at it.
- The loops decide nothing that is odd: they stop, and their caller goes over the same bytes with ``careful``.
- A compiled loop gives ``Places``: tag and offset of each element in 8 bytes, in the order of the tags, so that a
  header that is only looked into costs no object per element. A plain loop, and a compiled one where there are too
  many elements or they are out of order, gives the dict that is quickest in Python.
"""

from __future__ import annotations

from typing import Any

from kerma.encoding import shadow as cython
from kerma.encoding.marks import Marks
from kerma.encoding.places import DECIMAL, Index, Places, unpack
from kerma.encoding.raw import data_in, data_of, drop, header, hold, pair, put, record, size_of, taken, word
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, KINDS, Encoding
from kerma.encoding.walk import skip
from kerma.errors import ValueFormatError

COMPILED = cython.compiled
DIGEST = ""
"""In the twin: of what it was compiled from."""

_ITEM = 0xE000FFFE
_ITEM_END = 0xE00DFFFE
_SEQUENCE_END = 0xE0DDFFFE
_new_float = float.__new__


def spans(places: Places, end: cython.longlong, stops: list[int]) -> list[tuple[int, int, int]]:
    """Of elements that lie one behind the other up to ``end``: (tag, start, stop) of each run of them between the tags
    of ``stops``, which ascend. Those themselves and group lengths, retired by PS3.5 7.2, are in no run.
    """
    runs: list[tuple[int, int, int]] = []
    count: cython.longlong = len(places) >> 3
    number: cython.longlong = 0
    waiting: cython.longlong = 0
    many: cython.longlong = len(stops)
    stop: cython.longlong = 1 << 40
    start: cython.longlong = -1
    first: cython.longlong = 0
    tag: cython.longlong
    at: cython.longlong
    found: cython.ulonglong
    while number < count:
        found = record(places, number)
        tag = found >> 32
        at = found & 0xFFFFFFFF
        stop = stops[waiting] if waiting < many else 1 << 40
        if start >= 0 and (tag >= stop or tag & 0xFFFF == 0):
            runs.append((first, start, at))
            start = -1
        while waiting < many and stops[waiting] < tag:
            waiting += 1
        stop = stops[waiting] if waiting < many else 1 << 40
        if start < 0 and tag != stop and tag & 0xFFFF:
            first, start = tag, at
        number += 1
    if start >= 0:
        runs.append((first, start, end))
    return runs


def find(places: Places, key: cython.uint) -> int:
    """The offset of the element with an index key, -1 where there is none."""
    tag: cython.ulonglong = (key & 0xFFFF) << 16 | key >> 16
    low: cython.longlong = 0
    high: cython.longlong = len(places) >> 3
    middle: cython.longlong
    found: cython.ulonglong
    while low < high:
        middle = (low + high) >> 1
        found = record(places, middle)
        if found >> 32 < tag:
            low = middle + 1
        elif found >> 32 > tag:
            high = middle
        else:
            return found & 0xFFFFFFFF
    return -1


def short(places: Places, buf: bytes, key: cython.uint, explicit: bool) -> tuple[int, bytes] | None:
    """The VR code (0 in implicit VR) and the bytes of a value of a little endian data set.

    None where there is no such element, and for what is not short and simple: a VR of 32-bit length, no bytes or
    ``MANY`` of them, or a value that is not all in ``buf``.
    """
    at: cython.longlong = find(places, key)
    vr: cython.uint = 0
    length: cython.uint = 0
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    size: cython.longlong = len(buf)
    if at < 0 or at > size - 8:
        return None
    data = data_in(buf)
    if explicit:
        _, vr, length = header(data, at)
        if kinds[vr] != 1:
            return None
    else:
        _, length = pair(data, at)
    if length == 0 or length >= 1024 or length > size - 8 - at:
        return None
    return vr, buf[at + 8 : at + 8 + length]


def decimals(raw: bytes, kind: Any) -> Any:
    """The value of a DS, made of ``kind``, a ``float`` that has a ``text``; a tuple where there are several, of which
    empty ones are None (PS3.5 6.2).

    None where ``values`` is to decide: no number at all, or a byte that is none of a decimal number's.
    """
    table: bytes = DECIMAL
    known: cython.p_uchar = table
    size: cython.longlong = len(raw)
    at: cython.longlong = 0
    data = data_in(raw)
    while at < size:
        if not known[data[at]]:
            return None
        at += 1
    parts: list[Any] = []
    for part in raw.decode("ascii").split("\\"):
        text = part.strip(" \0")
        value: Any = None
        if text:
            try:
                value = _new_float(kind, text)
            except ValueError:
                return None
            value.text = text
        parts.append(value)
    return parts[0] if len(parts) == 1 else tuple(parts)


@cython.cclass
class Fields:
    """What reading the short values of one little endian data set needs, near at hand. ``buf`` does not change."""

    places: Places
    buf: bytes
    explicit: cython.bint
    cache: dict[int, Any]
    charsets: Any

    def __init__(self, places: Places, buf: bytes, explicit: bool, cache: dict[int, Any]) -> None:
        self.places = places
        self.buf = buf
        self.explicit = explicit
        self.cache = cache
        self.charsets = None

    def spell(self, charsets: Any) -> None:
        """The character sets that text is in, once the data set knows them."""
        self.charsets = charsets

    def short(self, key: cython.uint) -> bytes | None:
        """The bytes of a value that is short and simple."""
        found = short(self.places, self.buf, key, self.explicit)
        return None if found is None else found[1]


@cython.cclass
class Keyword:
    """A keyword as an attribute of data sets: gives the values that are short and simple, and asks ``otherwise`` for
    all others.

    ``decoders`` has for a VR code, 0 in implicit VR, either what remembers values, which is indexed, or what decodes
    text, which is called with the data set's character sets.
    """

    key: cython.uint
    number: int
    explicit: dict[int, Any]
    implicit: dict[int, Any]
    otherwise: Any

    def __init__(self, key: int, explicit: dict[int, Any], implicit: dict[int, Any], otherwise: Any) -> None:
        self.key = key
        self.number = key
        self.explicit = explicit
        self.implicit = implicit
        self.otherwise = otherwise

    def __get__(self, ds: Any, owner: Any) -> Any:
        if ds is None:
            return self
        fields: Fields | None = ds._body.fields
        if fields is None:
            return self.otherwise(ds)
        value = fields.cache.get(self.number)
        if value is not None:
            return value
        found = short(fields.places, fields.buf, self.key, fields.explicit)
        if found is None:
            return self.otherwise(ds)
        decoder = (self.explicit if fields.explicit else self.implicit).get(found[0])
        if isinstance(decoder, dict):
            try:
                value = decoder[found[1]]
            except ValueFormatError:
                return self.otherwise(ds)
        elif decoder is None:
            return self.otherwise(ds)
        else:
            charsets = fields.charsets
            value = decoder(found[1], True, ds._body.charsets if charsets is None else charsets)
        fields.cache[self.number] = value
        return value


@cython.cfunc
def _past(data: cython.p_uchar, pos: cython.longlong, end: cython.longlong, explicit: cython.bint) -> cython.longlong:
    """The offset after the element at ``pos``, which has 8 bytes before ``end``: -1 where it is not plain, and of one
    of undefined length the offset of its value, negated.
    """
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    key: cython.uint
    vr: cython.uint
    length: cython.uint
    key, length = pair(data, pos)
    if key & 0xFFFF == 0xFFFE and key >> 16 >= 0xE000:
        return -1
    if explicit:
        key, vr, length = header(data, pos)
        if kinds[vr] == 1:
            return pos + 8 + length if pos + 8 + length <= end else -1
        if kinds[vr] != 2 or pos > end - 12:
            return -1
        length = word(data, pos + 8)
        pos += 4
    if length == 0xFFFFFFFF:
        return -pos - 8
    return pos + 8 + length if pos + 8 + length <= end and not length & 1 else -1


def walked(
    buf: Buffer, start: cython.longlong, end: cython.longlong, explicit: bool, in_item: bool, marks: Marks
) -> int:
    """The offset after the undefined-length value that begins at ``start``: what ``walk.skip`` gives in little endian,
    where all inside is plain; what it notes about ends is noted. -1 where ``skip`` is to decide.

    ``in_item`` says that the value is one item instead of a sequence.
    """
    if marks.odd or marks.salvage is not None or start < 0:
        return -1
    held = hold(buf)
    try:
        return _walk(data_of(held), start, min(end, size_of(held)), explicit, in_item, marks)
    finally:
        drop(held)


@cython.cfunc
def _walk(
    data: cython.p_uchar, pos: cython.longlong, end: cython.longlong, plain: bool, item: bool, marks: Marks
) -> cython.longlong:
    """The same; ``plain`` says whether the innermost open value is in explicit VR, ``item`` whether it is an item."""
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    begin: cython.longlong = pos  # of the innermost open value
    depth: cython.longlong = 1
    deepest: cython.longlong = 2 * marks.limits.max_depth
    last: cython.longlong = end - 8
    after: cython.longlong
    key: cython.uint
    vr: cython.uint
    length: cython.uint
    around: list[tuple[int, bool, bool]] = []
    ends: list[tuple[int, int]] = []
    while pos <= last:
        key, length = pair(data, pos)
        if key == (_ITEM_END if item else _SEQUENCE_END):
            ends.append((begin, pos))
            pos += 8
            depth -= 1
            if depth == 0:
                marks.ends.update(ends)
                return pos
            begin, item, plain = around.pop()
            continue
        if not item:
            if key != _ITEM:
                return -1
            pos += 8
            if length != 0xFFFFFFFF and pos + length <= end:
                pos += length
                continue
            if length != 0xFFFFFFFF or pos > last:
                return -1
            key, vr, length = header(data, pos)
            if (kinds[vr] != 0) != plain and key != _ITEM_END:  # maybe in the other VR form
                return -1
        else:
            vr = header(data, pos)[1]
            after = _past(data, pos, end, plain)
            if after >= 0:
                pos = after
                continue
            if after == -1:
                return -1
            pos = -after
        if depth >= deepest:
            return -1
        around.append((begin, item, plain))
        begin = pos
        plain = plain and not (item and vr == 0x4E55)  # UN
        item = not item
        depth += 1
    return -1


def _skipped(buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, path: Any, tag: int) -> int:
    """The offset after an undefined-length value."""
    after = -1 if start in marks.ends else walked(buf, start, end, encoding.explicit, False, marks)
    return after if after >= 0 else skip(buf, start, end, encoding, marks, path, tag)


def _stray(index: Index | None, places: Places) -> bool:
    """Whether there is a delimiter among the elements; then ``careful`` is to decide."""
    if index is not None:
        return _ITEM in index or _ITEM_END in index or _SEQUENCE_END in index
    return find(places, _ITEM) >= 0 or find(places, _ITEM_END) >= 0 or find(places, _SEQUENCE_END) >= 0


def scan_explicit(
    buf: Buffer, start: cython.longlong, end: cython.longlong, marks: Marks, path: tuple[int, ...]
) -> tuple[Index | Places, int]:
    """Where the elements of an explicit little endian data set lie, and the offset at which the loop stopped.

    That is ``end`` where all is plain, the offset of the first header that is odd or not all in ``buf``, beyond ``end``
    where a value is, or -1 where a delimiter was among the elements. Raises as ``skip`` does.
    """
    index: Index | None = None if cython.compiled else {}
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    pos: cython.longlong = start
    after: cython.longlong
    count: cython.longlong = 0
    key: cython.uint
    vr: cython.uint
    length: cython.uint
    held = hold(buf)
    try:
        data = data_of(held)
        end = min(end, size_of(held))
        last: cython.longlong = end - 8 if start >= 0 else start - 1
        while pos <= last:
            key, vr, length = header(data, pos)
            if kinds[vr] == 1:
                after = pos + 8 + length
            elif kinds[vr] == 2:
                if pos > last - 4:
                    break
                length = word(data, pos + 8)
                if length == 0xFFFFFFFF:
                    inside = IMPLICIT_LE if vr == 0x4E55 else EXPLICIT_LE
                    after = _skipped(buf, pos + 12, end, inside, marks, path, (key & 0xFFFF) << 16 | key >> 16)
                else:
                    after = pos + 12 + length
            else:
                break
            if index is not None:
                index[key] = pos
            elif put(held, count, key, pos):
                count += 1
            else:
                index = unpack(taken(held, count))
                index[key] = pos
            pos = after
        places: Places = taken(held, count)
        if _stray(index, places):
            pos = -1
        return (places if index is None else index), pos
    finally:
        drop(held)


def scan_implicit(
    buf: Buffer, start: cython.longlong, end: cython.longlong, marks: Marks, path: tuple[int, ...]
) -> tuple[Index | Places, int]:
    """The same for implicit VR little endian; a tag of zeros, which padding would be, is as a delimiter."""
    index: Index | None = None if cython.compiled else {}
    pos: cython.longlong = start
    after: cython.longlong
    count: cython.longlong = 0
    key: cython.uint
    length: cython.uint
    held = hold(buf)
    try:
        data = data_of(held)
        end = min(end, size_of(held))
        last: cython.longlong = end - 8 if start >= 0 else start - 1
        while pos <= last:
            key, length = pair(data, pos)
            if length == 0xFFFFFFFF:
                after = _skipped(buf, pos + 8, end, IMPLICIT_LE, marks, path, (key & 0xFFFF) << 16 | key >> 16)
            else:
                after = pos + 8 + length
            if index is not None:
                index[key] = pos
            elif put(held, count, key, pos):
                count += 1
            else:
                index = unpack(taken(held, count))
                index[key] = pos
            pos = after
        places: Places = taken(held, count)
        if _stray(index, places) or (0 in index if index is not None else find(places, 0) >= 0):
            pos = -1
        return (places if index is None else index), pos
    finally:
        drop(held)


def meta(buf: Buffer, start: cython.longlong) -> tuple[Index | Places, int, bytes]:
    """Where the elements of group 0002 lie in explicit little endian, the offset after them, and the value of
    TransferSyntaxUID (0002,0010).

    The offset is -1 where anything is odd: a VR, a group length that is not the first element or not right, no syntax,
    or where no 8 bytes follow.
    """
    index: Index | None = None if cython.compiled else {}
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    pos: cython.longlong = start
    count: cython.longlong = 0
    syntax: cython.longlong = -1
    syntax_length: cython.uint = 0
    key: cython.uint
    vr: cython.uint
    length: cython.uint
    held = hold(buf)
    try:
        data = data_of(held)
        last: cython.longlong = size_of(held) - 8 if start >= 0 else start - 1
        while pos <= last:
            key, vr, length = header(data, pos)
            if key & 0xFFFF != 2:
                # The group length counts from behind its own 12 bytes, which were read on the way.
                if syntax < 0 or word(data, start) != 2 or word(data, start + 8) + start + 12 != pos:
                    break
                uid = bytes(buf[syntax : syntax + syntax_length])
                return (taken(held, count) if index is None else index), pos, uid
            if index is not None:
                index[key] = pos
            elif put(held, count, key, pos):
                count += 1
            else:
                index = unpack(taken(held, count))
                index[key] = pos
            if kinds[vr] == 1:
                if key == 0x00100002:
                    syntax, syntax_length = pos + 8, length
                if pos == start and length != 4:
                    break
                pos += 8 + length
            elif kinds[vr] == 2 and pos != start and pos <= last - 4:
                pos += 12 + word(data, pos + 8)
            else:
                break
        return {}, -1, b""
    finally:
        drop(held)
