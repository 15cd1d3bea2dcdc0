"""The plain cases of JSON give what the long way gives, with all that can be seen of a value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import kerma
from kerma.errors import FormatError, LimitError
from kerma.formats.json_plain import MULTIPLE, RANGES, TEXTS, place_of, plain_value, plain_values
from kerma.formats.json_values import value_of
from kerma.limits import Limits
from kerma.standard import vrs

TEXT = st.text("AZaz09 .^=\\\0\x1b~\xe9-+", max_size=12)
PARTS = TEXT | st.integers() | st.floats() | st.booleans() | st.none() | st.dictionaries(st.just("Alphabetic"), TEXT)


def told(value: Any) -> Any:
    return type(value), repr(value), str(value), getattr(value, "text", None)


@given(vr=st.sampled_from(sorted({*vrs.ALL} - {"SQ"})), part=PARTS)
@example(vr="DS", part=0.1 + 0.2)
@example(vr="DS", part=float("inf"))
@example(vr="US", part=65536)
@example(vr="PN", part={"Alphabetic": "A^B "})
@example(vr="UI", part="1.2.3\0")
def test_what_is_plain_is_what_the_long_way_gives(vr: str, part: Any) -> None:
    found = plain_value(vr, part)
    if found is not None:
        assert told(found) == told(value_of(vr, [part]))


@given(vr=st.sampled_from(sorted(MULTIPLE)), parts=st.lists(PARTS, min_size=1, max_size=3) | st.lists(TEXT, max_size=3))
@example(vr="PN", parts=[{"Alphabetic": "A^B "}, {"Alphabetic": "C\0"}])
@example(vr="DS", parts=[1, 2.5, -999999999999999])
@example(vr="UC", parts=[" A", "B "])
def test_several_that_are_plain_are_what_the_long_way_gives(vr: str, parts: list[Any]) -> None:
    found = plain_values(vr, parts)
    if found is not None:
        theirs = value_of(vr, parts)
        if len(parts) == 1:
            theirs = (theirs,)
        assert [told(part) for part in found] == [told(part) for part in theirs]


@pytest.mark.parametrize("vr", [*TEXTS, *RANGES])
def test_the_usual_is_plain(vr: str) -> None:
    assert plain_value(vr, "1" if vr in TEXTS else 1) is not None


@pytest.mark.parametrize("name", ["00080005", "00020010", "00100000", "0010001", "0010001G", " 0100010", 7, None])
def test_names_that_are_not_plain(name: Any) -> None:
    assert place_of(name) is None
    assert place_of("00100010") == (0x00100010, 0x00100010)
    assert place_of("7fe00010") == (0x7FE00010, 0x00107FE0)


def test_limits_hold_for_plain_attributes() -> None:
    model: dict[str, Any] = {f"0010{number:04X}": {"vr": "LO", "Value": ["x"]} for number in range(0x1000, 0x1010)}
    assert len(kerma.from_json(model, limits=Limits(max_elements=16))) == 16
    with pytest.raises(LimitError):
        kerma.from_json(model, limits=Limits(max_elements=15))
    nested: dict[str, Any] = model
    for _ in range(5):
        nested = {"00081140": {"vr": "SQ", "Value": [nested]}}
    with pytest.raises(LimitError, match="nest deeper"):
        kerma.from_json(nested, limits=Limits(max_depth=4))
    with pytest.raises(FormatError, match="vr"):
        kerma.from_json({"00100010": ["x"]})


def test_where_what_is_wrong_lies_is_told() -> None:
    wrong = {"00081140": {"vr": "SQ", "Value": [{}, {"0040A730": {"vr": "SQ", "Value": [{"00280010": {"vr": "XX"}}]}}]}}
    with pytest.raises(FormatError, match="no VR") as caught:
        kerma.from_json(wrong)
    assert caught.value.path == (0x00081140, 1, 0x0040A730, 0, 0x00280010)
    with pytest.raises(FormatError, match="an item is an object") as caught:
        kerma.from_json({"00081140": {"vr": "SQ", "Value": [{}, 7]}})
    assert caught.value.path == (0x00081140,)
    with pytest.raises(LimitError) as caught_limit:
        kerma.from_json(wrong, limits=Limits(max_depth=2))
    assert caught_limit.value.path == (0x00081140, 1, 0x0040A730, 0, 0x00280010)


def test_sequences_hold_their_items_in_order_and_apart() -> None:
    items = [{"00080018": {"vr": "UI", "Value": [f"1.{number}"]}} for number in range(3)]
    ds = kerma.from_json({"00081140": {"vr": "SQ", "Value": [*items, None]}, "00100020": {"vr": "LO", "Value": ["A"]}})
    assert [item.get("SOPInstanceUID") for item in ds.ReferencedImageSequence] == ["1.0", "1.1", "1.2", None]
    ds.ReferencedImageSequence[3].SOPInstanceUID = "1.9"
    del ds.ReferencedImageSequence[0]
    assert kerma.from_json(kerma.to_json(ds)) == ds
    assert ds.to_bytes() == kerma.from_json(kerma.to_json(ds)).to_bytes()
