"""JPEG XL, and JPEG repacked in it (ISO 18181; PS3.5 8.2.15). The decoder gives RGB or grey."""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import Decoded, guarded, in_shape
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    if not bytes(memoryview(data)[:12]).startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        raise PixelError("this is no JPEG XL stream")
    samples = guarded(imagecodecs.jpegxl_decode, "JPEG XL", data)
    return Decoded(in_shape(samples, layout), layout.photometric if layout.samples == 1 else "RGB")
