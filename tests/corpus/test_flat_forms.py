"""JSON and the dump of every file are the same, whether items are made on the way or not (``dataset.flat``)."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import kerma
from kerma.dataset import flat
from kerma.encoding import twin
from kerma.errors import KermaError
from kerma.formats.text import dump_lines

from .files import Sample, chunks, corpus_samples, shipped_samples

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not twin.rows.COMPILED, reason="the plain loops run")]

SAMPLES = shipped_samples() + corpus_samples()
LARGEST = 1 << 18


def forms(sample: Sample) -> Iterator[Any]:
    for write in (kerma.to_json, lambda ds: list(dump_lines(ds))):
        try:
            yield write(kerma.read(sample.path))
        except KermaError as error:
            yield type(error), str(error)


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_the_same_forms(chunk: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    small = [sample for sample in chunk if sample.path.stat().st_size <= LARGEST]
    found = [list(forms(sample)) for sample in small]
    monkeypatch.setattr(flat, "rows", SimpleNamespace(COMPILED=False))
    wrong = [sample.name for sample, told in zip(small, found, strict=True) if told != list(forms(sample))]
    assert not wrong
