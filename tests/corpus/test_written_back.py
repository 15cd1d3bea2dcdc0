"""Reading changes nothing: what was read is written byte for byte; what was changed changes nothing else (PS3.5 7,
PS3.10 7.1).
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import KermaError, UnsupportedSyntaxError
from kerma.formats import part10
from kerma.formats.tiff import TRAILING_PADDING, is_tiff

from .files import Sample, chunks, corpus_samples, shipped_samples

pytestmark = pytest.mark.corpus

META_CODES = frozenset({"no-preamble", "no-meta", "implicit-meta", "meta-length", "no-syntax"})
SAMPLES = shipped_samples() + corpus_samples()
UNCOMPRESSED = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"})
IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def readable(chunk: list[Sample]) -> Iterator[tuple[Sample, bytes, Dataset]]:
    """The files that Kerma reads."""
    for sample in chunk:
        data = sample.path.read_bytes()
        try:
            yield sample, data, kerma.read(data)
        except KermaError:
            continue


def written(ds: Dataset) -> bytes:
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


def visit(ds: Dataset) -> None:
    """Ask for everything once; decoding must leave no trace."""
    stack = [ds] if ds.meta is None else [ds, ds.meta]
    while stack:
        current = stack.pop()
        try:
            tags = list(current)
        except KermaError:
            continue
        for tag in tags:
            try:
                value = current[tag].value
            except KermaError:
                continue
            if current[tag].vr == "SQ" and value is not None:
                stack.extend(value)


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_same_bytes(chunk: list[Sample]) -> None:
    """The file, its data set alone, and the file put together anew from its parts."""
    wrong: list[str] = []
    for sample, data, ds in readable(chunk):
        visit(ds)
        if written(ds) != data:
            wrong.append(f"{sample.name}: written as another file")
        if ds.to_bytes() != data[dataset_offset(data) :]:
            wrong.append(f"{sample.name}: the data set is written otherwise")
        if well_formed(ds):
            ds.preamble = ds.preamble  # assigned, so the file is put together from its parts
            if written(ds) != data:
                wrong.append(f"{sample.name}: put together otherwise")
    assert not wrong, "\n".join(wrong)


def dataset_offset(data: bytes) -> int:
    """Where the data set begins."""
    return part10.split(data).dataset_offset


def well_formed(ds: Dataset) -> bool:
    """Whether the meta information is complete and as PS3.10 7.1 says: nothing was noticed, nothing required is
    absent.
    """
    meta = ds.meta
    if meta is None or any(finding.code in META_CODES for finding in ds.findings):
        return False
    required = (0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012)
    if any(tag not in meta or meta[tag].value is None for tag in required):
        return False
    raw = [meta[tag].raw for tag in meta]
    headers = [meta[tag].offset or 0 for tag in meta]
    return headers == sorted(headers) and all(view is not None and len(view) % 2 == 0 for view in raw)


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_a_change_changes_nothing_else(chunk: list[Sample]) -> None:
    """One element assigned: read back, all others have their bytes. Group lengths, which are retired, are left out
    (PS3.5 7.2).
    """
    wrong: list[str] = []
    for sample, _, ds in readable(chunk):
        try:
            ds.PatientID = "CHANGED-ID"
            again = kerma.read(written(ds))
        except KermaError as error:
            if not ds.findings:
                wrong.append(f"{sample.name}: {error}")
            continue
        if again.PatientID != "CHANGED-ID":
            wrong.append(f"{sample.name}: the change was not written")
        for tag in ds:
            one, other = ds[tag].raw, again[tag].raw if tag in again else None
            if tag == TRAILING_PADDING and is_tiff(again):
                continue  # it holds directories with offsets, which are made anew
            if tag != 0x00100020 and tag & 0xFFFF and one != other:
                wrong.append(f"{sample.name}: {tag:08X} changed")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE])
@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_another_syntax_says_the_same(chunk: list[Sample], syntax: str) -> None:
    """Written in another uncompressed syntax and read again: the same elements with the same values (PS3.5 7.1, 7.3,
    A).
    """
    wrong: list[str] = []
    for sample, _, ds in readable(chunk):
        if ds.findings:  # what had to be guessed may well be written otherwise
            continue
        try:
            data = ds.to_bytes(syntax)
        except UnsupportedSyntaxError:
            if ds.transfer_syntax_uid in UNCOMPRESSED:
                wrong.append(f"{sample.name}: said to be compressed")
            continue
        again = Dataset.from_bytes(data, syntax)
        wrong += [f"{sample.name}: {place}" for place in different(ds, again, implicit=syntax == IMPLICIT_LE)]
    assert not wrong, "\n".join(wrong[:50])


def different(one: Dataset, other: Dataset, *, implicit: bool) -> Iterator[str]:
    """Where two data sets differ in tags, VRs or values; in implicit VR the VR is the dictionary's and may be
    another.
    """
    stack = [(one, other, "")]
    while stack:
        mine, yours, at = stack.pop()
        try:
            tags = [tag for tag in mine if tag & 0xFFFF]
        except KermaError:
            continue
        if tags != [tag for tag in yours if tag & 0xFFFF]:
            yield f"{at}: other elements"
            continue
        for tag in tags:
            place = f"{at}({tag >> 16:04X},{tag & 0xFFFF:04X})"
            try:
                value = mine[tag].value
            except KermaError:
                continue
            vr, again = mine[tag].vr, yours[tag].vr
            if vr == "SQ" and again == "SQ":
                items, others = list(value), list(yours[tag].value)
                if len(items) != len(others):
                    yield f"{place}: {len(items)} items, then {len(others)}"
                stack += [(a, b, f"{place}[{n}].") for n, (a, b) in enumerate(zip(items, others, strict=False))]
            elif vr != again:
                if not implicit:
                    yield f"{place}: {vr} became {again}"
            elif vr[0] != "O" and vr != "UN" and repr(value) != repr(yours[tag].value):
                yield f"{place}: another {vr}"
