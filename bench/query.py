"""C-FIND at study level as the index grows from 10 thousand to 1 million instances; beside Orthanc at the smallest.

The rows are made by the archive's own index writer from headers, without files, so that counts and normal forms are
those of a real ingest. Every day has ten studies of 100 images at every size: what a question finds stays the same,
only the table grows. Questions go over one association by a bare client; a figure is the time of one C-FIND, all
responses read.
"""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from tests.interop import peers, raw, studies
from tests.interop.processes import Peer

from bench.harness import Race
from bench.network_common import fresh, storescu, timed
from kerma.archive import Archive
from kerma.archive.facts import facts_of, rows_of
from kerma.archive.index.writer import Entry, Writer
from kerma.dataset import Dataset

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
PER_STUDY = 100
PER_DAY = 10
FIRST_DAY = date(2000, 1, 1)
TARGET_GROWTH = 1.5
_BATCH = 10_000


@dataclass(frozen=True)
class Question:
    """One kind of query; ``keys`` are what differs from the universal return keys, ``found`` how many studies match."""

    name: str
    keys: tuple[tuple[int, str], ...]
    found: int


PATIENT_NAME, PATIENT_ID, STUDY_DATE, MODALITIES, STUDY_UID = 0x00100010, 0x00100020, 0x00080020, 0x00080061, 0x0020000D
RETURN_KEYS = (
    (STUDY_DATE, b"DA"),
    (0x00080030, b"TM"),
    (0x00080050, b"SH"),
    (MODALITIES, b"CS"),
    (0x00081030, b"LO"),
    (PATIENT_NAME, b"PN"),
    (PATIENT_ID, b"LO"),
    (0x00100030, b"DA"),
    (STUDY_UID, b"UI"),
    (0x00201206, b"IS"),
    (0x00201208, b"IS"),
)


