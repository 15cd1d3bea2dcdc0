"""What a file means is the same after JSON and XML, and after every syntax that needs no codec: equal by
``kerma.differences`` (PS3.18 F, PS3.19 A, PS3.5 A).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import KermaError, UnsupportedSyntaxError, format_path

from .files import Sample, chunks, corpus_samples, shipped_samples

pytestmark = pytest.mark.corpus

SAMPLES = shipped_samples() + corpus_samples()
SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
}
Form = Callable[[Dataset], Dataset]


def through(uid: str) -> Form:
    return lambda ds: Dataset.from_bytes(ds.to_bytes(uid), uid)


FORMS: dict[str, Form] = {
    "json": lambda ds: kerma.from_json(kerma.to_json(ds)),
    "json with meta": lambda ds: kerma.from_json(kerma.to_json(ds, meta=True)),
    "xml": lambda ds: kerma.from_xml(kerma.to_xml(ds)),
    **{name: through(uid) for name, uid in SYNTAXES.items()},
}


def well_formed(samples: list[Sample]) -> Iterator[tuple[Sample, Dataset]]:
    """The files that are read without a finding, items included."""
    for sample in samples:
        try:
            ds = kerma.read(sample.path)
            for _ in ds.walk():
                pass
        except KermaError:
            continue
        if not ds.findings:
            yield sample, ds


def wrong(sample: Sample, ds: Dataset) -> Iterator[str]:
    for name, form in FORMS.items():
        try:
            again = form(ds)
        except UnsupportedSyntaxError:
            assert name in SYNTAXES, f"{sample.name}: {name} needs no codec"
            continue
        except KermaError as error:
            yield f"{sample.name}: {name}: {error}"
            continue
        for found in islice(kerma.differences(ds, again), 3):
            yield f"{sample.name}: {name}: {format_path(found.path)} {found.kind}"


@pytest.mark.parametrize("chunk", chunks(SAMPLES), ids=lambda chunk: chunk[0].name)
def test_the_same_after_every_form(chunk: list[Sample]) -> None:
    found = [line for sample, ds in well_formed(chunk) for line in wrong(sample, ds)]
    assert not found, "\n".join(found)
