"""High-throughput JPEG 2000 (ISO 15444-15; PS3.5 8.2.14)."""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded, guarded, head_of, in_shape
from kerma.pixels.codecs.jpeg2000 import TRANSFORMED
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head = head_of(data, layout, "HTJ2K")
    stream = memoryview(data)[head.start : head.end]
    samples = guarded(lambda: imagecodecs.htj2k_decode(stream), "HTJ2K")
    return Decoded(in_shape(samples, layout), "RGB" if layout.photometric in TRANSFORMED else layout.photometric)
