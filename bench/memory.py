"""Peak memory while one instance of 2 GB is stored, sent and fetched, on either side.

A server's peak is the kernel's (``VmHWM``), reset before each action; a client's is what ``getrusage`` tells,
beside what the same client needs for a small image. Figures are growth in MB; the file is sparse,
its bytes are zeros but for marks.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from tests.interop import peers, studies
from tests.interop.processes import Peer, find_program, python, run

from bench.network_common import PDU, fresh

WANTED = 64.0

# A process inherits the peak of the one that forked it, so the command is started from a small one of its own.
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass
class Growth:
    """What one program needed more for the big instance than for a small one, in MB."""

    action: str
    program: str
    side: str
    megabytes: float
    wanted: bool = False


@dataclass
class Memory:
    """The measured rows, as a table."""

    size: int
    rows: list[Growth] = field(default_factory=list)

    def text(self) -> str:
        lines = [f"peak memory for one instance of {self.size / 2**30:.2f} GiB, beyond that for a small one"]
        for row in self.rows:
            verdict = (
                "" if not row.wanted else f"under {WANTED:.0f}: " + ("met" if row.megabytes < WANTED else "MISSED")
            )
            lines.append(
                f"{row.action:<8} {row.program:<14} {row.side:<7} {row.megabytes:10.1f} MB  {verdict}".rstrip()
            )
        return "\n".join(lines)

    def markdown(self) -> str:
        lines = [
            f"**Peak memory for one instance of {self.size / 2**30:.2f} GiB, beyond that for a small one**",
            "",
            "| action | program | side | MB | wanted |",
            "| --- | --- | --- | --- | --- |",
        ]
        for row in self.rows:
            verdict = "" if not row.wanted else f"< {WANTED:.0f} " + ("met" if row.megabytes < WANTED else "MISSED")
            lines.append(f"| {row.action} | {row.program} | {row.side} | {row.megabytes:.1f} | {verdict} |")
        return "\n".join(lines)


def make_big(path: Path, size: int) -> studies.Made:
    """A multi-frame image whose pixel data is ``size`` bytes: one small file's header with another length behind it."""
    ds = studies.template(1024, 1024)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{studies.ROOT}.55", f"{studies.ROOT}.55.1"
    ds.SOPInstanceUID = f"{studies.ROOT}.55.1.1"
    ds.NumberOfFrames = size // (2 << 20)
    ds.PixelData = bytes(8)
    ds["PixelData"].VR = "OW"
    made = studies.write(path, ds)
    head = path.read_bytes()
    at = head.rindex(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 8))
    with path.open("wb") as file:
        file.write(head[: at + 8] + struct.pack("<I", size))
        start = file.tell()
        for mark in range(0, size, 64 << 20):
            file.seek(start + mark)
            file.write(b"KERMA%011d" % mark)
        file.truncate(start + size)
    return made


def peak_of_server(peer: Peer) -> float:
    """The highest resident size since the last reset of the server and its processes together, MB."""
    return sum(_peak(Path(f"/proc/{pid}/status")) for pid in _family(peer))


def _peak(status: Path) -> float:
    for line in status.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel tells no peak")


def _family(peer: Peer) -> list[int]:
    return [peer.pid, *(child.pid for child in psutil.Process(peer.pid).children(recursive=True))]


def reset_peak(peer: Peer) -> None:
    for pid in _family(peer):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_of(argv: Sequence[str | Path | int]) -> float:
    """Runs a command that has to succeed; its peak resident size in MB."""
    done = run([python(), "-S", "-c", _MEASURE, *argv], env=peers.DCMTK_ENV, seconds=900)
    if done.returncode:
        raise RuntimeError(f"{argv[0]} failed: {done.stderr[-500:]}")
    return int(done.stdout.split()[-1]) / 1024


def measure(work: Path, size: int) -> Memory:
    """Every action with a small and with the big instance."""
    small, big = work / "small", work / "big"
    small.mkdir()
    big.mkdir()
    little = studies.make_series(small, 1, study=54, rows=512, columns=512)[0]
    large = make_big(big / "big.dcm", size)
    memory = Memory(size)
    _archive(memory, work, little, large)
    _senders(memory, work, little, large)
    return memory


def _server_growth(peer: Peer, action: Sequence[str | Path | int]) -> tuple[float, float]:
    """Growth of the server and peak of the client over one action."""
    reset_peak(peer)
    before = peak_of_server(peer)
    client = peak_of(action)
    return peak_of_server(peer) - before, client


def _archive(memory: Memory, work: Path, little: studies.Made, large: studies.Made) -> None:
    for sender in ("storescu", "kerma send"):
        with fresh(peers.kerma_serve, work / "kerma") as peer:
            small_peak = _server_growth(peer, _send(sender, peer, little.path))[1]
            growth, peak = _server_growth(peer, _send(sender, peer, large.path))
            memory.rows.append(Growth("store", "kerma serve", "server", growth, wanted=True))
            memory.rows.append(Growth("store", sender, "client", peak - small_peak, wanted=sender == "kerma send"))
            if sender != "kerma send":
                continue
            out = work / "got"
            small_peak = _server_growth(peer, _get(peer, little, out))[1]
            growth, peak = _server_growth(peer, _get(peer, large, out))
            memory.rows.append(Growth("get", "kerma serve", "server", growth, wanted=True))
            memory.rows.append(Growth("get", "kerma get", "client", peak - small_peak, wanted=True))
            check_same(large.path, out)


def _senders(memory: Memory, work: Path, little: studies.Made, large: studies.Made) -> None:
    for name, options in (("storescp", ()), ("storescp +B", ("+B",))):
        with fresh(partial(_storescp, options), work / "scp") as peer:
            for sender in ("storescu", "kerma send"):
                small_peak = _server_growth(peer, _send(sender, peer, little.path))[1]
                growth, peak = _server_growth(peer, _send(sender, peer, large.path))
                memory.rows.append(Growth("store", name, "server", growth))
                memory.rows.append(Growth("store", sender, "client", peak - small_peak, wanted=sender == "kerma send"))


def _storescp(options: Sequence[str], folder: Path) -> Peer:
    return peers.storescp(folder, *options)


def _send(sender: str, peer: Peer, path: Path) -> list[str | Path | int]:
    if sender == "storescu":
        return [find_program("storescu"), "-pdu", PDU, "-aec", peer.aet, peer.host, peer.port, path]
    return [peers.kerma_program(), "send", peer.address, path]


def _get(peer: Peer, made: studies.Made, out: Path) -> list[str | Path | int]:
    return [peers.kerma_program(), "get", peer.address, "-o", out, f"StudyInstanceUID={made.study_uid}"]


def check_same(sent: Path, folder: Path) -> None:
    """The fetched file of the same SOP instance has the same data set."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > sent.stat().st_size // 2:
            with sent.open("rb") as left, path.open("rb") as right:
                left.seek(studies.dataset_offset(left.read(1024)))
                right.seek(studies.dataset_offset(right.read(1024)))
                while piece := left.read(8 << 20):
                    if piece != right.read(len(piece)):
                        raise RuntimeError("what was fetched is not what was sent")
                if right.read(1):
                    raise RuntimeError("what was fetched is longer than what was sent")
            return
    raise RuntimeError("nothing big was fetched")
