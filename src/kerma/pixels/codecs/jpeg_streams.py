"""JPEG streams of any process to samples (ISO 10918-1; PS3.5 8.2.1): what the stream is decides, not the transfer
syntax that it came in, for files of either kind are found under the other.

What the colours are is said by the data set; a lossy stream whose JFIF or Adobe marker contradicts it is believed, as
every other reader does. Lossless streams are read as they are, without any colour transform.

libjpeg-turbo reads all. The other decoder of lossless streams at hand, jpegsof3, writes beyond its memory where a
stream is damaged, so it is not asked when libjpeg-turbo refuses one.
"""

from __future__ import annotations

import imagecodecs
import numpy as np

from kerma.encoding.source import Buffer
from kerma.formats.building.codestreams import StreamHead
from kerma.pixels.codecs.base import (
    END,
    Array,
    Decoded,
    cut,
    guarded,
    has_end,
    head_of,
    in_shape,
    said_shallow,
    said_unended,
)
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head = head_of(data, layout, "JPEG")
    if head.method and head.bits == 8 < layout.bits_stored:
        said_shallow(layout, head)
    if has_end(data):
        return _decoded(data, layout, head, rgb)
    # What a cut stream lacks is decoded from whatever stands behind it: from two things, two pictures.
    found, other = (_decoded(bytes(data) + tail + END, layout, head, rgb) for tail in (b"", b"\x55" * 64))
    if not np.array_equal(found.samples, other.samples):
        raise cut()
    said_unended(layout)
    return found


def _decoded(data: Buffer, layout: Layout, head: StreamHead, rgb: bool) -> Decoded:
    if not head.method:
        return Decoded(in_shape(_lossless(data, layout), layout), layout.photometric)
    if layout.samples == 1:
        return Decoded(in_shape(guarded(imagecodecs.jpeg8_decode, "JPEG", data), layout), layout.photometric)
    # Components that are named R, G and B are that, even without a marker (head.photometric is RGB for them only).
    believed = head.marked or head.photometric == "RGB"
    stored = head.photometric if believed and head.photometric else layout.photometric
    if stored == "RGB":
        samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace="RGB", outcolorspace="RGB")
        return Decoded(in_shape(samples, layout), "RGB")
    out = "RGB" if rgb else "YCBCR"
    samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace="YCBCR", outcolorspace=out)
    return Decoded(in_shape(samples, layout), "RGB" if rgb else "YBR_FULL")


def _lossless(data: Buffer, layout: Layout) -> Array:
    colour = "RGB" if layout.samples == 3 else None
    return guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace=colour, outcolorspace=colour)
