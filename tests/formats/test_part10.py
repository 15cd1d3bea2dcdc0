"""PS3.10 files: reading from everything, writing durably, heads, probes (PS3.10 7)."""

from __future__ import annotations

import io
import mmap
import os
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

import kerma
from kerma.errors import FormatError, NotDicomError, TruncatedError, UnsupportedSyntaxError
from kerma.formats import part10
from kerma.formats.identity import IMPLEMENTATION_CLASS_UID
from kerma.limits import Strictness

NAMES = [
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "rtplan.dcm",
    "image_dfl.dcm",
    "JPEG2000.dcm",
    "nested_priv_SQ.dcm",
    "reportsi.dcm",
    "ExplVR_BigEnd.dcm",
]
CT = "1.2.840.10008.5.1.4.1.1.2"


def path_of(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path)


def new() -> kerma.Dataset:
    ds = kerma.Dataset()
    ds.SOPClassUID = CT
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "A^B"
    return ds


@pytest.mark.parametrize("name", NAMES)
def test_read_then_write_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    source = path_of(name)
    ds = kerma.read(source)
    for _, element in ds.walk():
        _ = element.raw
    kerma.write(ds, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    assert os.listdir(tmp_path) == ["out"]


def test_read_from_everything(tmp_path: Path) -> None:
    path = path_of("CT_small.dcm")
    data = path.read_bytes()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        sources = (path, str(path), data, bytearray(data), memoryview(data), mapped, io.BytesIO(data))
        patients = {kerma.read(source).PatientID for source in sources}
    assert patients == {"1CT1"}
    with kerma.open(path) as ds:
        assert ds.Rows == 128


def test_a_large_file_is_mapped_and_let_go(tmp_path: Path) -> None:
    ds = new()
    ds.add("PixelData", "OW", bytes(1 << 20))
    path = tmp_path / "large"
    kerma.write(ds, path)
    with kerma.read(path) as large:
        view = large["PixelData"].raw
        assert view is not None
        assert len(view) == 1 << 20
        assert large.PatientName == "A^B"
    assert view[0] == 0  # a view that is still held stays good


def test_a_changed_file_keeps_what_was_not_changed(tmp_path: Path) -> None:
    ds = kerma.read(path_of("CT_small.dcm"))
    ds.PatientID = "NEW"
    kerma.write(ds, tmp_path / "out")
    again = kerma.read(tmp_path / "out")
    assert again.PatientID == "NEW"
    assert again.preamble == ds.preamble
    assert again.meta is not None
    assert ds.meta is not None
    assert again.meta.ImplementationClassUID == ds.meta.ImplementationClassUID
    assert again["PixelData"].raw == ds["PixelData"].raw
    assert dcmread(tmp_path / "out").PatientID == "NEW"


def test_a_new_file_is_complete(tmp_path: Path) -> None:
    kerma.write(new(), tmp_path / "out")
    theirs = dcmread(tmp_path / "out")
    assert theirs.file_meta.MediaStorageSOPClassUID == CT
    assert theirs.file_meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert theirs.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert theirs.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert theirs.PatientName == "A^B"
    assert kerma.read(tmp_path / "out").findings == []


@pytest.mark.parametrize(
    "uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]
)
@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "MR_small_bigendian.dcm"])
def test_another_syntax_agrees_with_pydicom(name: str, uid: str, tmp_path: Path) -> None:
    kerma.write(kerma.read(path_of(name)), tmp_path / "out", transfer_syntax_uid=uid)
    theirs, original = dcmread(tmp_path / "out"), dcmread(path_of(name))
    assert theirs.file_meta.TransferSyntaxUID == uid
    assert theirs.get("PatientName") == original.get("PatientName")
    assert theirs.get("Rows") == original.get("Rows")
    if "PixelData" in original and (uid == "1.2.840.10008.1.2.2") == ("bigendian" in name):
        assert theirs.PixelData == original.PixelData


def test_the_sop_instance_uid_of_the_meta_information_follows() -> None:
    ds = kerma.read(path_of("CT_small.dcm"))
    ds.SOPInstanceUID = "1.2.3.4"
    again = kerma.read(b"".join(part10.file_chunks(ds)))
    assert again.meta is not None
    assert again.meta.MediaStorageSOPInstanceUID == "1.2.3.4"


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"before")
    ds = new()
    ds.PatientName = "Größe"  # no character set declared
    with pytest.raises(kerma.KermaError):
        kerma.write(ds, target)
    with pytest.raises(UnsupportedSyntaxError):
        kerma.write(kerma.read(path_of("JPEG2000.dcm")), target, transfer_syntax_uid="1.2.840.10008.1.2")
    assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["out"]


