"""Storage: ``storescu`` into ``kerma serve`` and its peers; four senders at once; ``kerma send`` against ``storescu``.

``kerma serve`` answers when the image is durable and indexed. ``storescp`` and pynetdicom's ``storescp`` neither sync
nor index; Orthanc and ``dcmqrscp`` index.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.interop import peers
from tests.interop.processes import Peer, find_program, python

from bench.harness import Outcome, Race
from bench.network_common import (
    PDU,
    Images,
    MakePeer,
    available,
    fresh,
    orthanc_as_it_comes,
    settle,
    stored_in,
    storescu,
    timed,
    together,
)


def _storescp(folder: Path) -> Peer:
    return peers.storescp(folder)


def _storescp_bits(folder: Path) -> Peer:
    return peers.storescp(folder, "+B")


def _storescp_ignore(folder: Path) -> Peer:
    return peers.storescp(folder, "--ignore")


def _kerma(folder: Path) -> Peer:
    return peers.kerma_serve(folder)


def one_sender(work: Path, images: Images) -> Race:
    """One association, all images."""
    race = Race(
        f"C-STORE of {images.each} CT of 512 KB, one association", unit="ms per image", per=images.each, scale=1e3
    )
    source = images.folders[0]

    def add(name: str, make: MakePeer, note: str, target: float | None = None) -> None:
        race.add(name, lambda: stored_in(make, work / "scp", source), note=note, target=target)

    add("kerma serve", _kerma, "synced and indexed")
    add("storescp", _storescp, "neither", target=1 / 1.3)
    add("storescp +B", _storescp_bits, "neither; bytes as they come")
    add("pynetdicom storescp", peers.pynetdicom_storescp, "neither", target=5)
    add("dcmqrscp", peers.dcmqrscp, "indexed")
    if available("Orthanc"):
        add("orthanc", orthanc_as_it_comes, "indexed, synced", target=4)
        add("orthanc, TCP_NODELAY=1", peers.orthanc, "indexed, synced; not how it comes, but fairer")
    return race


def four_senders(work: Path, images: Images) -> Race:
    """Four storescu at once: into one kerma serve; into four storescp, a process each."""
    title = f"C-STORE of 4 x {images.each} CT of 512 KB, four senders at once"
    race = Race(title, unit="ms per image", per=images.count, scale=1e3)

    def into_one(make: MakePeer) -> Outcome:
        with fresh(make, work / "scp") as peer:
            settle()
            return Outcome(together([storescu(peer, source) for source in images.folders]))

    def into_four(make: MakePeer, depth: int = 0, started: tuple[Peer, ...] = ()) -> Outcome:
        if depth < len(images.folders):
            with fresh(make, work / f"scp{depth}") as peer:
                return into_four(make, depth + 1, (*started, peer))
        settle()
        pairs = zip(started, images.folders, strict=True)
        return Outcome(together([storescu(peer, source) for peer, source in pairs]))

    race.add("kerma serve", lambda: into_one(_kerma), note="one process, synced and indexed")
    race.add("4 storescp", lambda: into_four(_storescp), note="neither", target=1)
    race.add("4 storescp +B", lambda: into_four(_storescp_bits), note="neither; bytes as they come")
    return race


def senders(work: Path, images: Images) -> list[Race]:
    """Who sends faster, into the same receiver."""
    source = images.folders[0]
    races = []
    receivers: list[tuple[str, MakePeer]] = [
        ("storescp", _storescp),
        ("storescp --ignore", _storescp_ignore),
    ]
    for name, make in receivers:
        race = Race(f"sending {images.each} CT of 512 KB into {name}", unit="ms per image", per=images.each, scale=1e3)

        receiver = partial(_sent, work, make, source)
        dcmtk: list[str | Path | int] = [find_program("storescu"), "-pdu", PDU, "+sd"]
        pynet: list[str | Path | int] = [python(), "-m", "pynetdicom", "storescu", "-pdu", "0", "-cx"]
        race.add("kerma send", partial(receiver, None))
        race.add("storescu", partial(receiver, dcmtk), target=1)
        race.add("pynetdicom storescu", partial(receiver, pynet))
        races.append(race)
    return races


def _sent(work: Path, make: MakePeer, source: Path, argv: list[str | Path | int] | None) -> Outcome:
    """One run of a sender into a fresh receiver; None is Kerma's."""
    with fresh(make, work / "scp") as peer:
        settle()
        if argv is None:
            return Outcome(timed([peers.kerma_program(), "send", peer.address, source]))
        address: list[str | Path | int] = [peer.host, peer.port, source]
        if "pynetdicom" in argv:
            return Outcome(timed([*argv[:4], *address, *argv[4:], "-aec", peer.aet]))
        return Outcome(timed([*argv, "-aec", peer.aet, *address]))
