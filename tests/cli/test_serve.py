"""``kerma serve`` as a process: its one line, its signals, its refusals and its log."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kerma.errors import NetworkError
from kerma.net.client import connect
from kerma.services.storage_scu import StoreResult

from .conftest import Gate, Run, Running, Start, stalling_instance


def test_one_line_when_ready_and_a_drain_on_sigterm(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0")
    assert re.fullmatch(
        rf"kerma: ready: KERMA on 127\.0\.0\.1:\d+, data in {re.escape(str(tmp_path / 'kerma-data'))}\n", server.ready
    )
    result = server.stop()
    assert result.status == 0
    assert result.out == server.ready, "exactly one line"
    assert "Traceback" not in result.err


def test_ctrl_c_is_the_same(start: Start) -> None:
    assert start("serve", "--dicom", "127.0.0.1:0").stop(signal.SIGINT).status == 0


def test_several_addresses_titles_and_folders(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0", "--dicom", "[::1]:0", "--aet", "MINE", "--data", "deep/er")
    assert re.search(r"MINE on 127\.0\.0\.1:\d+, \[::1\]:\d+, data in ", server.ready)
    assert (tmp_path / "deep" / "er").is_dir()
    assert server.stop().status == 0


def test_an_association_in_the_middle_is_drained(start: Start, kerma: Run) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0", env={"KERMA_SERVER_DRAIN": "5"})
    with socket.create_connection(("127.0.0.1", server.port), timeout=30):
        assert kerma("echo", server.peer).status == 0
        result = server.stop()
    assert result.status == 0
    assert "stopped" in result.err


def test_each_association_is_one_line_of_the_log(start: Start, kerma: Run) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0", env={"KERMA_LOG_FORMAT": "json"})
    for _ in range(2):
        assert kerma("echo", server.peer, "--aet", "CALLER").status == 0
    lines = [json.loads(line) for line in server.stop().err.splitlines()]
    ended = [line for line in lines if line["event"] == "association ended"]
    assert len(ended) == 2
    for line in ended:
        assert (line["calling"], line["called"], line["end"]) == ("CALLER", "KERMA", "released")
        assert line["operations"] == "1 C-ECHO"
        assert line["seconds"] >= 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dicom", "0.0.0.0:0"], "no peer is known"),
        (["--dicom", "nonsense"], "an address HOST:PORT is wanted"),
        (["--aet", "A" * 17], "1 to 16 characters"),
        (["--config", "gone.toml"], "gone.toml: cannot be read"),
        (["--dicom-tls", "127.0.0.1:0"], "wants a certificate"),
        (["--datta", "x"], "No such option"),
    ],
)
def test_what_cannot_be_meant_is_refused(kerma: Run, words: list[str], message: str) -> None:
    result = kerma("serve", *words)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_a_wrong_configuration_is_refused_with_its_line(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text("[server]\naett = 'X'\n")
    result = kerma("serve", "--config", "k.toml")
    assert (result.status, result.out) == (2, "")
    assert result.err == "kerma: k.toml:2: no key `aett` in [server] (did you mean `aet`?)\n"


def test_a_port_that_is_taken(kerma: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = kerma("serve", "--dicom", address)
    assert result.status == 1
    assert address in result.err
    assert result.err.count("kerma: ") == 1
    assert "Traceback" not in result.err


def test_a_folder_that_cannot_be_made(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    result = kerma("serve", "--data", "file/data", "--dicom", "127.0.0.1:0")
    assert result.status == 1
    assert "file/data" in result.err
    assert "Traceback" not in result.err


def test_unknown_callers_are_turned_away_when_peers_are_known_only(start: Start, kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text(
        "[server]\nopen = false\ndicom = '127.0.0.1:0'\n[[peer]]\nname='a'\naet='FRIEND'\nhost='127.0.0.1'\n"
    )
    server = start("serve", "--config", "k.toml")
    assert kerma("echo", server.peer, "--aet", "FRIEND").status == 0
    result = kerma("echo", server.peer, "--aet", "STRANGER")
    assert result.status == 1
    assert "calling AE title" in result.err.replace("-", " ")
    assert result.err.count("\n") == 1


@pytest.fixture
def stalled(start: Start) -> Iterator[tuple[Running, Gate, list[StoreResult]]]:
    """A server in the middle of a C-STORE, and where its result will be."""
    server = start("serve", "--dicom", "127.0.0.1:0", env={"KERMA_SERVER_DRAIN": "600"})
    gate, results = Gate(), list[StoreResult]()

    def send() -> None:
        with connect(server.peer) as peer, suppress(NetworkError):
            results.extend(peer.store([stalling_instance(gate)]))

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    assert gate.reached.wait(60)
    yield server, gate, results
    gate.opened.set()
    sender.join(60)
    assert not sender.is_alive()


def stopping(server: Running) -> None:
    """Send SIGTERM and wait for the line that says that it was heard."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.stderr is not None
    assert "stopping" in server.process.stderr.readline()


def test_what_runs_may_end(stalled: tuple[Running, Gate, list[StoreResult]], kerma: Run) -> None:
    server, gate, results = stalled
    stopping(server)
    gate.opened.set()
    assert server.process.wait(60) == 0
    assert kerma("stats", "--json").out.count('"instances": 1') == 1
    assert [result.status for result in results] == [0]


def test_a_second_signal_cuts(stalled: tuple[Running, Gate, list[StoreResult]], kerma: Run) -> None:
    server, _, results = stalled
    stopping(server)
    result = server.stop()
    assert result.status == 1
    assert "second signal" in result.err
    assert kerma("stats", "--json").out.count('"instances": 0') == 1
    assert results == []
