"""JPEG lossless, process 14 with any predictor (ISO 10918-1 H; PS3.5 8.2.1). libjpeg-turbo writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import imagecodecs

from kerma.errors import PixelError
from kerma.pixels.codecs.base import Array, Option, chosen, encoded, fitting, unsigned
from kerma.pixels.codecs.jpeg_streams import decode
from kerma.pixels.layout import Layout

__all__ = ["decode", "encode"]

FIRST_ORDER = "1.2.840.10008.1.2.4.70"
_ADOBE = 0xEE


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """``predictor`` 1 to 7 (ISO 10918-1 table H.1); the first-order syntax has 1 only."""
    known = {} if layout.transfer_syntax_uid == FIRST_ORDER else {"predictor": Option(1, 1, 7)}
    predictor = chosen(options, **known).get("predictor", 1)
    if layout.bits_stored > 16:
        raise PixelError(f"JPEG lossless holds samples of 16 bits at most, not of {layout.bits_stored}")
    if layout.bits_stored > 15 and predictor > 4:
        # libjpeg-turbo halves differences of 16 bits otherwise than all other decoders do.
        raise PixelError(f"samples of 16 bits cannot be written with predictor {predictor}", hint="1 to 4 can be")
    more = {"colorspace": "RGB", "outcolorspace": "RGB"} if layout.samples == 3 else {}
    stream = encoded(
        imagecodecs.jpeg8_encode,
        "JPEG lossless",
        unsigned(fitting(samples, layout), layout),
        lossless=True,
        predictor=predictor,
        bitspersample=max(layout.bits_stored, 2),
        **more,
    )
    return _unnamed(stream) if layout.photometric.startswith("YBR") else stream


def _unnamed(stream: bytes) -> bytes:
    """The stream without what says that its components are red, green and blue: its Adobe marker and their names.

    It is written so because libjpeg-turbo names the wrong Huffman table in lossless streams of YBR.
    """
    out = bytearray(stream[:2])
    pos = 2
    while True:
        marker, length = stream[pos + 1], int.from_bytes(stream[pos + 2 : pos + 4], "big")
        segment = bytearray(stream[pos : pos + 2 + length])
        first, step = {0xC3: (10, 3), 0xDA: (5, 2)}.get(marker, (0, 0))
        for number in range(3 if step else 0):
            segment[first + number * step] = number + 1
        if marker != _ADOBE:
            out += segment
        pos += 2 + length
        if marker == 0xDA:
            return bytes(out) + stream[pos:]
