"""Files that were damaged at random, always the same way: values or a typed error, and written back unchanged."""

from __future__ import annotations

import io
import random

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.lint import lint
from kerma.errors import KermaError

from .files import shipped_samples
from .reader import visit

EXPLICIT_BE = "1.2.840.10008.1.2.2"
SMALL = [sample for sample in shipped_samples() if sample.path.stat().st_size < 12_000]
ROUNDS = 120
# Lengths, delimiters, VRs and escapes: what makes a parser stumble rather than a value differ.
PIECES = [
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\xff\xff",
    b"\x01",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x0d\xe0",
    b"\xfe\xff\xdd\xe0",
    *(b"SQ UN OB PN IS DS AT US".split()),
    b"\x1b$B",
    b"\\",
    b"\x08\0\x05\0CS",
    b"\x28\0\x03\x01US",
]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """``data`` with one to eight wounds behind its preamble."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(120, max(121, len(out)))
        kind = rng.randrange(5)
        piece = rng.choice(PIECES)
        if kind == 0:
            out[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            out[at : at + len(piece)] = piece
        elif kind == 2:
            out[at:at] = piece
        elif kind == 3:
            del out[at : at + rng.choice((1, 2, 8, 100))]
        else:
            start = rng.randrange(120, max(121, len(out)))
            out[at:at] = out[start : start + rng.choice((8, 16, 64, 300))]
    return bytes(out)


@pytest.mark.parametrize("seed", range(10))
def test_damaged_files(seed: int) -> None:
    rng = random.Random(seed)
    read = 0
    for _ in range(ROUNDS):
        data = damaged(rng.choice(SMALL).path.read_bytes(), rng)
        try:
            ds = kerma.read(data)
        except KermaError:
            continue
        read += 1
        visit(ds)
        out = io.BytesIO()
        kerma.write(ds, out)
        assert out.getvalue() == data
        look_closer(ds)
    assert read > 10


def look_closer(ds: Dataset) -> None:
    """What looks at everything may refuse; what was written in another syntax can be read."""
    try:
        lint(ds)
        other = ds.to_bytes(EXPLICIT_BE)
    except KermaError:
        return
    Dataset.from_bytes(other, EXPLICIT_BE)
