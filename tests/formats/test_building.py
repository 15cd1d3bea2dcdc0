"""New objects around pictures and documents, and documents out of them again."""

from __future__ import annotations

import io
import itertools
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

import kerma
from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, TruncatedError, UsageError, ValueEncodeError
from kerma.formats.building import Maker, begin, code_item
from kerma.formats.building.codestreams import read_head
from kerma.standard import private
from kerma.values.new_uid import new_uid

from .building_samples import CDA, MTL, OBJ, PDF, STL, colour, grey, picture

NATIVE = "1.2.840.10008.1.2.1"


def written(ds: Dataset) -> Any:
    """The data set as it is read from its own file."""
    out = io.BytesIO()
    kerma.write(ds, out)
    return kerma.read(out.getvalue())


def samples(ds: Any) -> Any:
    """Native pixel data as an array."""
    dtype = "<u2" if ds.BitsAllocated == 16 else "u1"
    shape = (int(ds.get("NumberOfFrames") or 1), ds.Rows, ds.Columns, ds.SamplesPerPixel)
    return np.frombuffer(ds.PixelData, dtype)[: int(np.prod(shape))].reshape(shape)


# -- UIDs --------------------------------------------------------------------------------------------------------------


def test_new_uids_are_well_formed_and_differ() -> None:
    made = {kerma.new_uid() for _ in range(200)}
    assert len(made) == 200
    assert all(uid.valid and uid.startswith("2.25.") for uid in made)


@pytest.mark.parametrize("root", ["1.2.826.0.1.3680043.2.9", "1.2.3.", "1.2." + "3" * 39])
def test_uids_under_a_root(root: str) -> None:
    made = {new_uid(root) for _ in range(200)}
    assert len(made) == 200
    assert all(uid.valid and uid.startswith(root.rstrip(".") + ".") for uid in made)


@pytest.mark.parametrize("root", ["", "1", "1.02", "a.b", "1.2." + "3" * 60, "../1.2", "1..2"])
def test_what_is_no_root(root: str) -> None:
    with pytest.raises(ValueEncodeError):
        new_uid(root)


# -- pictures as they are ----------------------------------------------------------------------------------------------

STREAMS: list[tuple[str, bytes, str, str, str]] = [
    ("baseline grey", picture(grey(), "JPEG"), "1.2.840.10008.1.2.4.50", "MONOCHROME2", "ISO_10918_1"),
    ("baseline colour", picture(colour(), "JPEG"), "1.2.840.10008.1.2.4.50", "YBR_FULL_422", "ISO_10918_1"),
    (
        "baseline 4:4:4",
        picture(colour(), "JPEG", subsampling=0),
        "1.2.840.10008.1.2.4.50",
        "YBR_FULL_422",
        "ISO_10918_1",
    ),
    ("JPEG 2000", picture(colour(), "JPEG2000", mct=1), "1.2.840.10008.1.2.4.90", "YBR_RCT", ""),
    ("JPEG 2000 grey", picture(grey(), "JPEG2000"), "1.2.840.10008.1.2.4.90", "MONOCHROME2", ""),
    (
        "JPEG 2000 lossy",
        picture(colour(), "JPEG2000", irreversible=True, mct=1),
        "1.2.840.10008.1.2.4.91",
        "YBR_ICT",
        "ISO_15444_1",
    ),
]


@pytest.mark.parametrize(
    ("data", "syntax", "photometric", "method"), [row[1:] for row in STREAMS], ids=[r[0] for r in STREAMS]
)
def test_a_code_stream_goes_in_as_it_is(data: bytes, syntax: str, photometric: str, method: str) -> None:
    ds = written(kerma.wrap(data, PatientID="P1"))
    assert ds.meta.TransferSyntaxUID == syntax
    assert (ds.SOPClassUID, ds.PhotometricInterpretation) == ("1.2.840.10008.5.1.4.1.1.7", photometric)
    assert (ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit) == (64, 80, 8, 8, 7)
    element = ds["PixelData"]
    table, frame = (bytes(element.fragment(n)) for n in range(2))
    assert table == bytes(4)
    assert frame.rstrip(b"\0") in data
    assert data.endswith(b"\xff\xd9")
    assert frame.rstrip(b"\0").endswith(b"\xff\xd9")
    assert ds.get("LossyImageCompressionMethod", "") == method
    assert ("LossyImageCompressionRatio" in ds) == bool(method)


