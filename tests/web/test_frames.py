"""Frames: each is what the index of its image gives, in whatever form was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import kerma
from kerma import errors, pixels
from kerma.archive import Archive
from kerma.dicomweb.media_types import BROWSER, EXPLICIT_LE, media_type_of
from kerma.formats.source import FileSource
from kerma.pixels.encapsulated import EncapsulatedFrames
from kerma.pixels.syntaxes import VIDEO
from kerma.web.context import Context
from kerma.web.images import Images, WouldWait
from tests.web.retrieving import corpus_files, image, parts_of, url_of

ANY = "multipart/related; type=application/octet-stream; transfer-syntax=*"
JPEG_LS, JPEG_2000, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
JPEG_XL = "1.2.840.10008.1.2.4.110"
SAMPLES = bytes(range(128))
"""The pixels of ``image()``."""

pytest.importorskip("imagecodecs")


def test_frames_of_files_are_those_of_their_index(archive: Archive, web: TestClient, corpus: Path) -> None:
    seen, problems = set(), 0
    for path in corpus_files(corpus):
        try:
            uid = archive.ingest(path).sop_instance_uid
            ds = archive.open(uid)
            found = pixels.index(ds)
            wanted = bytes(found.read(found.count - 1))
        except errors.KermaError:
            continue
        if found.layout.transfer_syntax_uid in VIDEO or not ds.get("SeriesInstanceUID"):
            continue
        url = f"{url_of(archive, uid)}/frames/{found.count}"
        syntax = found.layout.transfer_syntax_uid if found.encapsulated else EXPLICIT_LE
        response = web.get(url, headers={"Accept": f"{media_type_of(syntax)}; transfer-syntax={syntax}"})
        assert response.status_code == 200, (path, response.text)
        assert response.content == wanted, path
        assert response.headers["content-type"] == f"{media_type_of(syntax)}; transfer-syntax={syntax}"
        response = web.get(url, headers={"Accept": ANY})
        if response.status_code != 200:
            assert response.status_code in (406, 422), path  # a stream that nothing decodes
            problems += 1
            continue
        ((headers, data),) = parts_of(response)
        told = headers["content-type"].rpartition("=")[2]
        if syntax in BROWSER:
            assert told == syntax
            assert data == wanted
        assert headers["content-location"] == url
        seen.add(syntax)
    assert len(seen) > 12
    assert problems < 5


@pytest.fixture
def cine(archive: Archive) -> str:
    """An image of five frames."""
    ds = image(NumberOfFrames=5)
    ds.add("PixelData", "OW", np.arange(5 * 64, dtype="<u2").tobytes())
    return url_of(archive, archive.ingest(ds).sop_instance_uid)


def test_several_frames_come_in_the_order_asked(web: TestClient, cine: str) -> None:
    samples = np.arange(5 * 64, dtype="<u2").reshape(5, -1)
    response = web.get(f"{cine}/frames/3,1,5", headers={"Accept": ANY})
    assert int(response.headers["content-length"]) == len(response.content)
    parts = parts_of(response)
    assert [data for _, data in parts] == [samples[number].tobytes() for number in (2, 0, 4)]
    assert [headers["content-location"] for headers, _ in parts] == [f"{cine}/frames/{number}" for number in (3, 1, 5)]
    assert response.content.startswith(b"--")
    assert b"\r\nContent-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n" in response.content


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, JPEG_LS, JPEG_2000, RLE, "1.2.840.10008.1.2.4.201", JPEG_XL])
def test_a_frame_becomes_what_was_asked_for(archive: Archive, web: TestClient, cine: str, syntax: str) -> None:
    for number in (1, 5):
        wanted = np.arange(5 * 64, dtype="<u2").reshape(5, 8, 8)[number - 1]
        accept = f"{media_type_of(syntax)}; transfer-syntax={syntax}"
        response = web.get(f"{cine}/frames/{number}", headers={"Accept": accept})
        assert response.headers["content-type"] == accept
        one = image()
        if syntax == EXPLICIT_LE:
            found = np.frombuffer(response.content, "<u2").reshape(8, 8)
        else:
            again = pixels.transcode(one, syntax)
            pixels.encapsulate(again, [response.content])
            found = pixels.array(again)
        assert (found == wanted).all()
        ((headers, data),) = parts_of(web.get(f"{cine}/frames/{number}", headers={"Accept": _in_parts(syntax)}))
        assert headers["content-type"] == accept
        assert data == response.content
        whole = web.get(f"{cine}/frames/{number}", headers={"Accept": accept, "Range": "bytes=4-11"})
        assert (whole.status_code, whole.content) == (206, data[4:12])


def _in_parts(syntax: str) -> str:
    return f'multipart/related; type="{media_type_of(syntax)}"; transfer-syntax={syntax}'


def test_compressed_frames_are_given_as_stored_or_decoded(archive: Archive, web: TestClient) -> None:
    ds = image(NumberOfFrames=3)
    ds.add("PixelData", "OW", np.arange(3 * 64, dtype="<u2").tobytes())
    stored = pixels.transcode(ds, JPEG_LS)
    uid = archive.ingest(stored).sop_instance_uid
    url = url_of(archive, uid)
    found = pixels.index(archive.open(uid))
    streams = [bytes(found.read(number)) for number in range(3)]
    for accept in (ANY, "*/*", "", "image/jls", "image/*", 'multipart/related; type="image/jls"'):
        response = web.get(f"{url}/frames/2", headers={"Accept": accept})
        data = parts_of(response)[0][1] if response.content.startswith(b"--") else response.content
        assert data == streams[1], accept
    assert [data for _, data in parts_of(web.get(f"{url}/frames/1,3"))] == [streams[0], streams[2]]
    decoded = web.get(f"{url}/frames/2", headers={"Accept": "application/octet-stream"})
    assert decoded.content == np.arange(64, 128, dtype="<u2").tobytes()
    decoded = web.get(f"{url}/frames/1,2", headers={"Accept": "multipart/related; type=application/octet-stream"})
    assert [data for _, data in parts_of(decoded)][1] == np.arange(64, 128, dtype="<u2").tobytes()


def test_what_no_browser_decodes_is_decoded_for_a_wildcard(archive: Archive, web: TestClient) -> None:
    url = url_of(archive, archive.ingest(pixels.transcode(image(), JPEG_XL)).sop_instance_uid)
    ((headers, data),) = parts_of(web.get(f"{url}/frames/1", headers={"Accept": ANY}))
    assert headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT_LE}"
    assert data == SAMPLES
    named = web.get(f"{url}/frames/1", headers={"Accept": "image/jxl"})
    assert named.headers["content-type"] == f"image/jxl; transfer-syntax={JPEG_XL}"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_samples_are_little_endian_whatever_is_stored(archive: Archive, web: TestClient, syntax: str) -> None:
    data = kerma.Dataset.from_bytes(image().to_bytes(syntax), syntax)
    url = url_of(archive, archive.ingest(data).sop_instance_uid)
    response = web.get(f"{url}/frames/1", headers={"Accept": "application/octet-stream; transfer-syntax=*"})
    assert response.content == SAMPLES
    assert response.headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT_LE}"


def test_frames_that_do_not_end_on_a_byte(archive: Archive, web: TestClient) -> None:
    bits = np.random.default_rng(1).integers(0, 2, 4 * 15, dtype="u1")
    ds = image(
        Rows=3, Columns=5, BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=4,
        PixelData=np.packbits(bits, bitorder="little").tobytes(),
    )  # fmt: skip
    url = url_of(archive, archive.ingest(ds).sop_instance_uid)
    parts = parts_of(web.get(f"{url}/frames/1,2,3,4"))
    for number, (_, data) in enumerate(parts):
        assert data == np.packbits(bits[number * 15 : number * 15 + 15], bitorder="little").tobytes()


@pytest.mark.parametrize(("frames", "status"), [("0", 400), ("6", 404), ("1,6", 404), ("x", 400), ("1-2", 400)])
def test_frames_that_are_not_there(web: TestClient, cine: str, frames: str, status: int) -> None:
    response = web.get(f"{cine}/frames/{frames}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_an_instance_without_frames_and_forms_that_cannot_be_had(archive: Archive, web: TestClient) -> None:
    report = image(2)
    del report.PixelData
    url = url_of(archive, archive.ingest(report).sop_instance_uid)
    assert web.get(f"{url}/frames/1").status_code == 404
    other = url_of(archive, archive.ingest(image(3)).sop_instance_uid)
    refused = web.get(f"{other}/frames/1", headers={"Accept": "video/mp4"})
    assert refused.status_code == 406
    assert "application/octet-stream" in refused.json()["detail"]
    signed = image(4, PixelRepresentation=1)
    other = url_of(archive, archive.ingest(signed).sop_instance_uid)
    lossy = web.get(f"{other}/frames/1", headers={"Accept": "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"})
    assert lossy.status_code == 406
    assert "signed" in lossy.json()["detail"]


def test_the_index_of_an_image_is_kept_and_few_are(archive: Archive) -> None:
    images = Images(kept=2)
    stored = []
    for number in range(4):
        ds = image(number + 1, NumberOfFrames=2)
        ds.add("PixelData", "OW", bytes(2 * 128))
        stored.append(archive.open_instance(archive.ingest(ds).sop_instance_uid))
    first = images.open(stored[0])
    assert images.open(stored[0]) is first
    for instance in stored[1:]:
        images.open(instance)
    assert len(images) == 2
    assert bytes(first.frame(1)) == bytes(128)  # still readable: nothing was closed under it
    assert images.open(stored[0]) is not first
    single = archive.open_instance(archive.ingest(image(9)).sop_instance_uid)
    images.open(single)
    assert len(images) == 2


def test_a_replaced_instance_has_new_frames(archive: Archive, web: TestClient, cine: str) -> None:
    before = web.get(f"{cine}/frames/1")
    archive.delete("instance", cine.rpartition("/")[2])
    assert web.get(f"{cine}/frames/1").status_code == 404
    ds = image(NumberOfFrames=5)
    ds.add("PixelData", "OW", bytes([7]) * (5 * 128))
    archive.ingest(ds)
    after = web.get(f"{cine}/frames/1", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert parts_of(after)[0][1] == bytes([7]) * 128


def test_the_context_has_its_own_images(archive: Archive) -> None:
    assert Context(archive).images is not Context(archive).images


def test_frames_are_the_same_from_memory_and_from_the_disk(
    archive: Archive, web: TestClient, cine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read at once and what is handed to a thread, of native and of compressed frames, first and again."""
    long = image(7, NumberOfFrames=300, Rows=64, Columns=64)
    samples = np.arange(300 * 64 * 64, dtype="<u4").astype("<u2")
    long.add("PixelData", "OW", samples.tobytes())
    urls = [cine]
    for stored in (long, pixels.transcode(long, RLE, new_uid=True), pixels.transcode(long, JPEG_LS, new_uid=True)):
        urls.append(url_of(archive, archive.ingest(stored).sop_instance_uid))
    found: dict[tuple[str, int], bytes] = {}
    for known in (False, True):
        monkeypatch.setattr(FileSource, "in_memory", lambda *_, known=known: known)
        for url in urls:
            for number in (1, 2, 5, 2, 1):
                response = web.get(f"{url}/frames/{number}", headers={"Accept": ANY})
                assert response.status_code == 200
                assert found.setdefault((url, number), response.content) == response.content
    plain = parts_of(web.get(f"{urls[1]}/frames/300", headers={"Accept": ANY}))
    assert plain[0][1] == samples[-64 * 64 :].tobytes()


