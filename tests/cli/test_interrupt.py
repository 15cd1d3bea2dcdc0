"""Ctrl-C and SIGTERM in the middle: nothing half-written stays, one line, the right status. The peer stops in the
middle on purpose."""

from __future__ import annotations

import signal
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kerma.formats.instance import Instance
from kerma.net.server import Server, ServerConfig
from kerma.query import Query
from kerma.services.dispatch import Providers
from kerma.services.providers import StoreOutcome, StoreRequest

from .conftest import KERMA, Gate, clean_environment, stalling_instance

SIGNALS = pytest.mark.parametrize("case", [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"])


class StallingSink:
    """Waits before it commits."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Drops them."""

    def commit(self) -> StoreOutcome:
        self._gate.wait()
        return StoreOutcome.STORED

    def abort(self) -> None:
        """Nothing to forget."""


class StallingArchive:
    """One large instance that never quite arrives, and a store that never quite ends."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def begin(self, request: StoreRequest) -> StallingSink:
        return StallingSink(self._gate)

    def instances(self, query: Query) -> Sequence[Instance]:
        return [stalling_instance(self._gate)]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def peer(gate: Gate) -> Iterator[str]:
    archive = StallingArchive(gate)
    server = Server(ServerConfig(listen=(("127.0.0.1", 0),)), Providers(storage=archive, retrieve=archive))
    with server:
        yield f"KERMA@127.0.0.1:{server.addresses[0][1]}"
        gate.opened.set()


def interrupted(gate: Gate, number: signal.Signals, folder: Path, *words: object) -> tuple[int, str]:
    """Run a command, send the signal when the peer stalls; its status and standard error."""
    process = subprocess.Popen(
        [*KERMA, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**clean_environment(), "TMPDIR": str(folder)},
    )
    try:
        assert gate.reached.wait(60)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, err


@SIGNALS
def test_a_fetch(gate: Gate, peer: str, tmp_path: Path, case: tuple[signal.Signals, int]) -> None:
    number, status = case
    found, err = interrupted(gate, number, tmp_path, "get", peer, "StudyInstanceUID=1.2.3", "-o", "out")
    assert found == status
    assert list((tmp_path / "out").iterdir()) == []
    assert "Traceback" not in err
    assert err.strip() == ("kerma: interrupted" if number is signal.SIGINT else "")


@SIGNALS
def test_a_send_from_an_archive(
    gate: Gate, peer: str, study: Path, tmp_path: Path, case: tuple[signal.Signals, int]
) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for path in sorted(study.iterdir()):
            archive.write(path, path.name)
    before = sorted(tmp_path.iterdir())
    number, status = case
    found, err = interrupted(gate, number, tmp_path, "send", peer, "study.zip")
    assert found == status
    assert sorted(tmp_path.iterdir()) == before
    assert "Traceback" not in err