def test_streams_of_the_other_kinds() -> None:
    twelve = (grey("u2") >> 4).astype("u2")
    cases = [
        (imagecodecs.jpegls_encode(grey()), "1.2.840.10008.1.2.4.80", 8),
        (imagecodecs.jpegls_encode(grey(), level=2), "1.2.840.10008.1.2.4.81", 8),
        (imagecodecs.ljpeg_encode(grey()), "1.2.840.10008.1.2.4.57", 8),
        (imagecodecs.ljpeg_encode(twelve, bitspersample=12), "1.2.840.10008.1.2.4.57", 12),
        (imagecodecs.jpeg8_encode(twelve, bitspersample=12), "1.2.840.10008.1.2.4.51", 12),
        (imagecodecs.htj2k_encode(twelve, reversible=True), "1.2.840.10008.1.2.4.201", 16),
    ]
    for data, syntax, bits in cases:
        ds = written(kerma.wrap(data))
        assert (ds.meta.TransferSyntaxUID, ds.BitsStored) == (syntax, bits)
        assert ds.BitsAllocated == (8 if bits == 8 else 16)
        assert bytes(ds["PixelData"].fragment(1)).startswith(data[:64])


def test_frames_have_an_offset_table() -> None:
    files = [picture(grey() ^ number, "JPEG", quality=quality) for number, quality in enumerate((10, 60, 95))]
    ds = written(kerma.wrap(files))
    assert (ds.SOPClassUID, ds.NumberOfFrames) == ("1.2.840.10008.5.1.4.1.1.7.2", 3)
    element = ds["PixelData"]
    first = element.fragments[1][0]
    table = np.frombuffer(bytes(element.fragment(0)), "<u4").tolist()
    assert table == [offset - first for offset, _ in element.fragments[1:]]
    for number, data in enumerate(files, 1):
        assert bytes(element.fragment(number)).startswith(data)


def test_a_turned_photograph_is_reported() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    ds = kerma.wrap(picture(colour(), "JPEG", exif=exif))
    assert [finding.code for finding in ds.findings] == ["exif-orientation"]
    assert kerma.wrap(picture(colour(), "JPEG")).findings == []


# -- pictures that are decoded -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_plain_samples(kind: str) -> None:
    ds = written(kerma.wrap(picture(colour(), kind)))
    assert ds.meta.TransferSyntaxUID == NATIVE
    assert (ds.PhotometricInterpretation, ds.PlanarConfiguration) == ("RGB", 0)
    assert "LossyImageCompression" not in ds
    assert np.array_equal(samples(ds)[0], colour())
    assert np.array_equal(samples(written(kerma.wrap(picture(grey(), kind))))[0, ..., 0], grey())


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_words(kind: str) -> None:
    ds = written(kerma.wrap([picture(grey("u2"), kind)] * 2))
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7.3"
    assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds["PixelData"].vr) == (16, 16, 15, "OW")
    assert np.array_equal(samples(ds)[1, ..., 0], grey("u2"))


def test_words_of_the_other_byte_order() -> None:
    tiff = io.BytesIO()
    Image.fromarray(grey("u2")).save(tiff, format="TIFF")
    swapped = tiff.getvalue()
    big = Image.frombytes("I;16B", (80, 64), grey(">u2").tobytes())
    out = io.BytesIO()
    big.save(out, format="TIFF")
    assert out.getvalue()[:2] == b"MM" or out.getvalue() != swapped
    assert np.array_equal(samples(kerma.wrap(out.getvalue()))[0, ..., 0], grey("u2"))


