"""Public files of every kind over the application: a picture, or a problem that says why; never an error of ours."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.errors import KermaError

MOST = 150
LARGEST = 8_000_000


def kinds(corpus: Path) -> list[Path]:
    """The first file of every combination of class, syntax, colour, bits and frames."""
    seen: set[tuple[str, ...]] = set()
    found: list[Path] = []
    with (corpus / "manifest.tsv").open(newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            kind = (row["sop_class"], row["transfer_syntax"], row["photometric"], row["bits_allocated"], row["frames"])
            if row["has_preamble"] == "yes" and kind not in seen and int(row["bytes"]) <= LARGEST:
                seen.add(kind)
                found.append(corpus / row["path"])
    return found


def test_whatever_is_stored_can_be_looked_at(web: TestClient, archive: Archive, corpus: Path) -> None:
    """422 is for pixels that are damaged; 404 for a presentation state without its images."""
    shown = asked = 0
    for path in kinds(corpus):
        if asked == MOST:
            break
        try:
            uid = archive.ingest(path).sop_instance_uid
            with archive.read(uid) as ds:
                study, series = str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID)
        except KermaError:
            continue  # no archive takes it
        asked += 1
        where = f"/dicomweb/studies/{study}/series/{series}/instances/{uid}"
        for what in ("rendered", "thumbnail"):
            answer = web.get(f"{where}/{what}?accept=image/jpeg")
            assert answer.status_code in {200, 404, 406, 422}, (path.name, what, answer.text)
            if answer.status_code == 200:
                assert answer.headers["content-type"] == "image/jpeg"
                assert Image.open(io.BytesIO(answer.content)).size > (0, 0)
            else:
                assert answer.headers["content-type"] == "application/problem+json"
        shown += answer.status_code == 200
    if asked < MOST // 2:
        pytest.skip("the corpus has too few files")
    assert shown > asked * 0.9
