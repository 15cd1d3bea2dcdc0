"""Dates, times, parts, zones and ranges (PS3.5 6.2, PS3.4 C.2.2.2.5)."""

from __future__ import annotations

import datetime

import pytest

from kerma.errors import ValueFormatError
from kerma.values import dates

UTC = datetime.UTC


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("20260102", "20260102", "20260102"),
        (" 20260102 ", "20260102", "20260102"),
        ("2026.01.02", "20260102", "20260102"),
        ("202602", "20260201", "20260228"),
        ("2024", "20240101", "20241231"),
        ("20260101-20260131", "20260101", "20260131"),
        ("20260101 - 20260131", "20260101", "20260131"),
        ("20260101-", "20260101", None),
        ("-20260131", None, "20260131"),
        ("2025-202602", "20250101", "20260228"),
    ],
)
def test_dates(text: str, low: str | None, high: str | None) -> None:
    assert dates.date_bounds(text) == (low, high)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("101112.5", "101112.500000", "101112.599999"),
        ("101112.123456", "101112.123456", "101112.123456"),
        ("101112", "101112.000000", "101112.999999"),
        ("10", "100000.000000", "105959.999999"),
        ("1011", "101100.000000", "101159.999999"),
        ("10:11:12", "101112.000000", "101112.999999"),
        ("235960", "235960.000000", "235960.999999"),
        ("10-12", "100000.000000", "125959.999999"),
        ("22-02", "220000.000000", "025959.999999"),
        ("1000-", "100000.000000", None),
        ("-1000", None, "100059.999999"),
    ],
)
def test_times(text: str, low: str | None, high: str | None) -> None:
    assert dates.time_bounds(text) == (low, high)


@pytest.mark.parametrize(
    ("text", "zone", "low", "high"),
    [
        ("2026", None, "20260101000000.000000", "20261231235959.999999"),
        ("202602", None, "20260201000000.000000", "20260228235959.999999"),
        ("20260102101112.5", None, "20260102101112.500000", "20260102101112.599999"),
        ("20260102101112+0100", None, "20260102091112.000000", "20260102091112.999999"),
        ("20260102101112-0500", None, "20260102151112.000000", "20260102151112.999999"),
        ("20260102101112", "+0100", "20260102091112.000000", "20260102091112.999999"),
        ("20260102101112+0000", "+0100", "20260102101112.000000", "20260102101112.999999"),
        ("20260101000000+0100", None, "20251231230000.000000", "20251231230000.999999"),
        ("2026-0500", None, "20260101050000.000000", "20270101045959.999999"),
        ("2025-2026", None, "20250101000000.000000", "20261231235959.999999"),
        ("20260102-0500-20260103-0500", None, "20260102050000.000000", "20260104045959.999999"),
        ("20260102-", None, "20260102000000.000000", None),
        ("20260102-0500-", None, "20260102050000.000000", None),
        ("-20260102", None, None, "20260102235959.999999"),
        ("-20260102-0500", None, None, "20260103045959.999999"),
        ("20260101-20260102+0100", None, "20260101000000.000000", "20260102225959.999999"),
        ("20261231235960", None, "20261231235960.000000", "20261231235960.999999"),
        ("20261231235960+0100", None, "20261231225959.000000", "20261231225959.999999"),
    ],
)
def test_datetimes(text: str, zone: str | None, low: str | None, high: str | None) -> None:
    assert dates.datetime_bounds(text, zone=zone) == (low, high)


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        ("DA", ""),
        ("DA", "-"),
        ("DA", "20261301"),
        ("DA", "20260230"),
        ("DA", "20260001"),
        ("DA", "00000101"),
        ("DA", "2026-01-02"),
        ("DA", "20260"),
        ("DA", "\u0662026"),
        ("TM", "24"),
        ("TM", "1060"),
        ("TM", "101161"),
        ("TM", "101112.1234567"),
        ("TM", "1"),
        ("DT", "202"),
        ("DT", "-"),
        ("DT", "20260230"),
        ("DT", "2026+1500"),
        ("DT", "a-b"),
        ("DT", "20260102101112+0160"),
        ("DT", "9" * 10_000),
        ("DT", "00010101000000+0100"),
    ],
)
def test_no_dates(vr: str, text: str) -> None:
    function = {"DA": dates.date_bounds, "TM": dates.time_bounds, "DT": dates.datetime_bounds}[vr]
    with pytest.raises(ValueFormatError):
        function(text)


def test_is_range() -> None:
    assert dates.is_range("2025-2026", "DT")
    assert not dates.is_range("2026-0500", "DT")
    assert dates.is_range("20260101-", "DA")
    assert not dates.is_range("1011", "TM")


def test_python_objects() -> None:
    assert dates.to_date("20260102") == datetime.date(2026, 1, 2)
    assert dates.to_time("101112.5") == datetime.time(10, 11, 12, 500000)
    assert dates.to_time("235960") == datetime.time(23, 59, 59)
    assert dates.to_datetime("20260102") == datetime.datetime(2026, 1, 2)
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 60, zone)
    assert dates.to_datetime("20260102030405.000060-0500") == moment
    assert dates.format_dt(moment) == "20260102030405.000060-0500"
    assert dates.format_dt(moment.replace(tzinfo=None, microsecond=0)) == "20260102030405"
    for wrong in ("2026", "20260101-20260102"):
        with pytest.raises(ValueFormatError):
            dates.to_date(wrong)
    with pytest.raises(ValueFormatError):
        dates.to_time("10-11")
    with pytest.raises(ValueFormatError):
        dates.to_datetime("2025-2026")
