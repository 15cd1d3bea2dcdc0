"""XML (PS3.19 A.1): what is written, forms that are read, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.bulk import BulkData
from kerma.errors import FormatError, LimitError, UsageError
from kerma.limits import Limits

HEAD = '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'


def document(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{HEAD}{inside}</NativeDicomModel>'


def attribute(tag: str, vr: str, inside: str, more: str = "") -> str:
    return document(f'<DicomAttribute tag="{tag}" vr="{vr}"{more}>{inside}</DicomAttribute>')


def sample() -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Doe^Jane^^Dr.=山田^太郎"
    ds.OtherPatientNames = ["A^B", "", "C"]
    ds.PatientComments = 'a < b & "c"\r\nnext\ttab'
    ds.ImageType = ["A", "", "B"]
    ds.WindowCenter = ["1.50", "-2e3"]
    ds.InstanceNumber = "007"
    ds.FrameIncrementPointer = 0x00181063
    ds.SelectorUVValue = 2**60
    ds.SelectorFDValue = [0.1, float("inf")]
    ds.EncapsulatedDocument = bytes(range(256)) * 600
    item = Dataset()
    item.CodeValue = "X"
    ds.ConceptNameCodeSequence = [item, Dataset()]
    block = ds.private_block(0x0009, "ACME 1.1", create=True)
    ds.add(block.tag(0x10), "LO", "private")
    return ds


@pytest.mark.parametrize("dialect", ["native", "dcmtk"])
def test_there_and_back(dialect: Any) -> None:
    ds = sample()
    text = kerma.to_xml(ds, dialect=dialect)
    for source in (text, text.encode(), io.BytesIO(text.encode())):
        back = kerma.from_xml(source)
        assert list(kerma.differences(ds, back)) == []
    assert back["InstanceNumber"].value.text == "007"
    assert back.SpecificCharacterSet == "ISO_IR 192"


def test_the_native_model_as_printed() -> None:
    text = kerma.to_xml(sample())
    assert '<DicomAttribute tag="00090010" vr="LO" privateCreator="ACME 1.1">\n<Value number="1">private<' in text
    assert (
        '<DicomAttribute tag="00280009" vr="AT" keyword="FrameIncrementPointer">\n<Value number="1">00181063<' in text
    )
    assert (
        '<PersonName number="1">\n<Alphabetic><FamilyName>Doe</FamilyName><GivenName>Jane</GivenName>'
        "<NamePrefix>Dr.</NamePrefix></Alphabetic>\n<Ideographic>"
    ) in text
    assert '<Item number="2">\n</Item>' in text


def test_what_xml_cannot_hold_is_kept() -> None:
    ds = Dataset()
    ds.PatientComments = "a\x0cb\x01c"
    text = kerma.to_xml(ds)
    assert "InlineBinary" in text
    assert kerma.from_xml(text).PatientComments == "a\x0cb\x01c"


def test_bulk_data() -> None:
    ds = sample()
    text = kerma.to_xml(ds, bulk=lambda path, element: "http://example.org/?a=1&b=2")
    left = kerma.from_xml(text)
    assert left["EncapsulatedDocument"].value == BulkData("http://example.org/?a=1&b=2")
    back = kerma.from_xml(text, bulk=lambda path, uri: bytes(range(256)) * 600)
    assert list(kerma.differences(ds, back)) == []
    assert "InlineBinary" not in kerma.to_xml(ds, inline=False)
    uuid = attribute("7FE00010", "OW", '<BulkData uuid="0be83cae-e8d1-01f1-8cf3-e04267cae0bc"/>')
    assert kerma.from_xml(uuid)["PixelData"].value.uri.startswith("0be83cae")
    hidden = '<data-set><element tag="7fe0,0010" vr="OW" binary="hidden"></element></data-set>'
    assert kerma.from_xml(hidden)["PixelData"].value == BulkData("")


def test_private_elements_find_their_block() -> None:
    inside = '<DicomAttribute tag="00090010" vr="LO" privateCreator="ACME"><Value number="1">x</Value></DicomAttribute>'
    ds = kerma.from_xml(document(inside))
    assert (ds[0x00090010].value, ds[0x00091010].value) == ("ACME", "x")
    taken = '<DicomAttribute tag="00090010" vr="LO"><Value number="1">OTHER</Value></DicomAttribute>'
    ds = kerma.from_xml(document(taken + inside))
    assert (ds[0x00090011].value, ds[0x00091110].value) == ("ACME", "x")


def test_two_blocks_of_one_creator_stay_apart() -> None:
    ds = Dataset()
    for block in (0x10, 0x11):
        ds.add(0x00090000 | block, "LO", "ACME")
        ds.add(0x00090001 | block << 8, "LO", f"in {block:x}")
    assert list(kerma.differences(ds, kerma.from_xml(kerma.to_xml(ds)))) == []


def test_depth_is_no_matter() -> None:
    ds = Dataset()
    for _ in range(2000):
        outer = Dataset()
        outer.ContentSequence = [ds]
        ds = outer
    text = kerma.to_xml(ds)
    assert kerma.to_xml(kerma.from_xml(text)) == text
    with pytest.raises(LimitError):
        kerma.from_xml(text, limits=Limits(max_depth=100))


ENTITIES = '<!DOCTYPE NativeDicomModel [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
OUTSIDE = '<!DOCTYPE NativeDicomModel [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
WRONG = [
    ("", "no element found"),
    ("text", "no XML"),
    (HEAD, "no element found"),
    (ENTITIES + document("&b;").split("?>")[1], "entities"),
    (OUTSIDE + document("&a;").split("?>")[1], "entities"),
    (document("&undefined;"), "no XML"),
    ("<html/>", "not known as the root"),
    (document("<Value/>"), "not known inside"),
    (document("words"), "text where none may be"),
    (attribute("PatientID", "LO", ""), "eight hexadecimal digits"),
    (attribute("00100020", "XX", ""), "no VR"),
    (attribute("00280010", "US", '<Value number="1">x</Value>'), "not a text"),
    (attribute("00280010", "US", '<Value number="0">1</Value>'), "no number of a value"),
    (attribute("00280010", "US", '<Value number="9999999">1</Value>'), "no number of a value"),
    (attribute("00280010", "US", '<Value number="90000">1</Value>'), "gaps"),
    (attribute("00280010", "US", '<Value number="1">1</Value><Value number="1">1</Value>'), "two values"),
    (attribute("00280010", "US", '<Value number="1">1</Value><InlineBinary>AAA=</InlineBinary>'), "more than one kind"),
    (attribute("7FE00010", "OW", '<Value number="1">1</Value>'), "InlineBinary or BulkData"),
    (attribute("7FE00010", "OW", "<InlineBinary>A</InlineBinary>"), "no base64"),
    (attribute("0040A043", "SQ", '<Value number="1">1</Value>'), "items, nothing else"),
    (attribute("00280010", "US", '<Item number="1"></Item>'), "no items"),
    ('<data-set><element tag="00100010" vr="PN">x</element></data-set>', "written gggg,eeee"),
    ('<data-set><element tag="0009,1010" vr="OB" binary="file">x</element></data-set>', "another file"),
    ('<data-set><element tag="0009,1010" vr="OB" binary="yes">xy</element></data-set>', "hexadecimal"),
    (
        '<data-set><sequence tag="7fe0,0010" vr="OB"><pixel-item binary="file">x</pixel-item></sequence></data-set>',
        "another file",
    ),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        kerma.from_xml(text)


def test_errors_say_where(tmp_path: Path) -> None:
    inner = '<DicomAttribute tag="00280010" vr="US"><Value number="1">x</Value></DicomAttribute>'
    text = attribute("0040A043", "SQ", f'\n<Item number="1">\n{inner}</Item>')
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        kerma.from_xml(path)
    assert caught.value.path == (0x0040A043, 0, 0x00280010)
    assert str(caught.value).startswith(f"{path}, line 3: ")


def test_other_encodings_and_document_types_are_read() -> None:
    text = attribute("00100020", "LO", '<Value number="1">Zoë</Value>').replace("UTF-8", "ISO-8859-1")
    assert kerma.from_xml(text.encode("latin-1")).PatientID == "Zoë"
    with_dtd = '<!DOCTYPE data-set SYSTEM "dcm2xml.dtd"><data-set xfer="1.2.840.10008.1.2.1"></data-set>'
    assert len(kerma.from_xml(with_dtd)) == 0
    with pytest.raises(UsageError):
        kerma.to_xml(Dataset(), dialect="other")  # type: ignore[arg-type]


def test_the_public_files_of_others(corpus: Path) -> None:
    paths = sorted((corpus / "_json_xml").rglob("*.xml"))
    assert len(paths) >= 15
    for path in paths:
        ds = kerma.from_xml(path)
        assert len(ds)
        assert list(kerma.differences(ds, kerma.from_xml(kerma.to_xml(ds)))) == []
