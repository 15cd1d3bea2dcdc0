"""DA, TM, DT and AS as values: text that can be asked (PS3.5 6.2)."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from typing import Any

import pytest

import kerma
from kerma.errors import ValueEncodeError, ValueFormatError
from kerma.values import AS, DA, DT, TM, decode

UTC = dt.UTC
CET = dt.timezone(dt.timedelta(hours=1))
AWARE = dt.datetime(2026, 1, 31, 10, 15, 30, 250000, CET)
NAIVE = AWARE.replace(tzinfo=None)


@pytest.mark.parametrize("kind", [DA, TM, DT, AS])
@pytest.mark.parametrize("text", ["20260131", "", "no date at all", "101112.5", "018M"])
def test_they_are_str(kind: type[str], text: str) -> None:
    value = kind(text)
    assert value == text
    assert hash(value) == hash(text)
    assert {text: 1}[value] == 1
    assert str(value) == text
    assert f"{value}" == text
    assert repr(value) == repr(text)
    assert sorted([kind("b"), kind("a")]) == ["a", "b"]
    for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert type(twin) is kind
        assert twin == value
    assert not hasattr(value, "__dict__")


def test_what_is_read_is_of_its_type() -> None:
    assert type(decode("DA", b"20260131")) is DA
    assert type(decode("TM", b"1015 ")) is TM
    assert type(decode("DT", b"2026\\2027 ")[1]) is DT
    assert type(decode("AS", b"018M")) is AS
    assert decode("DA", b"  ") is None


@pytest.mark.parametrize(
    ("text", "precision", "low", "high"),
    [
        ("20260131", "day", dt.date(2026, 1, 31), dt.date(2026, 1, 31)),
        ("2026.01.31", "day", dt.date(2026, 1, 31), dt.date(2026, 1, 31)),
        ("202602", "month", dt.date(2026, 2, 1), dt.date(2026, 2, 28)),
        ("2026", "year", dt.date(2026, 1, 1), dt.date(2026, 12, 31)),
        ("20260101-20260131", None, dt.date(2026, 1, 1), dt.date(2026, 1, 31)),
        ("20260101-", None, dt.date(2026, 1, 1), None),
        ("-20260131", None, None, dt.date(2026, 1, 31)),
    ],
)
def test_dates(text: str, precision: str | None, low: dt.date | None, high: dt.date | None) -> None:
    value = DA(text)
    assert value.valid
    assert value.precision == precision
    assert value.bounds == (low, high)
    assert value.is_range is (precision is None)
    if precision == "day":
        assert value.date() == low
    else:
        with pytest.raises(ValueFormatError):
            value.date()


@pytest.mark.parametrize(
    ("text", "precision", "low", "high"),
    [
        ("101112.5", "fraction", dt.time(10, 11, 12, 500000), dt.time(10, 11, 12, 599999)),
        ("101112", "second", dt.time(10, 11, 12), dt.time(10, 11, 12, 999999)),
        ("10:11:12", "second", dt.time(10, 11, 12), dt.time(10, 11, 12, 999999)),
        ("1011", "minute", dt.time(10, 11), dt.time(10, 11, 59, 999999)),
        ("10", "hour", dt.time(10), dt.time(10, 59, 59, 999999)),
        ("235960", "second", dt.time(23, 59, 59), dt.time(23, 59, 59, 999999)),
        ("10-1130", None, dt.time(10), dt.time(11, 30, 59, 999999)),
        ("-10", None, None, dt.time(10, 59, 59, 999999)),
    ],
)
def test_times(text: str, precision: str | None, low: dt.time | None, high: dt.time | None) -> None:
    value = TM(text)
    assert value.valid
    assert value.precision == precision
    assert value.bounds == (low, high)
    if precision is None:
        with pytest.raises(ValueFormatError):
            value.time()
    else:
        assert value.time() == low


@pytest.mark.parametrize(
    ("text", "precision", "zone", "low", "high"),
    [
        ("20260131101530.25+0100", "fraction", CET, AWARE, AWARE.replace(microsecond=259999)),
        ("20260131101530", "second", None, NAIVE.replace(microsecond=0), NAIVE.replace(microsecond=999999)),
        ("2026-0500", "year", dt.timezone(dt.timedelta(hours=-5)), None, None),
        ("202601", "month", None, dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 31, 23, 59, 59, 999999)),
        ("20260131+0000", "day", UTC, dt.datetime(2026, 1, 31, tzinfo=UTC), None),
        ("2026013110", "hour", None, dt.datetime(2026, 1, 31, 10), None),
        ("202601311015", "minute", None, dt.datetime(2026, 1, 31, 10, 15), None),
    ],
)
def test_date_times(
    text: str, precision: str, zone: dt.timezone | None, low: dt.datetime | None, high: dt.datetime | None
) -> None:
    value = DT(text)
    assert value.valid
    assert not value.is_range
    assert value.precision == precision
    assert value.zone == zone
    assert value.datetime().utcoffset() == (None if zone is None else zone.utcoffset(None))
    assert value.bounds.low == value.datetime()
    if low is not None:
        assert value.datetime() == low
    if high is not None:
        assert value.bounds.high == high


def test_date_time_ranges() -> None:
    value = DT("20260101-20260131+0100")
    assert value.is_range
    assert value.precision is None
    assert value.zone is None
    assert value.bounds.low == dt.datetime(2026, 1, 1)
    assert value.bounds.high == dt.datetime(2026, 1, 31, 23, 59, 59, 999999, CET)
    assert DT("-2025").bounds.low is None
    with pytest.raises(ValueFormatError):
        value.datetime()


def test_zones_from_beside() -> None:
    """A text without an offset is in the zone that Timezone Offset From UTC (0008,0201) gives."""
    value = DT("20260131101530.25")
    assert value.datetime("+0100") == value.datetime(CET) == AWARE
    assert DT("20260131101530.25+0100").datetime("-0500") == AWARE
    assert DA("20260131").at("101530.25") == NAIVE
    assert DA("20260131").at(TM("101530.25"), "+0100") == AWARE
    assert DA("20260131").at(dt.time(10, 15, 30, 250000), CET) == AWARE
    for wrong in ("", "0100", "+01:00", "+1", "+1500", "CET"):
        with pytest.raises(ValueFormatError):
            value.datetime(wrong)
    assert DT("20260131235959-0500").date() == dt.date(2026, 1, 31)
    with pytest.raises(ValueFormatError):
        DT("202601").date()


@pytest.mark.parametrize("kind", [DA, TM, DT])
@pytest.mark.parametrize("text", ["", "x", "20261301", "2026-1", "1:2", "99", "-", "20260131 1015", "²026"])
def test_what_is_none_is_kept_and_told(kind: Any, text: str) -> None:
    value = kind(text)
    assert value == text
    assert not value.valid
    assert value.precision is None
    with pytest.raises(ValueFormatError):
        _ = value.bounds


def test_from_python() -> None:
    assert DA(dt.date(26, 1, 2)) == "00260102"
    assert DA(NAIVE) == "20260131"
    assert TM(dt.time(1, 2, 3)) == "010203"
    assert TM(NAIVE) == "101530.250000"
    assert DT(AWARE) == "20260131101530.250000+0100"
    assert DT(NAIVE) == "20260131101530.250000"
    assert DT(dt.date(2026, 1, 31)) == "20260131"
    assert DT(AWARE).datetime() == AWARE
    west = dt.timezone(-dt.timedelta(hours=3, minutes=30))
    assert DT(AWARE.replace(tzinfo=west)) == "20260131101530.250000-0330"
    assert DA.between(dt.date(2026, 1, 1), dt.date(2026, 1, 31)) == "20260101-20260131"
    assert DA.between(None, dt.date(2026, 1, 31)) == "-20260131"
    assert TM.between(dt.time(10), None) == "100000-"
    assert DT.between(AWARE, None).bounds.low == AWARE


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DA, AWARE),
        (TM, AWARE),
        (TM, dt.time(10, tzinfo=UTC)),
        (TM, dt.date(2026, 1, 1)),
        (DA, dt.time(10)),
        (DT, dt.time(10)),
        (DT, NAIVE.replace(tzinfo=dt.timezone(dt.timedelta(hours=-13)))),
        (DA, 20260131),
        (DA, None),
    ],
)
def test_what_a_vr_has_no_place_for_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(ValueEncodeError):
        kind(value)


def test_a_range_has_an_end() -> None:
    with pytest.raises(ValueEncodeError):
        DA.between(None, None)


def test_assigned_to_elements() -> None:
    ds = kerma.Dataset()
    ds.StudyDate = ds.StudyTime = NAIVE
    ds.AcquisitionDateTime = AWARE
    ds.DateOfSecondaryCapture = dt.date(2026, 1, 2)
    ds.TimeOfSecondaryCapture = dt.time(3, 4)
    ds.CalibrationDate = [dt.date(2026, 1, 1), "20260102", NAIVE]
    again = kerma.Dataset.from_bytes(ds.to_bytes(), "1.2.840.10008.1.2.1")
    assert bytes(again["StudyDate"].raw or b"") == b"20260131"
    assert bytes(again["StudyTime"].raw or b"") == b"101530.250000 "
    assert bytes(again["AcquisitionDateTime"].raw or b"") == b"20260131101530.250000+0100"
    assert bytes(again["TimeOfSecondaryCapture"].raw or b"") == b"030400"
    assert again.CalibrationDate == ("20260101", "20260102", "20260131")
    assert again.AcquisitionDateTime is not None
    assert again.AcquisitionDateTime.datetime() == AWARE
    with pytest.raises(ValueEncodeError, match="TimezoneOffsetFromUTC"):
        ds.StudyTime = AWARE


def test_ages() -> None:
    age = AS("018M")
    assert (age.number, age.unit) == (18, "M")
    assert round(age.days) == 548
    assert round(age.years, 3) == 1.5
    assert AS.of(7, "D") == "007D"
    assert sorted([AS("002Y"), AS("018M"), AS("003W")], key=lambda one: one.days) == ["003W", "018M", "002Y"]
    for text in ("18M", "018", "018Q", "018m", "", "١٢٣Y"):
        assert not AS(text).valid
        with pytest.raises(ValueFormatError):
            _ = AS(text).number
    for number, unit in ((1000, "Y"), (-1, "D"), (1, "Q")):
        with pytest.raises(ValueEncodeError):
            AS.of(number, unit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ((2026, 1, 31), (2026, 1, 31), "000D"),
        ((2026, 1, 31), (2026, 2, 13), "013D"),
        ((2026, 1, 31), (2026, 2, 14), "002W"),
        ((2026, 1, 31), (2026, 3, 30), "008W"),
        ((2026, 1, 31), (2026, 3, 31), "002M"),
        ((2024, 2, 1), (2026, 1, 31), "023M"),
        ((2024, 2, 1), (2026, 2, 1), "002Y"),
        ((1979, 2, 28), (2026, 2, 27), "046Y"),
        ((1979, 2, 28), (2026, 2, 28), "047Y"),
    ],
)
def test_the_age_on_a_day(birth: tuple[int, int, int], day: tuple[int, int, int], age: str) -> None:
    assert AS.between(dt.date(*birth), dt.date(*day)) == age


def test_no_age_before_birth() -> None:
    with pytest.raises(ValueEncodeError):
        AS.between(dt.date(2026, 1, 2), dt.datetime(2026, 1, 1, 23))
