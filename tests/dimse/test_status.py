"""Status codes: categories by range, against pynetdicom for all 65,536 of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pynetdicom.status import code_to_category

from kerma.dimse import CommandField, Status, StatusCategory, category_of
from kerma.dimse.status import GENERAL, SERVICE_RANGES, StatusRange, text_of


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (0x0000, StatusCategory.SUCCESS),
        (0x0001, StatusCategory.WARNING),
        (0x0002, StatusCategory.FAILURE),
        (0x0107, StatusCategory.WARNING),
        (0x0110, StatusCategory.FAILURE),
        (0x0116, StatusCategory.WARNING),
        (0xA700, StatusCategory.FAILURE),
        (0xAFFF, StatusCategory.FAILURE),
        (0xB000, StatusCategory.WARNING),
        (0xBFFF, StatusCategory.WARNING),
        (0xC000, StatusCategory.FAILURE),
        (0xFE00, StatusCategory.CANCEL),
        (0xFE01, StatusCategory.FAILURE),
        (0xFF00, StatusCategory.PENDING),
        (0xFF01, StatusCategory.PENDING),
        (0xFF02, StatusCategory.FAILURE),
        (0xB0000, StatusCategory.FAILURE),
    ],
)
def test_categories(status: int, category: StatusCategory) -> None:
    assert category_of(status) is category


def test_categories_of_pynetdicom() -> None:
    for status in range(0x10000):
        theirs = code_to_category(status)
        if theirs != "Unknown":
            assert category_of(status).value == theirs, hex(status)


@pytest.mark.parametrize("rows", [GENERAL, *SERVICE_RANGES.values()])
def test_ranges_are_in_order_and_agree_with_the_general_ones(rows: tuple[StatusRange, ...]) -> None:
    assert all(one.high < other.low for one, other in pairwise(rows))
    for row in rows:
        assert row.low <= row.high
        assert category_of(row.low) is row.category
        assert category_of(row.high) is row.category


def test_every_named_status_has_a_printed_text() -> None:
    for status in Status:
        assert text_of(status) != f"Failure ({status:04X}H)"
    assert text_of(0x4242) == "Failure (4242H)"
    assert text_of(0xA7FF, CommandField.C_STORE_RQ) == "Refused: out of resources (A7FFH)"
    assert text_of(0xA801, CommandField.C_MOVE_RSP) == "Refused: move destination unknown (A801H)"
    assert text_of(0x0110, CommandField.C_MOVE_RSP) == "Processing failure (0110H)"
