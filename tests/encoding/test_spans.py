"""What was not changed is found as runs of bytes, and written as if element by element."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.encoding.twins import compiled

import kerma
from kerma.encoding import loops as plain

LOOPS = [plain, compiled() or plain]


def one_by_one(elements: list[tuple[int, int]], end: int, stops: list[int]) -> list[tuple[int, int, int]]:
    """The same, the slow way."""
    runs: list[tuple[int, int, int]] = []
    offsets = [at for _, at in elements] + [end]
    before = -1
    for number, (tag, at) in enumerate(elements):
        if tag in stops or not tag & 0xFFFF:
            continue
        joins = runs and runs[-1][2] == at and not any(before < stop < tag for stop in stops)
        runs[-1:] = (
            [(runs[-1][0], runs[-1][1], offsets[number + 1])] if joins else [*runs[-1:], (tag, at, offsets[number + 1])]
        )
        before = tag
    return runs


TAGS = st.integers(0, 40).map(lambda number: (number >> 2) << 16 | number & 3)


@pytest.mark.parametrize("loops", LOOPS)
@given(tags=st.lists(TAGS, unique=True).map(sorted), stops=st.lists(TAGS, unique=True).map(sorted))
def test_runs(loops: Any, tags: list[int], stops: list[int]) -> None:
    elements = [(tag, 10 * number) for number, tag in enumerate(tags)]
    places = b"".join(struct.pack("=Q", tag << 32 | at) for tag, at in elements)
    assert loops.spans(places, 10 * len(tags), stops) == one_by_one(elements, 10 * len(tags), stops)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "test-SR.dcm"])
def test_what_is_written_is_what_an_unknown_layout_gives(name: str, seed: int) -> None:
    pydicom = pytest.importorskip("pydicom.data")
    data = Path(str(pydicom.get_testdata_file(name, download=False))).read_bytes()
    written = []
    for laid in (True, False):
        ds = kerma.read(data)
        chance = random.Random(seed)
        for tag in chance.sample([tag for tag in sorted(ds) if tag != 0x00080005], 3):
            del ds[tag]
        ds.PatientComments = "inside"
        ds.PatientID = "another"
        for tag in chance.sample(sorted(ds), 4):
            element = ds[tag]
            if element.vr == "SQ" and len(element.sequence):
                element.sequence[0].PatientName = "X^Y"
        if not laid:
            ds._body.laid = None
        target = io.BytesIO()
        kerma.write(ds, target)
        written.append(target.getvalue())
    assert written[0] == written[1]
    assert kerma.read(written[0]).PatientComments == "inside"
