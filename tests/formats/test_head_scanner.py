"""The header of a data set as it passes by, in chunks of any size (PS3.5 7, A.5)."""

from __future__ import annotations

import pytest

from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, LimitError, TruncatedError
from kerma.formats.head import HeadScanner
from kerma.limits import Limits

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
PIXELS = 30_000


def sample(*, pixels: bool = True) -> Dataset:
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    items = []
    for number in range(60):
        item = Dataset()
        item.CodeValue = f"value {number}"
        items.append(item)
    ds.ReferencedImageSequence = items
    ds.PatientComments = "x" * 3000
    if pixels:
        ds.add("PixelData", "OW", bytes(range(250)) * (PIXELS // 250))
    return ds


def header_of(ds: Dataset, uid: str) -> bytes:
    plain = Dataset.from_bytes(ds.to_bytes(uid), uid)
    if "PixelData" in plain:
        del plain.PixelData
    return plain.to_bytes(EXPLICIT if uid == DEFLATED else uid)


@pytest.mark.parametrize("uid", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("size", [1, 7, 1000, 8191, 1 << 20])
@pytest.mark.parametrize("pixels", [True, False])
def test_chunking_never_changes_the_header(uid: str, size: int, pixels: bool) -> None:
    ds = sample(pixels=pixels)
    data = ds.to_bytes(uid)
    scanner = HeadScanner(uid)
    for at in range(0, len(data), size):
        scanner.feed(memoryview(data)[at : at + size])
    assert scanner.finish() == header_of(ds, uid)
    assert scanner.done
    assert not scanner.truncated


def test_it_is_done_before_the_pixels_have_come() -> None:
    data = sample().to_bytes(EXPLICIT)
    scanner = HeadScanner(EXPLICIT)
    assert scanner.feed(data[:16_000])
    assert scanner.finish(len(data)) == header_of(sample(), EXPLICIT)


@pytest.mark.parametrize("cut", [1, 5, 100, PIXELS, PIXELS + 11, PIXELS + 200])
def test_a_cut_data_set_is_an_error_at_the_end(cut: int) -> None:
    data = sample().to_bytes(EXPLICIT)[:-cut]
    scanner = HeadScanner(EXPLICIT)
    scanner.feed(data)
    with pytest.raises(TruncatedError):
        scanner.finish()


def test_a_cut_deflated_data_set_is_an_error() -> None:
    scanner = HeadScanner(DEFLATED)
    scanner.feed(sample(pixels=False).to_bytes(DEFLATED)[:-30])
    with pytest.raises(KermaError):
        scanner.finish()


def test_nonsense_is_refused_and_bounds_hold() -> None:
    scanner = HeadScanner(EXPLICIT)
    with pytest.raises(FormatError):
        scanner.feed(b"GET / HTTP/1.1\r\n" * 200_000)
    scanner = HeadScanner(DEFLATED, limits=Limits(max_inflated=100_000))
    ds = Dataset()
    ds.add("EncapsulatedDocument", "OB", bytes(1 << 20))
    with pytest.raises(LimitError):
        scanner.feed(ds.to_bytes(DEFLATED))


def test_a_bound_leaves_whole_elements() -> None:
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    ds.add("EncapsulatedDocument", "OB", bytes(1 << 20))
    data = ds.to_bytes(EXPLICIT)
    scanner = HeadScanner(EXPLICIT, bound=100_000)
    for at in range(0, len(data), 4096):
        if scanner.feed(data[at : at + 4096]):
            break
    assert scanner.truncated
    assert list(Dataset.from_bytes(scanner.header_bytes, EXPLICIT)) == [0x00080018]


def test_nothing_at_all() -> None:
    assert HeadScanner(EXPLICIT).finish() == b""
