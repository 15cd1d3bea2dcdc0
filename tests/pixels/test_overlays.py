"""Overlay planes: their own bits and unused ones of the pixels, origin, frames, byte order, and wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma.errors import PixelError
from kerma.pixels import render
from kerma.pixels.overlays import overlay, overlays

from .images import BIG_ENDIAN, RLE, image, read_back, with_native

PLANE = np.array([[1, 0, 1], [0, 1, 1]], bool)


def with_overlay(
    ds: Any, planes: np.ndarray[Any, Any], *, group: int = 0x6000, origin: tuple[int, int] = (1, 1), **more: int
) -> Any:
    """``ds`` with an overlay of these planes, (frames, rows, columns)."""
    base = group << 16
    ds.add(base | 0x10, "US", planes.shape[1])
    ds.add(base | 0x11, "US", planes.shape[2])
    if len(planes) > 1:
        ds.add(base | 0x15, "IS", str(len(planes)))
    ds.add(base | 0x40, "CS", "G")
    ds.add(base | 0x50, "SS", list(origin))
    if "first" in more:
        ds.add(base | 0x51, "US", more["first"])
    ds.add(base | 0x100, "US", 1)
    ds.add(base | 0x102, "US", 0)
    bits = np.packbits(planes.reshape(-1), bitorder="little").tobytes()
    ds.add(base | 0x3000, "OW", bits + bytes(len(bits) % 2))
    return ds


@pytest.mark.parametrize("uid", [None, BIG_ENDIAN])
@pytest.mark.parametrize(("down", "right"), [(1, 1), (2, 3), (0, 0), (-1, 2), (4, 4), (9, 9)])
def test_the_origin_places_and_the_edges_cut(uid: str | None, down: int, right: int) -> None:
    ds = with_overlay(image(4, 4, allocated=8), PLANE[None], origin=(down, right))
    found = read_back(with_native(ds, np.zeros((4, 4))), uid)
    wanted = np.zeros((12, 12), bool)  # the image with four pixels around it on each side
    top, left = down - 1 + 4, right - 1 + 4
    wanted[top : top + 2, left : left + 3] = PLANE[: 12 - top, : 12 - left]
    mask = overlay(found, 0x6000)
    assert mask is not None
    assert np.array_equal(mask.mask, wanted[4:8, 4:8])
    assert np.array_equal(render(found) == 255, wanted[4:8, 4:8])
    assert not render(found, overlays=False).any()


def test_frames_of_an_overlay_do_not_end_on_bytes() -> None:
    planes = np.random.default_rng(3).integers(0, 2, (3, 2, 3)).astype(bool)
    ds = with_overlay(image(2, 3, frames=5, allocated=8), planes, first=2)
    found = read_back(with_native(ds, np.zeros((5, 2, 3))))
    assert overlay(found, 0x6000, 0) is None
    for number in range(3):
        each = overlay(found, 0x6000, number + 1)
        assert each is not None
        assert np.array_equal(each.mask, planes[number])
    assert overlay(found, 0x6000, 4) is None


@pytest.mark.parametrize("encoding", [None, BIG_ENDIAN, RLE])
def test_unused_bits_of_the_pixels(encoding: str | None) -> None:
    stored = np.array([[5, 6, 7], [8, 9, 4095]])
    ds = image(2, 3, stored=12)
    ds.add(0x60020010, "US", 2)
    ds.add(0x60020011, "US", 3)
    ds.add(0x60020040, "CS", "G")
    ds.add(0x60020050, "SS", [1, 1])
    ds.add(0x60020100, "US", 16)
    ds.add(0x60020102, "US", 13)
    with_native(ds, stored | PLANE.astype(int) << 13)
    if encoding == RLE:
        words = (stored | PLANE.astype(int) << 13).reshape(-1)
        parts = [bytes([5, *(words >> 8).tolist()]), bytes([5, *(words & 255).tolist()])]
        parts = [part + bytes(len(part) % 2) for part in parts]
        head = np.array([2, 64, 64 + len(parts[0]), *[0] * 13], "<u4").tobytes()
        coded = image(2, 3, stored=12, uid=RLE)
        for tag in [tag for tag in ds if tag >> 16 == 0x6002]:
            coded.add(tag, ds[tag].vr, ds[tag].value)
        from .images import with_frames

        found = with_frames(coded, [head + b"".join(parts)])
    else:
        found = read_back(ds, encoding)
    mask = overlay(found, 0x6002)
    assert mask is not None
    assert np.array_equal(mask.mask, PLANE)
    assert render(found, window="full", overlays=False).tolist() == [[0, 0, 0], [0, 1, 255]]


def test_wrong_overlays_are_left_out_of_pictures() -> None:
    short = with_overlay(image(4, 4, allocated=8), PLANE[None])
    short.add(0x60000010, "US", 4000)
    found = read_back(with_native(short, np.zeros((4, 4))))
    with pytest.raises(PixelError, match="are wanted"):
        overlay(found, 0x6000)
    assert list(overlays(found)) == []
    assert not render(found).any()
    stripped = read_back(with_native(image(2, 3, stored=12), np.ones((2, 3))))
    for tag, vr, value in ((0x10, "US", 2), (0x11, "US", 3), (0x50, "SS", [1, 1]), (0x100, "US", 1), (0x102, "US", 0)):
        stripped.add(0x60000000 | tag, vr, value)
    with pytest.raises(PixelError, match="the pixel's own"):
        overlay(stripped, 0x6000)
    none = with_overlay(image(4, 4, allocated=8), PLANE[None])
    none.add(0x60000010, "US", 0)
    with pytest.raises(PixelError, match="0 rows"):
        overlay(none, 0x6000)


def test_overlays_come_in_the_order_of_their_groups() -> None:
    ds = image(4, 4, allocated=8)
    for group in (0x601E, 0x6002):
        with_overlay(ds, PLANE[None], group=group)
        ds.add(group << 16 | 0x1500, "LO", f"{group:X}")
    found = read_back(with_native(ds, np.zeros((4, 4))))
    assert [(each.group, each.label) for each in overlays(found)] == [(0x6002, "6002"), (0x601E, "601E")]
