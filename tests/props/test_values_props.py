"""Values written and read again are the same; no bytes make the decoder fail in a way that is not ours (PS3.5 6)."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kerma.errors import ValueFormatError
from kerma.standard import vrs
from kerma.values import AS, DA, DS, DT, IS, TM, UID, Charsets, PersonName, dates, decode, encode
from kerma.values.repertoires import NUMBERS, STAND_ALONE, CodeElement

SEVERAL = 4
INTEGERS = {"US": (0, 16), "SS": (1, 16), "UL": (0, 32), "SL": (1, 32), "UV": (0, 64), "SV": (1, 64), "AT": (0, 32)}
SINGLE_BYTE = [number for number, (lower, upper) in NUMBERS.items() if lower and upper]
TERMS: list[tuple[str, ...]] = (
    [(term,) for term in STAND_ALONE]
    + [(f"ISO_IR {number}",) for number in SINGLE_BYTE]
    + [("", f"ISO 2022 IR {number}") for number in NUMBERS if number != 6]
    + [
        ("ISO 2022 IR 13", "ISO 2022 IR 87", "ISO 2022 IR 159"),
        ("ISO 2022 IR 100", "ISO 2022 IR 144", "ISO 2022 IR 126"),
        ("ISO 2022 IR 6", "ISO 2022 IR 149", "ISO 2022 IR 58", "ISO 2022 IR 87"),
        ("ISO 2022 IR 13", "ISO 2022 IR 6", "ISO 2022 IR 100"),
    ]
)


def one_or_several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or a tuple of two and more."""
    return values | st.lists(values, min_size=2, max_size=SEVERAL).map(tuple)


def plain(minimum: int = 1) -> st.SearchStrategy[str]:
    """ASCII without backslash and without spaces at the ends."""
    letters = st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\")
    return st.text(letters, min_size=minimum, max_size=12).map(str.strip).filter(lambda text: len(text) >= minimum)


def values_of(vr: str) -> st.SearchStrategy[Any]:
    """Values that ``decode`` can give for a VR."""
    if vr in INTEGERS:
        signed, bits = INTEGERS[vr]
        bounds = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return one_or_several(st.integers(*bounds))
    if vr in {"FL", "FD"}:
        return one_or_several(st.floats(width=32 if vr == "FL" else 64, allow_nan=False))
    if vr[0] == "O" or vr == "UN":
        return st.binary(min_size=1, max_size=9)
    if vr == "IS":
        return one_or_several(st.integers(-(2**31), 2**31 - 1).map(IS))
    if vr == "DS":
        return one_or_several(st.floats(allow_nan=False, allow_infinity=False).map(DS))
    if vr == "UI":
        return one_or_several(st.from_regex(r"[0-2](\.[1-9][0-9]{0,9}){1,5}", fullmatch=True).map(UID))
    if vr in {"LT", "ST", "UT", "UR"}:
        return st.text(st.characters(max_codepoint=0x7E, exclude_characters="\x1b"), min_size=1).map(
            lambda text: text.rstrip(" \0") + "\\."
        )
    return one_or_several(plain().map(PersonName) if vr == "PN" else plain())


@pytest.mark.parametrize("vr", [vr for vr in vrs.ALL if vr != "SQ"])
@settings(max_examples=50, deadline=None)
@given(data=st.data(), little_endian=st.booleans())
def test_decode_of_encode(vr: str, data: st.DataObject, little_endian: bool) -> None:
    value = data.draw(values_of(vr))
    raw = encode(vr, value, little_endian=little_endian)
    assert len(raw) % 2 == 0
    again = decode(vr, raw, little_endian=little_endian)
    if isinstance(again, memoryview):
        assert bytes(again) == value + bytes(len(value) % 2)
    else:
        assert again == value
        assert encode(vr, again, little_endian=little_endian) == raw


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1.7976931348623157e308)
@example(5e-324)
def test_floats_in_sixteen_characters(number: float) -> None:
    raw = encode("DS", number)
    assert len(raw) <= 16
    assert math.isclose(decode("DS", raw), number, rel_tol=1e-8)


@given(st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf]))
def test_float_bits_survive(number: float) -> None:
    assert struct.pack("<d", decode("FD", encode("FD", number))) == struct.pack("<d", number)


