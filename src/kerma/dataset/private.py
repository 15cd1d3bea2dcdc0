"""Private blocks (PS3.5 7.8.1): elements by creator, whatever block number that creator got in this data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kerma.dataset.element import Element
from kerma.encoding.syntax import key_of
from kerma.errors import UsageError, ValueEncodeError

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset


class PrivateBlock:
    """The block that ``creator`` has in an odd ``group``. Elements are named by their last byte, 0x00 to 0xFF."""

    __slots__ = ("_ds", "base", "creator")

    def __init__(self, ds: Dataset, base: int, creator: str) -> None:
        self._ds = ds
        self.base = base
        """The tag of element 0x00 of the block."""
        self.creator = creator

    def tag(self, element: int) -> int:
        """The whole tag of an element of the block."""
        if not 0 <= element <= 0xFF:
            raise UsageError(f"an element of a private block is 0x00 to 0xFF, not {element:#x}")
        return self.base | element

    def __contains__(self, element: int) -> bool:
        return self.tag(element) in self._ds

    def __getitem__(self, element: int) -> Element:
        return self._ds[self.tag(element)]

    def __delitem__(self, element: int) -> None:
        del self._ds[self.tag(element)]

    def get(self, element: int, default: Any = None) -> Any:
        """The value of an element, ``default`` where absent."""
        return self._ds.get(self.tag(element), default)

    def add(self, element: int, vr: str, value: Any) -> None:
        """Set an element of the block."""
        self._ds.add(self.tag(element), vr, value)

    def __iter__(self) -> Iterator[Element]:
        """The elements that are there, in tag order."""
        return (self._ds[tag] for tag in self._ds if tag & 0xFFFFFF00 == self.base)

    def __repr__(self) -> str:
        return f"<PrivateBlock ({self.base >> 16:04X},{self.base >> 8 & 0xFF:02X}xx)>"


def private_block(ds: Dataset, group: int, creator: str, *, create: bool) -> PrivateBlock:
    """See ``Dataset.private_block``."""
    if not group & 1 or not 0x0009 <= group <= 0xFFFF:
        raise UsageError(f"group {group:04X} holds no private elements (PS3.5 7.8)")
    free = 0
    for number in range(0x10, 0x100):
        tag = group << 16 | number
        if key_of(tag) not in ds._body.index:
            free = free or number
        elif ds.get(tag) == creator:
            return PrivateBlock(ds, group << 16 | number << 8, creator)
    if not create:
        raise KeyError(f"group {group:04X} has no block of that creator")
    if not free:
        raise ValueEncodeError(f"all 240 private blocks of group {group:04X} are taken (PS3.5 7.8.1)")
    ds.add(group << 16 | free, "LO", creator)
    return PrivateBlock(ds, group << 16 | free << 8, creator)
