"""JPEG streams of any process to samples (ISO 10918-1; PS3.5 8.2.1): what the stream is decides, not the transfer
syntax that it came in, for files of either kind are found under the other.

What the colours are is said by the data set; a lossy stream whose JFIF or Adobe marker contradicts it is believed, as
every other reader does. Lossless streams are read as they are, without any colour transform.

libjpeg-turbo reads all, but refuses Huffman tables with a code of all ones, which others write in lossless streams;
jpegsof3 takes them.
"""

from __future__ import annotations

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.formats.building.codestreams import StreamHead
from kerma.pixels.codecs.base import Array, Decoded, ended, guarded, head_of, in_shape
from kerma.pixels.layout import Layout

_SOS = 0xDA
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head = head_of(data, layout, "JPEG")
    if head.transfer_syntax_uid.endswith((".80", ".81")):
        raise PixelError("this is a JPEG-LS stream, not one of JPEG", hint="its transfer syntax is wrong")
    ended(data)
    if not head.method:
        return Decoded(in_shape(_lossless(data, layout), layout), layout.photometric)
    return _lossy(data, layout, head, rgb)


def _lossy(data: Buffer, layout: Layout, head: StreamHead, rgb: bool) -> Decoded:
    if layout.samples == 1:
        return Decoded(in_shape(guarded(imagecodecs.jpeg8_decode, "JPEG", data), layout), layout.photometric)
    stored = head.photometric if head.marked and head.photometric else layout.photometric
    if stored == "RGB":
        samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace="RGB", outcolorspace="RGB")
        return Decoded(in_shape(samples, layout), "RGB")
    out = "RGB" if rgb else "YCBCR"
    samples = guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace="YCBCR", outcolorspace=out)
    return Decoded(in_shape(samples, layout), "RGB" if rgb else "YBR_FULL")


def _lossless(data: Buffer, layout: Layout) -> Array:
    colour = "RGB" if layout.samples == 3 else None
    try:
        return guarded(imagecodecs.jpeg8_decode, "JPEG", data, colorspace=colour, outcolorspace=colour)
    except PixelError:
        if _restarts(data):
            raise
        return guarded(imagecodecs.jpegsof3_decode, "JPEG", bytes(data))


def _restarts(data: Buffer) -> bool:
    """Whether the stream has restart intervals, which jpegsof3 does not look at."""
    view = memoryview(data)
    pos = _segment(view, 0xDD)
    return pos >= 0 and bytes(view[pos : pos + 2]) != b"\0\0"


def _segment(view: memoryview, wanted: int) -> int:
    """Where the body of a marker segment begins, up to the first scan; -1 for none."""
    pos = 2
    while pos + 4 <= len(view) and view[pos] == 0xFF:
        marker = view[pos + 1]
        if marker == 0xFF or marker in _ALONE:
            pos += 1 if marker == 0xFF else 2
            continue
        if marker == wanted:
            return pos + 4
        if marker == _SOS:
            break
        pos += 2 + int.from_bytes(view[pos + 2 : pos + 4], "big")
    return -1