def alphabet(charsets: Charsets, vr: str) -> list[str] | None:
    """The characters that the sets can write; None for Unicode."""
    sets: tuple[CodeElement, ...] = charsets._extensions
    if not sets:
        return None
    delimiters = {"PN": "\\^=¥", "LO": "\\¥"}.get(vr, "")
    return sorted({character for one in sets for character in one.codes if character >= " "} - set(delimiters))


@pytest.mark.parametrize("vr", ["PN", "LO", "UT"])
@pytest.mark.parametrize("terms", TERMS, ids="-".join)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_text_in_every_character_set(terms: tuple[str, ...], vr: str, data: st.DataObject) -> None:
    charsets = Charsets.of(terms)
    assert charsets.findings == ()
    known = alphabet(charsets, vr)
    if known is None:
        letters = st.characters(exclude_categories=["Cs"], exclude_characters="\\\x1b").filter(
            lambda character: terms[0] != "GBK" or _in_gbk(character)
        )
    else:
        letters = st.sampled_from(known)
    joint = {"PN": ["^", "=", "\\"], "LO": ["\\", "\t"], "UT": ["\r\n", "\t"]}[vr]
    pieces = data.draw(st.lists(st.text(letters, max_size=6) | st.sampled_from(joint), max_size=8))
    text = "".join(pieces)
    raw = charsets.encode(text, vr)
    assert charsets.decode(raw, vr) == text
    assert charsets.check(raw, vr) == ()


def _in_gbk(character: str) -> bool:
    try:
        return character.encode("gbk").decode("gbk") == character
    except UnicodeEncodeError:
        return False


NOISE = st.lists(
    st.binary(max_size=4)
    | st.sampled_from(
        [b"\x1b$B", b"\x1b(B", b"\x1b(J", b"\x1b$)C", b"\x1b$)A", b"\x1b-A", b"\x1b)I", b"\x1b", b"\\", b"^"]
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    vr=st.sampled_from([*vrs.ALL, "XX"]),
    raw=NOISE,
    terms=st.sampled_from(TERMS) | st.lists(st.text(max_size=20), max_size=3).map(tuple),
    little_endian=st.booleans(),
)
def test_any_bytes_are_a_value_or_our_error(vr: str, raw: bytes, terms: tuple[str, ...], little_endian: bool) -> None:
    charsets = Charsets.of(terms)
    try:
        value = decode(vr, raw, little_endian=little_endian, charsets=charsets)
    except ValueFormatError:
        assert vr in {"IS", "DS", "AT", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "SQ"}
    else:
        assert not isinstance(value, list)
    charsets.check(raw, vr)


@given(st.text(st.sampled_from("0123456789-+.: "), max_size=30) | st.text(max_size=20))
def test_any_text_is_a_date_or_our_error(text: str) -> None:
    for function in (dates.date_bounds, dates.time_bounds, dates.datetime_bounds):
        try:
            low, high = function(text)
        except ValueFormatError:
            continue
        assert low is not None or high is not None
        if function is dates.date_bounds and low == high and low is not None:
            assert dates.date_bounds(low) == (low, high)


@given(st.text(st.sampled_from("0123456789-+.: "), max_size=30) | st.text(max_size=20))
def test_any_text_is_kept_and_asked(text: str) -> None:
    """What ``valid`` says of a text is what all other questions say, and none changes it."""
    for kind in (DA, TM, DT):
        value = kind(text)
        assert str(value) == text
        if value.valid:
            low, high = value.bounds
            assert low is not None or high is not None
            assert (value.precision is None) == value.is_range
        else:
            assert value.precision is None
            with pytest.raises(ValueFormatError):
                _ = value.bounds


@given(st.dates(), st.dates())
def test_ages_come_back(one: Any, other: Any) -> None:
    birth, day = sorted([one, other])
    assume(day.year - birth.year < 999)
    age = AS.between(birth, day)
    assert age.valid
    assert abs(age.days - (day - birth).days) <= {"D": 0, "W": 7, "M": 33, "Y": 368}[age.unit]


@given(st.datetimes(), st.integers(-720, 840))
def test_moments(moment: Any, minutes: int) -> None:
    import datetime

    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    aware = moment.replace(tzinfo=zone)
    assert dates.to_datetime(dates.format_dt(aware)) == aware
    assert dates.to_datetime(dates.format_dt(moment)) == moment
    assert dates.to_date(dates.format_da(moment)) == moment.date()
    assert dates.to_time(dates.format_tm(moment.time())) == moment.time()
