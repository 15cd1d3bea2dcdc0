"""Private blocks (PS3.5 7.8.1): elements by creator, whatever block number that creator got in this data set.

Rules:

- A creator's element (gggg,0010-00FF) reserves a block for the elements (gggg,xx00-xxFF) of the same data set or item
  alone: items have creators of their own.
- A creator may have several blocks of one group; each is a block by itself.
- What is moved or copied keeps its VR as it was written and its bytes. A value that would not be written as it came,
  because it is none of its VR, goes on as UN with its bytes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kerma import values
from kerma.dataset.element import Element
from kerma.dataset.sequence import Sequence
from kerma.encoding.syntax import UNDEFINED, key_of
from kerma.errors import KermaError, UsageError, ValueEncodeError
from kerma.standard import private

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

_FIRST, _LAST = 0x10, 0xFF


class PrivateBlock:
    """The block that ``creator`` has in an odd ``group``. Elements are named by their last byte, 0x00 to 0xFF."""

    __slots__ = ("_ds", "base", "creator")

    def __init__(self, ds: Dataset, base: int, creator: str) -> None:
        self._ds = ds
        self.base = base
        """The tag of element 0x00 of the block."""
        self.creator = creator

    @property
    def group(self) -> int:
        """The group, 0x0029 of (0029,10xx)."""
        return self.base >> 16

    @property
    def number(self) -> int:
        """The block number, 0x10 of (0029,10xx)."""
        return self.base >> 8 & 0xFF

    @property
    def dataset(self) -> Dataset:
        """The data set or item that holds it."""
        return self._ds

    def tag(self, element: int) -> int:
        """The whole tag of an element of the block."""
        if not 0 <= element <= 0xFF:
            raise UsageError(f"an element of a private block is 0x00 to 0xFF, not {element:#x}")
        return self.base | element

    def element_of(self, name: str) -> int:
        """The element that its maker calls ``name``; ``KeyError`` where no public document says so."""
        for row in private.rows(self.creator):
            if row.name == name and row.group == self.group:
                return row.element
        raise KeyError(name)

    def __contains__(self, element: int) -> bool:
        return self.tag(element) in self._ds

    def __getitem__(self, element: int) -> Element:
        return self._ds[self.tag(element)]

    def __delitem__(self, element: int) -> None:
        del self._ds[self.tag(element)]

    def __len__(self) -> int:
        """How many elements are there, the creator's own not counted."""
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True

    def get(self, element: int, default: Any = None) -> Any:
        """The value of an element, ``default`` where absent."""
        return self._ds.get(self.tag(element), default)

    def add(self, element: int, vr: str, value: Any) -> None:
        """Set an element of the block."""
        self._ds.add(self.tag(element), vr, value)

    def __iter__(self) -> Iterator[Element]:
        """The elements that are there, in tag order."""
        return (self._ds[tag] for tag in self._ds if tag & 0xFFFFFF00 == self.base)

    def delete(self) -> None:
        """Delete the block: its elements and the creator's."""
        for element in list(self):
            del self._ds[element.tag]
        del self._ds[_creator_tag(self.base)]

    def move(self, number: int) -> None:
        """Give the block another number, 0x10 to 0xFF. ``UsageError`` where that is taken."""
        if number == self.number:
            return
        base = _base(self.group, number)
        _check_free(self._ds, base)
        for element in list(self):
            _carry(element, self._ds, base | element.tag & 0xFF)
            del self._ds[element.tag]
        old = _creator_tag(self.base)
        _carry(self._ds[old], self._ds, _creator_tag(base))
        del self._ds[old]
        self.base = base

    def copy_to(self, ds: Dataset, *, number: int | None = None) -> PrivateBlock:
        """Copy the block to another data set or item: into the block that the creator has there, else into the one of
        that ``number``, else into the first that is free. Elements that are there already are replaced.
        """
        if number is None:
            target = private_block(ds, self.group, self.creator, create=True)
        else:
            base = _base(self.group, number)
            if ds.get(_creator_tag(base)) != self.creator:
                _check_free(ds, base)
                ds.add(_creator_tag(base), "LO", self.creator)
            target = PrivateBlock(ds, base, self.creator)
        for element in self:
            _carry(element, ds, target.tag(element.tag & 0xFF))
        return target

    def __repr__(self) -> str:
        return f"<PrivateBlock ({self.group:04X},{self.number:02X}xx)>"


