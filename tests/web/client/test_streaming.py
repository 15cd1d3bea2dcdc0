"""The client's memory is that of a stretch, not of an instance, both ways."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

import kerma
from kerma.web import Client
from tests.archive.conftest import make_instance

SIZE = 96 << 20
BASE = "http://testserver/dicomweb"
TAKEN = b'{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.3.1.1.1"]}}]}}'


class _Body(httpx.SyncByteStream):
    def __init__(self, pieces: Callable[[], Iterator[bytes]]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces()


class _Server(httpx.BaseTransport):
    """Takes what is stored without keeping it, and gives one large part."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received = 0
        self.length = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert isinstance(request.stream, httpx.SyncByteStream)
            self.received = sum(len(piece) for piece in request.stream)
            self.length = request.headers["content-length"]
            return httpx.Response(200, content=TAKEN, headers={"Content-Type": "application/dicom+json"})
        headers = {"Content-Type": "multipart/related; boundary=b"}
        return httpx.Response(200, stream=_Body(self._whole), headers=headers)

    def _whole(self) -> Iterator[bytes]:
        yield b"--b\r\nContent-Type: application/dicom\r\n\r\n"
        with open(self.path, "rb") as file:
            while piece := file.read(65_536):
                yield piece
        yield b"\r\n--b--\r\n"


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_large_instance_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    kerma.write(make_instance(), path)
    with open(path, "r+b") as file:  # pixel data that is longer than it says it is, without writing it
        head = file.read()
        at = head.index(b"\xe0\x7f\x10\x00OW") + 8
        file.seek(at)
        file.write(SIZE.to_bytes(4, "little"))
        file.truncate(at + 4 + SIZE)
    server = _Server(path)
    with Client(BASE, transport=server) as web:
        assert peak_of(lambda: web.store(path)) < 12 << 20
        assert server.received == int(server.length) > SIZE
        assert peak_of(lambda: web.retrieve("1.2.3.1", into=tmp_path / "out")) < 12 << 20
    copy = tmp_path / "out" / "1.2.3.1.1.1.dcm"
    assert copy.stat().st_size == path.stat().st_size
    assert copy.read_bytes()[: at + 4] == path.read_bytes()[: at + 4]
