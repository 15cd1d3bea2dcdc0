"""Patterns of items: the headers of an item as a regular expression, so that the items like it are passed in one step
(PS3.5 7.5).

The items of a long sequence are alike: the functional groups of 180,000 frames have the same elements in the same
order, and only values differ, and the lengths of those that are text. Where a walk over an item goes is decided by its
headers alone. A regular expression that has every header of one item literally, and lets values be anything, matches
exactly the items over which the walk would go the same way; it was made by a walk, and what it does not match is walked
as ever. Python's own engine runs it at the speed of C, and its groups are the values that a column wants.

Rules:

- Only plain items are learnt: explicit or implicit VR little endian, known VRs, nothing odd, at most ``LARGEST`` bytes.
- Where every length around a value is undefined, a value of text may have any even length up to ``FLEXIBLE``: that is a
  choice of its length fields, each with as many bytes. Where a length around it is defined, all lengths are literal,
  for they must add up.
- Learning costs what hundreds of matches save, and a pattern that does not match costs as well. Both are paid from the
  matches, with ``FREE`` patterns to begin with: where no two items are alike, trying stops.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, Encoding, key_of
from kerma.standard import elements

LARGEST = 4096
FLEXIBLE = 32
FREE = 24
PRICE = 200  # matches
KEEP = 96
_DEEPEST = 8

Path = tuple[int, ...]
"""Where a value lies in an item: tag, tag ... through the first item of each sequence."""

_OTHER_ITEM = (-1,)
"""The path in any item but the first: nothing in it is wanted."""
_TEXT = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI"})


class Pattern:
    """What matches the items like one; ``groups`` has of each wanted path the group that it is in, 0 where it is
    absent, and ``vrs`` its VR.
    """

    __slots__ = ("fields", "groups", "match", "vrs")

    def __init__(self, expression: re.Pattern[bytes], groups: list[int], vrs: list[str], fields: list[int]) -> None:
        self.match = expression.match
        self.groups = groups
        self.vrs = vrs
        self.fields = fields  # bytes of the length field, which a group begins with


class Patterns:
    """The patterns of one sequence, the last used first in those of its length field."""

    __slots__ = ("_credit", "_encoding", "_known", "_wanted", "count")

    def __init__(self, encoding: Encoding, wanted: Sequence[Path] = ()) -> None:
        self._encoding = encoding
        self._wanted = tuple(wanted)
        self._known: dict[int, list[Pattern]] = {}
        self._credit = FREE * PRICE
        self.count = 0

    def find(self, buf: Buffer, at: int, length: int) -> tuple[Pattern, re.Match[bytes]] | None:
        """The pattern of the item with this length field at ``at``, and its match."""
        known = self._known.get(length)
        if known is None or self._credit <= 0:
            return None
        for number, pattern in enumerate(known):
            match = pattern.match(buf, at)
            if match is not None:
                self._credit += 1
                if number:
                    known.insert(0, known.pop(number))
                return pattern, match
            self._credit -= 1
        return None

    def end_of(self, buf: Buffer, at: int) -> int:
        """The offset after the item of undefined length at ``at``, -1 where no pattern knows it."""
        found = self.find(buf, at, UNDEFINED)
        return -1 if found is None else found[1].end()

    def learn(self, buf: Buffer, at: int, after: int) -> Pattern | None:
        """The pattern of the item from ``at`` to ``after``; None where it is not plain or learning does not pay."""
        if self._credit < PRICE or after - at > LARGEST or not self._encoding.little_endian:
            return None
        self._credit -= PRICE
        writer = _Writer(bytes(buf[at:after]), self._encoding, self._wanted)
        try:
            if not writer.item(0, len(writer.data)):
                return None
        except (struct.error, KeyError):
            return None
        pattern = writer.pattern()
        if self.count >= KEEP:
            self._known.clear()
            self.count = 0
        self.count += 1
        self._known.setdefault(writer.length, []).insert(0, pattern)
        return pattern


class _Writer:
    """Writes the expression of one item."""

    __slots__ = ("data", "encoding", "fields", "groups", "length", "parts", "used", "vrs", "wanted")

    def __init__(self, data: bytes, encoding: Encoding, wanted: tuple[Path, ...]) -> None:
        self.data = data
        self.encoding = encoding
        self.wanted = wanted
        self.parts: list[bytes] = []
        self.groups = [0] * len(wanted)
        self.vrs = [""] * len(wanted)
        self.fields = [0] * len(wanted)
        self.used = 0
        self.length = 0

    def pattern(self) -> Pattern:
        return Pattern(re.compile(b"".join(self.parts), re.DOTALL), self.groups, self.vrs, self.fields)

    def item(self, at: int, end: int) -> bool:
        """The whole item; False where it is not plain."""
        tag, self.length = self.encoding.pair.unpack_from(self.data, at)
        if tag != self.encoding.item:
            return False
        after = self._inside(at, end, (), defined=False, depth=0)
        return after == end

    def _literal(self, start: int, end: int) -> None:
        self.parts.append(re.escape(self.data[start:end]))

    def _inside(self, at: int, end: int, path: Path, *, defined: bool, depth: int) -> int:
        """One item from its header on; the offset after it, -1 where it is not plain."""
        length = self.encoding.pair.unpack_from(self.data, at)[1]
        self._literal(at, at + 8)
        pos = at + 8
        if length != UNDEFINED:
            if pos + length > end:
                return -1
            end, defined = pos + length, True
        seen: set[int] = set()
        while pos < end:
            key, *_ = self.encoding.pair.unpack_from(self.data, pos)
            if key == self.encoding.item_end:
                if length != UNDEFINED or self.data[pos + 4 : pos + 8] != bytes(4):
                    return -1
                self._literal(pos, pos + 8)
                return pos + 8
            if key in seen:
                return -1  # the last of two counts
            seen.add(key)
            pos = self._element(pos, end, path, defined=defined, depth=depth)
            if pos < 0:
                return -1
        return pos if length != UNDEFINED and pos == end else -1

    def _element(self, at: int, end: int, path: Path, *, defined: bool, depth: int) -> int:
        data, encoding = self.data, self.encoding
        if encoding.explicit:
            key, code, length = encoding.header.unpack_from(data, at)
            vr = encoding.vr_of[code]
            field = at + 6
            if code in encoding.long:
                field = at + 8
                length = encoding.u32.unpack_from(data, field)[0]
                value = at + 12
            else:
                value = at + 8
        else:
            key, length = encoding.header.unpack_from(data, at)
            vr = elements.TAG_TO_VR[key_of(key)]
            field, value = at + 4, at + 8
        tag = key_of(key)
        if tag >> 16 == 0xFFFE:
            return -1
        inner = (*path, tag)
        if self._leads(inner) and (vr == "SQ") is (inner in self.wanted):
            return -1  # items are no value; and where a VR hides items that are wanted, only the dictionary knows
        if length == UNDEFINED or (vr == "SQ" and self._leads(inner)):
            return self._sequence(at, value, length, end, inner, (vr, defined, depth))
        after: int = value + length
        if after > end:
            return -1
        self._value(at, field, value, length, inner, vr, flexible=not defined and vr in _TEXT)
        return after

    def _leads(self, path: Path) -> bool:
        return any(one[: len(path)] == path for one in self.wanted)

    def _value(self, at: int, field: int, value: int, length: int, path: Path, vr: str, *, flexible: bool) -> None:
        parts = self.parts
        wanted = path in self.wanted
        if wanted:
            number = self.wanted.index(path)
            self.used += 1
            self.groups[number], self.vrs[number], self.fields[number] = self.used, vr, value - field
        opening = b"(" if wanted else b"(?:"
        self._literal(at, field)
        if flexible and length <= FLEXIBLE and not length & 1:
            size = value - field
            fields = [(number, number.to_bytes(size, "little")) for number in range(0, FLEXIBLE + 1, 2)]
            choices = b"|".join(re.escape(raw) + (b".{%d}" % number if number else b"") for number, raw in fields)
            parts.append(opening + choices + b")")
            return
        parts.append(opening)
        self._literal(field, value)
        if length:
            parts.append(b".{%d}" % length)
        parts.append(b")")

    def _sequence(self, at: int, value: int, length: int, end: int, path: Path, around: tuple[str, bool, int]) -> int:
        """A sequence whose items are looked into."""
        vr, defined, depth = around
        if vr != "SQ" or depth >= _DEEPEST:
            return -1
        self._literal(at, value)
        pos = value
        if length != UNDEFINED:
            if value + length > end:
                return -1
            end, defined = value + length, True
        while pos < end:
            key, size = self.encoding.pair.unpack_from(self.data, pos)
            if key == self.encoding.sequence_end:
                if length != UNDEFINED or size:
                    return -1
                self._literal(pos, pos + 8)
                return pos + 8
            if key != self.encoding.item:
                return -1
            pos = self._inside(pos, end, path, defined=defined, depth=depth + 1)
            if pos < 0:
                return -1
            path = _OTHER_ITEM
        return pos if length != UNDEFINED and pos == end else -1
