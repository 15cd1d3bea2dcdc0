"""JPEG-LS, lossless and near-lossless (ISO 14495-1; PS3.5 8.2.3)."""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded, ended, guarded, head_of, in_shape
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head_of(data, layout, "JPEG-LS")
    ended(data)  # CharLS looks for minutes for the end of a stream that has none
    samples = guarded(imagecodecs.jpegls_decode, "JPEG-LS", data)
    return Decoded(in_shape(samples, layout), layout.photometric)
