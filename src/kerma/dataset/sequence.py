"""A sequence of items (PS3.5 7.5): list-like, its items built when they are touched.

Rules:

- Where the items lie is found once, hopping over defined lengths; an item becomes a data set when it is asked for.
- ``changed`` says whether the list itself was changed; whether an item was, its own body knows.
- A long sequence is *packed*: ``_items`` is an array of offsets, and ``_built`` has the items that were built. A change
  to the list unpacks it.
- Who goes through a packed sequence leaves nothing behind: an item that nobody changed and nobody holds is let go, and
  is built again when it is asked for again (``holding``).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, MutableSequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, overload

from kerma.dataset.compare import sequences_equal
from kerma.dataset.holding import COUNTS, holders

if TYPE_CHECKING:
    from collections.abc import Callable

    from kerma.dataset.dataset import Dataset


class Make(Protocol):
    """Builds the item at an offset, the number of which is given as well."""

    def __call__(self, at: int, number: int, /) -> Any: ...


class Sequence(MutableSequence["Dataset"]):
    """The value of an SQ element. Holds ``Dataset`` only; anything else is a TypeError."""

    __slots__ = ("__weakref__", "_built", "_items", "_make", "changed", "defined")

    def __init__(self, items: Iterable[Dataset] = ()) -> None:
        self._items: Any = [_checked(item) for item in items]
        self._built: dict[int, Dataset] | None = None
        self._make: Make | None = None
        self.changed = True
        self.defined = True

    @classmethod
    def over(cls, offsets: list[Any] | array[int], make: Make | None, *, defined: bool) -> Sequence:
        """A sequence over item headers at ``offsets``; ``make(offset, index)`` builds an item when it is asked for."""
        sequence = cls.__new__(cls)
        sequence._items = offsets
        sequence._built = {} if isinstance(offsets, array) else None
        sequence._make = make
        sequence.changed = False
        sequence.defined = defined
        return sequence

    def __len__(self) -> int:
        return len(self._items)

    def _item(self, index: int) -> Dataset:
        built = self._built
        if built is not None:
            found = built.get(index)
            if found is None:
                found = built[index] = self._new(self._items[index], index)
            return found
        item = self._items[index]
        if type(item) is int:
            item = self._items[index] = self._new(item, index)
        return item  # type: ignore[no-any-return]

    def _new(self, at: int, index: int) -> Dataset:
        assert self._make is not None
        item: Dataset = self._make(at, index)
        return item

    def _list(self) -> list[Any]:
        """The items as a list that can be changed."""
        built = self._built
        if built is not None:
            self._items = self._items.tolist()
            self._built = None
            for index, item in built.items():
                self._items[index] = item
        items: list[Any] = self._items
        return items

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
            if self._built is not None and index:
                # The caller's loop still names the item that it had just now, so let go of the one before.
                self._let_go(index - 1)
            index += 1

    def _let_go(self, index: int) -> None:
        built = self._built
        if built is not None and index in built and holders(built, index) == COUNTS.own and _untouched(built[index]):
            del built[index]

    @overload
    def __setitem__(self, index: SupportsIndex, value: Dataset) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Dataset]) -> None: ...
    def __setitem__(self, index: Any, value: Any) -> None:
        self._list()[index] = [_checked(item) for item in value] if isinstance(index, slice) else _checked(value)
        self.changed = True

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        del self._list()[index]
        self.changed = True

    def insert(self, index: SupportsIndex, value: Dataset) -> None:
        self._list().insert(index, _checked(value))
        self.changed = True

    def offsets(self) -> Any:
        """Of each item its offset, or the item where it was built: to look at, not to change."""
        built = self._built
        if not built:
            return self._items
        items = self._items.tolist()
        for index, item in built.items():
            items[index] = item
        return items

    def touched_items(self) -> Iterator[Dataset]:
        """The items that were built, without building others."""
        if self._built is not None:
            return iter(list(self._built.values()))
        return (item for item in self._items if type(item) is not int)

    def twin(self, copied: Callable[[Dataset], Dataset]) -> Sequence:
        """A sequence of its own with ``copied`` of each item that was built, and the others still unbuilt."""
        built = self._built
        if built is None:
            items = [item if type(item) is int else copied(item) for item in self._items]
            sequence = Sequence.over(items, self._make, defined=self.defined)
        else:
            sequence = Sequence.over(self._items, self._make, defined=self.defined)  # offsets never change
            sequence._built = {index: copied(item) for index, item in built.items()}
        sequence.changed = self.changed
        return sequence

    def __copy__(self) -> Sequence:
        return self.twin(lambda item: item)

    def __reduce__(self) -> tuple[type[Sequence], tuple[list[Dataset]]]:
        return Sequence, (list(self),)

    def transient(self) -> Iterator[Dataset]:
        """All items; those not yet built are built for the caller alone and not kept."""
        built = self._built
        for index, item in enumerate(self._items):
            if type(item) is not int:
                yield item
            elif built is not None and index in built:
                yield built[index]
            else:
                yield self._new(item, index)

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


def _untouched(item: Dataset) -> bool:
    """Whether an item, and what was built inside it, is as it came, and nothing in it is held by anybody else."""
    waiting = [item]
    while waiting:
        one = waiting.pop()
        body = one._body
        if body.changed or one._file is not None:
            return False
        cache = body.cache
        for key in list(cache):
            if type(cache[key]) is not Sequence:
                continue
            if holders(cache, key) != COUNTS.own or cache[key].changed:
                return False
            inner = cache[key]
            items = inner._items if inner._built is None else inner._built
            for place in range(len(items)) if inner._built is None else list(items):
                if type(items[place]) is int:
                    continue
                if holders(items, place) != COUNTS.own:
                    return False
                waiting.append(items[place])
    return True


def items_of(ds: Dataset, keyword: str) -> Sequence | tuple[()]:
    """The items of a sequence; none where it is absent, empty, or no sequence, whatever its name promises."""
    value = ds.get(keyword)
    return value if isinstance(value, Sequence) else ()
