"""The forms in which values are compared."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kerma.query import normal


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("DOE^JOHN", "doe^john"),
        ("DOE^JOHN^^^", "doe^john"),
        (" DOE ^ JOHN ", "doe^john"),
        ("Müller", "muller"),
        ("MÜLLER", "muller"),
        ("Straße", "strasse"),
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("ガ", "ガ"),
        ("한글", "한글"),
        ("^^^", ""),
    ],
)
def test_names_are_folded(text: str, folded: str) -> None:
    assert normal.fold_name(text) == folded


def test_voiced_kana_stay_other_names() -> None:
    assert normal.fold_name("ガ") != normal.fold_name("カ")


def test_groups_of_a_name() -> None:
    assert normal.name_groups("Yamada^Tarou=山田^太郎=やまだ^たろう") == ("yamada^tarou", "山田^太郎", "やまだ^たろう")
    assert normal.name_groups("=山田") == ("", "山田", "")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("20260131", "20260131"),
        ("2026.01.31", "20260131"),
        ("202601", None),
        ("", None),
        ("2026013a", None),
        ("²0260131", None),
    ],
)
def test_date_keys(text: str, key: str | None) -> None:
    assert normal.date_key(text) == key


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("10", ("100000.000000", "105959.999999")),
        ("1030", ("103000.000000", "103059.999999")),
        ("10:30:15", ("103015.000000", "103015.999999")),
        ("103015.25", ("103015.250000", "103015.259999")),
        ("103015.123456", ("103015.123456", "103015.123456")),
        ("1", None),
        ("103015.1234567", None),
    ],
)
def test_time_bounds(text: str, bounds: tuple[str, str] | None) -> None:
    assert normal.time_bounds(text) == bounds


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2025", datetime(2025, 1, 1), datetime(2025, 12, 31, 23, 59, 59, 999999)),
        ("202502", datetime(2025, 2, 1), datetime(2025, 2, 28, 23, 59, 59, 999999)),
        ("202402", datetime(2024, 2, 1), datetime(2024, 2, 29, 23, 59, 59, 999999)),
        ("999912", datetime(9999, 12, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)),
        ("20250203101112.5", datetime(2025, 2, 3, 10, 11, 12, 500000), datetime(2025, 2, 3, 10, 11, 12, 599999)),
        ("20250203101160", datetime(2025, 2, 3, 10, 11, 59), datetime(2025, 2, 3, 10, 11, 59, 999999)),
    ],
)
def test_datetime_bounds(text: str, low: datetime, high: datetime) -> None:
    assert normal.datetime_bounds(text) == (low, high)


def test_datetime_with_an_offset_is_aware() -> None:
    bounds = normal.datetime_bounds("20250101100000-0530")
    assert bounds is not None
    assert bounds[0].utcoffset() == -timedelta(hours=5, minutes=30)


@pytest.mark.parametrize("text", ["", "20251301", "2025021", "20250101+9900", "x", "20250230"])
def test_what_is_no_datetime(text: str) -> None:
    assert normal.datetime_bounds(text) is None


@pytest.mark.parametrize(
    ("text", "vr", "ends"),
    [
        ("20250101-20250201", "DA", ("20250101", "20250201")),
        ("-20250201", "DA", ("", "20250201")),
        ("20250201-", "DA", ("20250201", "")),
        ("20250101", "DA", None),
        ("10-1130", "TM", ("10", "1130")),
        ("2024-2025", "DT", ("2024", "2025")),
        ("20240101-0500", "DT", None),
        ("20240101-0500-20250101-0500", "DT", ("20240101-0500", "20250101-0500")),
        ("-20250101+0100", "DT", ("", "20250101+0100")),
        ("20250101-0500-", "DT", ("20250101-0500", "")),
    ],
)
def test_ranges(text: str, vr: str, ends: tuple[str, str] | None) -> None:
    assert normal.split_range(text, vr) == ends


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("1", 1),
        (" 01 ", 1),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("x", None),
        ("nan", None),
        ("1_0", None),
        ("9" * 99, None),
    ],
)
def test_numbers(text: str, worth: float | None) -> None:
    assert normal.number_key(text) == worth
