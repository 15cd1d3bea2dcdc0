"""Deflated image frame compression (1.2.840.10008.1.2.8.1): each frame is a deflate stream of native samples (PS3.5
8.2.16, A.4.12).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import Array, Decoded, Option, chosen, fitting
from kerma.pixels.codecs.plain import decode as decode_plain
from kerma.pixels.codecs.plain import native_bytes
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size = layout.native_size
    try:
        # One byte more would show a stream that holds another image; nothing larger is ever allocated.
        samples = inflater.decompress(data, size + 2)
    except zlib.error as error:
        raise PixelError(f"the deflate stream is broken: {error}") from None
    if not size <= len(samples) <= size + 1:
        raise PixelError(f"the deflate stream does not hold the {size} bytes that the frame has")
    return decode_plain(samples, layout, rgb)


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    effort = chosen(options, effort=Option(6, 1, 9))["effort"]
    packer = zlib.compressobj(effort, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(native_bytes(fitting(samples, layout), layout)) + packer.flush()
