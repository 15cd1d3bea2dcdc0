"""ACR-NEMA streams: told apart, read in both byte orders, written as such, made DICOM."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

import kerma
from kerma.errors import (
    FormatError,
    NotDicomError,
    TruncatedError,
    UnsupportedSyntaxError,
    UsageError,
    ValueEncodeError,
)
from kerma.formats import acr_nema, acr_upgrade
from kerma.limits import Strictness

SAMPLE = "fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH340.dcm"


def image(**changes: object) -> kerma.Dataset:
    ds = kerma.Dataset()
    ds.StudyDate = "19880302"
    ds.StudyTime = "101500.5"
    ds.Modality = "MR"
    ds.PatientName = "A^B"
    ds.Rows, ds.Columns = 2, 3
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.add("PixelData", "OW", struct.pack("<6H", 1, 2, 3, 400, 500, 600))
    for keyword, value in changes.items():
        ds[keyword] = value
    return ds


def stream(ds: kerma.Dataset, *, version: str = "2.0", little_endian: bool = True, leave_out: bool = False) -> bytes:
    out = io.BytesIO()
    acr_nema.write(ds, out, version=version, little_endian=little_endian, leave_out=leave_out)
    return out.getvalue()


def codes(ds: kerma.Dataset) -> list[str]:
    return [finding.code for finding in ds.findings]


def group_lengths_are_right(data: bytes, mark: str) -> bool:
    """By the bytes alone: every group begins with its length, and (0008,0001) counts what follows it."""
    pos = 0
    ends: list[tuple[int, int]] = []
    while pos < len(data):
        group, element, length = struct.unpack_from(mark + "HHI", data, pos)
        value = data[pos + 8 : pos + 8 + length]
        pos += 8 + length
        if element == 0:
            assert not ends or ends[-1][1] == pos - 12
            ends.append((group, pos + struct.unpack(mark + "I", value)[0]))
        elif (group, element) == (8, 1):
            assert struct.unpack(mark + "I", value)[0] == len(data) - pos
        assert ends[-1][0] == group
    return bool(ends[-1][1] == len(data))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("little_endian", [True, False])
def test_written_and_read_in_both_byte_orders(version: str, little_endian: bool) -> None:
    data = stream(image(), version=version, little_endian=little_endian)
    assert group_lengths_are_right(data, "<" if little_endian else ">")
    ds = kerma.read(data)
    assert acr_nema.version_of(ds) == version
    assert ds.transfer_syntax_uid == ("1.2.840.10008.1.2" if little_endian else None)
    finding = next(finding for finding in ds.findings if finding.code == "acr-nema")
    assert f"ACR-NEMA {version} stream in {'little' if little_endian else 'big'} endian" in finding.text
    assert (ds.Rows, ds.Columns, str(ds.PatientName)) == (2, 3, "A^B")
    assert bytes(ds["StudyDate"].raw or b"") == b"1988.03.02"
    assert bytes(ds["StudyTime"].raw or b"") == b"10:15:00.5"
    plain = kerma.Dataset.from_bytes(ds.to_bytes("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1")
    assert struct.unpack("<6H", plain.PixelData or b"") == (1, 2, 3, 400, 500, 600)


@pytest.mark.parametrize("little_endian", [True, False])
def test_an_untouched_stream_is_written_as_it_came(little_endian: bool) -> None:
    data = stream(image(), little_endian=little_endian)
    out = io.BytesIO()
    kerma.write(kerma.read(data), out)
    assert out.getvalue() == data
    assert kerma.read(data).to_bytes() == data


def test_a_changed_big_endian_stream_becomes_a_file_that_others_read(tmp_path: Path) -> None:
    ds = kerma.read(stream(image(), little_endian=False))
    ds.PatientName = "C^D"
    kerma.write(ds, tmp_path / "out")
    other = dcmread(tmp_path / "out")
    assert other.PatientName == "C^D"
    assert struct.unpack("<6H", other.PixelData) == (1, 2, 3, 400, 500, 600)


def test_of_8_bits_the_cells_of_a_word_change_places_in_big_endian() -> None:
    ds = image(BitsAllocated=8)
    ds.add("PixelData", "OB", b"\1\2\3\4\5\6")
    assert stream(ds, little_endian=False).endswith(b"\2\1\4\3\6\5")
    again = kerma.read(stream(ds, little_endian=False))
    assert bytes(acr_upgrade.upgrade(again).PixelData or b"") == b"\1\2\3\4\5\6"


def test_the_sample_of_the_corpus(corpus: Path, tmp_path: Path) -> None:
    path = corpus / SAMPLE
    ds = kerma.read(path)
    assert codes(ds) == ["no-meta", "acr-nema"]
    assert acr_nema.version_of(ds) == "1.0"
    new = acr_upgrade.upgrade(ds)
    kerma.write(new, tmp_path / "new.dcm")
    other = dcmread(tmp_path / "new.dcm")
    assert other.SOPClassUID == acr_upgrade.SECONDARY_CAPTURE
    assert other.file_meta.MediaStorageSOPInstanceUID == other.SOPInstanceUID
    assert (other.StudyDate, other.StudyTime) == ("19970609", "101938.290000")
    # 12 bits a pixel in the stream, packed: two pixels are three bytes.
    packed = path.read_bytes()[-98304:]
    wanted = [packed[0] | (packed[1] & 15) << 8, packed[1] >> 4 | packed[2] << 4]
    assert other.BitsAllocated == 16
    assert other.pixel_array.reshape(-1)[:2].tolist() == wanted
    assert "RecognitionCode" not in other
    assert other.DataSetSubtype == "FFE/M"  # retired, and nothing else says it
    assert acr_nema.version_of(ds) == "1.0", "the stream itself is not touched"


def test_upgrading_twice_gives_the_same_uids_and_one_study_for_its_images() -> None:
    first, again = (acr_upgrade.upgrade(kerma.read(stream(image()))) for _ in range(2))
    second = acr_upgrade.upgrade(kerma.read(stream(image(InstanceNumber=2))))
    assert first == again
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    other = acr_upgrade.upgrade(kerma.read(stream(image(PatientName="E^F"))))
    assert other.StudyInstanceUID != first.StudyInstanceUID


def test_upgrade_keeps_uids_that_are_there_and_finds_pixels_elsewhere() -> None:
    ds = image(SOPInstanceUID="1.2.3", ImageLocation=0x7FE2)
    ds.add(0x7FE20010, "OW", ds.PixelData)
    del ds.PixelData
    new = acr_upgrade.upgrade(kerma.read(stream(ds)))
    assert new.SOPInstanceUID == "1.2.3"
    assert struct.unpack("<6H", new.PixelData or b"") == (1, 2, 3, 400, 500, 600)
    assert 0x7FE20010 not in new


def test_what_cannot_be_upgraded_is_an_error_that_says_why() -> None:
    with pytest.raises(FormatError, match="no recognition code"):
        acr_upgrade.upgrade(image())
    with pytest.raises(UnsupportedSyntaxError, match="RECT"):
        acr_upgrade.upgrade(kerma.read(stream(image(CompressionCode="RECT"))))
    with pytest.raises(TruncatedError, match="are missing"):
        acr_upgrade.upgrade(kerma.read(stream(image(BitsAllocated=12, Rows=60000))))


def test_what_cannot_be_written_is_an_error_that_says_why() -> None:
    with pytest.raises(UsageError, match="no ACR-NEMA"):
        stream(image(), version="3.0")
    nested = image(ReferencedImageSequence=[kerma.Dataset()])
    with pytest.raises(ValueEncodeError, match="0008,1140"):
        stream(nested)
    assert stream(nested, leave_out=True) == stream(image())


def test_compressed_pixels_are_refused(corpus: Path) -> None:
    ds = kerma.read(corpus / "pydicom+pydicom/src/pydicom/data/test_files/JPEG2000.dcm")
    with pytest.raises(ValueEncodeError, match="compressed"):
        stream(ds, leave_out=True)


def test_strict_reading_refuses_a_stream() -> None:
    with pytest.raises(FormatError):
        kerma.read(stream(image(), little_endian=False), strictness=Strictness.STRICT)


@pytest.mark.parametrize(
    "data",
    [b"\0\x08\0\0\0\0\0\x04", b"\0\x08\0\x10\xff\xff\xff\xf0" + bytes(40), b"\0\x08\0\0\0\0\0\x05" + bytes(40)],
)
def test_what_only_begins_like_a_stream_is_none(data: bytes) -> None:
    with pytest.raises(NotDicomError):
        kerma.read(data)


def test_a_cut_stream_is_an_error_with_its_place() -> None:
    with pytest.raises(TruncatedError) as caught:
        kerma.read(stream(image(), little_endian=False)[:-3])
    assert caught.value.missing == 3
    assert caught.value.path == (0x7FE00010,)


@given(st.integers(2, 15), st.data())
def test_widening_undoes_packing(bits: int, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.integers(0, (1 << bits) - 1), max_size=40))
    packed = sum(cell << number * bits for number, cell in enumerate(cells))
    raw = packed.to_bytes((len(cells) * bits + 7) // 8, "little")
    assert struct.unpack(f"<{len(cells)}H", acr_upgrade.widened(raw, bits, len(cells))) == tuple(cells)
