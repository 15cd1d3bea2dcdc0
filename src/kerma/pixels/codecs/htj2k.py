"""High-throughput JPEG 2000 (ISO 15444-15; PS3.5 8.2.14).

OpenJPEG decodes it. OpenJPH would be twice as fast, but as imagecodecs wraps it a broken stream gives rubbish and no
error, and samples of a lossy one that overshoot their range wrap around: white becomes black.
"""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded, guarded, head_of, in_shape
from kerma.pixels.codecs.jpeg2000 import TRANSFORMED
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head = head_of(data, layout, "HTJ2K")
    stream = memoryview(data)[head.start : head.end]
    samples = guarded(imagecodecs.jpeg2k_decode, "HTJ2K", stream, planar=False)
    return Decoded(in_shape(samples, layout), "RGB" if layout.photometric in TRANSFORMED else layout.photometric)