def test_what_takes_work_is_not_done_at_once(archive: Archive, cine: str) -> None:
    images = Images()
    small, ds = archive.open_instance(cine.rpartition("/")[2]), image(8, NumberOfFrames=200, Rows=512, Columns=8)
    ds.add("PixelData", "OW", bytes(200 * 512 * 8 * 2))
    large = archive.open_instance(archive.ingest(ds).sop_instance_uid)
    with pytest.raises(WouldWait):
        images.open(large, waiting=False)
    images.open(large)
    assert images.open(large, waiting=False).found.count == 200
    with small.open() as source:
        assert isinstance(source, FileSource)
        assert not source.in_memory(0, source.size + 1)
        assert not source.in_memory(0, 0)
    assert not source.in_memory(0, 1)  # closed


def test_an_offset_table_tells_where_frames_lie(archive: Archive) -> None:
    ds = image(NumberOfFrames=5)
    ds.add("PixelData", "OW", np.arange(5 * 64, dtype="<u2").tobytes())
    for extended in (False, True):
        stored = pixels.transcode(ds, JPEG_LS, extended=extended, new_uid=True)
        uid = archive.ingest(stored).sop_instance_uid
        found, data = pixels.index(archive.open(uid)), archive.file_bytes(uid)
        assert isinstance(found, EncapsulatedFrames)
        for number in range(5):
            told = found.told(number)
            if number == 4 and not extended:
                assert told is None
                continue
            assert told is not None
            assert bytes(found.read(number)) in data[told[0] : told[0] + told[1]]
