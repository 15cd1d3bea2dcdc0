"""Rendered resources and thumbnails over an archive: what is asked for is what comes, of whatever is stored."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.archive.permissions import Principal, Right
from kerma.dataset import Dataset
from kerma.dicomweb.accept import parse
from kerma.dicomweb.multipart import Data, Parser, Part
from kerma.formats.building.encapsulated import encapsulate
from kerma.formats.building.modules import begin
from kerma.web import rendered, rendered_bodies

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

    @pytest.mark.parametrize(("media_type", "start"), [("image/jxl", b"\xff\x0a"), ("image/jph", b"\0\0\0\x0cjP  ")])
    def test_newer_forms(self, web: TestClient, media_type: str, start: bytes) -> None:
        answer = web.get(path("1.2.3.4.1"), headers={"Accept": media_type})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert answer.content.startswith(start)

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


def parts_of(answer: Any) -> list[tuple[str, bytes]]:
    """The media type and bytes of each part of a multipart answer."""
    media = parse(answer.headers["content-type"])
    assert media.type == "multipart/related"
    reader = Parser(media.params["boundary"])
    found: list[tuple[str, bytes]] = []
    for event in reader.feed(answer.content):
        if isinstance(event, Part):
            found.append((event.content_type, b""))
        elif isinstance(event, Data):
            found[-1] = found[-1][0], found[-1][1] + bytes(event.data)
    reader.close()
    return found


def heads_of(answer: Any) -> list[Part]:
    """The headers of each part."""
    reader = Parser(parse(answer.headers["content-type"]).params["boundary"])
    return [event for event in reader.feed(answer.content) if isinstance(event, Part)]


@pytest.mark.usefixtures("stored")
class TestSeveral:
    def test_a_multi_frame_image_is_one_picture(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.2"), headers={"Accept": "image/png"})
        assert np.array_equal(pixels_of(answer.content), kerma.pixels.render(image("1.2.3.4.2", frames=3)))

    def test_or_all_of_them_as_parts(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.2"), headers={"Accept": 'multipart/related; type="image/png"'})
        found = parts_of(answer)
        assert [kind for kind, _ in found] == ["image/png"] * 3
        for number, (_, body) in enumerate(found):
            expected = kerma.pixels.render(image("1.2.3.4.2", frames=3), number)
            assert np.array_equal(pixels_of(body), expected)

    def test_a_gif_moves(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.2"), headers={"Accept": "image/gif"})
        assert answer.headers["content-type"] == "image/gif"
        assert opened(answer.content).n_frames == 3

    def test_a_film(self, web: TestClient) -> None:
        pytest.importorskip("av")
        answer = web.get(path("1.2.3.4.2"), headers={"Accept": "video/mp4"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
        assert answer.content[4:8] == b"ftyp"
        piece = web.get(path("1.2.3.4.2"), headers={"Accept": "video/mp4", "Range": "bytes=4-7"})
        assert (piece.status_code, piece.content) == (206, b"ftyp")

    def test_films_leave_room_for_pictures(self, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        full = rendered_bodies.Desk(films=threading.BoundedSemaphore(1))
        monkeypatch.setattr(rendered, "_desk", lambda _: full)
        with full.films:
            answer = web.get(path("1.2.3.4.2"), headers={"Accept": "image/gif"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert web.get(path("1.2.3.4.2"), headers={"Accept": "image/jpeg"}).status_code == 200
        assert web.get(path("1.2.3.4.2"), headers={"Accept": "image/gif"}).status_code == 200

    def test_a_side_that_the_form_cannot_have(self, web: TestClient, stored: Archive) -> None:
        stored.ingest(image("1.2.3.4.7", rows=2, columns=65_535))
        for media_type, status in (("image/webp", 413), ("image/jpeg", 413), ("image/png", 200)):
            assert web.get(path("1.2.3.4.7"), headers={"Accept": media_type}).status_code == status
        assert web.get(path("1.2.3.4.7", "thumbnail")).status_code == 200

    def test_one_frame(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.2", "frames/2/rendered"), headers={"Accept": "image/png"})
        assert np.array_equal(pixels_of(answer.content), kerma.pixels.render(image("1.2.3.4.2", frames=3), 1))

    def test_several_frames_in_the_order_asked(self, web: TestClient) -> None:
        answer = web.get(path("1.2.3.4.2", "frames/3,1/rendered"), headers={"Accept": "image/png"})
        found = parts_of(answer)
        assert len(found) == 2
        assert np.array_equal(pixels_of(found[0][1]), kerma.pixels.render(image("1.2.3.4.2", frames=3), 2))

    @pytest.mark.parametrize("what", ["frames/4/rendered", "frames/1,4/rendered", "frames/4/thumbnail"])
    def test_a_frame_that_is_not_there(self, web: TestClient, what: str) -> None:
        assert web.get(path("1.2.3.4.2", what)).status_code == 404

    @pytest.mark.parametrize("where", [f"studies/{STUDY}", f"studies/{STUDY}/series/{SERIES}"])
    def test_a_study_and_a_series_are_all_their_pictures(self, web: TestClient, where: str) -> None:
        answer = web.get(f"/dicomweb/{where}/rendered", headers={"Accept": "image/jpeg"})
        assert [kind for kind, _ in parts_of(answer)] == ["image/jpeg"] * 4
        assert "warning" not in answer.headers
        places = [part.location for part in heads_of(answer)]
        frames = [("1.2.3.4.1", 1), ("1.2.3.4.2", 1), ("1.2.3.4.2", 2), ("1.2.3.4.2", 3)]
        assert places == [path(uid, f"frames/{number}/rendered") for uid, number in frames]
        assert web.get(places[-1] or "", headers={"Accept": "image/jpeg"}).content == parts_of(answer)[-1][1]

    def test_a_film_of_a_series_is_not_left_out_because_others_are_made(
        self, web: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = rendered_bodies.Desk(films=threading.BoundedSemaphore(1))
        monkeypatch.setattr(rendered, "_desk", lambda _: full)
        where = f"/dicomweb/studies/{STUDY}/series/{SERIES}/rendered"
        headers = {"Accept": "video/mp4, image/gif;q=0.5"}
        pytest.importorskip("av")
        with full.films:
            assert web.get(path("1.2.3.4.2"), headers=headers).status_code == 503
            assert web.get(where, headers={"Accept": "video/mp4"}).status_code == 503
        assert [kind for kind, _ in parts_of(web.get(where, headers=headers))] == ["image/gif", "video/mp4"]

    def test_what_cannot_be_rendered_is_left_out_of_a_series(self, web: TestClient, stored: Archive) -> None:
        broken = image("1.2.3.4.3")
        broken.BitsAllocated = 99
        stored.ingest(broken)
        where = f"/dicomweb/studies/{STUDY}/rendered"
        answer = web.get(where)
        assert len(parts_of(answer)) == 4
        assert "are left out" in answer.headers["warning"]
        assert web.get(path("1.2.3.4.3")).status_code == 422
        assert web.get(path("1.2.3.4.3", "thumbnail")).status_code == 422

    def test_too_large_a_gif_is_refused_before_it_is_made(self, web: TestClient, stored: Archive) -> None:
        stored.ingest(image("1.2.3.4.4", frames=5))
        params = {"viewport": "16384,4096"}
        assert web.get(path("1.2.3.4.4"), params=params, headers={"Accept": "image/gif"}).status_code == 413


@pytest.mark.usefixtures("stored")
class TestThumbnail:
    @pytest.mark.parametrize(
        "where",
        [
            f"studies/{STUDY}",
            f"studies/{STUDY}/series/{SERIES}",
            f"studies/{STUDY}/series/{SERIES}/instances/1.2.3.4.2",
            f"studies/{STUDY}/series/{SERIES}/instances/1.2.3.4.2/frames/1",
        ],
    )
    def test_at_every_level_as_an_img_asks_for_it(self, web: TestClient, where: str) -> None:
        url = f"/dicomweb/{where}/thumbnail?accept=image/jpeg"
        for _ in range(2):  # the second time from what is kept
            answer = web.get(url, headers={"Accept": "image/*,*/*"})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
            assert opened(answer.content).size == (48, 64)

    def test_a_viewport_has_no_part(self, web: TestClient) -> None:
        assert opened(web.get(path("1.2.3.4.1", "thumbnail") + "?viewport=24,24").content).size == (18, 24)
        assert web.get(path("1.2.3.4.1", "thumbnail") + "?viewport=24,24,1,1,2,2").status_code == 400

    def test_the_middle_frame_unless_the_file_names_one(self, web: TestClient, stored: Archive) -> None:
        answer = web.get(path("1.2.3.4.2", "thumbnail"), headers={"Accept": "image/png"})
        assert np.array_equal(pixels_of(answer.content), kerma.pixels.render(image("1.2.3.4.2", frames=3), 1))
        stored.ingest(image("1.2.3.4.5", frames=3, RepresentativeFrameNumber=3))
        answer = web.get(path("1.2.3.4.5", "thumbnail"), headers={"Accept": "image/png"})
        assert np.array_equal(pixels_of(answer.content), kerma.pixels.render(image("1.2.3.4.2", frames=3), 2))

    def test_pixels_of_another_width_than_height_are_made_square(self, web: TestClient, stored: Archive) -> None:
        stored.ingest(image("1.2.3.4.6", PixelSpacing=(2, 1)))
        assert opened(web.get(path("1.2.3.4.6", "thumbnail")).content).size == (48, 128)

    def test_of_what_was_deleted_nothing_is_kept(self, web: TestClient, stored: Archive) -> None:
        assert web.get(path("1.2.3.4.1", "thumbnail")).status_code == 200
        stored.delete("image", "1.2.3.4.1")
        assert web.get(path("1.2.3.4.1", "thumbnail")).status_code == 404

    def test_who_may_not_see_it_finds_nothing(self, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is kept is asked for after the archive, never before."""
        assert web.get(path("1.2.3.4.1", "thumbnail")).status_code == 200
        nobody = Principal("nobody", Right.NONE)
        monkeypatch.setattr("kerma.web.rendered.principal_of", lambda _: nobody)
        assert web.get(path("1.2.3.4.1", "thumbnail")).status_code == 403
        assert web.get(path("1.2.3.4.1")).status_code == 403


