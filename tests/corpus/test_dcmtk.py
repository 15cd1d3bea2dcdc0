"""Every file that DCMTK's ``dcmdump`` reads: Kerma reads it, and every element is the same or the difference is
listed.
"""

from __future__ import annotations

import os

import pytest

import kerma
from kerma.errors import KermaError

from .compare import Difference
from .dcmdump import DCMDUMP, dump
from .dcmtk import compare_dump
from .dcmtk_differences import PAGE, ROWS, page, row_of
from .files import MANIFEST, Sample, chunks, corpus_samples

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(
        DCMDUMP is None and os.environ.get("KERMA_REQUIRE_PEERS") != "1", reason="DCMTK is not installed"
    ),
]


def differences(sample: Sample) -> tuple[int, list[Difference]]:
    """How many elements were compared, and where the two differ; (0, []) for a file that dcmdump does not read."""
    theirs = dump(sample.path)
    if theirs.outcome != "ok":
        return 0, []
    try:
        ours = kerma.read(sample.path)
    except KermaError as error:
        return 0, [Difference(sample.name, (), "refused", f"{type(error).__name__}: {error.message}", "read")]
    return compare_dump(sample.name, ours, theirs)


@pytest.mark.parametrize("chunk", chunks(corpus_samples()), ids=lambda chunk: chunk[0].name)
def test_files_of_the_corpus(chunk: list[Sample]) -> None:
    unknown: list[str] = []
    for sample in chunk:
        _, found = differences(sample)
        unknown += [str(difference) for difference in found if row_of(difference) is None]
    assert not unknown, "\n".join(
        [f"{len(unknown)} differences that dcmtk_differences.py does not list:", *unknown[:50]]
    )


@pytest.mark.skipif(not MANIFEST.is_file(), reason="no corpus; set KERMA_CORPUS")
def test_every_listed_difference_is_there() -> None:
    """A row that explains nothing any more is taken out of the list."""
    used = set()
    for sample in corpus_samples():
        if any(row.names(sample.name) for row in ROWS):
            used |= {row_of(difference) for difference in differences(sample)[1]}
    idle = [row for row in ROWS if row not in used]
    assert not idle, "\n".join(f"{row.files} {row.elements} {row.kind}" for row in idle)


def test_the_page_of_differences_is_fresh() -> None:
    """``python -m tests.corpus.dcmtk_differences`` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
