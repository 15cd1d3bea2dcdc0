"""Metadata and search of what is not as it should be: nothing is dropped, nothing is an error of the server."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.dataset import Dataset
from tests.archive.conftest import make_instance

SERIES = "/dicomweb/studies/1.2.3.1/series/1.2.3.1.1"
JSON = {"Accept": "application/dicom+json"}
XML = {"Accept": 'multipart/related; type="application/dicom+xml"'}


def file_of(ds: Dataset, before_pixels: bytes = b"", behind: bytes = b"") -> bytes:
    """A file of ``ds`` with bytes put before and behind its pixel data."""
    out = io.BytesIO()
    kerma.write(ds, out)
    data = out.getvalue()
    at = data.rindex(b"\xe0\x7f\x10\x00OW")
    return data[:at] + before_pixels + data[at:] + behind


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"OB", b"SQ", b"UN"):
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def ingest(archive: Archive, folder: Path, data: bytes) -> None:
    path = folder / "in.dcm"
    path.write_bytes(data)
    archive.ingest(path)


def test_what_lies_behind_the_pixels_is_told_in_its_place_or_not(
    web: TestClient, archive: Archive, tmp_path: Path
) -> None:
    behind = element(0x00080054, b"AE", b"THEIRS") + element(0xFFFCFFFC, b"OB", bytes(4))
    ingest(archive, tmp_path, file_of(make_instance(), behind=behind))
    for path in (SERIES, f"{SERIES}/instances/1.2.3.1.1.1"):
        (found,) = web.get(f"{path}/metadata", headers=JSON).json()
        assert found["00080054"] == {"vr": "AE", "Value": ["THEIRS"]}
        assert found["FFFCFFFC"] == {"vr": "OB", "InlineBinary": "AAAAAA=="}
        assert found["7FE00010"]["BulkDataURI"].endswith("/bulkdata/7FE00010")
        assert "THEIRS" in web.get(f"{path}/metadata", headers=XML).text


@pytest.mark.parametrize("pixels", [2048, 3_000_000])
def test_what_lies_behind_the_pixels_of_a_deflated_data_set(
    web: TestClient, archive: Archive, tmp_path: Path, pixels: int
) -> None:
    ds = make_instance(pixels=pixels)
    ds.add(0xFFFCFFFC, "OB", bytes(6))
    out = io.BytesIO()
    kerma.write(ds, out, transfer_syntax_uid="1.2.840.10008.1.2.1.99")
    ingest(archive, tmp_path, out.getvalue())
    (found,) = web.get(f"{SERIES}/metadata", headers=JSON).json()
    assert found["00083002"]["Value"] == ["1.2.840.10008.1.2.1.99"]
    assert found["FFFCFFFC"] == {"vr": "OB", "InlineBinary": "AAAAAAAA"}
    assert len(web.get(found["7FE00010"]["BulkDataURI"]).content) == pixels


def test_what_behind_the_pixels_is_no_element_harms_nothing(web: TestClient, archive: Archive, tmp_path: Path) -> None:
    ingest(archive, tmp_path, file_of(make_instance(), behind=b"\xff\xff\x01\x00??" + bytes(30)))
    (found,) = web.get(f"{SERIES}/metadata", headers=JSON).json()
    assert found["00080018"]["Value"] == ["1.2.3.1.1.1"]


@pytest.mark.parametrize("size", [16, 4000])
def test_a_damaged_sequence_is_its_bytes_and_the_series_is_told(
    web: TestClient, archive: Archive, tmp_path: Path, size: int
) -> None:
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + b"!" * size
    value = struct.pack("<HHI", 0xFFFE, 0xE000, len(pixels)) + pixels
    broken = element(0x00090010, b"LO", b"MAKER ") + element(0x00091010, b"SQ", value)
    data = file_of(make_instance(SOPInstanceUID="1.2.3.1.1.2", InstanceNumber=2))
    at = data.index(b"\x10\x00\x10\x00PN")
    ingest(archive, tmp_path, data[:at] + broken + data[at:])
    archive.ingest(make_instance(1))

    sound, found = web.get(f"{SERIES}/metadata", headers=JSON).json()
    assert "00091010" not in sound
    assert found["00100010"]["Value"] == [{"Alphabetic": "Müller^Hans"}]
    told = found["00091010"]
    assert told["vr"] == "UN"
    one = f"{SERIES}/instances/1.2.3.1.1.2"
    assert web.get(f"{one}/metadata", headers=JSON).json() == [found]
    if size > 1024:
        assert web.get(told["BulkDataURI"]).content == value
        everything = web.get(f"{SERIES}/bulkdata")
        assert (everything.status_code, value in everything.content) == (200, True)
    else:
        assert len(told["InlineBinary"]) == (len(value) + 2) // 3 * 4
    for path in (SERIES, one):
        answer = web.get(f"{path}/metadata", headers=XML)
        assert (answer.status_code, "Müller" in answer.text) == (200, True)
    (match,) = web.get("/dicomweb/instances?includefield=all&InstanceNumber=2", headers=JSON).json()
    assert match["00080018"]["Value"] == ["1.2.3.1.1.2"]


def test_pixels_of_which_nobody_can_tell_the_frames_are_their_bytes(web: TestClient, archive: Archive) -> None:
    archive.ingest(make_instance(1, Rows=None, pixels=5000))
    archive.ingest(make_instance(2))
    one = f"{SERIES}/instances/1.2.3.1.1.1"
    (found,) = web.get(f"{one}/metadata", headers=JSON).json()
    assert web.get(found["7FE00010"]["BulkDataURI"]).content == b"\1" * 5000
    for path in (one, SERIES):
        for what in ("bulkdata", "pixeldata"):
            answer = web.get(f"{path}/{what}")
            assert (answer.status_code, b"\1" * 5000 in answer.content) == (200, True)
    assert web.get(f"{one}/frames/1").status_code == 422


def test_a_sequence_that_can_be_read_is_no_bulk_data(web: TestClient, archive: Archive) -> None:
    item = Dataset()
    item.CodeValue = "1"
    archive.ingest(make_instance(ProcedureCodeSequence=[item]))
    assert web.get(f"{SERIES}/instances/1.2.3.1.1.1/bulkdata/00081032").status_code == 404


def test_a_value_that_its_vr_cannot_hold_is_found_with_everything_else(
    web: TestClient, archive: Archive, tmp_path: Path
) -> None:
    data = file_of(make_instance()).replace(b"\x10\x00\x40\x00CS\x02\x00M ", b"\x10\x00\x40\x00CS\x02\x00\xc4\xd6")
    ingest(archive, tmp_path, data)
    answer = web.get("/dicomweb/instances?includefield=all", headers=JSON)
    assert answer.status_code == 200, answer.text
    (match,) = answer.json()
    assert match["00100040"]["vr"] in ("CS", "UN")
    assert match["00100040"].keys() > {"vr"}
