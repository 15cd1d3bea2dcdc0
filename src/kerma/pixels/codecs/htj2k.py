"""High-throughput JPEG 2000 (ISO 15444-15; PS3.5 8.2.14).

OpenJPH is twice as fast as OpenJPEG, but as it is wrapped, samples of lossy streams that overshoot their range wrap
around: white becomes black. So lossy streams are decoded by OpenJPEG, which clips them.
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
    decoder = imagecodecs.jpeg2k_decode if head.method else imagecodecs.htj2k_decode
    samples = guarded(decoder, "HTJ2K", stream)
    return Decoded(in_shape(samples, layout), "RGB" if layout.photometric in TRANSFORMED else layout.photometric)
