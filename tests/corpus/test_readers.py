"""The page of what each reader makes of each file: Kerma's part is what Kerma does, and no other reads more without a
reason.
"""

from __future__ import annotations

import pytest

from .files import MANIFEST, Sample, chunks, corpus_samples
from .readers import PAGE, behind, ours, page, read_table
from .readers_reasons import why

pytestmark = pytest.mark.corpus
ROWS = {row["file"]: row for row in read_table()}


@pytest.mark.parametrize("chunk", chunks(corpus_samples()), ids=lambda chunk: chunk[0].name)
def test_the_table_is_fresh(chunk: list[Sample]) -> None:
    """``python -m tests.corpus.readers`` writes it."""
    stale = []
    for sample in chunk:
        row = ROWS.get(sample.name, {})
        now = ours(sample.path)
        stale += [
            f"{sample.name}: {name} {row.get(name)}, now {now[name]}" for name in now if row.get(name) != now[name]
        ]
    assert not stale, "\n".join(stale)


@pytest.mark.skipif(not MANIFEST.is_file(), reason="no corpus; set KERMA_CORPUS")
def test_every_file_has_a_row() -> None:
    assert set(ROWS) == {sample.name for sample in corpus_samples()}


def test_the_page_is_made_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(list(ROWS.values()))


def test_who_reads_more_has_a_reason() -> None:
    assert [row["file"] for row in ROWS.values() if behind(row) and not why(row)] == []


def test_time_and_memory() -> None:
    """What was measured when the table was made: under a second and 256 MB."""
    assert max(float(row["ms"]) for row in ROWS.values()) < 1000
    assert max(int(row["MB"]) for row in ROWS.values()) < 256
