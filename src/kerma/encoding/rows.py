"""Plain values as text, many at a time, typed: of a data set by its places, and of a sequence with all that is nested
in it (PS3.5 6.2, 7.5). One source, run as plain Python or compiled, as ``loops`` is, with the same rules.

What is made for a value is one tuple, and nothing is made for an item, so that those who write everything (JSON, dump)
pay for what they write. The walk into a sequence goes by bytes alone. It decides nothing that is odd: where the bytes
are not laid out as the standard says there are no rows at all, and the caller goes through the items one by one; a
value that is not plain text has a row that says so.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from kerma.encoding import shadow as cython
from kerma.encoding.places import CHARACTERS, Places
from kerma.encoding.raw import data_in, header, pair, record, word
from kerma.encoding.syntax import KINDS

COMPILED = cython.compiled
DIGEST = ""
"""In the twin: of what it was compiled from."""

ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
Kinds = dict[Any, tuple[str, int]]
"""VR or its code -> VR and 1 text without spaces at both ends, 2 without those at its end, 3 a name, 4 DS, 5 IS, 6 a
single and 7 a double number; 16 and 32 bits of an integer, negative if signed."""
_KEY_ITEM = 0xE000FFFE
_KEY_ITEM_END = 0xE00DFFFE
_KEY_SEQUENCE_END = 0xE0DDFFFE
_SQ = 0x5153
_single = Struct("<f").unpack_from
_double = Struct("<d").unpack_from
_ITEM_ENDS = (ITEM_END, "", None, 0)
_SEQUENCE_ENDS = (SEQUENCE_END, "", None, 0)


def texts(
    places: Places, number: cython.longlong, buf: bytes, kinds: Kinds, implied: Any
) -> tuple[list[tuple[int, str, str, int]], int]:
    """(tag, VR, text, length) of the elements from a number on that are plain, and the number of the first that is not.

    ``implied``: VRs by tag in implicit VR. Not plain are escapes, quotation marks, several texts, "~" (which ISO_IR 13
    has not). Several numbers have backslashes between them.
    """
    found: list[tuple[int, str, str, int]] = []
    table: bytes = KINDS
    lengths: cython.p_uchar = table
    size: cython.longlong = len(buf)
    count: cython.longlong = len(places) >> 3
    place: cython.ulonglong
    tag: cython.longlong
    at: cython.longlong
    begin: cython.longlong
    vr: cython.uint = 0
    length: cython.uint
    data = data_in(buf)
    while number < count:
        place = record(places, number)
        tag = place >> 32
        at = place & 0xFFFFFFFF
        if at > size - 8:
            break
        begin = at + 8
        if implied is None:
            _, vr, length = header(data, at)
            row = kinds.get(vr)
            if lengths[vr] == 2:
                if at > size - 12:
                    break
                length = word(data, begin)
                begin += 4
        else:
            _, length = pair(data, at)
            row = None if tag & 0x10000 else kinds.get(implied[tag])
            if row is not None and row[0] == "US":  # PixelRepresentation may say that it is SS
                break
        if row is None or length >= 1024 or length > size - begin:
            break
        text = _value(buf, begin, length, row[1])
        if text is None:
            break
        found.append((tag, row[0], text, length))
        number += 1
    return found, number


@cython.cfunc
def _value(buf: bytes, begin: cython.longlong, length: cython.uint, kind: cython.longlong) -> str | None:
    """The text of a value that is all in ``buf``, None where it is not plain."""
    if length == 0:
        return ""
    if 0 < kind < 6:
        return _text(buf, begin, begin + length, kind)
    return _floats(buf, begin, length, kind) if 0 < kind < 8 else _integers(buf, begin, length, kind)


@cython.cfunc
def _integers(buf: bytes, begin: cython.longlong, length: cython.uint, kind: cython.longlong) -> str | None:
    """One or several integers; None where bytes are left over."""
    here: cython.longlong
    size: cython.longlong = 4 if abs(kind) == 32 else 2
    at: cython.longlong = begin
    end: cython.longlong = begin + length
    data = data_in(buf)
    if length & (size - 1):
        return None
    text = ""
    while at < end:
        here = word(data, at) if size == 4 else data[at] | data[at + 1] << 8
        if kind < 0 and here >> (8 * size - 1):
            here -= 0x10000 if size == 2 else 0x100000000
        text = f"{text}\\{here}" if at > begin else str(here)
        at += size
    return text


@cython.cfunc
def _floats(buf: bytes, begin: cython.longlong, length: cython.uint, kind: cython.longlong) -> str | None:
    """One or several numbers as Python writes them; None where one has an exponent, or is no number."""
    size: cython.longlong = 4 if kind == 6 else 8
    at: cython.longlong = begin
    end: cython.longlong = begin + length
    if length & (size - 1):
        return None
    text = ""
    while at < end:
        here = repr((_single if size == 4 else _double)(buf, at)[0])
        if "e" in here or "n" in here:
            return None
        text = f"{text}\\{here}" if at > begin else here
        at += size
    return text


@cython.cfunc
def _text(buf: bytes, begin: cython.longlong, end: cython.longlong, kind: cython.longlong) -> str | None:
    """The text of a value without padding, None where it is not plain."""
    table: bytes = CHARACTERS
    characters: cython.p_uchar = table
    at: cython.longlong
    data = data_in(buf)
    while end > begin and (data[end - 1] == 32 or data[end - 1] == 0):
        end -= 1
    if kind == 1 or kind >= 4:
        while begin < end and (data[begin] == 32 or data[begin] == 0):
            begin += 1
    if kind >= 4:
        if end > begin and not _numbers(buf, begin, end, kind == 4):
            return None
    else:
        at = begin
        while at < end and characters[data[at]] and (kind != 3 or data[at] != 0x3D):
            at += 1
        if at < end:
            return None
    return buf[begin:end].decode("ascii")


@cython.cfunc
def _numbers(buf: bytes, begin: cython.longlong, end: cython.longlong, fractions: cython.bint) -> cython.bint:
    """Whether decimal numbers as JSON has them are in ``buf``, with backslashes between; of at most 15 digits, which
    every double holds, and 16 characters.
    """
    at: cython.longlong = begin
    start: cython.longlong
    first: cython.longlong
    others: cython.longlong
    data = data_in(buf)
    while True:
        start = at
        others = 0
        if at < end and data[at] == 0x2D:
            at += 1
            others += 1
        first = at
        while at < end and 0x30 <= data[at] <= 0x39:
            at += 1
        if at == first or (data[first] == 0x30 and at > first + 1):
            return False
        if fractions and at < end and data[at] == 0x2E:
            others += 1
            first = at + 1
            at = first
            while at < end and 0x30 <= data[at] <= 0x39:
                at += 1
            if at == first:
                return False
        if at - start > 16 or at - start - others > 15:
            return False
        if at == end:
            return True
        if data[at] != 0x5C:
            return False
        at += 1


def nested(
    buf: bytes,
    at: int,
    end: int,
    kinds: Kinds,
    implied: Any,
    deepest: int,
) -> tuple[list[Any], list[Any]] | None:
    """Rows of the sequence whose header is at ``at``, and of all that is in it; None where anything is odd, or where
    sequences nest deeper than ``deepest``. The sequence ends before ``end``.

    A row is (tag, VR, text, length) as of ``texts``, or has None as its text: (tag, "SQ", None, number of items << 32 |
    length) is a sequence, (``ITEM``, "", None, its number) begins an item, ``ITEM_END`` and ``SEQUENCE_END`` end what
    is open, a sequence without items excepted; any other tag is of a value that is not plain. Of
    those there is an entry in the second list: (number of the row, offset of the header, steps), a step being (tag and
    offset of a sequence, number and offset of its item).
    """
    if at < 0 or (implied is None and buf[at + 4 : at + 6] != b"SQ"):
        return None
    walk = _Nested(buf, kinds, implied, deepest)
    return (walk.rows, walk.odd) if walk.run(at, end) else None


@cython.cclass
class _Nested:
    """One walk into one sequence. ``stop``: the offset before which a value ends; ``row``: the number of the row of the
    innermost open sequence; ``around``: what is open around it.
    """

    buf: bytes
    kinds: dict[Any, Any]
    implied: Any
    deepest: cython.longlong
    pos: cython.longlong
    tag: cython.longlong
    at: cython.longlong
    length: cython.longlong
    stop: cython.longlong
    undefined: cython.bint
    count: cython.longlong
    row: cython.longlong
    item_stop: cython.longlong
    item_undefined: cython.bint
    previous: cython.longlong
    rows: list[Any]
    odd: list[Any]
    around: list[Any]
    steps: list[Any]

    def __init__(self, buf: bytes, kinds: Kinds, implied: Any, deepest: int) -> None:
        self.buf = buf
        self.kinds = kinds
        self.implied = implied
        self.deepest = deepest
        self.pos = self.tag = self.at = self.length = self.stop = self.count = self.row = self.item_stop = 0
        self.undefined = self.item_undefined = False
        self.previous = -1
        self.rows = []
        self.odd = []
        self.around = []
        self.steps = []

    @cython.cfunc
    def run(self, at: cython.longlong, end: cython.longlong) -> cython.bint:
        """Whether all is as it should be; then the rows are there."""
        size: cython.longlong = len(self.buf)
        self.pos = at
        self.item_stop = min(end, size)
        if at < 0 or at > self.item_stop - 8 or self._element() != 2:
            return False
        while self.around:
            if not self._next():
                return False
        return True

    @cython.cfunc
    def _next(self) -> cython.bint:
        """In a sequence: its next item, or its end and what follows that, up to the next sequence or end of an item.
        False where anything is odd.
        """
        key: cython.uint
        length: cython.uint
        table: bytes = KINDS
        lengths: cython.p_uchar = table
        data = data_in(self.buf)
        if self.pos == self.stop and not self.undefined:
            return self._close()
        if self.pos > self.stop - 8:
            return False
        key, length = pair(data, self.pos)
        if key == _KEY_SEQUENCE_END and self.undefined and length == 0:
            self.pos += 8
            return self._close()
        if key != _KEY_ITEM:
            return False
        self.steps.append((self.tag, self.at, self.count, self.pos))
        self.rows.append((ITEM, "", None, self.count))
        self.count += 1
        self.pos += 8
        self.item_undefined = length == 0xFFFFFFFF
        self.item_stop = self.stop if self.item_undefined else self.pos + length
        self.previous = 0
        if self.item_stop > self.stop:
            return False
        if self.implied is not None and self.pos <= self.item_stop - 8 and lengths[header(data, self.pos)[1]]:
            return False  # maybe in the other VR form
        return self._elements()

    @cython.cfunc
    def _elements(self) -> cython.bint:
        """In an item: its elements, up to its end or the beginning of a sequence. False where anything is odd."""
        key: cython.uint
        length: cython.uint
        told: cython.longlong
        data = data_in(self.buf)
        while True:
            if self.pos == self.item_stop and not self.item_undefined:
                break
            if self.pos > self.item_stop - 8:
                return False
            key, length = pair(data, self.pos)
            if key == _KEY_ITEM_END:
                if not self.item_undefined or length:
                    return False
                self.pos += 8
                break
            told = self._element()
            if told != 1:
                return told == 2
        self.steps.pop()
        self.rows.append(_ITEM_ENDS)
        return True

    @cython.cfunc
    def _element(self) -> cython.longlong:
        """The element at ``pos``, 8 bytes of which are there: 0 where it is odd, 1 where it is behind, 2 where it is a
        sequence that is open now.
        """
        pos: cython.longlong = self.pos
        begin: cython.longlong = pos + 8
        tag: cython.longlong
        key: cython.uint
        length: cython.uint
        vr: cython.uint
        sequence: cython.bint
        table: bytes = KINDS
        lengths: cython.p_uchar = table
        data = data_in(self.buf)
        key, length = pair(data, pos)
        tag = (key & 0xFFFF) << 16 | key >> 16
        if tag <= self.previous or tag >= 0xFFFE0000:
            return 0
        self.previous = tag
        if self.implied is None:
            key, vr, length = header(data, pos)
            if lengths[vr] == 2:
                if pos > self.item_stop - 12:
                    return 0
                length = word(data, begin)
                begin += 4
            elif lengths[vr] != 1:
                return 0
            row = self.kinds.get(vr)
            sequence = vr == _SQ
        else:
            name = "" if tag & 0x10000 else self.implied[tag]
            row = None if name == "US" else self.kinds.get(name)  # PixelRepresentation may say that it is SS
            sequence = name == "SQ"
        if sequence and key & 0xFFFF0000 == 0:  # in the place of a group length, which forms leave out
            return 0
        if length == 0xFFFFFFFF:
            return 2 if sequence and self._open(tag, begin, -1) else 0
        if length > self.item_stop - begin:
            return 0
        if sequence:
            return 2 if self._open(tag, begin, length) else 0
        self.pos = begin + length
        if row is not None and length < 1024:
            text = _value(self.buf, begin, length, row[1])
            if text is not None:
                self.rows.append((tag, row[0], text, length))
                return 1
        self.odd.append((len(self.rows), pos, tuple(self.steps)))
        self.rows.append((tag, "", None, pos))
        return 1

    @cython.cfunc
    def _open(self, tag: cython.longlong, begin: cython.longlong, length: cython.longlong) -> cython.bint:
        """Go into the sequence at ``pos``, of undefined length where that is -1; False where it is too deep."""
        if len(self.around) >= self.deepest:
            return False
        inner = (self.tag, self.at, self.length, self.stop, self.undefined, self.count, self.row)
        self.around.append((inner, self.item_stop, self.item_undefined, self.previous))
        self.tag = tag
        self.at = self.pos
        self.length = length
        self.undefined = length < 0
        self.stop = self.item_stop if length < 0 else begin + length
        self.count = 0
        self.row = len(self.rows)
        self.rows.append(None)
        self.pos = begin
        return True

    @cython.cfunc
    def _close(self) -> cython.bint:
        """Leave the sequence, and go on in the item that holds it. False where anything is odd there."""
        length: cython.longlong = 0xFFFFFFFF if self.undefined else self.length
        self.rows[self.row] = (self.tag, "SQ", None, self.count << 32 | length)
        if self.count:
            self.rows.append(_SEQUENCE_ENDS)
        inner, self.item_stop, self.item_undefined, self.previous = self.around.pop()
        self.tag, self.at, self.length, self.stop, self.undefined, self.count, self.row = inner
        return not self.around or self._elements()