def private_block(ds: Dataset, group: int, creator: str, *, create: bool) -> PrivateBlock:
    """See ``Dataset.private_block``."""
    if not group & 1 or not 0x0009 <= group <= 0xFFFF:
        raise UsageError(f"group {group:04X} holds no private elements (PS3.5 7.8)")
    taken = set()
    for tag in _of_group(ds, group):
        number = tag >> 8 & 0xFF or tag & 0xFF
        taken.add(number)
        if tag & 0xFFFF <= _LAST and _creator(ds, tag) == creator:
            return PrivateBlock(ds, group << 16 | number << 8, creator)
    if not create:
        raise KeyError(f"group {group:04X} has no block of that creator")
    free = next((number for number in range(_FIRST, _LAST + 1) if number not in taken), 0)
    if not free:
        raise ValueEncodeError(f"all 240 private blocks of group {group:04X} are taken (PS3.5 7.8.1)")
    ds.add(group << 16 | free, "LO", creator)
    return PrivateBlock(ds, group << 16 | free << 8, creator)


def private_blocks(ds: Dataset) -> Iterator[PrivateBlock]:
    """Every block that is reserved in ``ds`` itself, not in its items, in the order of tags; blocks without elements
    as well.
    """
    for tag in ds:
        if tag & 0x10000 and _FIRST <= tag & 0xFFFF <= _LAST:
            creator = _creator(ds, tag)
            if creator:
                yield PrivateBlock(ds, tag & 0xFFFF0000 | (tag & 0xFF) << 8, creator)


def unreserved(ds: Dataset) -> Iterator[Element]:
    """Private elements of ``ds`` itself whose block nobody reserved: nobody can say what they mean."""
    for tag in ds:
        if tag & 0x10000 and tag & 0xFFFF > _LAST and not _creator(ds, _creator_tag(tag)):
            yield ds[tag]


def _of_group(ds: Dataset, group: int) -> Iterator[int]:
    """Tags of creators and elements of a private group."""
    return (tag for tag in ds if tag >> 16 == group and (tag >> 8 & 0xFF or tag & 0xFF) >= _FIRST)


def _creator_tag(tag: int) -> int:
    return tag & 0xFFFF0000 | tag >> 8 & 0xFF


def _creator(ds: Dataset, tag: int) -> str:
    """The text of a creator's element, whatever VR it came with; "" where there is none."""
    value = ds._body.plain(key_of(tag), "LO")
    if isinstance(value, memoryview):
        value = str(bytes(value), "latin-1").strip(" \0")
    return value if isinstance(value, str) else ""


def _base(group: int, number: int) -> int:
    if not _FIRST <= number <= _LAST:
        raise UsageError(f"a private block has a number from 0x10 to 0xFF, not {number:#x} (PS3.5 7.8.1)")
    return group << 16 | number << 8


def _check_free(ds: Dataset, base: int) -> None:
    if _creator_tag(base) in ds or any(tag & 0xFFFFFF00 == base for tag in ds):
        raise UsageError(f"block ({base >> 16:04X},{base >> 8 & 0xFF:02X}xx) is taken", hint="give another number")


def _carry(element: Element, ds: Dataset, tag: int) -> None:
    """Put an element into ``ds`` under ``tag``: its VR as written, its value or bytes."""
    head = element.header
    vr = element.vr if head is None else head.vr or element.vr
    if element.vr == "SQ" and (vr == "SQ" or (head is not None and head.length == UNDEFINED)):
        items = Sequence([copy.deepcopy(item) for item in element.sequence])
        items.defined = head is None or head.length != UNDEFINED
        ds.add(tag, "SQ", items)
        return
    raw = element.raw
    if raw is None:
        ds.add(tag, vr, element.value)
        return
    if vr != "UN" and not _survives(element, vr, raw):
        vr = "UN"
    ds.add(tag, vr, bytes(raw) if vr == "UN" else element.value)


def _survives(element: Element, vr: str, raw: memoryview) -> bool:
    """Whether the value is written with the bytes that it came with, padding aside."""
    body = element.dataset._body
    little = body.encoding.little_endian
    try:
        value = element.value
        if isinstance(value, memoryview):
            return little or vr in {"OB", "UN"}
        written = values.encode(vr, value, little_endian=little, charsets=body.charsets)
    except KermaError:
        return False
    return written == raw or written.rstrip(b" \0") == bytes(raw).rstrip(b" \0")
