"""JPEG with loss: baseline, extended, and the retired spectral selection and progressive processes (ISO 10918-1; PS3.5
8.2.1). libjpeg-turbo writes the first two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import imagecodecs

from kerma.errors import PixelError, UsageError
from kerma.pixels.codecs.base import Array, Option, chosen, encoded, fitting
from kerma.pixels.codecs.jpeg_streams import decode
from kerma.pixels.layout import Layout

__all__ = ["decode", "encode"]

EXTENDED = "1.2.840.10008.1.2.4.51"
_SUBSAMPLING = ("444", "422", "420")


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """Grey, or RGB that becomes luma and chroma. ``quality`` 1 to 100 as libjpeg counts; ``subsampling`` of the chroma
    "444", "422" or "420".
    """
    others = dict(options)
    subsampling = others.pop("subsampling", None) or "422"
    if subsampling not in _SUBSAMPLING:
        raise UsageError(f"subsampling {str(subsampling)[:20]} cannot be meant", hint="444, 422 or 420")
    quality = chosen(others, quality=Option(90, 1, 100))["quality"]
    samples = fitting(samples, layout)
    deep = layout.bits_stored > 8
    if layout.signed or layout.bits_stored > (12 if layout.transfer_syntax_uid == EXTENDED else 8):
        raise PixelError(f"JPEG with loss holds no samples of {layout.bits_stored} bits with this sign")
    more: dict[str, Any] = {"bitspersample": 12 if deep else 8}
    if layout.samples == 3:
        more.update(colorspace="RGB", outcolorspace="YCBCR", subsampling=subsampling)
    stream = encoded(imagecodecs.jpeg8_encode, "JPEG", samples.astype("u2" if deep else "u1"), level=quality, **more)
    return _as_extended(stream) if layout.transfer_syntax_uid == EXTENDED else stream


def _as_extended(stream: bytes) -> bytes:
    """A baseline stream under the frame header of the extended process, which takes whatever baseline does."""
    pos = 2
    while stream[pos + 1] not in {0xC0, 0xC1}:
        pos += 2 + int.from_bytes(stream[pos + 2 : pos + 4], "big")
    return stream[: pos + 1] + b"\xc1" + stream[pos + 2 :]
