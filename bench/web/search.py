"""Study search over HTTP as the index grows: rows made by the index's own writer, a study for each instance."""

from __future__ import annotations

import http.client
import random
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.interop import studies
from tests.interop.processes import running

from bench import query
from bench.web.servers import kerma
from kerma.archive import Archive
from kerma.archive.facts import facts_of, rows_of
from kerma.archive.index.writer import Entry, Writer
from kerma.dataset import Dataset

WANTED_MS = 30.0
WANTED_GROWTH = 1.5
_BATCH = 10_000
_DAYS = 182
"""How long the range of dates is, at every size: as many studies lie in it, only the table grows."""


def fill(folder: Path, start: int, stop: int) -> None:
    """A row for each of the studies ``start`` to ``stop``."""
    writer = Writer(max_text=4096)
    with Archive.open(folder) as archive:
        for first in range(start, stop, _BATCH):
            entries = [_entry(number) for number in range(first, min(first + _BATCH, stop))]

            def job(connection: object, entries: list[Entry] = entries) -> None:
                for entry in entries:
                    writer.add(connection, entry)  # type: ignore[arg-type]

            archive.index.database.submit(job)


def _entry(study: int) -> Entry:
    data = query.header(study, 0)
    facts = facts_of(Dataset.from_bytes(data, studies.EXPLICIT_LE), max_text=4096)
    rows = rows_of(facts, max_text=4096)
    return Entry(
        facts, data, studies.EXPLICIT_LE, f"20000101/0000/{study:012d}", 400, 520_000, f"{study:032x}", 0, rows
    )


def measure(base: str, count: int, repeats: int) -> float:
    """The median of one search by wildcard and dates on a kept connection, in ms."""
    parts = urlsplit(base)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    pick = random.Random(1)
    seconds = []
    for _ in range(repeats):
        number = pick.randrange(_DAYS * query.PER_DAY, count)
        days = f"{query.day_of(number - (_DAYS - 1) * query.PER_DAY)}-{query.day_of(number)}"
        asked = f"{parts.path}/studies?limit=101&offset=0&PatientName=*ame{number:06d}*&StudyDate={days}"
        before = time.perf_counter()
        link.request("GET", asked, headers={"Accept": "application/dicom+json"})
        answer = link.getresponse()
        body = answer.read()
        seconds.append(time.perf_counter() - before)
        if answer.status != 200 or body.count(b'"0020000D"') != 1:
            raise RuntimeError(f"{asked} answered {answer.status} with {len(body)} bytes")
    return statistics.median(seconds) * 1e3


def growth(work: Path, sizes: tuple[int, int], repeats: int) -> str:
    """The figures at both sizes, as text."""
    data, done, figures = work / "data", 0, []
    for size in sizes:
        fill(data, done, size)
        done = size
        place = work / f"server-{size}"
        place.mkdir(parents=True)
        server = kerma(place, data)
        with running(server.peer):
            measure(server.base, size, 20)
            figures.append(measure(server.base, size, repeats))
    ratio = figures[-1] / figures[0]
    lines = ["QIDO-RS, studies by name with wildcards on both sides and a range of dates, median"]
    lines += [f"{size:>9,} studies: {figure:.2f} ms" for size, figure in zip(sizes, figures, strict=True)]
    lines.append(f"wanted under {WANTED_MS:g} ms: {'met' if figures[-1] < WANTED_MS else 'MISSED'}")
    lines.append(f"growth {ratio:.2f}, wanted under {WANTED_GROWTH:g}: {'met' if ratio < WANTED_GROWTH else 'MISSED'}")
    return "\n".join(lines)
