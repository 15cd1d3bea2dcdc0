"""100,000 items within items: nothing recurses (issue: bad input; PS3.5 7.5 sets no bound)."""

from __future__ import annotations

import copy
import pickle
import struct

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import TruncatedError
from kerma.formats.text import dump_lines

DEPTH = 100_000
BEYOND = 5_000  # well beyond any recursion limit
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"

OPEN = b"\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
CLOSE = b"\xfe\xff\r\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"


def undefined(depth: int) -> bytes:
    return OPEN * depth + CLOSE * depth


def defined(depth: int) -> bytes:
    parts = []
    for at in range(depth):
        inner = at * 20
        parts.append(struct.pack("<HHI", 0xFFFE, 0xE000, inner))
        parts.append(b"\x40\0\x30\xa7SQ\0\0" + struct.pack("<I", inner + 8))
    return b"".join(reversed(parts))


def innermost(ds: Dataset) -> Dataset:
    while True:
        items = ds.get("ContentSequence")
        if not items:
            return ds
        ds = items[0]


@pytest.mark.parametrize("data", [undefined(DEPTH), defined(DEPTH)], ids=["undefined", "defined"])
def test_read_and_walk(data: bytes) -> None:
    ds = Dataset.from_bytes(data, EXPLICIT)
    assert sum(1 for _ in ds.walk()) == DEPTH
    assert ds.to_bytes() == data


@pytest.mark.parametrize("data", [undefined(BEYOND), defined(BEYOND)], ids=["undefined", "defined"])
def test_transcode_compare_change(data: bytes) -> None:
    ds = Dataset.from_bytes(data, EXPLICIT)
    implicit = ds.to_bytes(IMPLICIT)
    assert Dataset.from_bytes(implicit, IMPLICIT) == ds
    innermost(ds).PatientID = "DEEP"
    changed = Dataset.from_bytes(ds.to_bytes(), EXPLICIT)
    assert changed == ds
    assert len(repr(ds)) < 200


def test_build_copy_pickle_dump() -> None:
    ds = Dataset()
    ds.PatientID = "X"
    for _ in range(BEYOND):
        outer = Dataset()
        outer.ContentSequence = [ds]
        ds = outer
    assert innermost(copy.deepcopy(ds)).PatientID == "X"
    assert innermost(pickle.loads(pickle.dumps(ds))).PatientID == "X"
    assert sum(1 for _ in dump_lines(ds)) > BEYOND
    text = kerma.to_json(ds)
    assert innermost(kerma.from_json(text)).PatientID == "X"


def test_a_deep_nesting_that_is_cut_says_so_shortly() -> None:
    data = undefined(DEPTH)
    with pytest.raises(TruncatedError) as caught:
        Dataset.from_bytes(data[: len(data) // 2 + 3], EXPLICIT)
    assert len(str(caught.value)) < 5000