def test_palettes_bits_and_transparency() -> None:
    indexed = kerma.wrap(picture(colour(), "PNG", mode="P"))
    assert (indexed.PhotometricInterpretation, indexed.SamplesPerPixel) == ("RGB", 3)
    bits = kerma.wrap(picture(grey() > 100, "PNG"))
    assert set(np.unique(samples(bits))) == {0, 255}
    clear = np.zeros((4, 4, 4), "u1")
    clear[:2, :, 3] = 255
    over = samples(kerma.wrap(picture(clear, "PNG")))[0]
    assert (over[:2] == 0).all()
    assert (over[2:] == 255).all()


def test_a_lossy_file_stays_marked_when_it_is_decoded() -> None:
    for options in ({"progressive": True}, {"mode": "CMYK"}):
        ds = written(kerma.wrap(picture(colour(), "JPEG", **options)))
        assert ds.meta.TransferSyntaxUID == NATIVE
        assert (ds.LossyImageCompression, ds.LossyImageCompressionMethod) == ("01", "ISO_10918_1")


def test_pages_become_frames() -> None:
    pages = [colour(), colour()[::-1], colour()[:, ::-1]]
    ds = written(kerma.wrap(picture(pages[0], "TIFF", *pages[1:])))
    assert (ds.SOPClassUID, ds.NumberOfFrames) == ("1.2.840.10008.5.1.4.1.1.7.4", 3)
    assert ds.FrameIncrementPointer == 0x00182001
    assert list(ds.PageNumberVector) == [1, 2, 3]
    assert np.array_equal(samples(ds), np.stack(pages))


def test_a_film() -> None:
    ds = written(kerma.wrap([picture(grey(), "PNG")] * 3, frame_time=40))
    assert (ds.FrameIncrementPointer, ds.FrameTime) == (0x00181063, 40)
    assert (ds.RescaleType, ds.PresentationLUTShape, ds.BurnedInAnnotation) == ("US", "IDENTITY", "YES")


def test_one_picture_as_a_multi_frame_object() -> None:
    assert kerma.wrap(picture(grey(), "PNG"), multi_frame=True).NumberOfFrames == 1


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_what_would_lose_depth_is_refused() -> None:
    deep = np.repeat(grey("u2")[..., None], 3, -1)
    with pytest.raises(FormatError, match="more than 8 bits"):
        kerma.wrap(imagecodecs.png_encode(deep))
    with pytest.raises(FormatError, match="floating point"):
        kerma.wrap(picture(grey().astype("f4"), "TIFF"))


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\x10", b"\xff\xd8\xff\xd9", b"\xff\x4f\xff\x51\0\x29"],
)
def test_bytes_that_are_no_picture(data: bytes) -> None:
    with pytest.raises(FormatError):
        kerma.wrap(data)


def test_cut_headers_are_typed_errors() -> None:
    for whole in (picture(colour(), "JPEG"), picture(colour(), "JPEG2000")):
        head = read_head(whole)
        assert head is not None
        assert (head.rows, head.columns, head.samples) == (64, 80, 3)
        seen = set()
        for end in range(12, 200):
            try:
                read_head(whole[:end])
            except FormatError as error:
                seen.add(type(error))
        assert TruncatedError in seen


