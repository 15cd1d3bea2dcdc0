"""STOW-RS: more forms of bulk data, bodies that nobody made on purpose, and an archive that recodes."""

from __future__ import annotations

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
