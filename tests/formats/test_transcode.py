"""Streaming between the uncompressed syntaxes agrees with the data set's own writer (PS3.5 A)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from kerma.dataset import Dataset
from kerma.encoding.source import BytesSource
from kerma.errors import TruncatedError, UnsupportedSyntaxError
from kerma.formats.transcode import transcode

SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]


class Watched(BytesSource):
    """Knows how much was read at once."""

    largest = 0

    def read(self, offset: int, length: int) -> bytes:
        self.largest = max(self.largest, length)
        return super().read(offset, length)

    def readinto(self, offset: int, buffers: Sequence[bytearray | memoryview]) -> int:
        raise AssertionError("not used here")


def sample(size: int) -> Dataset:
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    ds.PixelRepresentation = 1
    ds.SmallestImagePixelValue = -7
    ds.add("PixelData", "OW", bytes(range(256)) * (size // 256))
    ds.add(0xFFFCFFFC, "OB", b"\1\2")
    return ds


@pytest.mark.parametrize(("before", "after"), list(itertools.product(SYNTAXES, SYNTAXES)))
def test_as_the_data_set_would_write_it(before: str, after: str) -> None:
    ds = sample(1 << 10)
    data = b"head" + ds.to_bytes(before)
    out = b"".join(transcode(BytesSource(data), 4, len(data) - 4, before, after))
    assert out == Dataset.from_bytes(ds.to_bytes(before), before).to_bytes(after)


@pytest.mark.parametrize("after", SYNTAXES[:3])
def test_memory_is_bounded(after: str) -> None:
    source = Watched(sample(6 << 20).to_bytes(SYNTAXES[1]))
    pieces = list(transcode(source, 0, source.size, SYNTAXES[1], after))
    assert source.largest <= 1 << 20
    assert max(map(len, pieces)) <= 1 << 20
    assert b"".join(pieces) == sample(6 << 20).to_bytes(after)


def test_compressed_and_cut_ones_are_refused_before_anything_is_sent() -> None:
    data = sample(1 << 10).to_bytes(SYNTAXES[1])
    with pytest.raises(UnsupportedSyntaxError):
        transcode(BytesSource(data), 0, len(data), SYNTAXES[1], "1.2.840.10008.1.2.4.50")
    with pytest.raises(TruncatedError):
        transcode(BytesSource(data), 0, len(data) - 100, SYNTAXES[1], SYNTAXES[0])
