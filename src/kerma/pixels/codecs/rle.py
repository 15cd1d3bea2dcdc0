"""RLE Lossless (1.2.840.10008.1.2.5): byte planes, each packed by itself (PS3.5 G)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import imagecodecs
import numpy as np

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import Array, Decoded, chosen, encoded, fitting
from kerma.pixels.codecs.plain import decode as decode_plain
from kerma.pixels.codecs.plain import native_bytes
from kerma.pixels.layout import Layout
from kerma.pixels.native import cleaned, dtype_of

_HEADER = struct.Struct("<16I")


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    if len(data) < _HEADER.size:
        raise PixelError("the RLE header of 64 bytes is cut")
    count, *offsets = _HEADER.unpack_from(data)
    if layout.bits_allocated == 1 and count == 1 and _HEADER.size <= offsets[0] <= len(data):
        return decode_plain(_segment(memoryview(data)[offsets[0] :], layout.native_size, 0).tobytes(), layout, rgb)
    width = layout.bits_allocated // 8
    if layout.bits_allocated % 8 or count != layout.samples * width:
        raise PixelError(f"the RLE header says {count} segments, the image has {layout.samples * width} byte planes")
    if count > len(offsets):
        raise PixelError(f"RLE has {len(offsets)} byte planes at most (PS3.5 G.5), the image has {count}")
    ends = [*offsets[1:count], len(data)]
    view = memoryview(data)
    # Byte planes from the highest byte down (G.2); numpy wants them from the lowest up.
    planes = np.zeros((layout.samples, layout.pixels, width), "u1")
    for number, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        if not _HEADER.size <= start <= end <= len(data):
            raise PixelError(f"segment {number} of the RLE stream lies outside of it")
        planes[number // width, :, width - 1 - number % width] = _segment(view[start:end], layout.pixels, number)
    dtype = dtype_of(layout)
    samples = planes.reshape(layout.samples, -1).view(dtype.newbyteorder("<")).astype(dtype, copy=False)
    shaped = cleaned(samples, layout).reshape(layout.samples, layout.rows, layout.columns)
    return Decoded(shaped[0] if layout.samples == 1 else shaped.transpose(1, 2, 0), layout.photometric)


def _segment(data: memoryview, size: int, number: int) -> Array:
    """One byte plane of ``size`` bytes (PackBits, G.3.1). What stands behind them may be anything."""
    try:
        plane: bytes | bytearray = imagecodecs.packbits_decode(bytes(data), out=size)
    except (RuntimeError, ValueError):
        plane = _unpacked(data, size)
    if len(plane) != size:
        raise PixelError(f"segment {number} of the RLE stream has {len(plane)} bytes of {size}")
    return np.frombuffer(plane, "u1")


def _unpacked(data: memoryview, size: int) -> bytes:
    """The first ``size`` bytes, or as many as there are."""
    out = bytearray()
    pos = 0
    while len(out) < size and pos + 1 < len(data):
        code = data[pos]
        if code < 128:
            out += data[pos + 1 : pos + 2 + code]
            pos += code + 2
        elif code > 128:
            out += bytes(data[pos + 1 : pos + 2]) * (257 - code)
            pos += 2
        else:
            pos += 1
    return bytes(out[:size])


_MOST_SEGMENTS = 15


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """Each byte plane packed row by row, from the highest byte of the first sample down (G.2, G.3.1)."""
    chosen(options)
    samples = fitting(samples, layout)
    if layout.bits_allocated == 1:
        rows = np.frombuffer(native_bytes(samples, layout), "u1").reshape(1, -1)
        return _framed([_packed(rows)])
    dtype = dtype_of(layout)
    width = dtype.itemsize
    if layout.samples * width > _MOST_SEGMENTS:
        raise PixelError(f"RLE has {_MOST_SEGMENTS} byte planes at most, the image has {layout.samples * width}")
    words = np.ascontiguousarray(samples, dtype.newbyteorder("<")).view("u1")
    planes = words.reshape(layout.rows, layout.columns, layout.samples, width)
    return _framed(
        [_packed(planes[:, :, sample, byte]) for sample in range(layout.samples) for byte in reversed(range(width))]
    )


def _packed(plane: Array) -> bytes:
    segment = encoded(imagecodecs.packbits_encode, "RLE", plane.copy(), axis=-1)
    return segment + b"\0" * (len(segment) & 1)


def _framed(segments: list[bytes]) -> bytes:
    """The header with where each segment begins (G.5), and the segments."""
    offsets = [_HEADER.size]
    for segment in segments[:-1]:
        offsets.append(offsets[-1] + len(segment))
    offsets += [0] * (_MOST_SEGMENTS - len(offsets))
    return _HEADER.pack(len(segments), *offsets) + b"".join(segments)
