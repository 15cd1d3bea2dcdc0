"""Studies, series and instances: what was stored comes back, by itself, in a multipart and in a zip."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import kerma
from kerma import errors, pixels
from kerma.archive import Archive
from kerma.formats.instance import Instance
from kerma.web.bodies import CHUNK, Body, Literal, Made, Ranged, Stored
from kerma.web.retrieve import zipped
from tests.web.retrieving import corpus_files, image, parts_of, url_of

DICOM = 'multipart/related; type="application/dicom"'
ANY = f"{DICOM}; transfer-syntax=*"
SINGLE = "application/dicom; transfer-syntax=*"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_LS = "1.2.840.10008.1.2.4.80"


@pytest.fixture
def series(archive: Archive) -> list[str]:
    """Three instances in two series of one study."""
    uids = []
    for number, series_uid in ((1, "1.2.3.2"), (2, "1.2.3.2"), (1, "1.2.3.4")):
        uids.append(archive.ingest(image(number, series=series_uid)).sop_instance_uid)
    return uids


def test_what_was_stored_comes_back_byte_for_byte(archive: Archive, web: TestClient, corpus: Path) -> None:
    syntaxes, count = set(), 0
    for path in corpus_files(corpus):
        try:
            stored = archive.ingest(path)
        except errors.KermaError:
            continue
        if not archive.open(stored.sop_instance_uid).get("SeriesInstanceUID"):
            continue
        url = url_of(archive, stored.sop_instance_uid)
        data = archive.file_bytes(stored.sop_instance_uid)
        response = web.get(url, headers={"Accept": SINGLE})
        assert response.status_code == 200, path
        assert response.content == data, path
        assert int(response.headers["content-length"]) == len(data)
        ((headers, part),) = parts_of(web.get(url, headers={"Accept": ANY}))
        assert part == data, path
        assert headers["content-type"].startswith("application/dicom; transfer-syntax=")
        syntaxes.add(headers["content-type"])
        count += 1
    assert len(syntaxes) > 15
    assert count > 100


@pytest.mark.parametrize(("level", "count"), [("study", 3), ("series", 2), ("instance", 1)])
def test_each_level_is_a_multipart(
    archive: Archive, web: TestClient, series: list[str], level: str, count: int
) -> None:
    for accept in (None, DICOM, ANY, "*/*", 'multipart/related; type=application/dicom; transfer-syntax="*"'):
        response = web.get(url_of(archive, series[0], level), headers={} if accept is None else {"Accept": accept})
        assert response.status_code == 200
        assert int(response.headers["content-length"]) == len(response.content)
        parts = parts_of(response)
        assert [data for _, data in parts] == [archive.file_bytes(uid) for uid in series[:count]]


def test_several_instances_are_a_multipart_for_who_asked_for_one(
    archive: Archive, web: TestClient, series: list[str]
) -> None:
    response = web.get(url_of(archive, series[0], "series"), headers={"Accept": SINGLE})
    assert len(parts_of(response)) == 2


def test_a_zip_holds_the_stored_files(archive: Archive, web: TestClient, series: list[str]) -> None:
    response = web.get(url_of(archive, series[0], "study"), headers={"Accept": "application/zip"})
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="1.2.3.zip"'
    with zipfile.ZipFile(io.BytesIO(response.content)) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == {
            f"{uid}.dcm": archive.file_bytes(uid) for uid in series
        }


def test_a_zip_is_made_as_it_is_taken_and_has_no_paths(archive: Archive) -> None:
    uid = archive.ingest(image(rows=65_528)).sop_instance_uid
    stored = archive.open_instance(uid)
    named = Instance(
        stored.sop_class_uid,
        "../../etc/passwd",
        stored.transfer_syntax_uid,
        stored.dataset_offset,
        stored.dataset_length,
        stored.open,
        stored.name,
    )
    pieces = [bytes(piece) for piece in zipped([named, stored])]
    assert max(map(len, pieces)) <= CHUNK
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as found:
        assert found.namelist() == ["000001.dcm", f"{uid}.dcm"]


def test_uncompressed_syntaxes_become_one_another(archive: Archive, web: TestClient, series: list[str]) -> None:
    wanted = archive.open(series[0])
    assert wanted.transfer_syntax_uid == EXPLICIT
    accept = f"application/dicom; transfer-syntax={IMPLICIT}"
    response = web.get(url_of(archive, series[0]), headers={"Accept": accept})
    assert response.headers["content-type"] == accept
    found = kerma.read(response.content)
    assert found.meta is not None
    assert found.meta.TransferSyntaxUID == IMPLICIT
    assert kerma.to_json(found) == kerma.to_json(wanted)


def test_pixels_become_what_was_asked_for(archive: Archive, web: TestClient, series: list[str]) -> None:
    pytest.importorskip("imagecodecs")
    for syntax in (JPEG_LS, "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"):
        response = web.get(
            url_of(archive, series[0], "series"), headers={"Accept": f"{DICOM}; transfer-syntax={syntax}"}
        )
        parts = parts_of(response)
        for (headers, data), uid in zip(parts, series, strict=False):
            assert headers["content-type"] == f"application/dicom; transfer-syntax={syntax}"
            ds = kerma.read(data)
            assert ds.SOPInstanceUID == uid
            assert ds.transfer_syntax_uid == syntax
            assert (pixels.array(ds) == pixels.array(archive.open(uid))).all()


def test_a_compressed_instance_is_decompressed_for_who_takes_nothing_else(archive: Archive, web: TestClient) -> None:
    pytest.importorskip("imagecodecs")
    ds = image()
    uid = archive.ingest(pixels.transcode(ds, JPEG_LS)).sop_instance_uid
    for accept, syntax in ((ANY, JPEG_LS), (DICOM, EXPLICIT), (f"{DICOM}; transfer-syntax={EXPLICIT}", EXPLICIT)):
        ((headers, data),) = parts_of(web.get(url_of(archive, uid), headers={"Accept": accept}))
        assert headers["content-type"] == f"application/dicom; transfer-syntax={syntax}"
        assert (pixels.array(kerma.read(data)) == pixels.array(ds)).all()


def test_what_cannot_be_had_is_a_406_alone_and_stored_among_others(archive: Archive, web: TestClient) -> None:
    pytest.importorskip("imagecodecs")
    report = image(2)
    del report.PixelData
    image_uid, report_uid = archive.ingest(image()).sop_instance_uid, archive.ingest(report).sop_instance_uid
    accept = f"{DICOM}; transfer-syntax={JPEG_LS}"
    refused = web.get(url_of(archive, report_uid), headers={"Accept": accept})
    assert refused.status_code == 406
    assert refused.headers["content-type"] == "application/problem+json"
    parts = parts_of(web.get(url_of(archive, report_uid, "series"), headers={"Accept": accept}))
    assert [headers["content-type"].rpartition("=")[2] for headers, _ in parts] == [JPEG_LS, EXPLICIT]
    assert parts[1][1] == archive.file_bytes(report_uid)
    assert image_uid in str(kerma.read(parts[0][1]).SOPInstanceUID)


def test_accept_that_names_nothing_of_this(archive: Archive, web: TestClient, series: list[str]) -> None:
    response = web.get(url_of(archive, series[0]), headers={"Accept": "image/png"})
    assert response.status_code == 406
    assert "application/dicom" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("studies/1.9.9", 404),
        ("studies/1.2.3/series/1.9", 404),
        ("studies/1.2.3/series/1.2.3.4/instances/1.2.3.2.1", 404),
        ("studies/1.2.3/series/1.2.3.2/instances/1.2.3.2.*", 400),
        ("studies/*", 400),
        ("studies/1.2.3%5C1.2.4", 400),
        ("studies/" + "1" * 65, 400),
    ],
)
def test_what_is_not_there(web: TestClient, series: list[str], path: str, status: int) -> None:
    response = web.get(f"/dicomweb/{path}")
    assert response.status_code == status
    assert response.json()["status"] == status


def test_ranges_and_conditions(archive: Archive, web: TestClient, series: list[str]) -> None:
    for accept in (SINGLE, ANY):
        url = url_of(archive, series[0])
        whole = web.get(url, headers={"Accept": accept})
        data, tag = whole.content, whole.headers["etag"]
        for text, start, stop in (
            ("bytes=0-9", 0, 10), ("bytes=10-", 10, len(data)), ("bytes=-7", len(data) - 7, len(data)),
            ("bytes=5-999999", 5, len(data)),
        ):  # fmt: skip
            part = web.get(url, headers={"Accept": accept, "Range": text})
            assert part.status_code == 206
            assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(data)}"
            assert part.content == data[start:stop]
        for text in ("bytes=9-3", "lines=1-2", "bytes=a-b", "bytes=0-1,4-5", "bytes=-"):
            assert web.get(url, headers={"Accept": accept, "Range": text}).content == data
        for text in (f"bytes={len(data)}-", "bytes=-0"):
            refused = web.get(url, headers={"Accept": accept, "Range": text})
            assert refused.status_code == 416
            assert refused.headers["content-range"] == f"bytes */{len(data)}"
        ask = {"Accept": accept, "Range": "bytes=0-9"}
        assert web.get(url, headers={**ask, "If-Range": tag}).status_code == 206
        assert web.get(url, headers={**ask, "If-Range": '"other"'}).content == data
        assert web.get(url, headers={"Accept": accept, "If-None-Match": f'W/"x", {tag}'}).status_code == 304
        assert web.get(url, headers={"Accept": accept, "If-None-Match": '"x"'}).status_code == 200
        assert web.get(url, headers={"Accept": accept, "If-Match": '"x"'}).status_code == 412
        head = web.head(url, headers={"Accept": accept})
        assert head.content == b""
        assert head.headers["content-length"] == str(len(data))
        assert head.headers["etag"] == tag


def test_the_form_is_in_the_entity_tag(archive: Archive, web: TestClient, series: list[str]) -> None:
    url = url_of(archive, series[0])
    accepts = (SINGLE, ANY, f"application/dicom; transfer-syntax={IMPLICIT}", "application/zip")
    assert len({web.get(url, headers={"Accept": accept}).headers["etag"] for accept in accepts}) == 4


def test_a_long_instance_is_never_in_memory(archive: Archive) -> None:
    """The body gives chunks of bounded size, and the file is closed when its reader goes away."""
    uid = archive.ingest(image(rows=65_528)).sop_instance_uid
    closed: list[int] = []
    stored = Stored.file_of(archive.open_instance(uid))
    body = Body.of(Literal(b"head"), stored, Literal(b"tail"))
    assert body.length == stored.size + 8
    chunks = list(body.chunks())
    assert max(map(len, chunks)) <= CHUNK * 5 // 4
    digest = hashlib.sha256(b"head" + archive.file_bytes(uid) + b"tail")
    assert hashlib.sha256(b"".join(chunks)).digest() == digest.digest()

    class Watched:
        def __init__(self) -> None:
            self.source = archive.source(uid)

        def __enter__(self) -> Any:
            return self.source

        def __exit__(self, *_: object) -> None:
            self.source.close()
            closed.append(1)

    reading = Body.of(Stored(Watched, 0, stored.size)).chunks()  # type: ignore[arg-type]
    next(reading)
    reading.close()
    assert closed == [1]


def test_any_stretch_of_a_body_is_that_stretch() -> None:
    data = bytes(range(256)) * 8
    body = Body.of(
        Literal(data[:10]),
        Ranged(((3, 5), (100, 50), (0, 1)), lambda offset, length: data[offset : offset + length]),
        Made(lambda: iter((b"abc", b"", b"defgh")), 8),
        Literal(b""),
        Literal(b"end"),
    )
    whole = data[:10] + data[3:8] + data[100:150] + data[:1] + b"abcdefgh" + b"end"
    assert body.length == len(whole)
    for start in range(len(whole) + 1):
        for stop in range(start, len(whole) + 1):
            assert b"".join(body.chunks(start, stop)) == whole[start:stop]
    assert b"".join(Body.of(Made(lambda: iter((b"a", b"b"))), Literal(b"c")).chunks()) == b"abc"


def test_a_damaged_instance_comes_back_as_it_is_stored(archive: Archive, web: TestClient, corpus: Path) -> None:
    """What is in a sequence that cannot be read is there, what it could become is not."""
    path = corpus / "Dashtid+dicom-fuzzer/_history/d83e86d4/dicom-seeds/pet/pt_256x256_16bit_jpls.dcm"
    url = url_of(archive, archive.ingest(path).sop_instance_uid)
    assert web.get(url, headers={"Accept": SINGLE}).content == path.read_bytes()
    refused = web.get(url, headers={"Accept": f"application/dicom; transfer-syntax={JPEG_LS}"})
    assert refused.status_code == 406
    (metadata,) = web.get(f"{url}/metadata").json()
    named = [each["BulkDataURI"] for each in metadata.values() if each["vr"] == "UN" and "BulkDataURI" in each]
    assert named, "what cannot be read is told as its bytes"
    everything = web.get(f"{url}/bulkdata")
    assert everything.status_code == 200
    assert all(web.get(uri).content in everything.content for uri in named)