def test_frames_must_be_alike() -> None:
    with pytest.raises(FormatError, match="picture 2 is 80 x 64, RGB"):
        kerma.wrap([picture(grey(), "PNG"), picture(colour(), "PNG")])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"Rows": 5}, "follows from what is wrapped"),
        ({"PatientNam": "x"}, "did you mean PatientName"),
        ({"share": "visit"}, "patient, study or series"),
        ({"frame_time": -1.0, "multi_frame": True}, "more than 0"),
        ({"kind": "doc"}, "one of pdf"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        kerma.wrap(picture(grey(), "PNG"), **arguments)


def test_nothing_and_several_documents() -> None:
    with pytest.raises(UsageError, match="nothing is given"):
        kerma.wrap([])
    with pytest.raises(UsageError, match="wrapped alone"):
        kerma.wrap([PDF, PDF])


def test_without_pillow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(KermaError, match=r"kerma\[images\]"):
        kerma.wrap(PNG)


PNG = picture(grey(), "PNG")


# -- documents ---------------------------------------------------------------------------------------------------------

DOCUMENTS = [
    ("pdf", PDF, "1.2.840.10008.5.1.4.1.1.104.1", "application/pdf", "DOC"),
    ("cda", CDA, "1.2.840.10008.5.1.4.1.1.104.2", "text/XML", "DOC"),
    ("stl", STL, "1.2.840.10008.5.1.4.1.1.104.3", "model/stl", "M3D"),
    ("obj", OBJ, "1.2.840.10008.5.1.4.1.1.104.4", "model/obj", "M3D"),
    ("mtl", MTL, "1.2.840.10008.5.1.4.1.1.104.5", "model/mtl", "M3D"),
]


@pytest.mark.parametrize(
    ("kind", "data", "sop_class", "mime", "modality"), DOCUMENTS, ids=[row[0] for row in DOCUMENTS]
)
@pytest.mark.parametrize("odd", [0, 1])
def test_documents_there_and_back(
    kind: str, data: bytes, sop_class: str, mime: str, modality: str, odd: int, tmp_path: Path
) -> None:
    if odd and kind == "stl":
        data = data[:80] + (4).to_bytes(4, "little") + data[84:] + data[-50:]
    elif odd:
        data += b"\n"
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    ds = written(kerma.wrap(path, title="A title"))
    assert (ds.SOPClassUID, ds.MIMETypeOfEncapsulatedDocument, ds.Modality) == (sop_class, mime, modality)
    assert (ds.meta.MediaStorageSOPClassUID, ds.meta.MediaStorageSOPInstanceUID) == (sop_class, ds.SOPInstanceUID)
    assert (ds.EncapsulatedDocumentLength, len(ds.EncapsulatedDocument)) == (len(data), len(data) + len(data) % 2)
    document = kerma.unwrap(ds)
    assert bytes(document.data) == data
    assert (document.mime, document.title) == (mime, "A title")
    assert document.suffix == (".xml" if kind == "cda" else f".{kind}")


def test_what_a_cda_says_of_itself() -> None:
    ds = written(kerma.wrap(CDA))
    assert ds.HL7InstanceIdentifier == "2.16.840.1.113883.19.4^c266"
    assert (ds.DocumentTitle, ds.SpecificCharacterSet) == ("Consultation of Jörg", "ISO_IR 192")
    assert ds.PatientName == "Müller^Jörg^A^Dr."
    assert (ds.PatientID, ds.PatientBirthDate, ds.PatientSex) == ("12345", "19320924", "M")
    (code,) = ds.ConceptNameCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("11488-4", "LN", "Consultation note")
    assert ds.ListOfMIMETypes == "application/pdf"
    template = kerma.wrap(PDF, PatientName="Roe^Jane", PatientID="P2")
    other = kerma.wrap(CDA, like=template, concept=("18748-4", "LN", "Diagnostic imaging study"))
    assert (other.PatientName, other.PatientID) == ("Roe^Jane", "P2")
    assert other.ConceptNameCodeSequence[0].CodeValue == "18748-4"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><ClinicalDocument xmlns="urn:hl7-org:v3"/>', "document type"),
        ('<ClinicalDocument xmlns="urn:other"/>', "ClinicalDocument"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "identifier"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2"/>', "well-formed"),
    ],
)
def test_a_cda_that_is_none(text: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        kerma.wrap(text.encode(), kind="cda")


@pytest.mark.parametrize(
    ("kind", "data"), [("pdf", b"text"), ("stl", b"solid a\nendsolid a\n"), ("obj", b"\0\1"), ("pdf", b"")]
)
def test_documents_that_are_none(kind: str, data: bytes) -> None:
    with pytest.raises(FormatError):
        kerma.wrap(data, kind=kind)


def test_the_unit_of_a_model() -> None:
    assert kerma.wrap(STL, unit="cm").MeasurementUnitsCodeSequence[0].CodeValue == "cm"
    with pytest.raises(UsageError, match="one of um, mm"):
        kerma.wrap(STL, unit="ft")


def test_unwrapping_what_holds_no_document() -> None:
    with pytest.raises(FormatError, match="no encapsulated document"):
        kerma.unwrap(Dataset())
    lying = kerma.wrap(PDF)
    lying.EncapsulatedDocumentLength = 1 << 31
    with pytest.raises(FormatError, match="Length says"):
        kerma.unwrap(lying)
    old = kerma.wrap(PDF + b"\n")
    del old.EncapsulatedDocumentLength
    assert bytes(kerma.unwrap(written(old)).data) == PDF + b"\n"


def test_codes_in_the_element_for_their_length() -> None:
    assert "CodeValue" in code_item("1", "LN", "x")
    assert "LongCodeValue" in code_item("1" * 17, "LN", "x")
    urn = code_item("urn:oid:1.2.3", "", "x")
    assert "URNCodeValue" in urn
    assert "CodingSchemeDesignator" not in urn


# -- whose it is -------------------------------------------------------------------------------------------------------


def template() -> Any:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.update(
        {
            "PatientName": "Müller^Jörg",
            "PatientID": "P9",
            "PatientBirthDate": "19500101",
            "PatientSex": "M",
            "PatientAge": "070Y",
            "StudyInstanceUID": "1.2.3",
            "StudyDate": "20260131",
            "StudyDescription": "Schädel",
            "SeriesInstanceUID": "1.2.3.4",
            "SeriesNumber": "7",
            "Modality": "OT",
            "SOPInstanceUID": "1.2.3.4.5",
            "WindowCenter": "40",
            "ProcedureCodeSequence": [code_item("a", "99X", "Übersicht")],
        }.items()
    )
    ds.private_block(0x0011, "MAKER", create=True).add(1, "LO", "secret")
    return written(ds)


def test_the_same_patient_study_or_series() -> None:
    like = template()
    patient = kerma.wrap(PNG, like=like, share="patient")
    study = written(kerma.wrap(PNG, like=like))
    series = kerma.wrap(PNG, like=like, share="series", InstanceNumber=3)
    assert patient.PatientName == study.PatientName == series.PatientName == "Müller^Jörg"
    assert "PatientAge" not in patient
    assert (study.PatientAge, study.StudyDescription) == ("070Y", "Schädel")
    assert study.ProcedureCodeSequence[0].CodeMeaning == "Übersicht"
    assert patient.StudyInstanceUID not in {"1.2.3", study.StudyInstanceUID}
    assert study.StudyInstanceUID == series.StudyInstanceUID == "1.2.3"
    assert study.SeriesInstanceUID != "1.2.3.4"
    assert (series.SeriesInstanceUID, series.SeriesNumber, series.InstanceNumber) == ("1.2.3.4", 7, 3)
    for ds in (patient, study, series):
        assert ds.SOPInstanceUID != "1.2.3.4.5"
        assert "WindowCenter" not in ds
        assert not any(tag & 0x10000 for tag in ds)
    assert private.lookup("MAKER", 0x00111001) is None


def test_a_series_has_one_modality() -> None:
    with pytest.raises(UsageError, match="of modality OT"):
        kerma.wrap(PDF, like=template(), share="series")


def test_what_nobody_says_is_there_and_empty() -> None:
    ds = kerma.wrap(PNG)
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
        assert keyword in ds
        assert ds.get(keyword) is None


def test_uids_and_time_are_arguments() -> None:
    count = itertools.count(1)
    maker = Maker(uid=lambda: f"1.2.{next(count)}", now=lambda: datetime(2026, 1, 31, 8, 30, 0, 125000, UTC))
    ds = begin("1.2.840.10008.5.1.4.1.1.7", modality="OT", maker=maker)
    assert (ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID) == ("1.2.1", "1.2.2", "1.2.3")
    assert (ds.ContentDate, ds.ContentTime) == ("20260131", "083000.125000")
