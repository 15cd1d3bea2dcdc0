"""Rendered resources and thumbnails over an archive: what is asked for is what comes, of whatever is stored."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.formats.building.modules import begin

CT = "1.2.840.10008.5.1.4.1.1.2"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
STUDY, SERIES = "1.2.3", "1.2.3.4"


def image(uid: str, *, frames: int = 1, rows: int = 64, columns: int = 48, **more: Any) -> Dataset:
    """A grey image of which every pixel is another value."""
    ds = begin(CT, modality="CT")
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = STUDY, SERIES, uid
    ds.PatientName, ds.PatientID, ds.InstanceNumber = "Doe^Jane", "P1", int(uid.rsplit(".", 1)[1])
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = rows, columns, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.KVP = 1, -1024, 120
    if frames > 1:
        ds.NumberOfFrames = frames
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    samples = np.arange(frames * rows * columns, dtype="<u2") % 4096
    ds.add("PixelData", "OW", samples.tobytes())
    return ds


def path(uid: str, what: str = "rendered") -> str:
    return f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{uid}/{what}"


def opened(body: bytes) -> Any:
    return Image.open(io.BytesIO(body))


def pixels_of(body: bytes) -> Any:
    return np.asarray(opened(body))


@pytest.fixture
def stored(archive: Archive) -> Archive:
    archive.ingest(image("1.2.3.4.1"))
    archive.ingest(image("1.2.3.4.2", frames=3))
    return archive


@pytest.mark.usefixtures("stored")
class TestInstance:
    def test_png_is_what_kerma_renders(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.1"), headers={"Accept": "image/png"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        assert np.array_equal(pixels_of(answer.content), kerma.pixels.render(image("1.2.3.4.1")))

    @pytest.mark.parametrize("accept", ["*/*", "image/*,*/*", "image/jpeg", "image/jpeg, image/png;q=0.5", ""])
    def test_jpeg_is_what_most_get(self, web: TestClient, accept: str) -> None:
        answer = web.get(path("1.2.3.4.1"), headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert opened(answer.content).size == (48, 64)

    @pytest.mark.parametrize("what", ["rendered", "thumbnail"])
    def test_accept_of_the_url_wins(self, web: TestClient, what: str) -> None:
        """As OHIF asks: a header that no picture is, and the query that says what is meant."""
        header = {"Accept": 'multipart/related; type="application/octet-stream"'}
        answer = web.get(path("1.2.3.4.1", what) + "?accept=image%2Fjpeg", headers=header)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")

    @pytest.mark.parametrize(
        ("media_type", "form"),
        [
            ("image/jpeg", "JPEG"),
            ("image/png", "PNG"),
            ("image/gif", "GIF"),
            ("image/webp", "WEBP"),
            ("image/jp2", "JPEG2000"),
        ],
    )
    def test_every_form(self, web: TestClient, media_type: str, form: str) -> None:
        answer = web.get(path("1.2.3.4.1"), headers={"Accept": media_type})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert opened(answer.content).format == form

    @pytest.mark.parametrize(
        ("function", "name"), [("linear", "LINEAR"), ("linear-exact", "LINEAR_EXACT"), ("sigmoid", "SIGMOID")]
    )
    def test_window(self, web: TestClient, function: str, name: str) -> None:
        answer = web.get(path("1.2.3.4.1"), params={"window": f"40,400,{function}"}, headers={"Accept": "image/png"})
        expected = kerma.pixels.render(image("1.2.3.4.1"), window=(40, 400), function=name)
        assert np.array_equal(pixels_of(answer.content), expected)

    def test_a_viewport_fits_and_keeps_the_sides_in_proportion(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.1"), params={"viewport": "96,96"}, headers={"Accept": "image/png"})
        assert opened(answer.content).size == (72, 96)

    def test_a_part_of_the_picture_mirrored(self, web: TestClient) -> None:
        whole = kerma.pixels.render(image("1.2.3.4.1"))
        params = {"viewport": "16,32,8,4,-16,-32"}
        answer = web.get(path("1.2.3.4.1"), params=params, headers={"Accept": "image/png"})
        assert np.array_equal(pixels_of(answer.content), whole[4:36, 8:24][::-1, ::-1])

    def test_values_of_a_viewport_may_be_left_out(self, web: TestClient) -> None:
        whole = kerma.pixels.render(image("1.2.3.4.1"))
        answer = web.get(path("1.2.3.4.1"), params={"viewport": "48,64,,,-48"}, headers={"Accept": "image/png"})
        assert np.array_equal(pixels_of(answer.content), whole[:, ::-1])

    def test_annotation_is_burned_in(self, web: TestClient) -> None:
        bare = web.get(path("1.2.3.4.1"), params={"viewport": "400,400"}, headers={"Accept": "image/png"})
        params = {"viewport": "400,400", "annotation": "patient,technique"}
        said = web.get(path("1.2.3.4.1"), params=params, headers={"Accept": "image/png"})
        changed = pixels_of(bare.content) != pixels_of(said.content)
        rows = changed.shape[0]
        assert changed[: rows // 4].any()
        assert changed[-rows // 4 :].any()
        assert not changed[rows // 3 : rows // 2].any()

    @pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp", "image/jp2"])
    @pytest.mark.parametrize("name", ["yes", "srgb", "adobergb", "rommrgb", "displayp3"])
    def test_profile_is_in_the_picture(self, web: TestClient, media_type: str, name: str) -> None:
        answer = web.get(path("1.2.3.4.1"), params={"iccprofile": name}, headers={"Accept": media_type})
        assert answer.status_code == 200
        assert opened(answer.content).mode == "RGB"
        if media_type != "image/jp2":
            assert opened(answer.content).info["icc_profile"][36:40] == b"acsp"

    def test_no_profile_unless_asked(self, web: TestClient) -> None:
        assert "icc_profile" not in opened(web.get(path("1.2.3.4.1")).content).info

    def test_quality(self, web: TestClient) -> None:
        sizes = [len(web.get(path("1.2.3.4.1"), params={"quality": each}).content) for each in ("10", "95")]
        assert sizes[0] < sizes[1]

    @pytest.mark.parametrize(
        "query",
        [
            "window=1",
            "window=a,b",
            "window=1,0",
            "window=1,nan",
            "window=1,2,cubic",
            "viewport=0,1",
            "viewport=1",
            "viewport=99999999,1",
            "viewport=16000,16000",
            "viewport=1e400,1",
            "viewport=10,10,500,0,1,1",
            "viewport=10,10,-1",
            "quality=0",
            "quality=101",
            "quality=x",
            "annotation=everything",
            "iccprofile=cmyk",
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, web: TestClient, query: str) -> None:
        answer = web.get(path("1.2.3.4.1") + "?" + query)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"

    def test_what_no_picture_is_cannot_be_had(self, web: TestClient) -> None:
        assert web.get(path("1.2.3.4.1"), headers={"Accept": "application/dicom"}).status_code == 406
        assert web.get(path("1.2.3.4.1"), headers={"Accept": "image/png;q=0"}).status_code == 406

    def test_etag(self, web: TestClient) -> None:
        first = web.get(path("1.2.3.4.1"))
        again = web.get(path("1.2.3.4.1"), headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""
        other = web.get(path("1.2.3.4.1") + "?window=1,2", headers={"If-None-Match": first.headers["etag"]})
        assert other.status_code == 200

    def test_head(self, web: TestClient) -> None:
        answer = web.head(path("1.2.3.4.1"))
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/jpeg", b"")
        assert web.head(f"/dicomweb/studies/{STUDY}/rendered").status_code == 200

    def test_what_is_not_there(self, web: TestClient) -> None:
        assert web.get(path("1.2.3.4.9")).status_code == 404
        assert web.get(path("1.2.3.4.9", "thumbnail")).status_code == 404
        assert web.get("/dicomweb/studies/9/rendered").status_code == 404
        assert web.get(f"/dicomweb/studies/9/series/{SERIES}/instances/1.2.3.4.1/rendered").status_code == 404
        assert web.get(path("not-a-uid")).status_code == 400
