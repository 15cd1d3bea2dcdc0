"""Every element of a data set and its items, in order, without recursion (PS3.5 7.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kerma.dataset.element import Element

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

Path = tuple[int, ...]


def walk(ds: Dataset, *, max_path: int = 64) -> Iterator[tuple[Path, Element]]:
    """(path, element) of every element; a sequence comes before its items. The path is tag, item index, tag ..., and
    ends with the element's tag; below ``max_path`` steps it is cut short in the middle, so that a deep nesting costs
    no quadratic work.

    Items are built for the walk and not kept, unless they were built before.
    """
    # A frame: data set, its tags, the path of the item, and, once inside a sequence, that sequence's items.
    stack: list[tuple[Dataset, Iterator[int], Path]] = [(ds, iter(ds), ())]
    items: list[tuple[Iterator[tuple[int, Dataset]], Path]] = []
    while stack:
        current, tags, base = stack[-1]
        tag = next(tags, None)
        if tag is None:
            stack.pop()
            _next_item(stack, items, max_path)
            continue
        path = (*base, tag)
        element = Element(current, tag)
        yield path, element
        if element.vr == "SQ":
            items.append((enumerate(element.sequence.transient()), path))
            _next_item(stack, items, max_path)


def _next_item(
    stack: list[tuple[Dataset, Iterator[int], Path]],
    items: list[tuple[Iterator[tuple[int, Dataset]], Path]],
    max_path: int,
) -> None:
    """Go to the next item of the innermost open sequence, or leave it."""
    if len(items) <= len(stack) - 1 or not items:
        return
    entries, path = items[-1]
    found = next(entries, None)
    if found is None:
        items.pop()
        return
    number, item = found
    base = (*path, number) if len(path) < max_path else path[:-1]
    stack.append((item, iter(item), base))
