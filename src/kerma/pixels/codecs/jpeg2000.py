"""JPEG 2000 part 1, and what of part 2 is part 1 in other clothes (ISO 15444-1; PS3.5 8.2.4).

The multiple component transform is undone by the decoder: YBR_RCT and YBR_ICT come out as RGB.
"""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded, guarded, head_of, in_shape
from kerma.pixels.layout import Layout

TRANSFORMED = frozenset({"YBR_RCT", "YBR_ICT"})


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head = head_of(data, layout, "JPEG 2000")
    stream = memoryview(data)[head.start : head.end]
    samples = guarded(imagecodecs.jpeg2k_decode, "JPEG 2000", stream, planar=False)
    return Decoded(in_shape(samples, layout), "RGB" if layout.photometric in TRANSFORMED else layout.photometric)
