"""Bulk data: what metadata name by a URI is there, as it lies in the data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import kerma
from kerma import errors, pixels
from kerma.archive import Archive
from kerma.dataset.binary import pieces_of
from kerma.dataset.walking import BULK, walk
from kerma.dicomweb.bulkdata import name_of, namer
from tests.web.retrieving import corpus_files, image, parts_of, url_of

OCTETS = "application/octet-stream"
PIXELS = "7FE00010"


def test_every_value_that_is_named_is_there(archive: Archive, web: TestClient, corpus: Path) -> None:
    count, vrs = 0, set()
    for path in corpus_files(corpus):
        try:
            uid = archive.ingest(path).sop_instance_uid
            ds = archive.open(uid)
            url = url_of(archive, uid)
            elements = list(walk(ds, max_path=64))
        except (errors.KermaError, AttributeError):
            continue
        for place, element in elements:
            if element.vr not in BULK or namer("")(place, element) is None or place == (0x7FE00010,):
                continue
            response = web.get(f"{url}/bulkdata/{name_of(place)}", headers={"Accept": OCTETS})
            assert response.status_code == 200, (path, name_of(place), response.text)
            wanted = b"".join(bytes(piece) for piece in pieces_of(element))
            if response.headers["content-type"].startswith(OCTETS) and place != (0x00420011,):
                assert response.content == wanted or wanted.endswith(response.content), (path, name_of(place))
            vrs.add(element.vr)
            count += 1
    assert count > 50
    assert {"OB", "OW", "UN"} <= vrs


def test_native_pixel_data_by_range(archive: Archive, web: TestClient) -> None:
    url = url_of(archive, archive.ingest(image()).sop_instance_uid)
    for accept in (OCTETS, "*/*", None):
        response = web.get(f"{url}/bulkdata/{PIXELS}", headers={} if accept is None else {"Accept": accept})
        assert response.content == bytes(range(128))
        assert response.headers["content-type"] == f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.1"
    part = web.get(f"{url}/bulkdata/{PIXELS}", headers={"Accept": OCTETS, "Range": "bytes=100-"})
    assert (part.status_code, part.content) == (206, bytes(range(100, 128)))
    response = web.get(f"{url}/bulkdata/{PIXELS}", headers={"Accept": f'multipart/related; type="{OCTETS}"'})
    ((headers, data),) = parts_of(response)
    assert data == bytes(range(128))
    assert headers["content-location"] == f"{url}/bulkdata/{PIXELS}"


def test_big_endian_words_are_turned(archive: Archive, web: TestClient) -> None:
    big = "1.2.840.10008.1.2.2"
    ds = kerma.Dataset.from_bytes(image().to_bytes(big), big)
    url = url_of(archive, archive.ingest(ds).sop_instance_uid)
    assert web.get(f"{url}/bulkdata/{PIXELS}", headers={"Accept": OCTETS}).content == bytes(range(128))


def test_compressed_pixel_data_are_their_frames(archive: Archive, web: TestClient) -> None:
    pytest.importorskip("imagecodecs")
    ds = image(NumberOfFrames=3)
    ds.add("PixelData", "OW", np.arange(192, dtype="<u2").tobytes())
    uid = archive.ingest(pixels.transcode(ds, "1.2.840.10008.1.2.4.80")).sop_instance_uid
    url, found = url_of(archive, uid), pixels.index(archive.open(uid))
    for path in (f"bulkdata/{PIXELS}", "pixeldata", "bulkdata"):
        parts = parts_of(web.get(f"{url}/{path}"))
        assert [data for _, data in parts] == [bytes(found.read(number)) for number in range(3)]
        assert parts[1][0]["content-type"] == "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
        assert parts[1][0]["content-location"] == f"{url}/frames/2"
    decoded = parts_of(web.get(f"{url}/bulkdata/{PIXELS}", headers={"Accept": OCTETS}))
    assert b"".join(data for _, data in decoded) == np.arange(192, dtype="<u2").tobytes()


def document(data: bytes = b"%PDF-1.7 x", mime: str = "application/pdf") -> kerma.Dataset:
    ds = image()
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(ds, keyword)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    ds.MIMETypeOfEncapsulatedDocument = mime
    ds.EncapsulatedDocumentLength = len(data)
    ds.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    return ds


def test_a_document_is_what_it_says(archive: Archive, web: TestClient) -> None:
    data = b"%PDF-1.7 odd"[:-1]
    url = url_of(archive, archive.ingest(document(data)).sop_instance_uid) + "/bulkdata/00420011"
    for accept in ("application/pdf", "*/*", "application/*"):
        response = web.get(url, headers={"Accept": accept})
        assert response.headers["content-type"] == "application/pdf"
        assert response.content == data
    ohif = 'multipart/related; type="application/pdf", multipart/related; type="application/octet-stream"'
    ((headers, part),) = parts_of(web.get(url, headers={"Accept": ohif}))
    assert (headers["content-type"], part) == ("application/pdf", data)
    assert web.get(url, headers={"Accept": OCTETS}).headers["content-type"].startswith(OCTETS)
    assert web.get(url, headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.parametrize("mime", ["text/html", "not a type", "a/b\r\nX: y"])
def test_a_document_runs_no_script_and_breaks_no_header(archive: Archive, web: TestClient, mime: str) -> None:
    url = url_of(archive, archive.ingest(document(b"<script>", mime)).sop_instance_uid) + "/bulkdata/00420011"
    response = web.get(url)
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"
    if mime == "text/html":
        assert response.headers["content-security-policy"] == "sandbox"
    else:
        assert response.headers["content-type"].startswith(OCTETS)


def nested() -> kerma.Dataset:
    ds = image()
    icon = kerma.Dataset()
    icon.Rows = icon.Columns = 64
    icon.add("PixelData", "OB", bytes(range(64)) * 64)
    outer = kerma.Dataset()
    outer.IconImageSequence = [icon]
    ds.ReferencedImageSequence = [kerma.Dataset(), outer]
    return ds


def test_a_value_below_sequences(archive: Archive, web: TestClient) -> None:
    url = url_of(archive, archive.ingest(nested()).sop_instance_uid)
    path = "00081140/1/00880200/0/7FE00010"
    assert web.get(f"{url}/bulkdata/{path}").content == bytes(range(64)) * 64
    names = [headers["content-location"] for headers, _ in parts_of(web.get(f"{url}/bulkdata"))]
    assert names == [f"{url}/bulkdata/{path}", f"{url}/bulkdata/{PIXELS}"]
    assert [headers["content-location"] for headers, _ in parts_of(web.get(f"{url}/pixeldata"))] == names[1:]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("00081140", 404), ("00081140/0", 404), ("00081140/7/00880200/0/7FE00010", 404), ("00080018/0/00080018", 404),
        ("00420011", 404), ("x", 404), ("../../00420011", 404), ("7FE00010/0/7FE00010", 404),
        ("/".join(["00081140", "0"] * 100) + "/00420011", 404),
    ],
)  # fmt: skip
def test_values_that_are_not_there(archive: Archive, web: TestClient, path: str, status: int) -> None:
    url = url_of(archive, archive.ingest(nested()).sop_instance_uid)
    response = web.get(f"{url}/bulkdata/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_the_bulk_data_of_a_study(archive: Archive, web: TestClient) -> None:
    uids = [archive.ingest(image(number)).sop_instance_uid for number in (1, 2)]
    report: Any = image(3)
    del report.PixelData
    uid = archive.ingest(report).sop_instance_uid
    for level in ("study", "series"):
        for kind in ("bulkdata", "pixeldata"):
            response = web.get(f"{url_of(archive, uid, level)}/{kind}")
            assert len(parts_of(response)) == len(uids)
            assert web.head(f"{url_of(archive, uid, level)}/{kind}").status_code == 200
    assert web.get(f"{url_of(archive, uid)}/bulkdata").status_code == 404


def test_metadata_lead_to_bulk_data(archive: Archive, web: TestClient) -> None:
    """What a client does: it reads the metadata, and asks for what they name."""
    url = url_of(archive, archive.ingest(nested()).sop_instance_uid)
    metadata = web.get(f"{url}/metadata", headers={"Accept": "application/dicom+json"})
    uri = metadata.json()[0][PIXELS]["BulkDataURI"]
    assert web.get(uri, headers={"Accept": OCTETS}).content == bytes(range(128))
