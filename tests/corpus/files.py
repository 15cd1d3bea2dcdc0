"""The files that others made: the corpus (KERMA_CORPUS) and what pydicom's own package ships."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import pydicom

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("KERMA_CORPUS", ROOT.parent / "shared" / "corpus"))
MANIFEST = CORPUS / "manifest.tsv"
PAGE = ROOT / "docs" / "pydicom-differences.md"
SHIPPED = Path(pydicom.__file__).resolve().parent / "data"
CHUNK = 60
"""Files of one test: enough that collecting is quick, few enough that two workers share well."""


@dataclass(frozen=True)
class Sample:
    """One file: a name that is the same on every machine, and where it lies here."""

    name: str
    path: Path


def corpus_samples() -> list[Sample]:
    """Every file of the corpus' manifest; none where the corpus is absent."""
    if not MANIFEST.is_file():
        return []
    with MANIFEST.open(encoding="utf-8", newline="") as lines:
        names = [row["path"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return [Sample(name, CORPUS / name) for name in names if (CORPUS / name).is_file()]


def shipped_samples() -> list[Sample]:
    """Every file below pydicom's data folders that is on the disk; nothing is downloaded."""
    folders = [SHIPPED / "test_files", SHIPPED / "charset_files"]
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    kept = [path for path in found if path.suffix not in {".py", ".txt", ".json", ".tar", ".zip", ".md", ".pyc"}]
    return [Sample(f"pydicom-package/{path.relative_to(SHIPPED).as_posix()}", path) for path in kept]


def chunks(samples: list[Sample]) -> list[list[Sample]]:
    """Neighbours together: they are alike, so a failing chunk tells of one cause."""
    return [samples[at : at + CHUNK] for at in range(0, len(samples), CHUNK)]
