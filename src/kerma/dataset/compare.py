"""Equality of data sets: the same elements with the same VRs and values, items included; compared with a stack of its
own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerma.encoding.swap import swapped
from kerma.errors import ValueFormatError

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset
    from kerma.dataset.sequence import Sequence


def equal(one: Dataset, two: Dataset) -> bool:
    """Whether two data sets hold the same; how they are encoded and their file meta information do not count, group
    lengths neither.
    """
    return _all_equal([(one, two)])


def sequences_equal(one: Sequence, two: Sequence) -> bool:
    if len(one) != len(two):
        return False
    return _all_equal(list(zip(one.transient(), two.transient(), strict=True)))


def _all_equal(pairs: list[tuple[Dataset, Dataset]]) -> bool:
    while pairs:
        one, two = pairs.pop()
        if one is two:
            continue
        tags = _tags(one)
        if tags != _tags(two):
            return False
        for tag in tags:
            vr = one.vr_of(tag)
            if vr != two.vr_of(tag):
                return False
            if vr == "SQ":
                first, second = one.sequence_of(tag), two.sequence_of(tag)
                if len(first) != len(second):
                    return False
                pairs.extend(zip(first.transient(), second.transient(), strict=True))
            elif not _same(one, two, tag):
                return False
    return True


def _tags(ds: Dataset) -> list[int]:
    # A group length tells of the encoding, not of the patient (PS3.5 7.2).
    return [tag for tag in ds if tag & 0xFFFF]


def _same(one: Dataset, two: Dataset, tag: int) -> bool:
    try:
        first: Any = one.value_of(tag)
        second: Any = two.value_of(tag)
    except ValueFormatError:
        # What cannot be decoded is the same where its bytes are.
        return bool(one[tag].raw == two[tag].raw)
    if isinstance(first, memoryview) and isinstance(second, memoryview):
        return bool(normal_bytes(one, tag, first) == normal_bytes(two, tag, second))
    return bool(first == second)


def normal_bytes(ds: Dataset, tag: int, value: memoryview) -> Any:
    """A binary value as it is in little endian."""
    size = ds.word_size(tag)
    if size == 1:
        return value

    return swapped(value, size)
