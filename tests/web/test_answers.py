"""Long bodies: in chunks, in ranges, to clients that go away and to slow ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.encoding.source import Buffer
from kerma.web import answers
from kerma.web.answers import Answer
from kerma.web.application import application
from kerma.web.bodies import CHUNK, SMALL, Body, Made
from kerma.web.context import Context
from tests.web.retrieving import image, parts_of, url_of

SINGLE = "application/dicom; transfer-syntax=*"


@pytest.fixture
def long(archive: Archive) -> str:
    """An instance of 4 MB, of one frame."""
    ds = image(Rows=8_192, Columns=256)
    ds.add("PixelData", "OW", bytes(range(256)) * (4 << 12))
    return url_of(archive, archive.ingest(ds).sop_instance_uid)


def test_a_long_body_in_chunks_and_ranges(archive: Archive, web: TestClient, long: str) -> None:
    data = archive.file_bytes(long.rpartition("/")[2])
    assert len(data) > 4 * SMALL
    for accept in (SINGLE, None):
        response = web.get(long, headers={"Accept": accept} if accept else {})
        assert int(response.headers["content-length"]) == len(response.content)
        assert data in response.content
        for start, stop in ((0, 10), (CHUNK - 5, CHUNK + 5), (5, 3 * SMALL), (len(data) - 9, len(data))):
            part = web.get(
                long, headers={"Range": f"bytes={start}-{stop - 1}", **({"Accept": accept} if accept else {})}
            )
            assert part.status_code == 206
            assert part.content == response.content[start:stop]
    pixels = bytes(range(256)) * (4 << 12)
    assert web.get(f"{long}/frames/1", headers={"Accept": "application/octet-stream"}).content == pixels
    ((_, part_data),) = parts_of(web.get(f"{long}/frames/1"))
    assert part_data == pixels
    tail = web.get(f"{long}/bulkdata/7FE00010", headers={"Accept": "*/*", "Range": "bytes=-300"})
    assert tail.content == pixels[-300:]


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"accept", SINGLE.encode())], "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80), "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": {}, "extensions": {},
    }  # fmt: skip


def test_a_client_that_goes_away_leaves_nothing_open(
    archive: Archive, long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says nothing when it sends to nobody: the disconnect is what tells."""
    opened: list[Any] = []
    blobs_open = archive._blobs.open

    def watched(key: str) -> Any:
        opened.append(blobs_open(key))
        return opened[-1]

    monkeypatch.setattr(archive._blobs, "open", watched)
    sent: list[int] = []

    async def run() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(len(message.get("body", b"")))
            if sent[-1]:
                gone.set()
            await asyncio.sleep(0)

        await application(Context(archive))(_scope(long), receive, send)

    asyncio.run(run())
    assert 0 < sum(sent) < 3 * SMALL
    assert opened
    assert all(source._fd < 0 for source in opened)


@pytest.mark.parametrize("fast", [True, False])
def test_who_is_slow_has_one_chunk_in_memory(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    monkeypatch.setattr(answers, "_FAST", 60.0 if fast else -1.0)
    made: list[int] = []
    ahead: list[int] = []

    def make() -> Iterator[Buffer]:
        for number in range(64):
            made.append(number)
            yield bytes(CHUNK)

    async def run() -> None:
        sent = 0

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal sent
            if message.get("body"):
                sent += 1
                ahead.append(len(made) - sent)

        chunks = Body.of(Made(make)).chunks()
        await Answer(200, {}, first=next(chunks), rest=chunks)(_scope("/"), receive, send)
        assert sent == 64

    asyncio.run(run())
    assert max(ahead) <= (8 if fast else 1)
    assert fast == (max(ahead) > 1)
