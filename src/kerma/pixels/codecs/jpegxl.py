"""JPEG XL, and JPEG repacked in it (ISO 18181; PS3.5 8.2.15). The decoder gives RGB or grey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import Array, Decoded, Option, chosen, encoded, fitting, guarded, in_shape
from kerma.pixels.codecs.jpegxl_head import size_of
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    rows, columns = size_of(data)
    if (layout.rows, layout.columns) not in {(rows, columns), (columns, rows)}:  # it may be stored lying on its side
        raise PixelError(
            f"the stream is {columns} x {rows}, the data set says {layout.columns} x {layout.rows}",
        )
    samples = guarded(imagecodecs.jpegxl_decode, "JPEG XL", data, index=0)  # of an animation, not all at once
    return Decoded(in_shape(samples, layout), layout.photometric if layout.samples == 1 else "RGB")


LOSSLESS = "1.2.840.10008.1.2.4.110"


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """``effort`` 1 to 9 (5 unless given); in the lossy syntax ``distance`` from what the eye sees, 1 unless given: 0.5
    to 3 are usual.
    """
    lossless = layout.transfer_syntax_uid == LOSSLESS
    known = {} if lossless else {"distance": Option(1.0, 0.01, 25, whole=False)}
    found = chosen(options, effort=Option(5, 1, 9), **known)
    if layout.signed or layout.bits_stored > 16:
        raise PixelError(f"JPEG XL is written of up to 16 bits without sign, not of {layout.bits_stored}")
    samples = fitting(samples, layout).astype("u1" if layout.bits_stored <= 8 else "u2", copy=False)
    more: dict[str, Any] = {"effort": found["effort"], "bitspersample": layout.bits_stored, "numthreads": 1}
    if lossless:
        return encoded(imagecodecs.jpegxl_encode, "JPEG XL", samples, lossless=True, **more)
    return encoded(imagecodecs.jpegxl_encode, "JPEG XL", samples, lossless=False, distance=found["distance"], **more)


def repacked(stream: Buffer) -> bytes:
    """A JPEG stream as JPEG XL from which it can be had back bit by bit (1.2.840.10008.1.2.4.111)."""
    return encoded(imagecodecs.jpegxl_encode_jpeg, "JPEG XL", stream, numthreads=1)


def unpacked(stream: Buffer) -> bytes:
    """The JPEG stream that was put into JPEG XL. ``PixelError`` where there was none."""
    try:
        return bytes(imagecodecs.jpegxl_decode_jpeg(bytes(stream), numthreads=1))
    except Exception as error:  # noqa: BLE001 - foreign libraries raise what they like
        raise PixelError(f"the JPEG XL stream holds no JPEG that could be had back: {str(error)[:200]}") from None
