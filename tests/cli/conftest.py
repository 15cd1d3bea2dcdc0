"""Real processes of the ``kerma`` command, always ended, never waited for without a bound."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kerma.dataset import Dataset
from kerma.encoding.source import BytesSource
from kerma.formats.instance import Instance
from kerma.formats.part10 import write

ROOT = Path(__file__).resolve().parents[2]
KERMA = (sys.executable, "-W", "error", "-m", "kerma.cli")


def clean_environment() -> dict[str, str]:
    """Ours without what would configure Kerma; nothing listens for HTTP where a test does not ask for it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERMA_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "TERM": "dumb", "KERMA_SERVER_HTTP": ""}


@dataclass
class Result:
    status: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def kerma(tmp_path: Path) -> Run:
    """Runs one command to its end in ``tmp_path``."""

    def run(*words: object, timeout: float = 90, env: dict[str, str] | None = None) -> Result:
        done = subprocess.run(
            [*KERMA, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=tmp_path,
            env={**clean_environment(), **(env or {})},
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@dataclass
class Running:
    """A server process that has said that it is ready."""

    process: subprocess.Popen[str]
    ready: str

    @property
    def port(self) -> int:
        """The port of its first address."""
        found = re.search(r" on \S+:(\d+)", self.ready)
        assert found is not None, self.ready
        return int(found[1])

    @property
    def peer(self) -> str:
        return f"KERMA@127.0.0.1:{self.port}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Result:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return Result(self.process.returncode, self.ready + out, err)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``kerma WORDS`` in ``tmp_path`` and waits for its line."""
    running: list[Running] = []

    def begin(*words: object, env: dict[str, str] | None = None) -> Running:
        process = subprocess.Popen(
            [*KERMA, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**clean_environment(), **(env or {})},
        )
        assert process.stdout is not None
        line = process.stdout.readline()  # ends with the process, and the test with its own time-out
        if not line:
            _, err = process.communicate(timeout=60)
            pytest.fail(f"no ready line: {err}")
        running.append(Running(process, line))
        return running[-1]

    yield begin
    for server in running:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate(timeout=60)


def write_instance(path: Path, *, series: int = 1, number: int = 1, rows: int = 8, **changes: object) -> Path:
    """A small CT image as a file; its UIDs follow from ``series`` and ``number``."""
    ds = Dataset()
    values: dict[str, object] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": f"1.2.3.{series}.{number}",
        "StudyDate": "20260131",
        "StudyTime": "101500",
        "AccessionNumber": "A1",
        "Modality": "CT" if series == 1 else "SR",
        "StudyDescription": "Test of the command line",
        "SeriesDescription": f"series {series}",
        "PatientName": "Doe^Jane",
        "PatientID": "P1",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": f"1.2.3.{series}",
        "SeriesNumber": str(series),
        "InstanceNumber": str(number),
        "Rows": rows,
        "Columns": 8,
        **changes,
    }
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.add("PixelData", "OW", bytes(range(256)) * (rows * 16 // 256 + 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    write(ds, path)
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder of four instances in two series."""
    for series in (1, 2):
        for number in (1, 2):
            write_instance(tmp_path / "study" / f"{series}-{number}.dcm", series=series, number=number)
    return tmp_path / "study"


class Gate:
    """Somebody waits here until the test lets them on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(60)


class StallingSource(BytesSource):
    """Gives its first half, then waits."""

    def __init__(self, data: bytes, gate: Gate) -> None:
        super().__init__(data)
        self._gate = gate

    def read(self, offset: int, length: int) -> bytes:
        self._stall(offset + length)
        return super().read(offset, length)

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        self._stall(offset + sum(map(len, buffers)))
        return super().readinto(offset, buffers)

    def _stall(self, end: int) -> None:
        if end > self.size // 2:
            self._gate.wait()


def stalling_instance(gate: Gate) -> Instance:
    """A CT of 24 MB whose second half comes when the gate is opened."""
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.SOPInstanceUID = "1.2"
    ds.PatientID = "STALLS"
    ds.StudyInstanceUID = "1.2.1"
    ds.SeriesInstanceUID = "1.2.1.1"
    ds.add("PixelData", "OW", bytes(24 << 20))
    syntax = "1.2.840.10008.1.2.1"
    data = ds.to_bytes(syntax)
    return Instance(ds.SOPClassUID or "", "1.2", syntax, 0, len(data), lambda: StallingSource(data, gate))
