"""What 1,000 idle associations cost ``kerma serve``: memory, threads and CPU, while nobody says anything."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.interop import peers
from tests.interop.processes import Peer
from tests.interop.raw import ASSOCIATE_AC, Raw

from bench.network_common import cpu_seconds, fresh


@dataclass(frozen=True)
class Idle:
    """Growth over no association; ``core`` is CPU seconds a second."""

    program: str
    associations: int
    megabytes: float
    threads: int
    core: float
    seconds: float

    def text(self) -> str:
        wanted = ""
        if self.program == "kerma serve":
            met = self.core < 0.01 and self.megabytes < 100
            wanted = f"  wanted: under 1 % and 100 MB: {'met' if met else 'MISSED'}"
        return (
            f"{self.program:<20} {self.associations:5d} idle associations: {self.megabytes:7.1f} MB more, "
            f"{self.threads:4d} threads more, {100 * self.core:7.2f} % of a core over {self.seconds:.0f} s{wanted}"
        )


def measure(work: Path, associations: int = 1000, seconds: float = 10.0) -> list[Idle]:
    """Kerma with all of them; pynetdicom's storescp with eight of the ten that it takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, associations + 500)), hard))
    found = [_measure("kerma serve", peers.kerma_serve, work, associations, seconds)]
    found.append(_measure("pynetdicom storescp", peers.pynetdicom_storescp, work, 8, seconds))
    return found


def _measure(program: str, make: Callable[[Path], Peer], work: Path, associations: int, seconds: float) -> Idle:
    with fresh(make, work / "idle") as peer:
        process = psutil.Process(peer.pid)
        with Raw.connect(peer.host, peer.port) as first:
            first.associate()
            first.echo()
            first.release()
        memory, threads = process.memory_info().rss, process.num_threads()
        links: list[Raw] = []
        for _ in range(associations):
            link = Raw.connect(peer.host, peer.port)
            if link.associate() != ASSOCIATE_AC:
                raise RuntimeError(f"{program} took {len(links)} associations of {associations}")
            links.append(link)
        before, cpu = time.monotonic(), cpu_seconds(peer.pid)
        time.sleep(seconds)
        core = (cpu_seconds(peer.pid) - cpu) / (time.monotonic() - before)
        more = (process.memory_info().rss - memory) / 2**20
        result = Idle(program, associations, more, process.num_threads() - threads, core, seconds)
        if program == "kerma serve" and {link.echo() for link in links} != {0}:
            raise RuntimeError("not all of them answer an echo afterwards")
        for link in links:
            link.sock.close()
        return result
