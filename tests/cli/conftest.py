"""Real processes of the ``kerma`` command, always ended, never waited for without a bound."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERMA = (sys.executable, "-W", "error", "-m", "kerma.cli")


def clean_environment() -> dict[str, str]:
    """Ours without what would configure Kerma."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERMA_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "TERM": "dumb"}


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
