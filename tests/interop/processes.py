"""Processes of real peers: started on free loopback ports, waited for by event, always ended.

Used by the tests of this folder and by ``bench/``. A peer is an argument list, an environment and a port; its output
goes to a file so that a full pipe can never stop it. Waiting is for an event: the port accepts, or the process ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 30.0
STOP_SECONDS = 15.0


class PeerError(Exception):
    """A peer that did not start, or ended before it was asked to."""


class MissingPeerError(PeerError):
    """The program is not installed on this machine."""


def find_program(name: str) -> str:
    """The full path of a peer's program; Debian keeps Orthanc in sbin, which a user's PATH may lack."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingPeerError(f"{name} is not installed")
    return found


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with ``more``; Python programs may keep their byte code, as an installed one does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **(more or {})}


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago; the programs that we start cannot be given a socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2.0).close()
    except OSError:
        return False
    return True


@dataclass
class Peer:
    """One running process. ``log`` holds its standard output and error."""

    name: str
    argv: Sequence[str]
    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    aet: str = "ANY-SCP"
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    extra: dict[str, Path] = field(default_factory=dict)
    http: str = ""
    """Where it answers HTTP, as http://HOST:PORT."""

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def address(self) -> str:
        """As Kerma's command line wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.aet}@{host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self, seconds: float = START_SECONDS) -> Peer:
        """Start it and return when its port accepts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                list(self.argv),
                cwd=self.folder,
                env=environment(self.env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_it_accepts(seconds)
        except PeerError:
            self.stop()
            raise
        return self

    def _wait_until_it_accepts(self, seconds: float) -> None:
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not accepts(self.host, self.port):
            with contextlib.suppress(subprocess.TimeoutExpired):
                # The wait between two attempts is for the one other thing that can happen: its end.
                status = self.process.wait(timeout=0.02)
                raise PeerError(f"{self.name} ended with {status} at its start:\n{self.output()[-2000:]}")
            if time.monotonic() > deadline:
                raise PeerError(f"{self.name} did not listen on port {self.port} in time:\n{self.output()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM, then SIGKILL if it does not end; returns the exit status (negative: the signal)."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=STOP_SECONDS)
        return int(self.process.returncode)


@contextlib.contextmanager
def running(peer: Peer) -> Iterator[Peer]:
    try:
        yield peer.start()
    finally:
        peer.stop()


def run(
    argv: Sequence[str | Path | int],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; never raises for its exit status."""
    return subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def python() -> str:
    return sys.executable
