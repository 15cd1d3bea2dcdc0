"""The URI service: files and pictures by query parameters."""

from __future__ import annotations

import io

import numpy as np
import pytest
from starlette.testclient import TestClient

import kerma
from kerma import pixels
from kerma.archive import Archive
from tests.web.retrieving import image

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("imagecodecs")

FRAMES = "multipart/related; type=application/octet-stream; transfer-syntax=*"
JPEG_LS = "1.2.840.10008.1.2.4.80"


@pytest.fixture
def stored(archive: Archive) -> str:
    """The parameters for an image of three frames, stored as JPEG-LS."""
    ds = image(NumberOfFrames=3, WindowCenter="100", WindowWidth="200")
    ds.add("PixelData", "OW", np.arange(192, dtype="<u2").tobytes())
    uid = archive.ingest(pixels.transcode(ds, JPEG_LS)).sop_instance_uid
    return f"/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.2&objectUID={uid}"


def test_ohif_takes_a_file_as_stored(archive: Archive, web: TestClient, stored: str) -> None:
    """Row 14 of what OHIF was seen to send: its frame header must not be looked at."""
    for root in ("", "/dicomweb"):
        response = web.get(f"{root}{stored}&contentType=application/dicom&transferSyntax=*", headers={"Accept": FRAMES})
        assert response.status_code == 200
        assert response.headers["content-type"] == f"application/dicom; transfer-syntax={JPEG_LS}"
        assert response.content == archive.file_bytes("1.2.3.2.1")


def test_a_file_is_explicit_vr_where_nothing_is_said(web: TestClient, stored: str) -> None:
    ds = kerma.read(web.get(f"{stored}&contentType=application%2Fdicom").content)
    assert ds.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert (pixels.array(ds).ravel() == np.arange(192)).all()
    syntax = "1.2.840.10008.1.2.4.90"
    again = kerma.read(web.get(f"{stored}&contentType=application/dicom&transferSyntax={syntax}").content)
    assert again.transfer_syntax_uid == syntax


def test_pictures(web: TestClient, stored: str) -> None:
    response = web.get(stored, headers={"Accept": FRAMES})
    assert response.headers["content-type"] == "image/jpeg"
    for kind in ("image/png", "image/jpeg", "image/gif;q=0.5,image/png"):
        response = web.get(
            f"{stored}&contentType={kind}&rows=16&columns=16&frameNumber=2&windowCenter=96&windowWidth=64"
        )
        assert response.headers["content-type"] == kind.rpartition(",")[2]
        assert Image.open(io.BytesIO(response.content)).size == (16, 16)
    assert web.get(stored, headers={"Accept": "image/png"}).headers["content-type"] == "image/png"


def test_what_nobody_can_look_at_is_a_file(archive: Archive, web: TestClient) -> None:
    plan = image()
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(plan, keyword)
    plan.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.5"
    uid = archive.ingest(plan).sop_instance_uid
    response = web.get(f"/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.2&objectUID={uid}")
    assert response.headers["content-type"].startswith("application/dicom")
    assert response.content == archive.file_bytes(uid)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("&anonymize=yes&contentType=application/dicom", 400), ("&contentType=application/dicom&frameNumber=1", 400),
        ("&frameNumber=0", 400), ("&frameNumber=4", 400), ("&frameNumber=x", 400), ("&windowCenter=1", 400),
        ("&contentType=text/css", 406), ("&contentType=multipart/related;type=image/jpeg", 406),
        ("&contentType=application/dicom&transferSyntax=x", 400), ("&region=2,0,1,1", 400),
        ("&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.4.100", 406), ("&presentationUID=1.9", 404),
        ("&contentType=nonsense", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_had(web: TestClient, stored: str, more: str, status: int) -> None:
    response = web.get(stored + more)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400), ("requestType=WADO", 400), ("requestType=XYZ&studyUID=1&seriesUID=1&objectUID=1", 400),
        ("requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.2&objectUID=1.9", 404),
        ("requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.2&objectUID=*", 400),
        ("requestType=WADO&studyUID=1.9&seriesUID=1.2.3.2&objectUID=1.2.3.2.1", 404),
    ],
)  # fmt: skip
def test_what_is_no_request(web: TestClient, stored: str, query: str, status: int) -> None:
    assert web.get(f"/wado?{query}").status_code == status
    assert web.get(f"/wado?{query}&contentType=application/dicom").status_code == status
