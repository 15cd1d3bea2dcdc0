"""Encapsulated uncompressed (1.2.840.10008.1.2.1.98): each fragment is a frame of native samples (PS3.5 A.4.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Array, Decoded, chosen, fitting
from kerma.pixels.layout import Layout
from kerma.pixels.native import as_array, dtype_of


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    photometric = "YBR_FULL" if layout.photometric == "YBR_FULL_422" else layout.photometric
    return Decoded(as_array(data, layout), photometric)


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    chosen(options)
    return native_bytes(fitting(samples, layout), layout)


def native_bytes(samples: Array, layout: Layout) -> bytes:
    """The little endian bytes of one frame, colour by pixel; single bits are packed, and the last byte is filled up."""
    if layout.bits_allocated == 1:
        return np.packbits(samples.reshape(-1).astype("u1", copy=False), bitorder="little").tobytes()
    return samples.astype(dtype_of(layout).newbyteorder("<"), copy=False).tobytes()
