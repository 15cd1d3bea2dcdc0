"""Encapsulated uncompressed (1.2.840.10008.1.2.1.98): each fragment is a frame of native samples (PS3.5 A.4.11)."""

from __future__ import annotations

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded
from kerma.pixels.layout import Layout
from kerma.pixels.native import as_array


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    photometric = "YBR_FULL" if layout.photometric == "YBR_FULL_422" else layout.photometric
    return Decoded(as_array(data, layout), photometric)
