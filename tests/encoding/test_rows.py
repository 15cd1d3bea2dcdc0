"""Nested sequences as rows: the compiled twin gives what the plain source gives, of bytes right and wrong."""

from __future__ import annotations

import random
import struct
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.encoding.nesting import DATA_SETS, encoded
from tests.encoding.twins import compiled
from tests.fuzz.fuzz_scan import mutate

from kerma.dataset.flat import _KINDS
from kerma.encoding import rows as plain
from kerma.encoding import twin
from kerma.standard.elements import TAG_TO_VR

TWIN = compiled("_rows")
needs_twin = pytest.mark.skipif(
    TWIN is None, reason="no compiled twin is built: no C compiler, or no headers of Python"
)
ITEM_HEAD = bytes.fromhex("feff00e0")


def told(rows: ModuleType, data: bytes, at: int, end: int, explicit: bool, deepest: int = 24) -> Any:
    return rows.nested(data, at, end, _KINDS, None if explicit else TAG_TO_VR, deepest)


def check(data: bytes, at: int, end: int, explicit: bool) -> Any:
    assert TWIN is not None
    found = told(plain, data, at, end, explicit)
    assert told(TWIN, data, at, end, explicit) == found
    return found


@needs_twin
def test_both_are_compiled_or_none() -> None:
    assert twin.rows.COMPILED == twin.loops.COMPILED


@needs_twin
@given(DATA_SETS, st.booleans(), st.integers(0, 100))
def test_the_same_rows(elements: Any, explicit: bool, room: int) -> None:
    """At each offset at which an item may begin, of whole bytes and of cut ones."""
    data = encoded([(0x0040A730, ("sequence", False, [(True, elements), (False, elements)]))], explicit)
    places = [at for at in range(len(data)) if data.startswith(ITEM_HEAD, at)]
    for at in [0, *(at - 8 for at in places), *(at - 12 for at in places), *places]:
        check(data, at, len(data), explicit)
        check(data, at, len(data) * room // 100, explicit)
        check(data[: len(data) * room // 100], at, len(data), not explicit)


@needs_twin
@given(DATA_SETS, st.booleans(), st.integers(0, 2**32))
def test_damaged_ones(elements: Any, explicit: bool, seed: int) -> None:
    data = encoded([(0x0040A730, ("sequence", True, [(False, elements), (True, elements)]))], explicit)
    damaged = mutate(data, random.Random(seed))
    for at in (-1, 0, 1, 12, len(damaged) - 9, len(damaged), 2**62):
        check(damaged, at, len(damaged), explicit)


def nest(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        item = ITEM_HEAD + struct.pack("<I", len(data)) + data
        data = b"\x40\0\x30\xa7SQ\0\0" + struct.pack("<I", len(item)) + item
    return data


@pytest.mark.parametrize("rows", [plain, TWIN] if TWIN else [plain])
def test_depth_is_bounded(rows: ModuleType) -> None:
    assert len(told(rows, nest(5), 0, 10**6, True, 5)[0]) == 20
    assert told(rows, nest(6), 0, 10**6, True, 5) is None
    assert told(rows, nest(24), 0, 10**6, True) is not None


@pytest.mark.parametrize("rows", [plain, TWIN] if TWIN else [plain])
def test_rows_are_in_the_order_of_the_bytes(rows: ModuleType) -> None:
    inner = encoded([(0x00080018, ("plain", "UI", b"1.2\0")), (0x00090010, ("plain", "UN", b"ab"))], True)
    data = b"\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff" + ITEM_HEAD + struct.pack("<I", len(inner)) + inner
    data += ITEM_HEAD + bytes(4) + bytes.fromhex("feffdde0") + bytes(4)
    found, odd = told(rows, data, 0, len(data), True)
    assert found == [
        (0x0040A730, "SQ", None, 2 << 32 | 0xFFFFFFFF),
        (rows.ITEM, "", None, 0),
        (0x00080018, "UI", "1.2", 4),
        (0x00090010, "", None, 32),
        (rows.ITEM_END, "", None, 0),
        (rows.ITEM, "", None, 1),
        (rows.ITEM_END, "", None, 0),
        (rows.SEQUENCE_END, "", None, 0),
    ]
    assert odd == [(3, 32, ((0x0040A730, 0, 0, 12),))]
    assert told(rows, data, 0, len(data) - 1, True) is None


WRONG = {
    "an item longer than its sequence": ITEM_HEAD + b"\x01\0\0\0",
    "no item": b"\x08\0\x05\0\0\0\0\0",
    "a delimiter in an item of defined length": ITEM_HEAD + b"\x08\0\0\0" + bytes.fromhex("feff0de0") + bytes(4),
    "tags that do not ascend": ITEM_HEAD + b"\x10\0\0\0" + 2 * b"\x08\0\x05\0CS\0\0",
    "no VR": ITEM_HEAD + b"\x08\0\0\0" + b"\x08\0\x05\0cs\0\0",
    "a value of undefined length": ITEM_HEAD + b"\x0c\0\0\0" + b"\x08\0\x05\0OB\0\0\xff\xff\xff\xff",
    "half a header": ITEM_HEAD,
}


@pytest.mark.parametrize("rows", [plain, TWIN] if TWIN else [plain])
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_what_is_odd_has_no_rows(rows: ModuleType, content: bytes) -> None:
    data = b"\x40\0\x30\xa7SQ\0\0" + struct.pack("<I", len(content)) + content
    assert told(rows, data, 0, len(data), True) is None
