"""STOW-RS: more forms of bulk data, bodies that nobody made on purpose, and an archive that recodes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive, ArchiveConfig
from kerma.archive.permissions import Principal, Right
from kerma.dataset import Dataset
from tests.archive.conftest import make_instance
from tests.web.client.test_client import image
from tests.web.test_store import JSON, OCTETS, client_of, file_of, multipart, post, reasons, send, split

EXPLICIT = "1.2.840.10008.1.2.1"
KINDS = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
}


@pytest.mark.parametrize("syntax", KINDS)
def test_code_streams_of_every_kind_are_stored_as_they_are(web: TestClient, archive: Archive, syntax: str) -> None:
    pytest.importorskip("imagecodecs")
    coded = kerma.pixels.transcode(Dataset.from_bytes(image().to_bytes(), EXPLICIT), syntax, new_uid=False)
    index = kerma.pixels.index(coded)
    streams = [bytes(index.read(number)) for number in range(index.count)]
    text = split_away(coded)
    kind = f"{KINDS[syntax]}; transfer-syntax={syntax}"
    answer = send(web, [(JSON, None, text), *((kind, "pixels", stream) for stream in streams)], JSON)
    assert answer.status_code == 200, answer.text
    kept = archive.open("1.2.3.1.1.1")
    assert kept.transfer_syntax_uid == syntax
    assert (kerma.pixels.array(kept) == kerma.pixels.array(coded)).all()


def split_away(ds: Dataset) -> bytes:
    bare = Dataset.from_bytes(b"".join(bytes(one) for one in image().chunks(EXPLICIT)), EXPLICIT)
    for tag in ds:
        if tag >> 16 == 0x28:
            bare.add(tag, ds[tag].vr, ds[tag].value)
    return split(bare, "pixels")[0]


def test_a_stream_without_a_type_is_what_group_two_says(web: TestClient, archive: Archive) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    numpy = pytest.importorskip("numpy")
    stream = bytes(imagecodecs.jpeg_encode(numpy.full((32, 32), 77, "u1")))
    text = json.loads(split(make_instance(), "pixels")[0])
    text["00020010"] = {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.50"]}
    for body, syntax in ((stream, "1.2.840.10008.1.2.4.50"), (b"\1\2" * 1024, EXPLICIT)):
        answer = send(web, [(JSON, None, json.dumps([text]).encode()), (OCTETS, "pixels", body)], JSON)
        assert answer.status_code == 200, answer.text
        assert archive.open("1.2.3.1.1.1").transfer_syntax_uid == syntax
        archive.delete("study", "1.2.3.1")


def test_a_video_is_one_stream(web: TestClient, archive: Archive) -> None:
    kind = "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102"
    ds = make_instance(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4.1", NumberOfFrames=25)
    answer = send(web, [(JSON, None, split(ds, "pixels")[0]), (kind, "pixels", b"\0\0\1video!")], JSON)
    assert answer.status_code == 200, answer.text
    kept = archive.open("1.2.3.1.1.1")
    assert kept.transfer_syntax_uid == "1.2.840.10008.1.2.4.102"
    assert kept.NumberOfFrames == 25


def test_the_same_instance_twice_in_one_body(web: TestClient, archive: Archive) -> None:
    one, other = file_of(make_instance(1, pixels=40_000)), file_of(make_instance(1, pixels=40_002))
    answer = post(web, [one, one, one, other])
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 3
    assert reasons(answer) == [0x0111]
    assert archive.stats().instances == 1


def test_a_compressed_body_is_refused(web: TestClient) -> None:
    headers = {"Content-Type": "application/dicom", "Content-Encoding": "gzip"}
    answer = web.post("/dicomweb/studies", content=gzip.compress(bytes(1 << 20)), headers=headers)
    assert answer.status_code == 415


def test_frames_in_different_syntaxes_are_refused(web: TestClient, archive: Archive) -> None:
    parts = [
        (JSON, None, split(image(), "pixels")[0]),
        ("image/jls", "pixels", b"\xff\xd8\xff\xf7" + bytes(40)),
        ("image/jp2", "pixels", b"\xff\x4f\xff\x51" + bytes(40)),
    ]
    assert send(web, parts, JSON).status_code == 409
    assert archive.stats().instances == 0


def test_an_instance_without_uids_is_refused(web: TestClient) -> None:
    ds = make_instance(SOPInstanceUID=None)
    text, pixels = split(ds)
    answer = send(web, [(JSON, None, text), (OCTETS, "../bulk/1", pixels)], JSON)
    assert answer.status_code == 409
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC000]


def test_too_much_metadata_is_refused(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerma.dicomweb.composing.Composer.__init__.__kwdefaults__", {"max_metadata": 1000})
    text = b"[" + b" " * 2000 + b"]"
    answer = web.post("/dicomweb/studies", content=text, headers={"Content-Type": JSON})
    assert answer.status_code == 413


def test_an_archive_that_recodes_tells_where_things_are(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    config = ArchiveConfig(store_as="1.2.840.10008.1.2.4.80")
    with Archive.open(tmp_path / "data", config=config) as archive:
        web = client_of(archive, Principal("writer", Right.WRITE))
        answer = post(web, [file_of(image())], path="/dicomweb/studies/1.2.3.1")
        assert answer.status_code == 200
        assert answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0].endswith("/instances/1.2.3.1.1.1")
        assert archive.open("1.2.3.1.1.1").transfer_syntax_uid == "1.2.840.10008.1.2.4.80"
        answer = post(web, [file_of(image(2))], path="/dicomweb/studies/1.2.3.2")
        assert answer.status_code == 409
        assert reasons(answer) == [0xA901]


BODY, KIND = multipart([file_of(make_instance(number, pixels=600)) for number in (1, 2)])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_body_is_never_our_fault(web: TestClient, archive: Archive, data: st.DataObject) -> None:
    body = bytearray(BODY)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["cut", "flip", "insert", "double"])):
            case "cut":
                del body[at : at + data.draw(st.integers(1, 400))]
                body += b"\0"
            case "flip":
                body[at] = data.draw(st.integers(0, 255))
            case "insert":
                body[at:at] = data.draw(st.sampled_from([b"\r\n--b0undary", b"--", b"\r\n\r\n", b"\xff" * 5]))
            case _:
                body[at:at] = body[at : at + 300]
    answer: Any = web.post("/dicomweb/studies", content=bytes(body), headers={"Content-Type": KIND})
    assert answer.status_code in (200, 202, 400, 409, 413, 415), answer.text
    assert not list((archive.root / "incoming").iterdir())


def test_a_multipart_without_a_type_is_what_its_first_part_is(web: TestClient, archive: Archive) -> None:
    text, pixels = split(make_instance(1), "pixels")
    parts = [(JSON, None, text), (OCTETS, "pixels", pixels)]
    for kind, body in (
        ("json", b"".join(_part(*part) for part in parts)),
        ("dicom", _part("application/dicom", None, file_of(make_instance(2)))),
    ):
        answer = web.post(
            "/dicomweb/studies", content=body + b"--b--", headers={"Content-Type": "multipart/related; boundary=b"}
        )
        assert answer.status_code == 200, (kind, answer.text)
    assert archive.open("1.2.3.1.1.1")[0x7FE00010].value == pixels
    assert archive.file_bytes("1.2.3.1.1.2") == file_of(make_instance(2))


def _part(kind: str, location: str | None, data: bytes) -> bytes:
    place = f"Content-Location: {location}\r\n" if location else ""
    return f"--b\r\nContent-Type: {kind}\r\n{place}\r\n".encode() + data + b"\r\n"
