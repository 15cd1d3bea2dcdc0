"""Streams as they are found: padded, without their end, in boxes, under other names, with colours that contradict."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from tests.pixels.images import image, with_frames

import kerma
from kerma.errors import PixelError
from kerma.pixels.codecs.jpegxl_head import size_of

from .expected import ROOT, Array, Case
from .test_round_trips import encode

GREY, DEEP, SIGNED = Case(8, 8), Case(16, 12), Case(16, 12, True)
RGB, YBR = Case(8, 8, photometric="RGB"), Case(8, 8, photometric="YBR_FULL")
SHAPE = (40, 50)


def stream(number: str, case: Case, **options: object) -> bytes:
    return encode(ROOT + number, case, case.smooth(*SHAPE), **options)[0]


def array(number: str, data: bytes, case: Case, **more: Any) -> Array:
    ds = image(
        *SHAPE,
        uid=ROOT + number,
        samples=3 if case.colour else 1,
        allocated=case.allocated,
        stored=case.stored,
        signed=case.signed,
        **{"photometric": case.photometric, **more},
    )
    found: Array = kerma.pixels.array(with_frames(ds, [data]))
    return found


def same(found: Array, case: Case, tolerance: int = 0) -> bool:
    wanted = case.smooth(*SHAPE).astype("i8")
    return found.shape == wanted.shape and int(np.abs(found.astype("i8") - wanted).max()) <= tolerance


@pytest.mark.parametrize("number", ["4.50", "4.70", "4.80", "4.90", "4.201", "4.110", "5", "8.1", "1.98"])
@pytest.mark.parametrize("padding", [b"\0", b"\0" * 7, b"\xff" * 3, b"\0" * 9000], ids=["1", "7", "ff", "9000"])
def test_padding_behind_a_stream(number: str, padding: bytes) -> None:
    data = stream(number, GREY)
    assert same(array(number, data + padding, GREY), GREY, 10 if number == "4.50" else 0)


@pytest.mark.parametrize("number", ["4.50", "4.70", "4.80", "4.90", "4.201"])
@pytest.mark.parametrize("case", [GREY, RGB], ids=lambda case: case.photometric)
def test_a_whole_stream_without_its_end_is_read(number: str, case: Case) -> None:
    data = stream(number, case)
    assert data[-2:] == b"\xff\xd9"
    ds: Any = with_frames(
        image(*SHAPE, uid=ROOT + number, samples=3 if case.colour else 1, allocated=8, photometric=case.photometric),
        [data[:-2]],
    )
    assert same(kerma.pixels.array(ds), case, 20 if number == "4.50" else 0)
    for part in (3, 4, 10, 60, len(data) // 2):
        with pytest.raises(PixelError):
            array(number, data[:-part], case)


def test_jpeg_2000_in_boxes() -> None:
    for case in (GREY, DEEP, RGB):
        boxed = imagecodecs.jpeg2k_encode(
            case.smooth(*SHAPE), level=0, codecformat="jp2", reversible=True, bitspersample=case.stored
        )
        assert same(array("4.90", bytes(boxed), case), case)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_RCT", "YBR_FULL", "YBR_FULL_422"])
def test_a_transform_inside_jpeg_2000_is_believed(photometric: str) -> None:
    assert same(array("4.90", stream("4.90", RGB), RGB, photometric=photometric), RGB)
    assert same(array("4.201", stream("4.201", RGB), RGB, photometric=photometric), RGB)


def test_signs_are_those_of_the_data_set() -> None:
    words = SIGNED.smooth(*SHAPE).view("u2")
    lossless = imagecodecs.jpeg8_encode(words, lossless=True, predictor=1, bitspersample=16)
    assert same(array("4.70", bytes(lossless), SIGNED), SIGNED)
    for data, bits in ((words, 16), (words & 0xFFF, 12)):
        unsigned = imagecodecs.jpeg2k_encode(data, level=0, codecformat="j2k", reversible=True, bitspersample=bits)
        assert same(array("4.90", bytes(unsigned), SIGNED), SIGNED)


@pytest.mark.parametrize("shape", [(41, 51), (39, 49), (1, 1), (7, 3)])
@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
def test_odd_sizes_with_fewer_chroma(shape: tuple[int, int], subsampling: str) -> None:
    data, _ = encode(f"{ROOT}4.50", RGB, RGB.smooth(*shape), subsampling=subsampling)
    ds: Any = image(*shape, uid=f"{ROOT}4.50", samples=3, allocated=8, photometric="YBR_FULL_422")
    found = kerma.pixels.array(with_frames(ds, [data]))
    assert np.abs(found.astype(int) - RGB.smooth(*shape)).max() <= 40


def without(data: bytes, marker: bytes) -> bytes:
    at = data.index(marker)
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def test_colours_of_jpeg_by_marker_name_and_data_set() -> None:
    """A marker first, then components named R, G and B, then what the data set says."""
    luma = stream("4.50", RGB)
    plain = bytes(imagecodecs.jpeg8_encode(RGB.smooth(*SHAPE), 95, colorspace="RGB", outcolorspace="RGB"))
    for photometric in ("RGB", "YBR_FULL", "YBR_FULL_422"):
        assert same(array("4.50", luma, RGB, photometric=photometric), RGB, 20)
        assert same(array("4.50", plain, RGB, photometric=photometric), RGB, 20)
        assert same(array("4.50", without(plain, b"\xff\xee"), RGB, photometric=photometric), RGB, 20)
    bare = without(luma, b"\xff\xe0")
    assert same(array("4.50", bare, RGB, photometric="YBR_FULL_422"), RGB, 20)
    assert not same(array("4.50", bare, RGB, photometric="RGB"), RGB, 20)


@pytest.mark.parametrize(("number", "other"), [("4.50", "4.70"), ("4.70", "4.50"), ("4.70", "4.57"), ("4.50", "4.53")])
def test_jpeg_under_another_name_of_jpeg(number: str, other: str) -> None:
    assert same(array(other, stream(number, GREY), GREY), GREY, 10 if number == "4.50" else 0)


@pytest.mark.parametrize("number", ["4.50", "4.70", "4.80", "4.90", "4.201", "4.110"])
def test_a_stream_of_another_kind_is_named(number: str) -> None:
    kinds = {"4.50": "JPEG", "4.70": "JPEG", "4.80": "JPEG-LS", "4.90": "JPEG 2000", "4.201": "JPEG 2000"}
    data = stream(number, GREY)
    for other, kind in kinds.items():
        if kinds.get(number) != kind:
            said = f"this is a {kinds[number]} stream, not one of" if number in kinds else "this is no"
            with pytest.raises(PixelError, match=said):
                array(other, data, GREY)


@pytest.mark.parametrize("number", ["4.50", "4.70", "4.80", "4.90", "4.201", "4.110"])
def test_colour_in_grey_and_grey_in_colour(number: str) -> None:
    with pytest.raises(PixelError, match="frame 0"):
        array(number, stream(number, RGB), GREY)
    with pytest.raises(PixelError, match="frame 0"):
        array(number, stream(number, GREY), RGB)


SIZES = [(1, 1), (8, 8), (40, 50), (256, 256), (300, 400), (9, 16), (16, 9), (2000, 3), (5, 700)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("boxes", [False, True])
def test_size_of_jpeg_xl(size: tuple[int, int], boxes: bool) -> None:
    data = imagecodecs.jpegxl_encode(np.zeros(size, "u1"), lossless=True, usecontainer=boxes)
    assert size_of(bytes(data)) == size
    for part in range(30 if boxes else 3):
        with pytest.raises(PixelError):
            size_of(bytes(data[:part]))


def test_a_huge_jpeg_xl_is_refused_unseen() -> None:
    """Four thousand million samples in a few bytes: size header of 65,536 x 65,536."""
    bits = 0 | (3 << 1) | ((65_536 - 1) << 3) | (1 << 33)
    data = b"\xff\x0a" + bits.to_bytes(8, "little") + bytes(200)
    assert size_of(data) == (65_536, 65_536)
    with pytest.raises(PixelError, match="the stream is 65536 x 65536, the data set says 50 x 40"):
        array("4.110", data, GREY)