class TestPresentationState:
    def state(self, **more: Any) -> Dataset:
        ds = begin(GSPS, modality="PR")
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = STUDY, SERIES + ".9", "1.2.3.4.9.1"
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, "1.2.3.4.1"
        series = Dataset()
        series.SeriesInstanceUID, series.ReferencedImageSequence = SERIES, [reference]
        ds.ReferencedSeriesSequence = [series]
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth = 1000, 500
        ds.SoftcopyVOILUTSequence = [voi]
        ds.PresentationLUTShape, ds.ImageRotation, ds.ImageHorizontalFlip = "IDENTITY", 90, "N"
        return ds

    url = f"/dicomweb/studies/{STUDY}/series/{SERIES}.9/instances/1.2.3.4.9.1/"

    def test_its_images_as_it_says(self, web: TestClient, stored: Archive) -> None:
        stored.ingest(self.state())
        answer = web.get(self.url + "rendered", headers={"Accept": "image/png"})
        expected = kerma.pixels.render(image("1.2.3.4.1"), presentation=self.state())
        assert expected.shape == (48, 64)
        assert np.array_equal(pixels_of(answer.content), expected)
        parts = parts_of(web.get(self.url + "rendered", headers={"Accept": 'multipart/related; type="image/png"'}))
        assert [np.array_equal(pixels_of(body), expected) for _, body in parts] == [True]
        small = web.get(self.url + "thumbnail")
        assert opened(small.content).size == (64, 48)
        assert "etag" not in small.headers

    def test_of_an_image_that_is_gone_nothing_is_kept(self, web: TestClient, stored: Archive) -> None:
        stored.ingest(self.state())
        first = web.get(self.url + "thumbnail").content
        stored.delete("image", "1.2.3.4.1")
        assert web.get(self.url + "thumbnail").content != first
        assert web.get(self.url + "rendered").status_code == 404

    def test_an_image_by_a_state_that_is_named(
        self, web: TestClient, stored: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the URI service asks with presentationUID."""
        stored.ingest(self.state())
        asked = rendered._asked
        named = "1.2.3.4.9.1"
        monkeypatch.setattr(rendered, "_asked", lambda *args, **more: replace(asked(*args, **more), state=named))
        answer = web.get(path("1.2.3.4.1"), headers={"Accept": "image/png"})
        expected = kerma.pixels.render(image("1.2.3.4.1"), presentation=self.state())
        assert np.array_equal(pixels_of(answer.content), expected)
        assert web.get(path("1.2.3.4.2")).status_code == 422  # it is about another image
        named = "1.2.3.4.9.2"
        assert web.get(path("1.2.3.4.1")).status_code == 404

    def test_without_its_images(self, web: TestClient, archive: Archive) -> None:
        archive.ingest(self.state())
        assert web.get(self.url + "rendered").status_code == 404
        assert web.get(self.url + "thumbnail").status_code == 200  # an icon


class TestNoImage:
    def put(self, archive: Archive, ds: Dataset) -> str:
        ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, SERIES
        return path(str(archive.ingest(ds).sop_instance_uid), "")

    def report(self) -> Dataset:
        ds = begin("1.2.840.10008.5.1.4.1.1.88.11", modality="SR")
        ds.PatientName, ds.SpecificCharacterSet = "Müller^Jörg", "ISO_IR 192"
        item = Dataset()
        item.ValueType, item.TextValue = "TEXT", "<script>alert(1)</script> fünf"
        name = Dataset()
        name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", "Finding"
        item.ConceptNameCodeSequence = [name]
        ds.ValueType, ds.ContentSequence = "CONTAINER", [item]
        return ds

    def test_a_report_is_a_page(self, web: TestClient, archive: Archive) -> None:
        url = self.put(archive, self.report())
        answer = web.get(url + "rendered", headers={"Accept": "*/*"})
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script>" not in answer.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; fünf" in answer.text
        assert "sandbox" in answer.headers["content-security-policy"]

    def test_or_text_in_a_character_set(self, web: TestClient, archive: Archive) -> None:
        url = self.put(archive, self.report())
        answer = web.get(url + "rendered?charset=iso-8859-1", headers={"Accept": "text/plain"})
        assert answer.headers["content-type"] == "text/plain; charset=iso-8859-1"
        assert "Finding: <script>alert(1)</script> fünf".encode("iso-8859-1") in answer.content
        assert web.get(url + "rendered?charset=klingon", headers={"Accept": "text/plain"}).status_code == 406

    def test_or_a_picture_of_it(self, web: TestClient, archive: Archive) -> None:
        url = self.put(archive, self.report())
        answer = web.get(url + "rendered", headers={"Accept": "image/*,*/*"})
        assert answer.headers["content-type"] == "image/jpeg"
        assert opened(answer.content).size[0] > 500
        assert opened(web.get(url + "thumbnail").content).size == (256, 256)
        assert web.get(url + "frames/1/rendered").status_code == 404

    def test_a_pdf_is_itself_or_an_icon(self, web: TestClient, archive: Archive) -> None:
        content = b"%PDF-1.4\n%%EOF\n"
        url = self.put(archive, encapsulate(content, "pdf"))
        answer = web.get(url + "rendered")
        assert (answer.headers["content-type"], answer.content) == ("application/pdf", content)
        assert web.get(url + "rendered?accept=image/jpeg").headers["content-type"] == "image/jpeg"
        assert web.get(url + "thumbnail").headers["content-type"] == "image/jpeg"

    def test_an_ecg_is_drawn(self, web: TestClient, archive: Archive, corpus: Path) -> None:
        url = self.put(archive, kerma.read(corpus / "pydicom+pydicom/src/pydicom/data/test_files/waveform_ecg.dcm"))
        answer = web.get(url + "rendered", headers={"Accept": "image/png"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert opened(answer.content).size == (1040, 560)
        assert web.get(url + "rendered", headers={"Accept": "application/pdf"}).content.startswith(b"%PDF")

    def test_what_cannot_be_shown_tells_its_kind(self, web: TestClient, archive: Archive) -> None:
        url = self.put(archive, begin("1.2.840.10008.5.1.4.1.1.481.3", modality="RTSTRUCT"))
        for what in ("rendered", "thumbnail"):
            answer = web.get(url + what)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
