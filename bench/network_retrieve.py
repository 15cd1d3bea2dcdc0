"""Retrieval: C-GET and C-MOVE of one series from ``kerma serve``, ``dcmqrscp`` and Orthanc.

The archives are filled once and stay; every round asks each of them for the same series. C-GET is asked by
DCMTK's ``getscu``, and by a bare client that takes what comes and throws it away, so that the client is not what is
measured; C-MOVE goes to ``storescp --ignore``.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.interop import peers, raw, studies
from tests.interop.processes import Peer, find_program

from bench.harness import Outcome, Race
from bench.network_common import (
    PDU,
    Images,
    available,
    cpu_seconds,
    fresh,
    orthanc_as_it_comes,
    settle,
    storescu,
    timed,
)

GET = "1.2.840.10008.5.1.4.1.2.2.3"
_WINDOW = 4 << 20


MakeArchive = Callable[[Path, dict[str, int]], Peer]


def _knowing(make: MakeArchive, known: dict[str, int], folder: Path) -> Peer:
    return make(folder, known)


@contextmanager
def archives(work: Path, images: Images) -> Iterator[tuple[dict[str, Peer], Peer]]:
    """The archives, filled with one series, and the destination that they know."""
    with ExitStack() as stack:
        destination = stack.enter_context(fresh(lambda f: peers.storescp(f, "--ignore"), work / "destination"))
        known = {"DEST": destination.port}
        makers: list[tuple[str, MakeArchive]] = [("kerma serve", peers.kerma_serve), ("dcmqrscp", peers.dcmqrscp)]
        if available("Orthanc"):
            makers += [("orthanc", orthanc_as_it_comes), ("orthanc, TCP_NODELAY=1", peers.orthanc)]
        running = {}
        for number, (name, make) in enumerate(makers):
            peer = stack.enter_context(fresh(partial(_knowing, make, known), work / f"archive{number}"))
            timed(storescu(peer, images.folders[0]))
            running[name] = peer
        settle()
        yield running, destination


def races(running: dict[str, Peer], images: Images) -> list[Race]:
    """One race for each way to retrieve."""
    count = images.each
    series = [f"StudyInstanceUID={images.study}", f"SeriesInstanceUID={images.study}.1.10"]
    keys = ["-S", "-k", "QueryRetrieveLevel=SERIES", *(part for key in series for part in ("-k", key))]
    bare = Race(f"C-GET of {count} CT of 512 KB, a client that discards", unit="ms per image", per=count, scale=1e3)
    dcmtk = Race(f"C-GET of {count} CT of 512 KB by getscu", unit="ms per image", per=count, scale=1e3)
    move = Race(f"C-MOVE of {count} CT of 512 KB to storescp", unit="ms per image", per=count, scale=1e3)
    targets = {"dcmqrscp": 1.0, "orthanc": 5.0}
    for name, peer in running.items():
        target = targets.get(name)
        bare.add(name, partial(_bare_get, peer, images), target=target)
        dcmtk.add(name, partial(_getscu, peer, keys), target=target)
        move.add(name, partial(_movescu, peer, keys), target=target)
    return [bare, dcmtk, move]


def _getscu(peer: Peer, keys: list[str]) -> Outcome:
    cpu = cpu_seconds(peer.pid)
    argv: list[str | Path | int] = [
        find_program("getscu"),
        "-pdu",
        PDU,
        "--ignore",
        "-aec",
        peer.aet,
        *keys,
    ]
    seconds = timed([*argv, peer.host, peer.port])
    return Outcome(seconds, {"server CPU s": cpu_seconds(peer.pid) - cpu})


def _movescu(peer: Peer, keys: list[str]) -> Outcome:
    cpu = cpu_seconds(peer.pid)
    argv: list[str | Path | int] = [find_program("movescu"), "-aem", "DEST", "-aec", peer.aet, *keys]
    seconds = timed([*argv, peer.host, peer.port])
    return Outcome(seconds, {"server CPU s": cpu_seconds(peer.pid) - cpu})


def _bare_get(peer: Peer, images: Images) -> Outcome:
    """C-GET by hand; every C-STORE of it is counted and answered with success, its bytes are not looked at."""
    cpu = cpu_seconds(peer.pid)
    before = time.perf_counter()
    roles = b"".join(_role(uid) for uid in (studies.CT,))
    request = raw.associate_rq(
        ((GET, (studies.EXPLICIT_LE,)), (studies.CT, (studies.EXPLICIT_LE,))), called=peer.aet, extra=roles
    )
    with raw.Raw.connect(peer.host, peer.port, timeout=600) as link:
        link.send(request)
        if link.receive()[0] != raw.ASSOCIATE_AC:
            raise RuntimeError(f"{peer.name} rejected the association")
        link.send(raw.p_data(1, _get_rq(), is_command=True))
        link.send(raw.p_data(1, _identifier(images), is_command=False))
        stored = _Discard(link).run()
        link.release()
    seconds = time.perf_counter() - before
    if stored != images.each:
        raise RuntimeError(f"{peer.name} sent {stored} of {images.each} images")
    return Outcome(seconds, {"server CPU s": cpu_seconds(peer.pid) - cpu})


def _role(uid: str) -> bytes:
    return raw.item(0x54, struct.pack(">H", len(uid)) + uid.encode() + b"\x00\x01")


def _get_rq() -> bytes:
    return raw.command(
        raw.element(0, 0x0002, GET.encode()),
        raw.element(0, 0x0100, raw.us(0x0010)),
        raw.element(0, 0x0110, raw.us(7)),
        raw.element(0, 0x0700, raw.us(0)),
        raw.element(0, 0x0800, raw.us(0x0001)),
    )


def _identifier(images: Images) -> bytes:
    def explicit(group: int, number: int, vr: bytes, value: str) -> bytes:
        data = value.encode()
        data += (b" " if vr == b"CS" else b"\0") * (len(data) % 2)
        return struct.pack("<HH2sH", group, number, vr, len(data)) + data

    return (
        explicit(0x0008, 0x0052, b"CS", "SERIES")
        + explicit(0x0020, 0x000D, b"UI", images.study)
        + explicit(0x0020, 0x000E, b"UI", f"{images.study}.1.10")
    )


class _Discard:
    """Reads PDUs into one buffer, keeps commands only, answers each C-STORE-RQ when its data set has ended."""

    def __init__(self, link: raw.Raw) -> None:
        self.link = link
        self.buffer = bytearray(_WINDOW)
        self.view = memoryview(self.buffer)
        self.start = self.end = 0
        self.command = b""
        self.pending: dict[int, bytes] = {}
        self.stored = 0

    def run(self) -> int:
        """Returns how many images came, when the final C-GET-RSP has."""
        while True:
            self._fill(6)
            kind, _, length = struct.unpack_from(">BBI", self.buffer, self.start)
            if kind != raw.P_DATA:
                raise RuntimeError(f"PDU of type {kind} in the middle of C-GET")
            self._fill(6 + length)
            at, stop = self.start + 6, self.start + 6 + length
            self.start = stop
            while at < stop:
                size, context, flags = struct.unpack_from(">IBB", self.buffer, at)
                if flags & 1:
                    self.command += self.view[at + 6 : at + 4 + size]
                    if flags & 2 and self._command_ends():
                        return self.stored
                elif flags & 2:
                    self._data_ends(context)
                at += 4 + size

    def _fill(self, count: int) -> None:
        if self.end - self.start >= count:
            return
        if self.start + count > _WINDOW:
            rest = self.end - self.start
            self.buffer[:rest] = self.buffer[self.start : self.end]
            self.start, self.end = 0, rest
        while self.end - self.start < count:
            got = self.link.sock.recv_into(self.view[self.end :])
            if not got:
                raise RuntimeError("the archive closed the connection")
            self.end += got

    def _command_ends(self) -> bool:
        elements, self.command = raw.elements_of(self.command), b""
        if elements[0x0100] == raw.us(0x0001):
            self.pending = elements
            return False
        return elements[0x0900] != raw.us(0xFF00)

    def _data_ends(self, context: int) -> None:
        if not self.pending:
            return
        reply = raw.command(
            raw.element(0, 0x0002, self.pending[0x0002]),
            raw.element(0, 0x0100, raw.us(0x8001)),
            raw.element(0, 0x0120, self.pending[0x0110]),
            raw.element(0, 0x0800, raw.us(0x0101)),
            raw.element(0, 0x0900, raw.us(0)),
            raw.element(0, 0x1000, self.pending[0x1000]),
        )
        self.link.send(raw.p_data(context, reply, is_command=True))
        self.stored += 1
        self.pending = {}