def questions(instances: int, seed: int) -> list[Question]:
    """Each question once, about a random patient and day of this archive."""
    pick = random.Random(seed)
    last = instances // PER_STUDY
    study = pick.randrange(last)
    day = day_of(study)
    days = last // PER_DAY
    week = FIRST_DAY + timedelta(days=pick.randrange(max(1, days - 6)))
    a_week = f"{week:%Y%m%d}-{week + timedelta(days=6):%Y%m%d}"
    return [
        Question("patient ID", ((PATIENT_ID, patient_id(study)),), 1),
        Question("patient name, wildcard", ((PATIENT_NAME, f"Name{study:06d}*"),), 1),
        Question("one day", ((STUDY_DATE, day),), PER_DAY),
        Question("date range of a week", ((STUDY_DATE, a_week),), PER_DAY * min(7, days)),
        Question("modality on one day", ((STUDY_DATE, day), (MODALITIES, "MR")), PER_DAY // 2),
    ]


def patient_id(study: int) -> str:
    return f"ID{study:06d}"


def day_of(study: int) -> str:
    return f"{FIRST_DAY + timedelta(days=study // PER_DAY):%Y%m%d}"


def explicit(tag: int, vr: bytes, value: str) -> bytes:
    """One element in explicit VR little endian."""
    data = value.encode()
    data += (b"\0" if vr == b"UI" else b" ") * (len(data) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(data)) + data


def header(study: int, number: int) -> bytes:
    """A small header: every attribute that the index has a column for at least once."""
    uid = f"{studies.ROOT}.{1000000 + study}"
    modality = "CT" if study % 2 else "MR"
    series = 1 + number // 50
    return b"".join(
        (
            explicit(0x00080016, b"UI", studies.CT),
            explicit(0x00080018, b"UI", f"{uid}.{series}.{number + 1}"),
            explicit(STUDY_DATE, b"DA", day_of(study)),
            explicit(0x00080030, b"TM", f"{study % 24:02d}{study % 60:02d}00"),
            explicit(0x00080050, b"SH", f"A{study:07d}"),
            explicit(0x00080060, b"CS", modality),
            explicit(0x00081030, b"LO", "Head without contrast"),
            explicit(PATIENT_NAME, b"PN", f"Name{study:06d}^First"),
            explicit(PATIENT_ID, b"LO", patient_id(study)),
            explicit(0x00100030, b"DA", "19700102"),
            explicit(STUDY_UID, b"UI", uid),
            explicit(0x0020000E, b"UI", f"{uid}.{series}"),
            explicit(0x00200010, b"SH", f"S{study}"),
            explicit(0x00200011, b"IS", str(series)),
            explicit(0x00200013, b"IS", str(number + 1)),
        )
    )


def fill(folder: Path, start: int, stop: int) -> None:
    """Rows for the instances ``start`` to ``stop`` in the archive of a folder, in transactions of ten thousand."""
    archive = Archive.open(folder)
    writer = Writer(max_text=4096)
    try:
        for first in range(start, stop, _BATCH):
            entries = [_entry(number, writer) for number in range(first, min(first + _BATCH, stop))]

            def job(connection: object, entries: list[Entry] = entries) -> None:
                for entry in entries:
                    writer.add(connection, entry)  # type: ignore[arg-type]

            archive.index.database.submit(job)
    finally:
        archive.close()


def _entry(instance: int, writer: Writer) -> Entry:
    study, number = divmod(instance, PER_STUDY)
    data = header(study, number)
    facts = facts_of(Dataset.from_bytes(data, studies.EXPLICIT_LE), max_text=4096)
    rows = rows_of(facts, max_text=4096) if number % 50 == 0 else None
    blob = f"20000101/0000/{instance:012d}"
    return Entry(facts, data, studies.EXPLICIT_LE, blob, 400, 520_000, f"{instance:032x}", 0, rows)


# -- asking ------------------------------------------------------------------------------------------------------------


@contextmanager
def associated(peer: Peer) -> Iterator[raw.Raw]:
    with raw.Raw.connect(peer.host, peer.port, timeout=120) as link:
        link.send(raw.associate_rq(((FIND, (studies.EXPLICIT_LE,)),), called=peer.aet))
        if link.receive()[0] != raw.ASSOCIATE_AC:
            raise RuntimeError(f"{peer.name} rejected the association")
        yield link
        link.release()


def ask(link: raw.Raw, question: Question) -> int:
    """One C-FIND; returns how many matches came."""
    keys = dict(question.keys)
    wanted = sorted((*RETURN_KEYS, (0x00080052, b"CS")))
    identifier = b"".join(explicit(tag, vr, "STUDY" if tag == 0x00080052 else keys.get(tag, "")) for tag, vr in wanted)
    request = raw.command(
        raw.element(0, 0x0002, FIND.encode()),
        raw.element(0, 0x0100, raw.us(0x0020)),
        raw.element(0, 0x0110, raw.us(1)),
        raw.element(0, 0x0700, raw.us(0)),
        raw.element(0, 0x0800, raw.us(0x0001)),
    )
    link.send(raw.p_data(1, request, is_command=True) + raw.p_data(1, identifier, is_command=False))
    return count_matches(link)


def count_matches(link: raw.Raw) -> int:
    """Reads responses to the final one."""
    matches, command = 0, b""
    while True:
        kind, body = link.receive()
        if kind != raw.P_DATA:
            raise RuntimeError(f"PDU of type {kind} in the middle of C-FIND")
        at = 0
        while at < len(body):
            size, _, flags = struct.unpack_from(">IBB", body, at)
            if flags & 1:
                command += body[at + 6 : at + 4 + size]
                if flags & 2:
                    status = struct.unpack("<H", raw.elements_of(command)[0x0900])[0]
                    command = b""
                    if status not in (0xFF00, 0xFF01):
                        if status:
                            raise RuntimeError(f"C-FIND ended with status {status:04X}")
                        return matches
                    matches += 1
            at += 4 + size


@dataclass
class Timing:
    """Seconds of each question at one size, over several patients and days."""

    program: str
    instances: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        found = sorted(self.seconds[name])
        return found[len(found) // 2]


def measure(peer: Peer, program: str, instances: int, repeats: int) -> Timing:
    timing = Timing(program, instances)
    with associated(peer) as link:
        for seed in range(-3, repeats):
            for question in questions(instances, seed):
                before = time.perf_counter()
                found = ask(link, question)
                elapsed = time.perf_counter() - before
                if found != question.found:
                    raise RuntimeError(f"{program}: {question.name} found {found}, not {question.found}")
                if seed >= 0:
                    timing.seconds.setdefault(question.name, []).append(elapsed)
    return timing


def growth(work: Path, sizes: list[int], repeats: int) -> list[Timing]:
    """Kerma at each size; the archive is filled further in between."""
    timings, done = [], 0
    data = work / "data"
    for size in sizes:
        fill(data, done, size)
        done = size
        place = work / "server"
        with fresh(lambda folder: peers.kerma_serve(folder, data=data), place) as peer:
            timings.append(measure(peer, "kerma serve", size, repeats))
    return timings


def text(timings: list[Timing]) -> str:
    """A row for each question, a column for each size, and how much longer the largest takes than the smallest."""
    lines = ["C-FIND at study level, ms, by instances in the index (kerma serve)"]
    sizes = [timing.instances for timing in timings]
    lines.append(f"{'question':<26}" + "".join(f"{size:>12,}" for size in sizes) + "   largest / smallest")
    for name in timings[0].seconds:
        figures = [timing.median(name) for timing in timings]
        ratio = figures[-1] / figures[0]
        verdict = "met" if ratio < TARGET_GROWTH else "MISSED"
        row = "".join(f"{figure * 1e3:12.2f}" for figure in figures)
        lines.append(f"{name:<26}{row}   {ratio:.2f}  (wanted under {TARGET_GROWTH}: {verdict})")
    return "\n".join(lines)


def beside_orthanc(work: Path, instances: int, repeats: int) -> list[Race]:
    """The same questions to Orthanc, which is filled over the network with images of a few pixels."""
    source = work / "files"
    _files(source, instances)
    timings = []
    for name, make in (("kerma serve", peers.kerma_serve), ("orthanc", peers.orthanc)):
        with fresh(make, work / name.split()[0]) as peer:
            for folder in sorted(source.iterdir()):
                timed(storescu(peer, folder))
            timings.append(measure(peer, name, instances, repeats))
    races = []
    for question in questions(instances, 0):
        race = Race(f"C-FIND, {question.name}, {instances:,} instances", unit="ms", scale=1e3)
        for timing in timings:
            target = 1 if timing.program == "orthanc" else None
            race.add(timing.program, partial(next, iter(timing.seconds[question.name])), target=target)
        race.run(repeats, warm=0)
        races.append(race)
    return races


def _files(folder: Path, instances: int) -> None:
    """Part 10 files of the same headers, 2,000 in a folder."""
    pixels = b"".join(
        (
            struct.pack("<HH2sHH", 0x0028, 0x0002, b"US", 2, 1),
            explicit(0x00280004, b"CS", "MONOCHROME2"),
            *(
                struct.pack("<HH2sHH", 0x0028, number, b"US", 2, value)
                for number, value in ((0x10, 2), (0x11, 2), (0x100, 16), (0x101, 16), (0x102, 15), (0x103, 0))
            ),
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 8) + bytes(8),
        )
    )
    for instance in range(instances):
        study, number = divmod(instance, PER_STUDY)
        place = folder / f"{instance // 2000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        data = header(study, number)
        facts_uid = f"{studies.ROOT}.{1000000 + study}.{1 + number // 50}.{number + 1}"
        meta = b"".join(
            (
                struct.pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\0\1",
                explicit(0x00020002, b"UI", studies.CT),
                explicit(0x00020003, b"UI", facts_uid),
                explicit(0x00020010, b"UI", studies.EXPLICIT_LE),
                explicit(0x00020012, b"UI", f"{studies.ROOT}.0"),
            )
        )
        group = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
        (place / f"{instance:07d}.dcm").write_bytes(bytes(128) + b"DICM" + group + meta + data + pixels)
