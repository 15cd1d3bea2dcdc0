"""JPEG with loss: baseline, extended, and the retired spectral selection and progressive processes (ISO 10918-1; PS3.5
8.2.1).

libjpeg-turbo converts luma and chroma to RGB itself when RGB is asked for. What the components are is said by the data
set; a stream whose JFIF or Adobe marker contradicts it is believed, as every other reader does.
"""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.pixels.codecs.base import Decoded, ended, guarded, head_of, in_shape
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head = head_of(data, layout, "JPEG")
    ended(data)
    if layout.samples == 1:
        samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data)
        return Decoded(in_shape(samples, layout), layout.photometric)
    stored = head.photometric if head.marked and head.photometric else layout.photometric
    if stored == "RGB":
        samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace="RGB", outcolorspace="RGB")
        return Decoded(in_shape(samples, layout), "RGB")
    out = "RGB" if rgb else "YCBCR"
    samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace="YCBCR", outcolorspace=out)
    return Decoded(in_shape(samples, layout), "RGB" if rgb else "YBR_FULL")
