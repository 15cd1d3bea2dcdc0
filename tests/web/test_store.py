"""STOW-RS: what is sent is what is stored, and nothing of what was not whole (PS3.18 10.5)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive, ArchiveConfig, Duplicates
from kerma.archive.permissions import Principal, Right
from kerma.dataset import Dataset
from kerma.dicomweb.multipart import Writer
from kerma.errors import OutOfResourcesError
from kerma.formats.xml import to_xml
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import CT, make_instance

JPEG = "1.2.840.10008.1.2.4.50"


def file_of(ds: Dataset, **more: Any) -> bytes:
    out = io.BytesIO()
    kerma.write(ds, out, **more)
    return out.getvalue()


def multipart(parts: Sequence[bytes], kind: str = "application/dicom") -> tuple[bytes, str]:
    writer = Writer("b0undary")
    body = b"".join(writer.part(kind) + part for part in parts) + writer.end()
    return body, f'multipart/related; type="{kind}"; boundary=b0undary'


def post(web: TestClient, parts: Sequence[bytes], path: str = "/dicomweb/studies", **headers: str) -> Any:
    body, kind = multipart(parts)
    return web.post(path, content=body, headers={"Content-Type": kind, **headers})


def reasons(answer: Any) -> list[int]:
    return [item["00081197"]["Value"][0] for item in answer.json().get("00081198", {}).get("Value", ())]


def test_what_is_stored_is_byte_for_byte_what_was_sent(web: TestClient, archive: Archive) -> None:
    files = {f"1.2.3.1.1.{number}": file_of(make_instance(number, pixels=300_000)) for number in range(1, 8)}
    # A preamble and meta information of somebody else's stay as they are.
    files["1.2.3.1.1.1"] = b"II*\0".ljust(128, b"\7") + files["1.2.3.1.1.1"][128:]
    answer = post(web, list(files.values()), Accept="*/*")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    told = answer.json()
    assert "00081198" not in told
    assert "0008119A" not in told
    assert told["00081190"]["Value"] == ["http://testserver/dicomweb/studies/1.2.3.1"]
    assert [item["00081155"]["Value"][0] for item in told["00081199"]["Value"]] == list(files)
    first = told["00081199"]["Value"][0]
    assert first["00081150"]["Value"] == [CT]
    assert first["00081190"]["Value"][0].endswith("/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.1")
    for uid, data in files.items():
        assert archive.file_bytes(uid) == data


def test_a_single_part_is_stored_too(web: TestClient, archive: Archive) -> None:
    data = file_of(make_instance())
    answer = web.post("/dicomweb/studies/1.2.3.1", content=data, headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200
    assert archive.file_bytes("1.2.3.1.1.1") == data


def test_any_pieces_of_a_body_make_the_same_instances(web: TestClient, archive: Archive) -> None:
    files = [file_of(make_instance(number, pixels=5000)) for number in (1, 2, 3)]
    body, kind = multipart(files)
    for step in (1, 7, 1000, 4096):

        def pieces(step: int = step) -> Iterator[bytes]:
            for at in range(0, len(body), step):
                yield body[at : at + step]

        answer = web.post("/dicomweb/studies", content=pieces(), headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text
        assert [archive.file_bytes(f"1.2.3.1.1.{number}") for number in (1, 2, 3)] == files
        assert archive.delete("study", "1.2.3.1") == 3


def test_a_data_set_without_a_head_is_stored(web: TestClient, archive: Archive) -> None:
    answer = post(web, [make_instance().to_bytes("1.2.840.10008.1.2")])
    assert answer.status_code == 200
    assert archive.open("1.2.3.1.1.1").PatientID == "P1"


def test_an_instance_of_another_study_is_refused(web: TestClient, archive: Archive) -> None:
    answer = post(
        web, [file_of(make_instance(1)), file_of(make_instance(2, study=9))], path="/dicomweb/studies/1.2.3.1"
    )
    assert answer.status_code == 202
    assert reasons(answer) == [0xA901]
    assert archive.stats().instances == 1
    answer = post(web, [file_of(make_instance(2, study=9))], path="/dicomweb/studies/1.2.3.1")
    assert answer.status_code == 409
    assert archive.stats().instances == 1


def test_parts_that_are_no_instances_fail_alone(web: TestClient, archive: Archive) -> None:
    good = [file_of(make_instance(number, pixels=200_000)) for number in (1, 2)]
    answer = post(web, [b"hello " * 20_000, good[0], good[1][:100_000], b"", good[1]])
    assert answer.status_code == 202
    assert [item["00081197"]["Value"] for item in answer.json()["0008119A"]["Value"]] == [[0xC000], [0xC000]]
    assert reasons(answer) == [0xC000]
    assert archive.stats().instances == 2
    assert not list((archive.root / "incoming").iterdir())


def test_what_is_no_storage_is_refused(web: TestClient) -> None:
    verification = make_instance(SOPClassUID="1.2.840.10008.1.1")
    answer = post(web, [file_of(verification)])
    assert answer.status_code == 409
    assert reasons(answer) == [0x0122]


def test_an_unknown_transfer_syntax_is_told(web: TestClient) -> None:
    data = file_of(make_instance()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0", 1)
    answer = post(web, [data])
    assert answer.status_code == 409
    assert reasons(answer) == [0xC122]


def test_the_same_again_is_no_failure_and_other_bytes_are(web: TestClient, archive: Archive) -> None:
    assert post(web, [file_of(make_instance())]).status_code == 200
    assert post(web, [file_of(make_instance())]).status_code == 200
    answer = post(web, [file_of(make_instance(PatientID="P2"))])
    assert answer.status_code == 409
    assert reasons(answer) == [0x0111]
    assert archive.open("1.2.3.1.1.1").PatientID == "P1"


def test_the_answer_is_xml_where_that_is_asked_for(web: TestClient) -> None:
    answer = post(web, [file_of(make_instance())], Accept="application/dicom+xml")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+xml"
    assert kerma.from_xml(answer.content).ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.1.1.1"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x", "text/plain", 415),
        (b"x", "multipart/form-data; boundary=b", 415),
        (b"x", 'multipart/related; type="image/png"; boundary=b', 415),
        (b"x", 'multipart/related; type="application/dicom"', 400),
        (b"--b--\r\n", 'multipart/related; type="application/dicom"; boundary=b', 400),
        (b"nothing", 'multipart/related; type="application/dicom"; boundary=b', 400),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nabc", "multipart/related; boundary=b", 400),
        (b"--b\r\n" + b"X: y\r\n" * 9000, "multipart/related; boundary=b", 400),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nabc\r\n--b--", "multipart/related; boundary=b", 415),
        (b"--b\r\n\r\nx\r\n" * 10_001 + b"--b--", "multipart/related; boundary=b", 413),
    ],
)
def test_bodies_that_are_none_are_refused(web: TestClient, content: bytes, kind: str, status: int) -> None:
    answer = web.post("/dicomweb/studies", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


def test_a_body_that_is_cut_leaves_nothing_of_what_was_not_whole(web: TestClient, archive: Archive) -> None:
    whole, cut = file_of(make_instance(1, pixels=50_000)), file_of(make_instance(2, pixels=3_000_000))
    body, kind = multipart([whole, cut])
    answer = web.post("/dicomweb/studies", content=body[:2_000_000], headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert archive.stats().instances == 1
    assert not list((archive.root / "incoming").iterdir())
    assert archive.check().clean


def test_no_room_is_told_as_such(web: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*ignored: object, **more: object) -> object:
        raise OutOfResourcesError("the disk is full")

    monkeypatch.setattr(archive._blobs, "create", full)
    answer = post(web, [file_of(make_instance())])
    assert answer.status_code == 507
    assert int(answer.headers["retry-after"]) > 0
    assert reasons(answer) == [0xA700]


class _As:
    """The application, as somebody sees it."""

    def __init__(self, app: Any, principal: Principal) -> None:
        self.app, self.principal = app, principal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, "kerma.principal": self.principal}, receive, send)


def client_of(archive: Archive, principal: Principal) -> TestClient:
    return TestClient(_As(application(Context(archive)), principal), raise_server_exceptions=False)


def test_who_may_not_write_stores_nothing(archive: Archive) -> None:
    reader = client_of(archive, Principal("reader", Right.READ | Right.DELETE))
    assert post(reader, [file_of(make_instance())]).status_code == 403
    writer = client_of(archive, Principal("writer", Right.WRITE))
    assert post(writer, [file_of(make_instance())]).status_code == 200


def test_the_first_one_is_kept_where_that_is_configured(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data", config=ArchiveConfig(duplicates=Duplicates.REPLACE)) as archive:
        web = client_of(archive, Principal("writer", Right.WRITE))
        assert post(web, [file_of(make_instance())]).status_code == 200
        assert post(web, [file_of(make_instance(PatientID="P2"))]).status_code == 200
        assert archive.open("1.2.3.1.1.1").PatientID == "P2"


# -- metadata and bulk data --------------------------------------------------------------------------------------------


def pixels_of(ds: Dataset) -> bytes:
    return bytes(ds["PixelData"].value)


def split(ds: Dataset, uri: str = "../bulk/1") -> tuple[bytes, bytes]:
    """Metadata in JSON and the bytes of the pixels."""
    pixels = pixels_of(ds)
    return kerma.to_json(ds, bulk=lambda path, element: uri).encode(), pixels


def send(web: TestClient, parts: Sequence[tuple[str, str | None, bytes]], kind: str) -> Any:
    writer = Writer("b")
    body = b"".join(writer.part(media, location=location) + data for media, location, data in parts) + writer.end()
    headers = {"Content-Type": f'multipart/related; type="{kind}"; boundary=b'}
    return web.post("/dicomweb/studies", content=body, headers=headers)


JSON, XML, OCTETS = "application/dicom+json", "application/dicom+xml", "application/octet-stream"


def test_metadata_in_json_and_bulk_data_become_instances(web: TestClient, archive: Archive) -> None:
    one, two = make_instance(1), make_instance(2)
    (first, pixels), (second, others) = split(one, "../bulk/1"), split(two, "http://elsewhere/x?y=1")
    text = b"[" + first + b"," + second + b"]"
    answer = send(
        web, [(JSON, None, text), (OCTETS, "http://elsewhere/x?y=1", others), (OCTETS, "../bulk/1", pixels)], JSON
    )
    assert answer.status_code == 200, answer.text
    for ds in (one, two):
        kept = archive.open(str(ds.SOPInstanceUID))
        assert list(kerma.differences(ds, kept)) == []


def test_metadata_in_xml_and_bulk_data_become_instances(web: TestClient, archive: Archive) -> None:
    ds = make_instance(1, pixels=100_000)
    text = to_xml(ds, bulk=lambda path, element: "cid:pixels@here").encode()
    writer = Writer("b")
    body = writer.part(XML) + text + writer.part(OCTETS, headers={"Content-ID": "<pixels@here>"})
    body += pixels_of(ds) + writer.end()
    headers = {"Content-Type": f'multipart/related; type="{XML}"; boundary=b'}
    answer = web.post("/dicomweb/studies/1.2.3.1", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert pixels_of(archive.open("1.2.3.1.1.1")) == pixels_of(ds)


def test_metadata_alone_is_enough_where_nothing_lies_elsewhere(web: TestClient, archive: Archive) -> None:
    ds = make_instance()
    headers = {"Content-Type": "application/dicom+json"}
    answer = web.post("/dicomweb/studies", content=json.dumps([json.loads(kerma.to_json(ds))]), headers=headers)
    assert answer.status_code == 200, answer.text
    assert list(kerma.differences(ds, archive.open("1.2.3.1.1.1"))) == []


def test_code_streams_are_the_frames(web: TestClient, archive: Archive) -> None:
    pytest.importorskip("imagecodecs")
    import imagecodecs
    import numpy

    frames = [bytes(imagecodecs.jpeg_encode(numpy.full((24, 40), 50 * number, "u1"))) for number in (1, 2, 3)]
    ds = make_instance(SOPClassUID="1.2.840.10008.5.1.4.1.1.7.2", Rows=None, Columns=None)
    text = split(ds, "pixels")[0]
    parts = [(JSON, None, text), *(("image/jpeg", "pixels", frame) for frame in frames)]
    answer = send(web, parts, JSON)
    assert answer.status_code == 200, answer.text
    kept = archive.open("1.2.3.1.1.1")
    assert kept.transfer_syntax_uid == JPEG
    assert (kept.Rows, kept.Columns, kept.NumberOfFrames, kept.BitsAllocated) == (24, 40, 3, 8)
    index = kerma.pixels.index(kept)
    assert [bytes(index.read(number))[: len(frame)] for number, frame in enumerate(frames)] == frames
    assert archive.delete("study", "1.2.3.1") == 1
    parts = [(JSON, None, text), *(("image/jpeg", f"pixels/frames/{n}", frame) for n, frame in enumerate(frames, 1))]
    assert send(web, parts, JSON).status_code == 200
    assert kerma.pixels.index(archive.open("1.2.3.1.1.1")).count == 3


@pytest.mark.parametrize("location", ["../../../../etc/passwd", "file:///etc/passwd", "/etc/passwd", None])
def test_a_value_that_nobody_sent_is_a_failure_and_no_path(web: TestClient, archive: Archive, location: str) -> None:
    text, _ = split(make_instance(), "file:///etc/hostname")
    answer = send(web, [(JSON, None, text), (OCTETS, location, b"x" * 100)], JSON)
    assert answer.status_code == 409
    assert archive.stats().instances == 0


def test_large_bulk_data_waits_in_a_file(web: TestClient, archive: Archive) -> None:
    pixels = bytes(range(256)) * (40 << 12)
    ds = make_instance()
    text = split(ds)[0]
    answer = send(web, [(JSON, None, text), (OCTETS, "../bulk/1", pixels)], JSON)
    assert answer.status_code == 200
    assert pixels_of(archive.open("1.2.3.1.1.1")) == pixels


def test_text_that_is_no_json_is_a_failure(web: TestClient) -> None:
    answer = send(web, [(JSON, None, b"[{]")], JSON)
    assert answer.status_code == 409
