"""Samples that are not compressed, as arrays (PS3.5 8.1.1, 8.2, PS3.3 C.7.6.3.1.2).

Rules: where the layout is one that numpy has, the array is a view of the bytes and nothing is copied; read-only bytes
give a read-only array. Bits that do not belong to the samples (overlays of old, rubbish) are cleared, and the sign is
carried up, only where that changes a value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.layout import Layout

Array = NDArray[Any]
_WHOLE_BYTES = frozenset({8, 16, 32, 64})
_SIZES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)}
_DTYPES = {(kind, size): np.dtype(f"{kind}{size}") for kind, sizes in _SIZES.items() for size in sizes}
_LITTLE = {dtype: dtype.newbyteorder("<") for dtype in _DTYPES.values()}


def dtype_of(layout: Layout) -> np.dtype[Any]:
    """The type of a decoded sample."""
    allocated = layout.bits_allocated
    kind = "f" if layout.floating else "i" if layout.signed and allocated > 1 else "u"
    return _DTYPES[kind, 1 if allocated <= 8 else 2 if allocated <= 16 else 4 if allocated <= 32 else 8]


def shape_of(layout: Layout, frames: int | None = None) -> tuple[int, ...]:
    """(rows, columns) with samples behind where there are several, frames in front where they are counted."""
    one = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
    return one if frames is None else (frames, *one)


def as_array(data: Buffer, layout: Layout, *, frames: int | None = None) -> Array:
    """The little endian samples of one frame, or of ``frames`` one behind the other, as an array of ``shape_of``.

    ``PixelError`` where the bytes are too few.
    """
    bits = layout.native_bits * (frames or 1)
    if len(data) * 8 < bits:
        raise PixelError(f"{(bits + 7) // 8} bytes of samples are wanted, {len(data)} are there")
    dtype = dtype_of(layout)
    allocated = layout.bits_allocated
    count = bits // allocated
    if allocated in _WHOLE_BYTES:
        samples: Array = np.frombuffer(data, _LITTLE[dtype], count).astype(dtype, copy=False)
    elif allocated == 1:
        samples = np.unpackbits(np.frombuffer(data, "u1"), count=count, bitorder="little")
    else:
        samples = _packed(data, count, allocated, dtype)
    if layout.half_chroma:
        return _whole_chroma(samples, layout, frames)
    return laid_out(cleaned(samples, layout), layout, frames)


def laid_out(samples: Array, layout: Layout, frames: int | None) -> Array:
    """Flat samples in the shape of the image; colour by plane becomes colour by pixel, as a view."""
    if layout.planar:
        shaped = samples.reshape((frames or 1, layout.samples, layout.rows, layout.columns)).transpose(0, 2, 3, 1)
        return shaped if frames is not None else shaped[0]
    return samples.reshape(shape_of(layout, frames))


def cleaned(samples: Array, layout: Layout) -> Array:
    """Samples without what lies in the bits around them, and with their sign (PS3.5 8.1.1)."""
    size = samples.dtype.itemsize * 8
    stored, low = layout.bits_stored, layout.high_bit + 1 - layout.bits_stored
    if layout.floating or layout.bits_allocated == 1 or (stored == size and not low) or not samples.size:
        return samples
    if low == 0 and _fits(samples, stored):
        return samples
    # Shift the sample to the top of its word and back: an arithmetic shift carries the sign, a logical one clears.
    up = size - layout.high_bit - 1
    shifted: Array = (samples << samples.dtype.type(up)) >> samples.dtype.type(size - stored)
    return shifted


def _fits(samples: Array, stored: int) -> bool:
    """Whether all samples are numbers of ``stored`` bits already."""
    if samples.dtype.kind == "u":
        return int(samples.max()) >> stored == 0
    half = 1 << (stored - 1)
    return bool(-half <= int(samples.min()) and int(samples.max()) < half)


def _packed(data: Buffer, count: int, allocated: int, dtype: np.dtype[Any]) -> Array:
    """Samples of any other number of bits, one behind the other, lowest bit first."""
    bits = np.unpackbits(np.frombuffer(data, "u1"), count=count * allocated, bitorder="little")
    size = dtype.itemsize * 8
    wide = np.zeros((count, size), "u1")
    wide[:, :allocated] = bits.reshape(count, allocated)
    return np.packbits(wide, axis=1, bitorder="little").view(dtype.newbyteorder("<")).reshape(count).astype(dtype)


def _whole_chroma(samples: Array, layout: Layout, frames: int | None) -> Array:
    """Y Y Cb Cr for each two pixels of a row become Y Cb Cr for each."""
    if layout.columns % 2:
        raise PixelError(f"{layout.photometric} with an odd number of columns has no place for its chroma")
    pairs = cleaned(samples, layout).reshape(-1, 4)
    out = np.empty((len(pairs), 2, 3), samples.dtype)
    out[:, :, 0] = pairs[:, :2]
    out[:, :, 1:] = pairs[:, None, 2:]
    return out.reshape(shape_of(layout, frames))
