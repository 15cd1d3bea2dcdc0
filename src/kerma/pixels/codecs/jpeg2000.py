"""JPEG 2000 part 1, and what of part 2 is part 1 in other clothes (ISO 15444-1; PS3.5 8.2.4).

The multiple component transform is undone by the decoder: YBR_RCT and YBR_ICT come out as RGB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import imagecodecs

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.formats.building.codestreams import StreamHead
from kerma.pixels.codecs.base import (
    END,
    Array,
    Decoded,
    Option,
    chosen,
    encoded,
    fitting,
    guarded,
    head_of,
    in_shape,
    said_unended,
)
from kerma.pixels.layout import Layout

TRANSFORMED = frozenset({"YBR_RCT", "YBR_ICT"})
_LOSSLESS = "1.2.840.10008.1.2.4.90"
_DEEPEST = 24
"""Bits that OpenJPEG keeps, one less with a colour transform: its coefficients have 31 bits with all that it adds."""


_OPENJPEG_BITS = 16  # of an HTJ2K stream


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    return decoded(data, layout, "JPEG 2000")


def decoded(data: Buffer, layout: Layout, kind: str) -> Decoded:
    """Samples of a stream of either part, whichever the transfer syntax (``kind``) says that it is."""
    head = head_of(data, layout, kind)
    stream = whole(memoryview(data)[head.start : head.end], layout)
    deep = head.high_throughput and head.bits > _OPENJPEG_BITS
    reader = imagecodecs.htj2k_decode if deep else imagecodecs.jpeg2k_decode
    samples = guarded(reader, kind, stream, planar=False)
    return Decoded(in_shape(samples, layout), colours_of(head, layout))


def colours_of(head: StreamHead, layout: Layout) -> str:
    """What decoded samples are in. A transform in the stream is undone, and then they are RGB, whatever is said."""
    mixed = layout.photometric in TRANSFORMED or head.photometric in TRANSFORMED
    return "RGB" if mixed and layout.samples == 3 else layout.photometric


_SOT = 0xFF90


def whole(stream: memoryview, layout: Layout) -> Buffer:
    """The stream with its EOC, put behind it where it is missing and the last tile part is there (A.4.4, A.4.2)."""
    pos = 2
    while pos + 12 <= len(stream):
        marker, length = int.from_bytes(stream[pos : pos + 2], "big"), int.from_bytes(stream[pos + 2 : pos + 4], "big")
        if marker == _SOT:
            length = int.from_bytes(stream[pos + 6 : pos + 10], "big") - 2
        if length < 2:
            return stream  # the last tile part says no length, or what stands there is no marker segment
        pos += 2 + length
    if pos != len(stream):
        return stream
    said_unended(layout)
    return bytes(stream) + END


LEVELS = Option(None, 0, 32)


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """``levels`` of decomposition; in the lossy syntax ``quality``, the peak signal-to-noise ratio in dB (60 unless
    given), or ``rate``, how many times smaller than uncompressed the stream shall be.
    """
    lossless = layout.transfer_syntax_uid == _LOSSLESS
    known = {} if lossless else {"quality": Option(None, 10, 200, whole=False), "rate": RATE}
    found = chosen(options, levels=LEVELS, **known)
    mixed = layout.photometric in TRANSFORMED
    deepest = _DEEPEST - mixed
    if layout.bits_stored > deepest:
        raise PixelError(
            f"JPEG 2000 as it is written here keeps {deepest} bits a sample, not {layout.bits_stored}",
            hint="HTJ2K and RLE Lossless hold up to 32 bits",
        )
    samples = fitting(samples, layout)
    more: dict[str, Any] = {"mct": mixed, "codecformat": "j2k", "bitspersample": layout.bits_stored}
    if found["levels"] is not None:
        more["resolutions"] = found["levels"] + 1
    if lossless:
        return encoded(imagecodecs.jpeg2k_encode, "JPEG 2000", samples, level=0, reversible=True, **more)

    def at(quality: float) -> bytes:
        return encoded(imagecodecs.jpeg2k_encode, "JPEG 2000", samples, level=quality, reversible=False, **more)

    if found["rate"] is None:
        return at(found["quality"] or 60)
    return of_rate(at, native_size(layout) / found["rate"], 20.0, 120.0, rising=True)


RATE = Option(None, 1, 1000, whole=False)
_TRIES = 8


def of_rate(at: Callable[[float], bytes], size: float, low: float, high: float, *, rising: bool) -> bytes:
    """The largest stream of ``size`` bytes at most, by halving what the setting can be; the smallest where none is as
    small. ``rising``: a larger setting gives a larger stream.
    """
    best: bytes | None = None
    smallest: bytes | None = None
    for _ in range(_TRIES):
        middle = (low * high) ** 0.5
        stream = at(middle)
        fits = len(stream) <= size
        if fits and (best is None or len(stream) > len(best)):
            best = stream
        if smallest is None or len(stream) < len(smallest):
            smallest = stream
        if fits == rising:
            low = middle
        else:
            high = middle
    assert smallest is not None
    return smallest if best is None else best


def native_size(layout: Layout) -> float:
    """Bytes of a frame that is not compressed, by its bits stored (PS3.3 C.7.6.1.1.5.2)."""
    return layout.pixels * layout.samples * layout.bits_stored / 8
