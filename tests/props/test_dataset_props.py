"""Random data sets: written in each syntax, read back equal, untouched identical (PS3.5 7, A)."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.dataset import Dataset
from kerma.encoding.marks import Marks
from kerma.encoding.scan import careful, scan
from kerma.encoding.syntax import encoding_of
from kerma.errors import KermaError
from kerma.formats.head import HeadScanner
from kerma.limits import Limits, Strictness

PLAIN = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]
SYNTAXES = [*PLAIN, "1.2.840.10008.1.2.1.99"]

text = st.text(st.characters(codec="utf-8", exclude_characters="\\^=", exclude_categories=("C", "Z")), max_size=12)
words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", min_size=1, max_size=12)


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values | st.lists(values, min_size=2, max_size=4).map(tuple)


ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "SOPInstanceUID": st.lists(st.integers(0, 10**9), min_size=2, max_size=5).map(
        lambda parts: ".".join(map(str, parts))
    ),
    "ImageType": several(words),
    "StudyDate": st.dates().map(lambda day: f"{day:%Y%m%d}".zfill(8)),
    "PatientName": text,
    "PatientComments": text,
    "OtherPatientNames": several(words),
    "InstanceNumber": st.integers(-(2**31), 2**31 - 1),
    "PixelSpacing": several(st.floats(-60000, 60000, width=16)),
    "Rows": several(st.integers(0, 65535)),
    "SelectorSSValue": several(st.integers(-32768, 32767)),
    "SelectorULValue": several(st.integers(0, 2**32 - 1)),
    "SelectorSVValue": several(st.integers(-(2**63), 2**63 - 1)),
    "SelectorFDValue": several(st.floats(allow_nan=False)),
    "SelectorFLValue": several(st.floats(width=32, allow_nan=False)),
    "FrameIncrementPointer": several(st.integers(0, 2**32 - 1)),
    "SelectorUCValue": text,
    "EncapsulatedDocument": st.binary(max_size=40).map(lambda raw: raw + bytes(len(raw) % 2)),
    "SelectorOWValue": st.binary(max_size=40).map(lambda raw: raw + bytes(-len(raw) % 8)),
}


def build(values: dict[str, Any], items: list[Dataset] | None = None) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    if items is not None:
        ds.ContentSequence = items
    return ds


flat = st.fixed_dictionaries({}, optional=ELEMENTS).map(build)
nested = st.recursive(
    flat,
    lambda inner: st.builds(build, st.fixed_dictionaries({}, optional=ELEMENTS), st.lists(inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    ds = draw(nested)
    ds.SpecificCharacterSet = "ISO_IR 192"
    return ds


@given(datasets(), st.sampled_from(SYNTAXES))
def test_what_is_written_is_read_back(ds: Dataset, uid: str) -> None:
    data = ds.to_bytes(uid)
    again = Dataset.from_bytes(data, uid, strictness=Strictness.STRICT)
    assert again == ds
    assert again.findings == []
    assert again.to_bytes() == data
    again.PatientID = "X"
    del again.PatientID
    assert Dataset.from_bytes(again.to_bytes(), uid) == ds


@given(datasets(), st.sampled_from(SYNTAXES), st.sampled_from(SYNTAXES))
@settings(max_examples=60)
def test_transcoding_loses_nothing(ds: Dataset, one: str, two: str) -> None:
    there = Dataset.from_bytes(ds.to_bytes(one), one).to_bytes(two)
    assert there == ds.to_bytes(two)


@given(datasets(), st.sampled_from(PLAIN))
@settings(max_examples=60)
def test_the_fast_loops_and_the_careful_one_agree(ds: Dataset, uid: str) -> None:
    data = ds.to_bytes(uid)
    encoding, _ = encoding_of(uid)
    fast = scan(data, 0, len(data), encoding, Marks(Limits(), Strictness.STRICT))
    assert fast == careful(data, 0, len(data), encoding, Marks(Limits(), Strictness.STRICT))


@given(datasets(), st.sampled_from(SYNTAXES), st.lists(st.integers(1, 300), max_size=30))
@settings(max_examples=60)
def test_chunks_of_any_size_give_the_same_header(ds: Dataset, uid: str, sizes: list[int]) -> None:
    data = ds.to_bytes(uid)
    whole = HeadScanner(uid)
    whole.feed(data)
    pieces = HeadScanner(uid)
    at = 0
    for size in [*sizes, len(data)]:
        pieces.feed(data[at : at + size])
        at += size
    assert pieces.finish() == whole.finish()


@given(datasets(), st.sampled_from(PLAIN), st.data())
@settings(max_examples=100)
def test_damaged_bytes_give_values_or_a_typed_error(ds: Dataset, uid: str, data: st.DataObject) -> None:
    raw = bytearray(ds.to_bytes(uid))
    for _ in range(data.draw(st.integers(1, 4))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        damaged = Dataset.from_bytes(bytes(raw), uid)
    except KermaError:
        return
    with contextlib.suppress(KermaError):
        for _, element in damaged.walk():
            _ = element.value
    assert damaged.to_bytes() == bytes(raw)
