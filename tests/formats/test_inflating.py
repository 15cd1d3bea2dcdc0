"""Large deflated data sets are converted without being held in memory (PS3.5 A.5)."""

from __future__ import annotations

import pytest

from kerma.dataset import Dataset
from kerma.encoding.source import BytesSource
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.formats.inflating import InflatedSource
from kerma.formats.transcode import transcode
from kerma.limits import Limits

DEFLATED, EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def sample() -> Dataset:
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    noise = b"".join(((number * 2654435761) & 0xFFFFFFFF).to_bytes(4, "little") for number in range(1 << 18))
    ds.add("PixelData", "OW", noise * 4)
    return ds


def test_pieces_are_small_whichever_way() -> None:
    ds = sample()
    deflated = BytesSource(ds.to_bytes(DEFLATED))
    assert deflated.size > 1 << 16
    pieces = list(transcode(deflated, 0, deflated.size, DEFLATED, IMPLICIT))
    assert max(map(len, pieces)) <= 1 << 20
    assert b"".join(pieces) == ds.to_bytes(IMPLICIT)
    plain = BytesSource(ds.to_bytes(EXPLICIT))
    again = b"".join(transcode(plain, 0, plain.size, EXPLICIT, DEFLATED))
    assert Dataset.from_bytes(again, DEFLATED) == ds


def test_the_source_reads_and_is_bounded() -> None:
    ds = sample()
    data = ds.to_bytes(DEFLATED)
    with InflatedSource(BytesSource(data), 0, len(data), Limits()) as source:
        whole = ds.to_bytes(EXPLICIT)
        assert source.size == len(whole)
        assert source.read(100, 50) == whole[100:150]
        room = bytearray(16)
        assert source.readinto(8, [room]) == 16
        assert bytes(room) == whole[8:24]
    with pytest.raises(LimitError):
        InflatedSource(BytesSource(data), 0, len(data), Limits(max_inflated=1000))
    with pytest.raises(TruncatedError):
        InflatedSource(BytesSource(data), 0, len(data) - 100, Limits())
    with pytest.raises(FormatError):
        InflatedSource(BytesSource(b"\xff" * 1000), 0, 1000, Limits())
    with InflatedSource(BytesSource(b""), 0, 0, Limits()) as nothing:
        assert nothing.size == 0
