"""Native samples as arrays: every depth, sign, plane order and chroma, without a copy where that can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerma
from kerma.errors import LimitError, PixelError
from kerma.limits import Limits
from kerma.pixels.colour import ybr_full_to_rgb, ybr_partial_to_rgb

from .images import BIG_ENDIAN, image, ramp, read_back, with_native

DEPTHS = [(8, 8), (8, 5), (12, 12), (16, 16), (16, 12), (24, 24), (32, 32), (32, 20), (64, 64)]


@pytest.mark.parametrize(
    ("allocated", "stored", "signed"), [(1, 1, False), *((*depth, sign) for depth in DEPTHS for sign in (False, True))]
)
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("samples", [1, 3])
def test_every_depth_comes_back(allocated: int, stored: int, signed: bool, frames: int, samples: int) -> None:
    shape = (frames, 3, 5, samples)
    wanted = ramp(shape, min(stored, 63), signed=signed)
    ds = image(3, 5, frames=frames, samples=samples, allocated=allocated, stored=stored, signed=signed)
    found = read_back(with_native(ds, wanted))
    wanted = wanted.reshape(shape[:-1] if samples == 1 else shape)
    whole = kerma.pixels.array(found)
    assert whole.shape == (wanted.shape if frames > 1 else wanted.shape[1:])
    assert np.array_equal(whole, wanted if frames > 1 else wanted[0])
    assert whole.dtype.kind == ("i" if signed else "u")
    for number, each in enumerate(kerma.pixels.frames(found)):
        assert np.array_equal(each, wanted[number])
        assert np.array_equal(kerma.pixels.frame(found, number), wanted[number])


@pytest.mark.parametrize("allocated", [8, 16])
def test_big_endian(allocated: int) -> None:
    wanted = ramp((2, 3, 5), allocated)
    ds = with_native(image(3, 5, frames=2, allocated=allocated), wanted)
    assert np.array_equal(kerma.pixels.array(read_back(ds, BIG_ENDIAN)), wanted)


def test_nothing_is_copied_where_numpy_has_the_layout() -> None:
    cases: list[dict[str, Any]] = [{}, {"samples": 3, "allocated": 8}, {"frames": 4}]
    for more in cases:
        shape = (more.get("frames", 1), 6, 4, more.get("samples", 1))
        ds = read_back(with_native(image(6, 4, **more), ramp(shape, 8)))
        found = kerma.pixels.array(ds)
        assert not found.flags.owndata
        assert not found.flags.writeable
        assert np.shares_memory(found, np.frombuffer(ds.PixelData, "u1"))


def test_what_is_in_the_other_bits_is_cleared() -> None:
    values = ramp((4, 4), 12)
    ds = with_native(image(4, 4, stored=12), values | 0xA000)
    assert np.array_equal(kerma.pixels.array(ds), values)
    signed = ramp((4, 4), 12, signed=True)
    ds = with_native(image(4, 4, stored=12, signed=True), (signed & 0xFFF) | 0x5000)
    assert np.array_equal(kerma.pixels.array(ds), signed)


def test_a_high_bit_at_the_top() -> None:
    signed = ramp((4, 4), 12, signed=True)
    ds = with_native(image(4, 4, stored=12, signed=True), (signed << 4) | 0x7)
    ds.HighBit = 15
    assert np.array_equal(kerma.pixels.array(ds), signed)


def test_colour_by_plane() -> None:
    wanted = ramp((2, 4, 6, 3), 8)
    ds = with_native(image(4, 6, frames=2, samples=3, allocated=8), wanted.transpose(0, 3, 1, 2))
    ds.PlanarConfiguration = 1
    assert np.array_equal(kerma.pixels.array(read_back(ds)), wanted)
    assert np.array_equal(kerma.pixels.frame(ds, 1), wanted[1])


def test_half_chroma_is_spread_over_both_pixels() -> None:
    ds = image(1, 4, samples=3, allocated=8, photometric="YBR_FULL_422")
    ds.add("PixelData", "OB", bytes([10, 20, 100, 200, 30, 40, 110, 210]))
    wanted = [[[10, 100, 200], [20, 100, 200], [30, 110, 210], [40, 110, 210]]]
    assert kerma.pixels.array(ds, rgb=False).tolist() == wanted
    odd = image(1, 3, samples=3, allocated=8, photometric="YBR_FULL_422")
    odd.add("PixelData", "OB", bytes(8))
    with pytest.raises(PixelError, match="odd number of columns"):
        kerma.pixels.array(odd)


def test_ybr_to_rgb_by_the_standard() -> None:
    """The corners of PS3.3 C.7.6.3.1.2, and the way back of the formula printed there."""
    rgb = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [12, 200, 99]], "f8")
    matrix = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    full = np.rint(rgb @ matrix.T + [0, 128, 128]).clip(0, 255).astype("u1")
    assert np.abs(ybr_full_to_rgb(full, 8).astype(int) - rgb).max() <= 2
    partial = np.rint(rgb @ (matrix * [[219 / 255], [224 / 255], [224 / 255]]).T + [16, 128, 128]).astype("u1")
    assert np.abs(ybr_partial_to_rgb(partial, 8).astype(int) - rgb).max() <= 2
    image_of = image(1, 6, samples=3, allocated=8, photometric="YBR_FULL")
    image_of.add("PixelData", "OB", full.tobytes())
    assert np.array_equal(kerma.pixels.array(image_of)[0], ybr_full_to_rgb(full, 8))
    assert np.array_equal(kerma.pixels.array(image_of, rgb=False)[0], full)


def test_floating_point() -> None:
    samples = (ramp((2, 3, 4)) / 7).astype("<f4")
    ds = image(3, 4, frames=2, allocated=32)
    ds.add("FloatPixelData", "OF", samples.tobytes())
    assert np.array_equal(kerma.pixels.array(read_back(ds)), samples)
    assert np.array_equal(kerma.pixels.array(read_back(ds, BIG_ENDIAN)), samples)


def test_too_few_bytes_name_the_frame() -> None:
    ds = with_native(image(4, 4, frames=3), ramp((2, 4, 4)))
    with pytest.raises(PixelError, match="in frame 2"):
        kerma.pixels.array(ds)
    assert kerma.pixels.frame(ds, 1).shape == (4, 4)


def test_limits_come_before_memory() -> None:
    huge = image(65_535, 65_535, frames=100_000)
    huge.add("PixelData", "OW", bytes(200))
    with pytest.raises(LimitError):
        kerma.pixels.array(huge)
    with pytest.raises(LimitError, match="a frame has"):
        kerma.pixels.frame(huge, 7)
    small = with_native(image(4, 4, frames=2), ramp((2, 4, 4)))
    with pytest.raises(LimitError, match=r"kerma\.pixels\.frames"):
        kerma.pixels.array(small, limits=Limits(max_array=63))
