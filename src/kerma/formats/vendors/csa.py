"""The CSA header of Siemens MR: named tags with items, in a binary value of (0029,xx10) and (0029,xx20).

Two versions are about: CSA2, which begins with SV10, and the older CSA1, which begins with the number of its tags. Both
are little endian, whatever the data set is. A tag has a name of 64 bytes, its VM and VR, a syngo data type and a number
of items; each item has 16 bytes of lengths, its text, and padding to four bytes.

Rules:

- Nothing is believed: counts and lengths are compared with the bytes that are there before anything is made of them.
- In CSA1 the length of an item is its first number less the count of items of the first tag. Where that leads nowhere
  the tag ends.
- Values are of the types that their VR has in a data set; text that is none stays text. An item that is there and empty
  is dropped behind the last value, and an empty text between values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kerma.encoding.source import Buffer
from kerma.errors import FormatError

_TAG = struct.Struct("<64si4siii")
_ITEM = struct.Struct("<iiii")
_MAGIC = b"SV10"
_FLOATS = frozenset({"FL", "FD", "DS"})
_INTS = frozenset({"IS", "SS", "US", "SL", "UL"})
_MOST_TAGS = 4096


@dataclass(frozen=True, slots=True)
class CSATag:
    """One tag as it lies in the header. ``items`` are the texts of its values."""

    name: str
    vm: int
    vr: str
    syngo_type: int
    items: tuple[str, ...]

    @property
    def value(self) -> Any:
        """None where there is none, one value, or a tuple: ``int``, ``float`` or ``str`` by the VR."""
        found = tuple(_converted(self.vr, item) for item in self.items)
        if not found:
            return None
        return found[0] if len(found) == 1 else found


class CSAHeader(Mapping[str, Any]):
    """Values by the names of their tags; ``tags`` has the rest. ``version`` is 1 or 2."""

    __slots__ = ("tags", "version")

    def __init__(self, tags: Mapping[str, CSATag], version: int) -> None:
        self.tags = tags
        self.version = version

    def __getitem__(self, name: str) -> Any:
        return self.tags[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def __repr__(self) -> str:
        return f"<CSAHeader {self.version} of {len(self.tags)} tags>"


def is_csa(data: Buffer) -> bool:
    """Whether the bytes begin as a CSA header does."""
    if bytes(data[:4]) == _MAGIC:
        return True
    if len(data) < 8 + _TAG.size:
        return False
    count, check = struct.unpack_from("<II", data)
    return 0 < count <= _MOST_TAGS and check == 77 and _name(bytes(data[8:72])).isprintable()


def parse(data: Buffer) -> CSAHeader:
    """A CSA header of either version. ``FormatError`` with the offset where the bytes are none or end too soon."""
    version = 2 if bytes(data[:4]) == _MAGIC else 1
    at = 8 if version == 2 else 0
    if len(data) < at + 8:
        raise FormatError("the CSA header ends before its number of tags", offset=len(data))
    (count,) = struct.unpack_from("<I", data, at)
    at += 8
    if not 0 < count <= min(_MOST_TAGS, (len(data) - at) // _TAG.size):
        raise FormatError(f"no CSA header: it is said to have {count} tags", offset=at - 8)
    tags: dict[str, CSATag] = {}
    less = 0
    for number in range(count):
        if at + _TAG.size > len(data):
            raise FormatError(f"the CSA header ends in tag {number} of {count}", offset=at)
        name, vm, vr, syngo_type, items, _ = _TAG.unpack_from(data, at)
        start, at = at, at + _TAG.size
        if number == 0:
            less = items if version == 1 else 0
        if not 0 <= items <= (len(data) - at) // _ITEM.size:
            raise FormatError(f"a CSA tag is said to have {items} items", offset=start)
        texts, at = _items(data, at, items, version, less)
        tag = CSATag(_name(name), vm, _name(vr), syngo_type, _kept(texts, vm))
        tags[tag.name] = tag
    return CSAHeader(tags, version)


def _items(data: Buffer, at: int, count: int, version: int, less: int) -> tuple[list[str], int]:
    texts: list[str] = []
    for _ in range(count):
        if at + _ITEM.size > len(data):
            raise FormatError("the CSA header ends in an item", offset=at)
        lengths = _ITEM.unpack_from(data, at)
        length = lengths[0] - less if version == 1 else lengths[1]
        start = at + _ITEM.size
        if not 0 <= length <= len(data) - start:
            if version == 1:
                return texts, start
            raise FormatError(f"a CSA item of {length} bytes goes past the header", offset=at)
        texts.append(_name(bytes(data[start : start + length])))
        at = start + length + -length % 4
    return texts, at


def _kept(texts: list[str], vm: int) -> tuple[str, ...]:
    """The values among the items: no more than the VM says, without empty ones behind the last."""
    if vm > 0:
        texts = texts[:vm]
    while texts and not texts[-1].strip():
        texts = texts[:-1]
    return tuple(texts)


def _name(raw: bytes) -> str:
    return str(raw.partition(b"\0")[0], "latin-1")


def _converted(vr: str, text: str) -> Any:
    try:
        if vr in _INTS:
            return int(text)
        if vr in _FLOATS:
            return float(text)
    except ValueError:
        return text
    return text
