"""JPEG lossless, process 14 with any predictor (ISO 10918-1 H; PS3.5 8.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import (
    Array,
    Decoded,
    Option,
    chosen,
    encoded,
    ended,
    fitting,
    guarded,
    head_of,
    in_shape,
    unsigned,
)
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head_of(data, layout, "JPEG")
    ended(data)
    colour = "RGB" if layout.samples == 3 else None
    samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace=colour, outcolorspace=colour)
    return Decoded(in_shape(samples, layout), layout.photometric)


FIRST_ORDER = "1.2.840.10008.1.2.4.70"


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """``predictor`` 1 to 7 (ISO 10918-1 table H.1); the first-order syntax has 1 only."""
    known = {} if layout.transfer_syntax_uid == FIRST_ORDER else {"predictor": Option(1, 1, 7)}
    predictor = chosen(options, **known).get("predictor", 1)
    if layout.bits_stored > 16:
        raise PixelError(f"JPEG lossless holds samples of 16 bits at most, not of {layout.bits_stored}")
    more: dict[str, Any] = {}
    if layout.samples == 3:
        colour = "YCBCR" if layout.photometric.startswith("YBR") else "RGB"
        more = {"colorspace": colour, "outcolorspace": colour}
    return encoded(
        imagecodecs.jpeg8_encode,
        "JPEG lossless",
        unsigned(fitting(samples, layout), layout),
        lossless=True,
        predictor=predictor,
        bitspersample=max(layout.bits_stored, 2),
        **more,
    )
