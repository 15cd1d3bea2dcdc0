"""Overlay planes: bits of their own, or the unused bits of the pixels (PS3.3 C.9.2; the latter retired, PS3.5 8.1.2).

May touch data sets and numpy. Rules: an overlay is a mask of booleans in the image's size, moved by its origin and cut
at the edges; one that is wrong is left out by ``overlays`` and a ``PixelError`` of ``overlay``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError, PixelError
from kerma.limits import Limits
from kerma.pixels.attributes import first_of, numbers, text, value_of, whole
from kerma.pixels.decoding import decode_frame
from kerma.pixels.frame_index import FrameIndex
from kerma.pixels.frame_index import index as index_of
from kerma.pixels.tables import raw_bytes

Array = NDArray[Any]

GROUPS = range(0x6000, 0x6020, 2)
_LIMITS = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One plane over one frame. ``mask`` has the shape that was asked for; ``kind`` is G (graphics) or R (a region)."""

    group: int
    mask: Array
    kind: str
    label: str


def groups_of(ds: Dataset) -> list[int]:
    """The groups that hold an overlay."""
    return [group for group in GROUPS if (group << 16 | 0x0010) in ds]


def overlays(ds: Dataset, frame: int = 0, *, shape: tuple[int, int] | None = None) -> Iterator[Overlay]:
    """The overlays of a frame that can be made out, in the order of their groups."""
    for group in groups_of(ds):
        try:
            found = overlay(ds, group, frame, shape=shape)
        except KermaError:
            continue
        if found is not None:
            yield found


def overlay(
    ds: Dataset, group: int, frame: int = 0, *, shape: tuple[int, int] | None = None, limits: Limits = _LIMITS
) -> Overlay | None:
    """The overlay of one group over a frame (from 0); None where it has nothing for that frame.

    ``shape`` (rows, columns) is the image's; that of ``ds`` where it is not said.
    """
    base = group << 16
    rows, columns = whole(ds, base | 0x0010), whole(ds, base | 0x0011)
    if not (0 < rows <= 65_535 and 0 < columns <= 65_535) or rows * columns > limits.max_frame:
        raise PixelError(f"overlay {group:04X} has {rows} rows and {columns} columns", path=(base | 0x0010,))
    count = max(whole(ds, base | 0x0015, 1), 1)
    number = frame - (whole(ds, base | 0x0051, 1) - 1) if count > 1 or (base | 0x0051) in ds else 0
    if not 0 <= number < count:
        return None
    if base | 0x3000 in ds:
        plane = _own_bits(ds, base, number, rows * columns).reshape(rows, columns)
    else:
        plane = _unused_bits(index_of(ds), whole(ds, base | 0x0102), frame)
    size = shape or (whole(ds, "Rows"), whole(ds, "Columns"))
    origin = numbers(ds, base | 0x0050) or (1.0, 1.0)
    down, right = (int(each) - 1 for each in (*origin, 1.0)[:2])
    kind, label = text(ds, base | 0x0040).upper() or "G", first_of(value_of(ds, base | 0x1500))
    return Overlay(group, placed(plane, size, down, right), kind, label if isinstance(label, str) else "")


def _own_bits(ds: Dataset, base: int, number: int, pixels: int) -> Array:
    raw, little_endian = raw_bytes(ds, base | 0x3000)
    first = number * pixels
    data = np.frombuffer(raw, "u1")
    if not little_endian and _in_words(ds, base) and not len(data) % 2:
        data = data.reshape(-1, 2)[:, ::-1].reshape(-1)
    last = (first + pixels + 7) // 8
    if last > len(data):
        raise PixelError(f"overlay data of {len(data)} bytes, {last} are wanted", path=(base | 0x3000,))
    bits = np.unpackbits(data[first // 8 : last], bitorder="little")
    return bits[first % 8 : first % 8 + pixels].astype(bool)


def _in_words(ds: Dataset, base: int) -> bool:
    return ds[base | 0x3000].vr == "OW"


def _unused_bits(found: FrameIndex, position: int, frame: int) -> Array:
    """The bit ``position`` of each pixel's word, whatever bits of it are the pixel's."""
    layout = found.layout
    if not 0 <= position < layout.bits_allocated or layout.samples != 1 or layout.floating:
        raise PixelError(f"an overlay in bit {position} of {layout.bits_allocated}")
    if layout.high_bit - layout.bits_stored < position <= layout.high_bit:
        raise PixelError(f"an overlay without data, or in bit {position}, which is the pixel's own")
    whole_words = copy.copy(found)
    bits = layout.bits_allocated
    whole_words.layout = replace(layout, bits_stored=bits, high_bit=bits - 1, signed=False)
    words = decode_frame(whole_words, frame, rgb=False)
    return np.asarray((words >> words.dtype.type(position)) & 1, bool)


def placed(plane: Array, size: tuple[int, int], down: int, right: int) -> Array:
    """``plane`` with its corner at (down, right) of an empty one of ``size``; what lies outside is cut."""
    out = np.zeros(size, plane.dtype)
    top, left = max(down, 0), max(right, 0)
    bottom, end = min(down + plane.shape[0], size[0]), min(right + plane.shape[1], size[1])
    if top < bottom and left < end:
        out[top:bottom, left:end] = plane[top - down : bottom - down, left - right : end - right]
    return out
