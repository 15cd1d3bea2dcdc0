"""The DICOMweb client against the application, blocking and awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.errors import AnswerError, ConnectError, ConnectionLostError, TimeoutExpiredError, UsageError
from kerma.web import AsyncClient, Client
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import make_instance, store_instance
from tests.archive.work.steps import discontinued, make_step
from tests.web.test_store import file_of, pixels_of

BASE = "http://testserver/dicomweb"


@pytest.fixture
def client(web: TestClient) -> Iterator[Client]:
    with Client(BASE, transport=web._transport) as client:
        yield client


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for study in (1, 2):
        for series in (1, 2):
            for number in (1, 2, 3):
                store_instance(archive, make_instance(number, study=study, series=series))
    return archive


# -- search ------------------------------------------------------------------------------------------------------------


def test_a_search_goes_through_all_pages(client: Client, filled: Archive) -> None:
    found = [str(ds.StudyInstanceUID) for ds in client.search(PatientName="M*", page=1)]
    assert sorted(found) == ["1.2.3.1", "1.2.3.2"]
    assert [str(ds.StudyDescription) for ds in client.search(StudyInstanceUID="1.2.3.9", StudyDescription=None)] == []
    assert len(list(client.search("instance", page=5))) == 12
    assert len(list(client.search("instance", StudyInstanceUID="1.2.3.1", SeriesInstanceUID="1.2.3.1.2"))) == 3
    assert len(list(client.search("series", StudyInstanceUID="1.2.3.1", Modality="CT"))) == 2
    assert len(list(client.search("series", limit=3, page=2))) == 3
    assert len(list(client.search("series", StudyInstanceUID=["1.2.3.1", "1.2.3.2"]))) == 4
    assert len(list(client.search("instance", offset=10))) == 2


def test_a_search_that_is_wrong_is_told_before_it_is_sent(client: Client) -> None:
    with pytest.raises(UsageError):
        list(client.search("patient"))
    with pytest.raises(kerma.KermaError, match="PatientNam"):
        list(client.search(PatientNam="x"))


# -- store, retrieve, delete -------------------------------------------------------------------------------------------


def test_files_folders_and_data_sets_are_stored_and_come_back(client: Client, archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    kerma.write(make_instance(1, pixels=100_000), folder / "a.dcm")
    kerma.write(make_instance(2), folder / "deep" / "b.dcm")
    (folder / "readme.txt").write_text("no DICOM")
    (folder / "deep" / "bare").write_bytes(make_instance(5).to_bytes("1.2.840.10008.1.2"))
    results = client.store([folder, make_instance(3), file_of(make_instance(4)), tmp_path / "absent"])
    assert [(result.sop_instance_uid, result.ok) for result in results] == [
        ("", False),
        ("1.2.3.1.1.1", True),
        ("1.2.3.1.1.2", True),
        ("1.2.3.1.1.5", True),
        ("1.2.3.1.1.3", True),
        ("1.2.3.1.1.4", True),
    ]
    assert results[0].error
    assert results[-1].url.endswith("/instances/1.2.3.1.1.4")
    assert archive.file_bytes("1.2.3.1.1.1") == (folder / "a.dcm").read_bytes()
    paths = client.retrieve("1.2.3.1", into=tmp_path / "out")
    assert sorted(path.name for path in paths) == [f"1.2.3.1.1.{number}.dcm" for number in (1, 2, 3, 4, 5)]
    assert (tmp_path / "out" / "1.2.3.1.1.1.dcm").read_bytes() == (folder / "a.dcm").read_bytes()
    assert len(list((tmp_path / "out").iterdir())) == 5
    found = list(client.instances("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1"))
    assert pixels_of(found[0]) == pixels_of(make_instance(1, pixels=100_000))


def test_what_is_refused_is_told_for_each_instance(client: Client, archive: Archive) -> None:
    results = client.store([make_instance(1), make_instance(1, study=2)], StudyInstanceUID="1.2.3.1")
    assert [(result.ok, result.failure) for result in results] == [(True, 0), (False, 0xA901)]


def test_what_is_not_there_is_an_error_with_a_status(client: Client, tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match="404") as caught:
        client.retrieve("1.2.3.9", into=tmp_path)
    assert caught.value.status == 404
    with pytest.raises(AnswerError):
        client.delete("1.2.3.9")
    with pytest.raises(UsageError):
        client.delete("1.2.3.1", SOPInstanceUID="1.2")


def test_deleting(client: Client, filled: Archive) -> None:
    client.delete("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1")
    client.delete("1.2.3.2")
    assert filled.stats().instances == 5


def test_metadata_comes_one_after_the_other(client: Client, filled: Archive) -> None:
    found = list(client.metadata("1.2.3.1"))
    assert len(found) == 6
    assert str(found[0].PatientName) == "Müller^Hans"
    bulk = found[0]["PixelData"].value
    assert client.bulkdata(bulk.uri) == pixels_of(make_instance(1))


def test_bulk_data_goes_to_a_file(client: Client, filled: Archive, tmp_path: Path) -> None:
    uri = next(iter(client.metadata("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.2")))["PixelData"].value.uri
    path = client.save_bulkdata(uri, tmp_path / "pixels")
    assert path.read_bytes() == pixels_of(make_instance(2))
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["pixels"]


def image(number: int = 1) -> Dataset:
    numpy = pytest.importorskip("numpy")
    samples = numpy.arange(3 * 32 * 32, dtype="<u2").reshape(3, 32, 32)
    ds = make_instance(number, SOPClassUID="1.2.840.10008.5.1.4.1.1.7.3", NumberOfFrames=3)
    for keyword, value in (
        ("SamplesPerPixel", 1),
        ("PhotometricInterpretation", "MONOCHROME2"),
        ("BitsAllocated", 16),
        ("BitsStored", 16),
        ("HighBit", 15),
        ("PixelRepresentation", 0),
    ):
        setattr(ds, keyword, value)
    ds.add("PixelData", "OW", samples.tobytes())
    return ds


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"])
def test_frames_come_as_bytes_and_as_arrays(client: Client, archive: Archive, syntax: str) -> None:
    pytest.importorskip("imagecodecs")
    ds = image()
    whole = kerma.pixels.array(Dataset.from_bytes(ds.to_bytes(), "1.2.840.10008.1.2.1"))
    if syntax != "1.2.840.10008.1.2.1":
        plain = Dataset.from_bytes(ds.to_bytes(), "1.2.840.10008.1.2.1")
        ds = kerma.pixels.transcode(plain, syntax, new_uid=False)
    store_instance(archive, ds, syntax=syntax)
    where = ("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1")
    frames = list(client.frames(*where, [3, 1]))
    assert [frame.number for frame in frames] == [3, 1]
    assert {frame.transfer_syntax_uid for frame in frames} == {syntax}
    for number in (1, 3):
        assert (client.frame(*where, number) == whole[number - 1]).all()
    picture = client.rendered(*where, frame=2, media_type="image/png", viewport="16,16")
    assert picture.startswith(b"\x89PNG")
    with pytest.raises(AnswerError):
        list(client.frames(*where, [4]))


# -- when things go wrong ----------------------------------------------------------------------------------------------


def answering(*answers: Callable[[httpx.Request], httpx.Response]) -> tuple[Client, list[httpx.Request]]:
    """A client of a server that gives one answer after the other."""
    seen: list[httpx.Request] = []
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return (left.pop(0) if len(left) > 1 else left[0])(request)

    client = Client(BASE, transport=httpx.MockTransport(handle), retries=2, token="secret")
    object.__setattr__(client._manner, "first_wait", 0.0)
    return client, seen


def refused(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, headers=headers, json={"detail": "because"})


def broken(error: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("x")

    return fail


def empty(request: httpx.Request) -> httpx.Response:
    return httpx.Response(204)


def test_what_may_be_repeated_is(tmp_path: Path) -> None:
    client, seen = answering(refused(503, **{"Retry-After": "0"}), broken(httpx.ReadError), empty)
    assert list(client.search()) == []
    assert len(seen) == 3
    client, seen = answering(refused(503))
    with pytest.raises(AnswerError, match="503: because"):
        list(client.search())
    assert len(seen) == 3
    client, seen = answering(broken(httpx.ReadError))
    with pytest.raises(ConnectionLostError):
        client.store(make_instance())
    assert len(seen) == 1
    client, seen = answering(broken(httpx.ConnectError), refused(429), lambda request: httpx.Response(200))
    assert [result.ok for result in client.store(make_instance())] == [True]
    assert len(seen) == 3
    assert seen[0].content == seen[2].content


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (httpx.ConnectError, ConnectError),
        (httpx.ConnectTimeout, ConnectError),
        (httpx.ReadTimeout, TimeoutExpiredError),
        (httpx.RemoteProtocolError, ConnectionLostError),
    ],
)
def test_errors_are_ours(foreign: type[httpx.HTTPError], ours: type[Exception]) -> None:
    client, _ = answering(broken(foreign))
    with pytest.raises(ours):
        list(client.search())


def test_a_server_without_room_names_what_it_did_not_store() -> None:
    told = {"00081198": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3.1.1.1"]}}]}}
    told["00081198"]["Value"][0]["00081197"] = {"vr": "US", "Value": [0xA700]}  # type: ignore[index]

    def full(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(507, json=told, headers={"Content-Type": "application/dicom+json"})

    def problem(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(507, json={"detail": "no room"}, headers={"Content-Type": "application/problem+json"})

    with Client(BASE, transport=httpx.MockTransport(full)) as client:
        (result,) = client.store(make_instance(1))
        assert (result.ok, result.failure) == (False, 0xA700)
    with Client(BASE, transport=httpx.MockTransport(problem)) as client, pytest.raises(AnswerError, match="no room"):
        client.store(make_instance(1))


def test_credentials_go_to_their_server_only() -> None:
    client, seen = answering(lambda request: httpx.Response(200, content=b"x", headers={"Content-Type": "a/b"}))
    client.bulkdata("http://testserver/dicomweb/bulk/1")
    client.bulkdata("http://elsewhere/bulk/1")
    assert [request.headers.get("authorization") for request in seen] == ["Bearer secret", None]


def test_an_answer_that_is_cut_is_told_and_leaves_no_part(tmp_path: Path) -> None:
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    whole = body + file_of(make_instance(1)) + b"\r\n" + body + file_of(make_instance(2))[:2000]
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    client, _ = answering(lambda request: httpx.Response(200, content=whole, headers=kind))
    with pytest.raises(AnswerError, match="closing boundary"):
        client.retrieve("1.2.3.1", into=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["1.2.3.1.1.1.dcm"]


def test_a_name_from_outside_is_no_path(tmp_path: Path) -> None:
    data = file_of(make_instance(1)).replace(b"1.2.3.1.1.1\0", b"../../../ab\0", 1)
    client, _ = answering(
        lambda request: httpx.Response(200, content=data, headers={"Content-Type": "application/dicom"})
    )
    with pytest.raises(AnswerError):
        client.retrieve("1.2.3.1", into=tmp_path / "a" / "b" / "c")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_server_without_offset_gives_its_answer_once() -> None:
    page = [{"0020000D": {"vr": "UI", "Value": [f"1.{number}"]}} for number in range(3)]
    kind = {"Content-Type": "application/dicom+json"}
    client, seen = answering(lambda request: httpx.Response(200, json=page, headers=kind))
    assert len(list(client.search(page=3))) == 3
    assert len(seen) == 2


@pytest.mark.parametrize("content", [b"[{]", b"<html>", b'[{"00080018": {"vr": "XX"}}]', b'[{"00080018"', b"\xff\xfe"])
def test_json_that_is_none_is_an_error_of_ours(content: bytes) -> None:
    kind = {"Content-Type": "application/dicom+json"}
    client, _ = answering(lambda request: httpx.Response(200, content=content, headers=kind))
    with pytest.raises(AnswerError):
        list(client.metadata("1.2"))


@pytest.mark.parametrize("base", ["", "ftp://x/", "localhost:8080", "http://", "http://x/?a=b"])
def test_a_base_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(UsageError):
        Client(base)


# -- awaited -----------------------------------------------------------------------------------------------------------


def test_both_clients_have_the_same_methods() -> None:
    def shape(kind: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(one).parameters) for name, one in methods if not name.startswith("_")}

    blocking, awaited = shape(Client), shape(AsyncClient)
    assert blocking.pop("close") == awaited.pop("aclose")
    assert blocking == awaited


def test_the_awaited_client_does_the_same(archive: Archive, tmp_path: Path) -> None:
    async def run() -> None:
        transport = httpx.ASGITransport(application(Context(archive)))
        async with AsyncClient(BASE, transport=transport) as client:
            results = await client.store([image(), make_instance(2), make_instance(3)])
            assert [result.ok for result in results] == [True] * 3
            assert [str(ds.StudyInstanceUID) async for ds in client.search(PatientID="P1")] == ["1.2.3.1"]
            assert len([ds async for ds in client.instances("1.2.3.1")]) == 3
            paths = await client.retrieve("1.2.3.1", into=tmp_path)
            assert len(paths) == 3
            async for ds in client.metadata("1.2.3.1"):
                assert await client.bulkdata(ds["PixelData"].value.uri)
                break
            frames: list[Any] = [one async for one in client.frames("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1", [1])]
            assert len(frames) == 1
            await client.delete("1.2.3.1")
        assert archive.stats().instances == 0

    asyncio.run(run())


# -- work items --------------------------------------------------------------------------------------------------------


def test_a_work_item_is_made_claimed_changed_and_done(client: Client) -> None:
    item = make_step()
    uid = client.create_workitem(item, "1.2.3.4")
    assert uid == "1.2.3.4"
    assert [str(ds.SOPInstanceUID) for ds in client.workitems(ProcedureStepState="SCHEDULED")] == [uid]
    assert str(client.workitem(uid).ProcedureStepState) == "SCHEDULED"
    assert client.subscribe(uid, "WATCHER").startswith("ws")
    transaction = "1.2.3.5"
    client.change_workitem_state(uid, "IN PROGRESS", transaction)
    changes = Dataset()
    changes.ProcedureStepLabel = "Second reading"
    client.update_workitem(uid, changes, transaction)
    assert str(client.workitem(uid).ProcedureStepLabel) == "Second reading"
    client.cancel_workitem(uid, "no longer needed")
    client.unsubscribe(uid, "WATCHER")
    with pytest.raises(AnswerError, match="409"):
        client.cancel_workitem(uid)
    client.update_workitem(uid, discontinued(), transaction)
    client.change_workitem_state(uid, "CANCELED", transaction)
    assert str(client.workitem(uid).ProcedureStepState) == "CANCELED"
    with pytest.raises(AnswerError) as caught:
        client.workitem("1.2.3.9")
    assert caught.value.status == 404
