"""``kerma.web.Client`` against running servers: ours, and Orthanc with its DICOMweb plugin; and what is stored over
HTTP against what DIMSE gives of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import kerma
from kerma.formats import part10
from kerma.web import AsyncClient, Client

from . import peers
from .conftest import Start
from .studies import Made


def dataset_of(path: Path) -> bytes:
    data = path.read_bytes()
    return data[part10.split(data).dataset_offset :]


def test_what_is_stored_over_http_comes_back_by_both_doors(
    start: Start, mixed_study: list[Made], tmp_path: Path
) -> None:
    server = start(peers.kerma_serve)
    with Client(f"{server.http}/dicomweb") as web:
        results = web.store([made.path for made in mixed_study])
        assert all(result.ok for result in results), results
        study = str(kerma.read(mixed_study[0].path).StudyInstanceUID)
        assert [str(ds.StudyInstanceUID) for ds in web.search("study", ModalitiesInStudy="CT")] == [study]
        paths = {path.stem: path for path in web.retrieve(study, into=tmp_path / "web")}
        for made in mixed_study:
            assert paths[made.sop_instance_uid].read_bytes() == made.path.read_bytes()
    with kerma.connect(server.address) as peer:
        for ds in peer.get(StudyInstanceUID=study):
            made = next(one for one in mixed_study if one.sop_instance_uid == ds.SOPInstanceUID)
            assert hashlib.sha256(ds.to_bytes()).hexdigest() == made.digest


def test_what_came_by_dimse_is_found_over_http_at_once(start: Start, ct_series: list[Made]) -> None:
    server = start(peers.kerma_serve)
    with kerma.connect(server.address) as peer, Client(f"{server.http}/dicomweb", http2=True) as web:
        for number, made in enumerate(ct_series, 1):
            assert all(outcome.ok for outcome in peer.store(made.path))
            assert len(list(web.search("instance"))) == number


def test_a_connection_that_is_cut_leaves_nothing(start: Start, ct_series: list[Made]) -> None:
    server = start(peers.kerma_serve)
    host, port = server.http.removeprefix("http://").split(":")
    part = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    whole, cut = ct_series[0].path.read_bytes(), ct_series[1].path.read_bytes()
    body = part + whole + b"\r\n" + part + cut[: len(cut) // 2]
    head = b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=b\r\n"
    for framing in (
        b"Content-Length: 99999999\r\n\r\n" + body,
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body,
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head + framing)
    incoming = server.extra["data"] / "incoming"
    with Client(f"{server.http}/dicomweb") as web:
        web.store(ct_series[2].path)
        found = {str(ds.SOPInstanceUID) for ds in web.search("instance")}
    assert ct_series[1].sop_instance_uid not in found
    server.stop()
    assert list(incoming.iterdir()) == []
    with kerma.Archive.open(server.extra["data"]) as archive:
        assert archive.check().clean


def test_orthanc_is_searched_retrieved_from_and_stored_to(start: Start, ct_series: list[Made], tmp_path: Path) -> None:
    server = start(peers.orthanc, dicomweb=True)
    first = kerma.read(ct_series[0].path)
    study, series = str(first.StudyInstanceUID), str(first.SeriesInstanceUID)
    with Client(f"{server.http}/dicom-web") as web:
        results = web.store([ct_series[0].path.parent, kerma.read(ct_series[1].path)])
        assert all(result.ok for result in results), results
        assert [str(ds.StudyInstanceUID) for ds in web.search(StudyInstanceUID=study)] == [study]
        wild = web.search("study", PatientName="Inter*", StudyDate="20260101-20260201", StudyDescription="*study?*")
        assert list(wild) == []
        wild = web.search("study", PatientName="Inter*I?ene", StudyDate="20260101-20260201")
        assert [str(ds.StudyInstanceUID) for ds in wild] == [study]
        assert len(list(web.search("instance", StudyInstanceUID=study, SeriesInstanceUID=series, page=2))) == len(
            ct_series
        )
        assert len(list(web.metadata(study, series))) == len(ct_series)
        for path in web.retrieve(study, into=tmp_path / "out"):
            made = next(one for one in ct_series if one.sop_instance_uid == path.stem)
            assert dataset_of(path) == dataset_of(made.path)
        uid = ct_series[0].sop_instance_uid
        assert (web.frame(study, series, uid) == kerma.pixels.frame(first, 0)).all()
        assert web.rendered(study, series, uid)[:2] == b"\xff\xd8"
        uri = next(iter(web.metadata(study, series, uid)))["PixelData"].value.uri
        assert web.bulkdata(uri)


def test_the_awaited_client_works_on_a_running_server(start: Start, ct_series: list[Made], tmp_path: Path) -> None:
    server = start(peers.kerma_serve)
    study = str(kerma.read(ct_series[0].path).StudyInstanceUID)

    async def run() -> None:
        async with AsyncClient(f"{server.http}/dicomweb") as web:
            await asyncio.gather(*(web.store(made.path) for made in ct_series))
            await asyncio.gather(*(web.retrieve(study, into=tmp_path / str(number)) for number in range(3)))

    asyncio.run(run())
    for number in range(3):
        for made in ct_series:
            copy = tmp_path / str(number) / f"{made.sop_instance_uid}.dcm"
            assert copy.read_bytes() == made.path.read_bytes()


def test_tls(start: Start, ct_series: list[Made], tls_files: peers.TLSFiles, program: Callable[[str], str]) -> None:
    server = start(peers.kerma_serve, tls=tls_files)
    with Client(f"{server.http}/dicomweb", tls=kerma.net.tls.TLSConfig(ca=str(tls_files.ca)), http2=True) as web:
        assert all(result.ok for result in web.store(ct_series[0].path))
        assert len(list(web.search())) == 1
    with pytest.raises(kerma.errors.ConnectError), Client(f"{server.http}/dicomweb", retries=0) as web:
        list(web.search())


def test_slow_senders_cost_no_thread(start: Start, ct_series: list[Made]) -> None:
    server = start(peers.kerma_serve)
    host, port = server.http.removeprefix("http://").split(":")
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    head = b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n"
    head += b"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\n\r\n"
    half = ct_series[0].path.read_bytes()[:3000] + bytes(1 << 20)
    with contextlib.ExitStack() as stack, Client(f"{server.http}/dicomweb") as web:
        web.store(ct_series[1].path)
        before = sum(process.num_threads() for process in processes)
        for _ in range(100):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            connection.sendall(head + half)
        assert all(result.ok for result in web.store(ct_series[2].path))
        assert len(list(web.search("instance"))) == 2
        assert sum(process.num_threads() for process in processes) - before < 24
