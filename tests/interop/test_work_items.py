"""Work items over the network: ``kerma serve`` with two processes, and a WebSocket client of a few lines (RFC 6455)."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from tests.archive.work.steps import make, make_step
from tests.web.work_bodies import body

from . import peers
from .conftest import Start

OURS = "1.2.3.99"


class Channel:
    """The frames that a server sends."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        self.socket.sendall("\r\n".join((*lines, "", "")).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def report(self) -> dict[str, Any]:
        first, second = self.file.read(2)
        assert first == 0x81, "one text frame"
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(self.file.read(2), "big")
        found: dict[str, Any] = json.loads(self.file.read(size))
        return found

    def until(self, readiness: str) -> None:
        """Read to the report of a readiness: one that was being sent when the channel opened may come again."""
        while self.report()["00404041"]["Value"] != [readiness]:
            pass

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@contextmanager
def channel(url: str) -> Iterator[Channel]:
    found = Channel(url)
    try:
        yield found
    finally:
        found.close()


def test_events_reach_a_subscriber_whichever_process_changed_the_step(start: Start) -> None:
    peer = start(peers.kerma_serve, sections={"web": {"processes": 2}})
    items = f"{peer.http}/dicomweb/workitems"
    with httpx.Client(timeout=30) as client:
        assert client.post(f"{items}?1.2.3", **body(make_step())).status_code == 201
        where = client.post(f"{items}/1.2.3/subscribers/WATCHER").headers["content-location"]
        with channel(where) as one:
            assert one.status == 101
            assert one.report()["00741000"]["Value"] == ["SCHEDULED"]
            with channel(where) as other:
                client.post(f"{items}/1.2.3", **body(make(InputReadinessState="UNAVAILABLE")))
                one.until("UNAVAILABLE")
                other.until("UNAVAILABLE")
    with channel(where) as hearer:
        for number in range(12):  # connections of their own, so that either process is asked
            label = body(make(InputReadinessState=("INCOMPLETE", "READY")[number % 2]))
            assert httpx.post(f"{items}/1.2.3", **label).status_code == 200
            hearer.until(("INCOMPLETE", "READY")[number % 2])
        claim = body(make(ProcedureStepState="IN PROGRESS", TransactionUID=OURS))
        assert httpx.put(f"{items}/1.2.3/state", **claim).status_code == 200
        assert hearer.report()["00741000"]["Value"] == ["IN PROGRESS"]
        assert peer.stop() == 0, "an open channel does not hold the server back"


def test_the_server_tells_of_its_own_end_and_beginning(start: Start, tmp_path: Path) -> None:
    worklist = "1.2.840.10008.5.1.4.34.5"
    first = start(peers.kerma_serve, data=tmp_path / "data")
    response = httpx.post(f"{first.http}/dicomweb/workitems/{worklist}/subscribers/WATCHER")
    assert response.status_code == 201
    assert first.stop() == 0
    second = start(peers.kerma_serve, data=tmp_path / "data")
    with channel(f"{second.http}/dicomweb/subscribers/WATCHER".replace("http", "ws", 1)) as hearer:
        reports = [hearer.report(), hearer.report()]
    assert [report["00001000"]["Value"] for report in reports] == [[worklist]] * 2
    assert [report["00741242"]["Value"] for report in reports] == [["GOING DOWN"], ["RESTARTED"]]
