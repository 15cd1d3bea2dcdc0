"""Every file, hostile ones too: values or a typed error, in bounded time and memory; a cut file is said to be cut,
and where.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.lint import lint
from kerma.errors import FormatError, KermaError, TruncatedError
from kerma.findings import Finding
from kerma.limits import Strictness

from .files import Sample, chunks, corpus_samples, shipped_samples

pytestmark = pytest.mark.corpus

SAMPLES = shipped_samples() + corpus_samples()
READER = Path(__file__).with_name("reader.py")
MEGABYTES = 400
"""Address space of the child: an interpreter with its libraries takes about half; the largest file is 2.6 MB."""
SECONDS = 60
TRUNCATED = {
    "MR_truncated.dcm": 62,
    "rtplan_truncated.dcm": 265,
    "3gb-bulk-data-truncated": 3_221_127_392,
}


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_values_or_a_typed_error(chunk: list[Sample]) -> None:
    """In a child with limits of memory and CPU time, so that a breach is a failure whatever it does to the process."""
    paths = "".join(f"{sample.path}\n" for sample in chunk)
    done = subprocess.run(
        [sys.executable, str(READER), str(MEGABYTES), str(SECONDS)],
        input=paths,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    failed = [f"{result['path']}: {result['failed']}" for result in results if "failed" in result]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, f"after {len(results)} of {len(chunk)} files: {done.stderr[-500:]}"
    assert len(results) == len(chunk)


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_errors_say_where(chunk: list[Sample]) -> None:
    """A file that is refused is refused with its path, an offset inside it, and none of its values."""
    for sample in chunk:
        error = refusal(sample)
        if error is None:
            continue
        assert error.where == str(sample.path)
        if isinstance(error, FormatError) and error.offset is not None:
            assert 0 <= error.offset <= sample.path.stat().st_size
        if isinstance(error, TruncatedError):
            assert error.offset is not None, sample.name
            assert error.missing > 0, sample.name


def oddities(ds: Dataset) -> list[Finding]:
    """All that is odd about a data set; what cannot be read is odd as well."""
    try:
        return lint(ds)
    except KermaError as error:
        return [Finding("error", error.message)]


def refusal(sample: Sample) -> KermaError | None:
    """The error that reading ends with, if it does."""
    try:
        kerma.read(sample.path)
    except KermaError as error:
        return error
    return None


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_strict_never_reads_more_than_lenient(chunk: list[Sample]) -> None:
    """What is wrong but understood is a finding when lenient and an error when strict; nothing else differs."""
    for sample in chunk:
        try:
            lenient = kerma.read(sample.path)
        except KermaError:
            with pytest.raises(KermaError):
                kerma.read(sample.path, strictness=Strictness.STRICT)
            continue
        found = lenient.findings
        try:
            strict = kerma.read(sample.path, strictness=Strictness.STRICT)
        except KermaError:
            assert found or oddities(lenient), sample.name
        else:
            assert not found, (sample.name, found)
            assert list(strict) == list(lenient)


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.path.name in TRUNCATED], ids=lambda one: one.name)
def test_cut_files_are_said_to_be_cut(sample: Sample) -> None:
    """pydicom gives a shorter value, DCMTK an error: here it is an error with offset, tag and how much is missing."""
    with pytest.raises(TruncatedError) as caught:
        kerma.read(sample.path)
    assert caught.value.missing == TRUNCATED[sample.path.name]
    assert caught.value.path
    assert caught.value.offset is not None
    assert caught.value.where == str(sample.path)


CUTTABLE = [
    one for one in shipped_samples() if one.path.name in {"CT_small.dcm", "rtplan.dcm", "MR_small_bigendian.dcm"}
]


@pytest.mark.parametrize("sample", CUTTABLE, ids=lambda one: one.path.name)
def test_every_cut_is_noticed(sample: Sample) -> None:
    """A file cut anywhere is an error or a finding, unless it ends exactly where an element ends."""
    data = sample.path.read_bytes()
    whole = kerma.read(data)
    ends = {len(data)}
    for tag in whole:
        element = whole[tag]
        offset, raw = element.offset, element.raw
        assert offset is not None
        assert raw is not None
        ends.add(offset)
    first = min(ends)
    for cut in range(first, len(data), 7):
        if cut in ends:
            continue
        try:
            findings = kerma.read(data[:cut]).findings
        except KermaError:
            continue
        # Zeros that are left of a cut header are taken for padding, which is said too.
        assert findings, f"cut at {cut} of {len(data)}: read without a word"


def test_cuttable_files_are_there() -> None:
    assert len(CUTTABLE) == 3
