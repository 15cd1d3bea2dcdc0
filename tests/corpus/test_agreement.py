"""Every file that pydicom 3 reads without ``force``: Kerma reads it, and every value is the same or the difference
is listed.
"""

from __future__ import annotations

import warnings

import pydicom
import pytest

import kerma
from kerma.errors import KermaError

from .compare import Difference, compare
from .differences import ROWS, page, row_of
from .files import MANIFEST, PAGE, Sample, chunks, corpus_samples, shipped_samples

pytestmark = pytest.mark.corpus


def differences(sample: Sample) -> tuple[int, list[Difference]]:
    """How many elements were compared, and where the two differ; (0, []) for a file that pydicom does not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle's complaints about odd files are not ours
        try:
            theirs = pydicom.dcmread(sample.path)
        except Exception:  # noqa: BLE001  the oracle does not read it, whatever it raises
            return 0, []
        try:
            ours = kerma.read(sample.path)
        except KermaError as error:
            return 0, [Difference(sample.name, (), "refused", f"{type(error).__name__}: {error.message}", "read")]
        result = compare(sample.name, ours, theirs)
    return result.elements, list(result.differences)


def check(chunk: list[Sample]) -> None:
    unknown: list[str] = []
    for sample in chunk:
        _, found = differences(sample)
        unknown += [str(difference) for difference in found if row_of(difference) is None]
    assert not unknown, "\n".join([f"{len(unknown)} differences that differences.py does not list:", *unknown[:50]])


@pytest.mark.parametrize("chunk", chunks(shipped_samples()), ids=lambda chunk: chunk[0].name)
def test_files_that_pydicom_ships(chunk: list[Sample]) -> None:
    check(chunk)


@pytest.mark.parametrize("chunk", chunks(corpus_samples()), ids=lambda chunk: chunk[0].name)
def test_files_of_the_corpus(chunk: list[Sample]) -> None:
    check(chunk)


@pytest.mark.skipif(not MANIFEST.is_file(), reason="no corpus; set KERMA_CORPUS")
def test_every_listed_difference_is_there() -> None:
    """A row that explains nothing any more is taken out of the list."""
    pending = list(ROWS)
    for sample in shipped_samples() + corpus_samples():
        if not any(row.names(sample.name) for row in pending):
            continue
        _, found = differences(sample)
        used = [row_of(difference) for difference in found]
        pending = [row for row in pending if row not in used]
    assert not pending, "\n".join(f"{row.files} {row.elements} {row.kind}" for row in pending)


def test_the_page_of_differences_is_fresh() -> None:
    """``python -m tests.corpus.differences`` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