def test_file_head_is_a_whole_head() -> None:
    head = part10.file_head(
        sop_class_uid=CT, sop_instance_uid="1.2.3", transfer_syntax_uid="1.2.840.10008.1.2", source_aet="ME"
    )
    split = part10.split(head)
    assert split.dataset_offset == len(head)
    assert split.transfer_syntax_uid == "1.2.840.10008.1.2"
    assert split.text(head, 0x00020016) == "ME"
    assert split.findings == []


def test_probe_reads_only_what_a_sender_needs() -> None:
    path = path_of("JPEG2000.dcm")
    instance = part10.probe(path)
    theirs = dcmread(path)
    assert instance.sop_class_uid == theirs.SOPClassUID
    assert instance.sop_instance_uid == theirs.SOPInstanceUID
    assert instance.transfer_syntax_uid == theirs.file_meta.TransferSyntaxUID
    assert instance.dataset_offset + instance.dataset_length == path.stat().st_size
    with instance.open() as source:
        data = source.read(instance.dataset_offset, instance.dataset_length)
    assert kerma.Dataset.from_bytes(data, instance.transfer_syntax_uid).PatientID == theirs.PatientID


# -- heads that are wrong ----------------------------------------------------------------------------------------------


def body() -> bytes:
    return new().to_bytes()


def whole() -> bytes:
    return b"".join(part10.file_chunks(new()))


def codes(data: bytes) -> set[str]:
    ds = kerma.read(data)
    assert ds.PatientName == "A^B"
    return {finding.code for finding in ds.findings}


def test_no_preamble_no_meta_wrong_length() -> None:
    data = whole()
    assert codes(data) == set()
    assert codes(data[128:]) == {"no-preamble"}
    assert codes(data[132:]) == {"no-preamble"}
    assert codes(body()) == {"no-meta"}
    assert codes(bytes(128) + b"DICM" + body()) == {"no-meta"}
    assert codes(data[:140] + b"\xff\0\0\0" + data[144:]) == {"meta-length"}
    assert codes(data[:132] + data[144:]) == {"meta-length"}
    assert codes(new().to_bytes("1.2.840.10008.1.2")) == {"no-meta"}
    assert codes(new().to_bytes("1.2.840.10008.1.2.2")) == {"no-meta"}


def test_strict_reading_refuses_them() -> None:
    assert kerma.read(whole(), strictness=Strictness.STRICT).PatientName == "A^B"
    for data in (whole()[128:], body(), whole()[:132] + whole()[144:]):
        with pytest.raises(FormatError):
            kerma.read(data, strictness=Strictness.STRICT)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"GIF89a" * 100, b"\x89PNG\r\n\x1a\n" + bytes(200), bytes(4000), b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_dicom(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        kerma.read(data)
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        kerma.read(path)
    assert str(path) in str(caught.value)


def test_nothing_at_all_is_named_so() -> None:
    with pytest.raises(NotDicomError):
        kerma.read(b"")


def test_a_cut_file_is_an_error_at_every_length() -> None:
    data = whole()
    elements = {144, len(data)}
    ds = kerma.read(data)
    elements |= {element.offset for _, element in ds.walk() if element.offset is not None}
    offset = part10.split(data).dataset_offset
    for end in range(133, len(data)):
        if (end in elements and end > offset) or end == offset:
            continue
        with pytest.raises(FormatError):
            kerma.read(data[:end])


def test_truncated_pixel_data_says_how_much_is_missing(tmp_path: Path) -> None:
    data = path_of("CT_small.dcm").read_bytes()
    ds = kerma.read(data)
    at = ds["PixelData"].offset
    assert at is not None
    path = tmp_path / "cut"
    path.write_bytes(data[: at + 12 + 1000])
    with pytest.raises(TruncatedError) as caught:
        kerma.read(path)
    assert caught.value.missing == 32768 - 1000
    assert caught.value.offset == at
    assert caught.value.path == (0x7FE00010,)
    assert caught.value.where == str(path)
