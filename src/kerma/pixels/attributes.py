"""Attributes for display as numbers, text and items, from the data set or the functional groups of a frame (PS3.3
C.7.6.16).

May touch data sets only. Rule: an attribute that is wrong is as one that is absent: a picture is still to be had. What
must be there is checked by who needs it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import KermaError


def first_of(value: Any) -> Any:
    """The first of several values, or the one."""
    if isinstance(value, tuple):
        return value[0] if value else None
    return value


def value_of(ds: Dataset, keyword: str | int) -> Any:
    """The value; None where it is absent, empty or cannot be read."""
    try:
        return ds.get(keyword)
    except KermaError:
        return None


def numbers(ds: Dataset, keyword: str | int) -> tuple[float, ...]:
    """All values as finite numbers; empty where one is none."""
    value = value_of(ds, keyword)
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    try:
        found = tuple(float(each) for each in values)
    except (TypeError, ValueError):
        return ()
    return found if all(math.isfinite(each) for each in found) else ()


def number(ds: Dataset, keyword: str | int, default: float | None = None) -> float | None:
    """The first value as a number."""
    found = numbers(ds, keyword)
    return found[0] if found else default


def whole(ds: Dataset, keyword: str | int, default: int = 0) -> int:
    """The first value as a whole number."""
    found = numbers(ds, keyword)
    return int(found[0]) if found else default


def text(ds: Dataset, keyword: str | int) -> str:
    """The first value as text without blanks around; "" where there is none."""
    value = first_of(value_of(ds, keyword))
    return value.strip() if isinstance(value, str) else ""


def items(ds: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent or no sequence."""
    value = value_of(ds, keyword)
    if value is None or isinstance(value, (str, bytes, tuple, memoryview)):
        return []
    try:
        return [item for item in value if isinstance(item, Dataset)]
    except (KermaError, TypeError):
        return []


def item(ds: Dataset, keyword: str, index: int = 0) -> Dataset | None:
    """One item of a sequence without looking at the others; None where there is none."""
    value = value_of(ds, keyword)
    try:
        found = value[index] if value is not None else None
    except (KermaError, TypeError, IndexError):
        return None
    return found if isinstance(found, Dataset) else None


def group_items(ds: Dataset, frame: int, keyword: str) -> Iterator[Dataset]:
    """The first item of a functional group macro for a frame (from 0): the frame's own, then the shared one."""
    for holder in (
        item(ds, "PerFrameFunctionalGroupsSequence", frame),
        item(ds, "SharedFunctionalGroupsSequence"),
    ):
        found = None if holder is None else item(holder, keyword)
        if found is not None:
            yield found


def holders(ds: Dataset, frame: int, *macros: str) -> Iterator[Dataset]:
    """Where an attribute of a frame may stand: functional groups of those names, then the data set itself."""
    for keyword in macros:
        yield from group_items(ds, frame, keyword)
    yield ds
