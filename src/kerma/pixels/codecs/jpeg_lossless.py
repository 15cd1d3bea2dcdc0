"""JPEG lossless, process 14 with any predictor (ISO 10918-1 H; PS3.5 8.2.1)."""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded, ended, guarded, head_of, in_shape
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head_of(data, layout, "JPEG")
    ended(data)
    colour = "RGB" if layout.samples == 3 else None
    samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace=colour, outcolorspace=colour)
    return Decoded(in_shape(samples, layout), layout.photometric)
