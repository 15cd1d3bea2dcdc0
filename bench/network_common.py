"""What the network benches share: the images, fresh servers, and one timed command.

Peers are started as the interop tests start them (``tests/interop/peers.py``), each with a fresh folder on the same
disk. Start-up, clearing and syncing what the one before left dirty are outside of the time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pydicom
import pynetdicom
from tests.interop import peers, studies
from tests.interop.crash import Template
from tests.interop.processes import MissingPeerError, Peer, environment, find_program, run

import kerma
from bench.harness import Outcome

PDU = "131072"
MakePeer = Callable[[Path], Peer]


@dataclass
class Images:
    """CT images of 512 x 512 x 16 bits, one series in each folder."""

    folders: list[Path]
    each: int
    study: str

    @property
    def count(self) -> int:
        return self.each * len(self.folders)


def make_images(folder: Path, each: int, series: int = 1) -> Images:
    """Files of 519 kB by putting UIDs into one template; the same for every contestant."""
    template = Template.make(folder / "template", side=512)
    folders = []
    for number in range(series):
        place = folder / f"series{number}"
        place.mkdir(parents=True)
        for at in range(each):
            template.write(place / f"{at:05d}.dcm", 1, number, at)
        folders.append(place)
    return Images(folders, each, f"{studies.ROOT}.100001")


def available(program: str) -> bool:
    try:
        find_program(program)
    except MissingPeerError:
        return False
    return True


def orthanc_as_it_comes(folder: Path, destinations: Mapping[str, int] | None = None) -> Peer:
    """Orthanc with Nagle's algorithm, which it keeps unless TCP_NODELAY=1 is in its environment."""
    return peers.orthanc(folder, destinations, env={})


def settle() -> None:
    """Write what earlier runs left dirty, so that no contestant pays for another one."""
    os.sync()


@contextlib.contextmanager
def fresh(make: MakePeer, folder: Path) -> Iterator[Peer]:
    """A peer started in an empty folder that no contestant had before.

    What it wrote stays until the whole run is over: ext4 without a journal looks at every inode that was deleted in the
    last minutes before it takes another one, so that deleting after each round makes the next one up to twice as slow,
    and each contestant by another amount. Only its pages leave the cache.
    """
    place = folder.with_name(f"{folder.name}-{next(_PLACES)}")
    place.mkdir(parents=True)
    peer = make(place)
    try:
        yield peer.start()
    finally:
        peer.stop()
        _forget_pages(place)


_PLACES = itertools.count(1)


def _forget_pages(folder: Path) -> None:
    os.sync()  # only clean pages can be let go
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children so far, in seconds."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def timed(argv: Sequence[str | Path | int], *, seconds: float = 900.0) -> float:
    """Seconds of one command; it has to succeed."""
    before = time.perf_counter()
    done = run(argv, env=peers.DCMTK_ENV, seconds=seconds)
    elapsed = time.perf_counter() - before
    if done.returncode:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
    return elapsed


def together(commands: Sequence[Sequence[str | Path | int]]) -> float:
    """Seconds until the last of several commands, started at once, has ended well."""
    before = time.perf_counter()
    running = [
        subprocess.Popen(
            [str(part) for part in argv],
            env=environment(peers.DCMTK_ENV),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for argv in commands
    ]
    statuses = [one.wait() for one in running]
    elapsed = time.perf_counter() - before
    if any(statuses):
        raise RuntimeError(f"{commands[0][0]} ended with {statuses}")
    return elapsed


def storescu(peer: Peer, folder: Path) -> list[str | Path | int]:
    """DCMTK's sender with Nagle's algorithm off and its largest PDU, one association."""
    return [find_program("storescu"), "-pdu", PDU, "-aec", peer.aet, peer.host, peer.port, "+sd", folder]


def stored_in(make: MakePeer, folder: Path, source: Path) -> Outcome:
    """One run: all files of ``source`` sent by one storescu into a fresh peer."""
    with fresh(make, folder) as peer:
        settle()
        cpu = cpu_seconds(peer.pid)
        seconds = timed(storescu(peer, source))
        return Outcome(seconds, {"server CPU s": cpu_seconds(peer.pid) - cpu})


def versions() -> dict[str, str]:
    """Versions of what takes part, as each tells it."""
    found = {
        "kerma": kerma.__version__,
        "pydicom": pydicom.__version__,
        "pynetdicom": pynetdicom.__version__,
    }
    for name, program, place in (("dcmtk", "storescu", 2), ("orthanc", "Orthanc", 1)):
        if available(program):
            words = run([find_program(program), "--version"]).stdout.split()
            found[name] = words[place].lstrip("v") if len(words) > place else "?"
    return found
