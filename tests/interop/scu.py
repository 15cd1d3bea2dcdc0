"""The three families of SCU programs behind one small interface, so that one test runs with each of them.

DCMTK's and pynetdicom's applications and Kerma's own command line are called as a user calls them. Found identifiers
come back as pydicom data sets, so Kerma's JSON is read by somebody else.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydicom import dcmread
from pydicom.dataset import Dataset

from .peers import DCMTK_ENV, kerma_program
from .processes import Peer, find_program, python, run

Done = subprocess.CompletedProcess[str]
Keys = Mapping[str, str]


class Scu(Protocol):
    name: str

    def echo(self, peer: Peer) -> Done: ...
    def store(self, peer: Peer, folder: Path) -> Done: ...
    def find(self, peer: Peer, work: Path, level: str, keys: Keys, returns: Sequence[str] = ()) -> list[Dataset]: ...
    def get(self, peer: Peer, out: Path, level: str, keys: Keys) -> Done: ...
    def move(self, peer: Peer, to: str, level: str, keys: Keys) -> Done: ...


def _key_options(level: str, keys: Keys, returns: Sequence[str] = ()) -> list[str]:
    options = ["-k", f"QueryRetrieveLevel={level.upper()}"]
    for keyword, value in {**dict.fromkeys(returns, ""), **keys}.items():
        options += ["-k", f"{keyword}={value}"]
    return options


def _read_all(folder: Path, pattern: str) -> list[Dataset]:
    return [dcmread(path, force=True) for path in sorted(folder.glob(pattern))]


@dataclass
class DcmtkScu:
    """``echoscu storescu findscu getscu movescu`` of DCMTK. ``options`` go to each of them (TLS, say)."""

    name: str = "dcmtk"
    options: Sequence[str] = ()
    store_options: Sequence[str] = ("-R",)
    get_options: Sequence[str] = ("+B",)
    model: str = "-S"
    env: Mapping[str, str] = field(default_factory=lambda: DCMTK_ENV)

    def call(self, program: str, peer: Peer, options: Sequence[str | Path] = (), *paths: Path) -> Done:
        argv = [find_program(program), *self.options, "-aec", peer.aet, *options, peer.host, peer.port, *paths]
        return run(argv, env=self.env)

    def echo(self, peer: Peer) -> Done:
        return self.call("echoscu", peer)

    def store(self, peer: Peer, folder: Path) -> Done:
        return self.call("storescu", peer, ["+sd", "+r", "-pdu", "131072", *self.store_options], folder)

    def find(self, peer: Peer, work: Path, level: str, keys: Keys, returns: Sequence[str] = ()) -> list[Dataset]:
        work.mkdir(parents=True, exist_ok=True)
        options = [self.model, "-X", "-od", str(work), *_key_options(level, keys, returns)]
        done = self.call("findscu", peer, options)
        assert done.returncode == 0, done.stderr
        return _read_all(work, "rsp*.dcm")

    def get(self, peer: Peer, out: Path, level: str, keys: Keys) -> Done:
        out.mkdir(parents=True, exist_ok=True)
        return self.call("getscu", peer, [self.model, "-od", out, *self.get_options, *_key_options(level, keys)])

    def move(self, peer: Peer, to: str, level: str, keys: Keys) -> Done:
        return self.call("movescu", peer, [self.model, "-aem", to, *_key_options(level, keys)])


@dataclass
class PynetdicomScu:
    """The applications of ``python -m pynetdicom``."""

    name: str = "pynetdicom"
    model: str = "-S"

    def call(self, program: str, peer: Peer, *rest: str | Path, cwd: Path | None = None) -> Done:
        argv = [python(), "-m", "pynetdicom", program, peer.host, str(peer.port), *rest, "-aec", peer.aet]
        return run(argv, cwd=cwd)

    def echo(self, peer: Peer) -> Done:
        return self.call("echoscu", peer)

    def store(self, peer: Peer, folder: Path) -> Done:
        return self.call("storescu", peer, folder, "-r", "-cx", "-pdu", "0")

    def find(self, peer: Peer, work: Path, level: str, keys: Keys, returns: Sequence[str] = ()) -> list[Dataset]:
        work.mkdir(parents=True, exist_ok=True)
        done = self.call("findscu", peer, self.model, "-w", *_key_options(level, keys, returns), cwd=work)
        assert done.returncode == 0, done.stderr
        return _read_all(work, "rsp*.dcm")

    def get(self, peer: Peer, out: Path, level: str, keys: Keys) -> Done:
        out.mkdir(parents=True, exist_ok=True)
        return self.call("getscu", peer, self.model, "-pdu", "0", "-od", out, *_key_options(level, keys))

    def move(self, peer: Peer, to: str, level: str, keys: Keys) -> Done:
        return self.call("movescu", peer, self.model, "-aem", to, *_key_options(level, keys))


@dataclass
class KermaScu:
    """``kerma echo send find get move``. ``config`` is a file for destinations and certificates."""

    name: str = "kerma"
    options: Sequence[str] = ()
    config: Path | None = None
    address: str | None = None

    def call(self, command: str, peer: Peer, *rest: str | Path) -> Done:
        env = {} if self.config is None else {"KERMA_CONFIG": str(self.config)}
        return run([kerma_program(), command, *self.options, self.address or peer.address, *rest], env=env)

    def echo(self, peer: Peer) -> Done:
        return self.call("echo", peer)

    def store(self, peer: Peer, folder: Path) -> Done:
        return self.call("send", peer, folder)

    def find(self, peer: Peer, work: Path, level: str, keys: Keys, returns: Sequence[str] = ()) -> list[Dataset]:
        pairs = [f"{keyword}={value}" for keyword, value in keys.items()]
        wanted = ["--return", ",".join(returns)] if returns else []
        done = self.call("find", peer, "--json", "--level", level, *wanted, *pairs)
        assert done.returncode == 0, done.stderr
        return [Dataset.from_json(json.loads(line)) for line in done.stdout.splitlines() if line.strip()]

    def get(self, peer: Peer, out: Path, level: str, keys: Keys) -> Done:
        pairs = [f"{keyword}={value}" for keyword, value in keys.items()]
        return self.call("get", peer, "-o", out, *pairs)

    def move(self, peer: Peer, to: str, level: str, keys: Keys) -> Done:
        pairs = [f"{keyword}={value}" for keyword, value in keys.items()]
        return self.call("move", peer, "--to", to, *pairs)
