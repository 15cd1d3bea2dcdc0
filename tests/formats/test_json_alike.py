"""JSON of data sets that are alike is the JSON of each of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.dataset import Dataset, Element
from kerma.errors import KermaError
from kerma.formats import json_alike
from kerma.formats.json import to_json
from kerma.formats.json_alike import AlikeJSON

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"


def named(path: tuple[int, ...], element: Element) -> str | None:
    return f"uri/{path}" if len(bytes(element.raw or b"")) > 20 else None


def alike(writer: AlikeJSON, data: bytes, syntax: str) -> str | None:
    found = writer.elements(data, syntax, named)
    return None if found is None else "{" + ",".join(found[1]) + "}"


def plain(data: bytes, syntax: str) -> str:
    return to_json(Dataset.from_bytes(data, syntax), bulk=named)


texts = st.sampled_from(["", "A", "b\\c", " x ", "Ü", "山田^太郎", '"quoted"', "a~b", "1", "-2.50", "1e400", "007"])


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    ds = Dataset()
    for keyword, values in {
        "SpecificCharacterSet": st.sampled_from([None, "ISO_IR 192", "ISO_IR 100", ("", "ISO 2022 IR 87")]),
        "SOPInstanceUID": st.sampled_from(["1.2", "1.3"]),
        "PatientName": texts,
        "PatientComments": texts,
        "InstanceNumber": st.sampled_from([None, 1, 2]),
        "PixelRepresentation": st.sampled_from([None, 0, 1]),
        "SmallestImagePixelValue": st.sampled_from([None, 5, 60_000]),
        "RedPaletteColorLookupTableData": st.sampled_from([None, b"ab", b"ab" * 20]),
    }.items():
        value = draw(values)
        try:
            setattr(ds, keyword, value)
            ds.to_bytes(EXPLICIT)
        except KermaError:  # what cannot be written is not what this is about
            if keyword in ds:
                del ds[keyword]
    if draw(st.booleans()):
        item = Dataset()
        item.CodeMeaning = draw(st.sampled_from(["A", "B"]))
        item.add("EncapsulatedDocument", "OB", draw(st.sampled_from([b"x" * 4, b"x" * 40])))
        ds.ProcedureCodeSequence = [item]
    if draw(st.booleans()):
        ds.add(0x00091010, "UN", draw(st.sampled_from([b"1 ", b"longer than twenty bytes "])))
        ds.add(0x00090010, "LO", draw(st.sampled_from(["GEMS_IDEN_01", "OTHER"])))
        ds.add(0x00091002, "SH", "X")
    return ds


@given(st.lists(st.tuples(datasets(), st.sampled_from([EXPLICIT, IMPLICIT, BIG])), min_size=1, max_size=6))
def test_texts_are_those_of_the_writer(given: list[tuple[Dataset, str]]) -> None:
    writer = AlikeJSON(cut=0x00100020)
    for ds, syntax in given * 4:
        try:
            data = ds.to_bytes(syntax)
        except KermaError:
            continue
        found = alike(writer, data, syntax)
        assert found is None or found == plain(data, syntax)


def test_what_is_alike_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ds = Dataset()
    ds.PatientName = "Müller"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientID = "1"
    writer = AlikeJSON()
    first = alike(writer, ds.to_bytes(EXPLICIT), EXPLICIT)
    assert first == plain(ds.to_bytes(EXPLICIT), EXPLICIT)

    def never(*_: Any) -> str:
        raise AssertionError("written again")

    monkeypatch.setattr(json_alike._One, "_written", never)
    ds.PatientID = "2"
    assert alike(writer, ds.to_bytes(EXPLICIT), EXPLICIT) == plain(ds.to_bytes(EXPLICIT), EXPLICIT)


def test_no_run_goes_over_the_cut() -> None:
    writer = AlikeJSON(cut=0x00100020)
    ds = Dataset()
    ds.PatientName, ds.PatientSex, ds.StudyID = "A", "M", "1"
    last: list[int] = []
    for number in range(5):
        ds.InstanceNumber = number
        data = ds.to_bytes(EXPLICIT)
        found = writer.elements(data, EXPLICIT, named)
        assert found is not None
        assert found[0][:2] == [0x00100010, 0x00100040]
        assert "{" + ",".join(found[1]) + "}" == plain(data, EXPLICIT)
        last = found[0]
    assert last == [0x00100010, 0x00100040, 0x00200013]


def test_what_is_out_of_order_or_empty_goes_the_long_way() -> None:
    writer = AlikeJSON()
    one, two = Dataset(), Dataset()
    one.PatientID = "1"
    two.StudyID = "2"
    assert alike(writer, two.to_bytes(EXPLICIT) + one.to_bytes(EXPLICIT), EXPLICIT) is None
    assert alike(writer, b"", EXPLICIT) is None
