"""What each reader makes of each file of the corpus: ``python -m tests.corpus.readers`` writes docs/readers.tsv and,
from it, docs/readers.md; with --page the page alone.

The table is what was seen when it was written; Kerma's columns are checked against the reader of today by
``test_readers``. Times and memory of Kerma are those of a child with one file each.
"""

from __future__ import annotations

import concurrent.futures
import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from kerma.limits import Strictness

from .files import ROOT, Sample, corpus_samples
from .outcomes import by_dcmdump, by_dcmftest, by_gdcmdump, by_kerma, by_pydicom
from .readers_reasons import why

TABLE = ROOT / "docs" / "readers.tsv"
PAGE = ROOT / "docs" / "readers.md"
MEASURE = Path(__file__).with_name("measure.py")
OURS = ("kerma", "salvage")
COLUMNS = (*OURS, "pydicom", "forced", "dcmdump", "dcmftest", "gdcmdump", "ms", "MB")
TITLES = {
    "kerma": "Kerma",
    "salvage": "Kerma, salvage",
    "pydicom": "pydicom 3",
    "forced": "pydicom 3, force",
    "dcmdump": "DCMTK dcmdump",
    "gdcmdump": "GDCM gdcmdump",
}
FUZZ = "pwnlabmx+dicom-fuzzing-corpus/"
Row = dict[str, str]


def ours(path: Path) -> Row:
    """Kerma's columns."""
    return {"kerma": by_kerma(path), "salvage": by_kerma(path, Strictness.SALVAGE)}


def row_of(sample: Sample) -> Row:
    """All columns of one file."""
    path = sample.path
    done = subprocess.run([sys.executable, str(MEASURE), str(path)], capture_output=True, text=True, check=True)
    cost = json.loads(done.stdout)
    return {
        "file": sample.name,
        **ours(path),
        "pydicom": by_pydicom(path),
        "forced": by_pydicom(path, force=True),
        "dcmdump": by_dcmdump(path),
        "dcmftest": by_dcmftest(path),
        "gdcmdump": by_gdcmdump(path),
        "ms": str(cost["ms"]),
        "MB": str(cost["MB"]),
    }


def table(samples: Iterable[Sample]) -> list[Row]:
    """The rows, made anew."""
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        return list(pool.map(row_of, samples, chunksize=20))


def read_table() -> list[Row]:
    """The rows as they were written."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def elements(outcome: str) -> int:
    """How many elements have a value; -1 where the file is not read."""
    head = outcome.split("+", maxsplit=1)[0]
    return int(head) if head.isdigit() else -1


def behind(row: Row) -> list[str]:
    """The readers that give more elements of a file than Kerma does, salvage included."""
    best = max(elements(row["kerma"]), elements(row["salvage"]))
    return [name for name in ("pydicom", "dcmdump") if elements(row[name]) > best]


# -- the page ----------------------------------------------------------------------------------------------------------

_HEAD = """# What each reader makes of each file

The corpus has {count} files that others made, {fuzzed} of them damaged on purpose. Each is read by Kerma (as ever, and
with `Strictness.SALVAGE`), pydicom 3 (as ever, and with `force`), DCMTK's `dcmdump` and `dcmftest` and GDCM's
`gdcmdump`; every value of every element of every item is asked for. `python -m tests.corpus.readers` writes this page;
a test fails when Kerma's part of it is not what Kerma does. [readers.tsv](readers.tsv) has a line for each file.

In it a number is how many elements a reader gives, meta information and items included; "74+2" is 74 with their values
and two whose value is refused with a typed error; a word is why there are none.

| | reads | of these, some values refused | refuses | crashes or hangs |
|---|---|---|---|---|
"""
_COST = """
Kerma needed at most {ms} ms of CPU time and {MB} MB of memory for a file, each in a process of its own, with the
loading of Kerma; the median is {median} ms. Every file ends with its values or with a typed error that has an offset;
none crashes, hangs or is read without a word where bytes are missing.

"""
_REFUSED = """## Files that Kerma refuses and another reads

By default Kerma refuses what is cut or garbled, and says where. Told to salvage, it gives the whole elements around the
damage, and an error for each place. Where salvage gives fewer than another reader, that reader counts bytes as elements
that are none, or gives a cut value as if it were whole; [pydicom-differences.md](pydicom-differences.md) and
[dcmtk-differences.md](dcmtk-differences.md) have the paragraphs.

| file | Kerma | salvage | pydicom | pydicom, force | dcmdump | gdcmdump |
|---|---|---|---|---|---|---|
"""
_FEWER = """
## Files of which Kerma reads fewer elements than pydicom or dcmdump

{text}

| file | Kerma | salvage | pydicom | dcmdump | why |
|---|---|---|---|---|---|
"""
_ONLY = """
## Files that Kerma reads and another does not

| does not read | files | of these, not fuzzed |
|---|---|---|
"""


def page(rows: list[Row]) -> str:
    """docs/readers.md."""
    fuzzed = sum(FUZZ in row["file"] for row in rows)
    text = _HEAD.format(count=len(rows), fuzzed=fuzzed)
    for name, title in TITLES.items():
        text += _summary(title, [row[name] for row in rows])
    times, sizes = [float(row["ms"]) for row in rows], [int(row["MB"]) for row in rows]
    median = sorted(times)[len(times) // 2]
    text += _COST.format(ms=round(max(times)), MB=max(sizes), median=round(median, 1))
    text += _REFUSED
    for row in rows:
        others = [row[name] for name in ("pydicom", "dcmdump", "gdcmdump")]
        if elements(row["kerma"]) < 0 and max(map(elements, others)) >= 0:
            cells = [row[name] for name in ("kerma", "salvage", "pydicom", "forced", "dcmdump", "gdcmdump")]
            text += f"| `{_short(row['file'])}` | {' | '.join(cells)} |\n"
    fewer = [row for row in rows if behind(row)]
    text += _FEWER.format(text=f"{len(fewer)} of {len(rows)}, salvage included.")
    for row in fewer:
        cells = [row[name] for name in ("kerma", "salvage", "pydicom", "dcmdump")]
        text += f"| `{_short(row['file'])}` | {' | '.join(cells)} | {why(row)} |\n"
    text += _ONLY
    for name in ("pydicom", "forced", "dcmdump", "gdcmdump"):
        lost = [row for row in rows if elements(row["kerma"]) >= 0 > elements(row[name])]
        text += f"| {TITLES[name]} | {len(lost)} | {sum(FUZZ not in row['file'] for row in lost)} |\n"
    return text


def _summary(title: str, outcomes: list[str]) -> str:
    kinds = Counter(
        "bad" if one in {"crash", "hang"} else "no" if elements(one) < 0 else "some" if "+" in one else "all"
        for one in outcomes
    )
    return f"| {title} | {kinds['all'] + kinds['some']} | {kinds['some']} | {kinds['no']} | {kinds['bad']} |\n"


def _short(name: str) -> str:
    """The end of a path."""
    parts = name.split("/")
    return "/".join(parts[-3:]) if FUZZ in name else parts[-1]


def write() -> None:
    """Both files, made anew."""
    rows = read_table() if "--page" in sys.argv else table(corpus_samples())
    lines = ["\t".join(("file", *COLUMNS)), *("\t".join(row[name] for name in ("file", *COLUMNS)) for row in rows)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    write()
