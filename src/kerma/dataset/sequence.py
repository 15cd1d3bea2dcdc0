"""A sequence of items (PS3.5 7.5): list-like, its items built when they are touched.

Rules: where the items lie is found once, hopping over defined lengths; an item becomes a data set when it is asked
for. ``changed`` says whether the list itself was changed; whether an item was, its own body knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from kerma.dataset.compare import sequences_equal

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset


class Sequence(MutableSequence["Dataset"]):
    """The value of an SQ element. Holds ``Dataset`` only; anything else is a TypeError."""

    __slots__ = ("__weakref__", "_items", "_make", "changed", "defined")

    def __init__(self, items: Iterable[Dataset] = ()) -> None:
        self._items: list[Any] = [_checked(item) for item in items]
        self._make: Callable[[int, int], Dataset] | None = None
        self.changed = True
        self.defined = True

    @classmethod
    def over(cls, offsets: list[Any], make: Callable[[int, int], Dataset] | None, *, defined: bool) -> Sequence:
        """A sequence over item headers at ``offsets``; ``make(offset, index)`` builds an item when it is asked for."""
        sequence = cls.__new__(cls)
        sequence._items = offsets
        sequence._make = make
        sequence.changed = False
        sequence.defined = defined
        return sequence

    def __len__(self) -> int:
        return len(self._items)

    def _item(self, index: int) -> Dataset:
        item = self._items[index]
        if type(item) is int:
            assert self._make is not None
            item = self._items[index] = self._make(item, index)
        return item  # type: ignore[no-any-return]

    @overload
    def __getitem__(self, index: SupportsIndex) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> list[Dataset]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Dataset | list[Dataset]:
        if isinstance(index, slice):
            return [self._item(each) for each in range(*index.indices(len(self._items)))]
        number = index.__index__()
        if number < 0:
            number += len(self._items)
        if not 0 <= number < len(self._items):
            raise IndexError(f"the sequence has {len(self._items)} items")
        return self._item(number)

    def __iter__(self) -> Iterator[Dataset]:
        index = 0
        while index < len(self._items):
            yield self._item(index)
            index += 1

    @overload
    def __setitem__(self, index: SupportsIndex, value: Dataset) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Dataset]) -> None: ...
    def __setitem__(self, index: Any, value: Any) -> None:
        self._items[index] = [_checked(item) for item in value] if isinstance(index, slice) else _checked(value)
        self.changed = True

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        del self._items[index]
        self.changed = True

    def insert(self, index: SupportsIndex, value: Dataset) -> None:
        self._items.insert(index, _checked(value))
        self.changed = True

    def touched_items(self) -> Iterator[Dataset]:
        """The items that were built, without building others."""
        return (item for item in self._items if type(item) is not int)

    def twin(self, copied: Callable[[Dataset], Dataset]) -> Sequence:
        """A sequence of its own with ``copied`` of each item that was built, and the others still unbuilt."""
        sequence = Sequence.over(
            [item if type(item) is int else copied(item) for item in self._items], self._make, defined=self.defined
        )
        sequence.changed = self.changed
        return sequence

    def __copy__(self) -> Sequence:
        return self.twin(lambda item: item)

    def __reduce__(self) -> tuple[type[Sequence], tuple[list[Dataset]]]:
        return Sequence, (list(self),)

    def transient(self) -> Iterator[Dataset]:
        """All items; those not yet built are built for the caller alone and not kept."""
        for index, item in enumerate(self._items):
            if type(item) is int:
                assert self._make is not None
                yield self._make(item, index)
            else:
                yield item

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            if not isinstance(other, (list, tuple)):
                return NotImplemented
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return sequences_equal(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Sequence of {len(self._items)} item{'' if len(self._items) == 1 else 's'}>"


def _checked(item: Any) -> Any:
    if not hasattr(item, "_body"):
        raise TypeError(f"a sequence holds Dataset, not {type(item).__name__}")
    return item
