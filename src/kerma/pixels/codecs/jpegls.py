"""JPEG-LS, lossless and near-lossless (ISO 14495-1; PS3.5 8.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import imagecodecs
import numpy as np

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import (
    END,
    Array,
    Decoded,
    Option,
    chosen,
    cut,
    encoded,
    extent,
    fitting,
    guarded,
    has_end,
    head_of,
    in_shape,
    said_unended,
)
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    head_of(data, layout, "JPEG-LS")
    if has_end(data):
        samples = guarded(imagecodecs.jpegls_decode, "JPEG-LS", data)
    else:
        samples = _unended(bytes(data).rstrip(b"\0"))
        said_unended(layout)
    return Decoded(in_shape(samples, layout), layout.photometric)


def _unended(data: bytes) -> Array:
    """The samples of a stream without EOI, for whose end CharLS would look for minutes. ``PixelError`` where it is cut.

    CharLS reads missing bits as zeros and says nothing. What it gives is right if it is encoded to the same bits again,
    which shows nothing of streams with loss or of odd parameters: they are refused as well.
    """
    try:
        samples = guarded(imagecodecs.jpegls_decode, "JPEG-LS", data + END)
    except PixelError:
        raise cut() from None
    again = encoded(imagecodecs.jpegls_encode, "JPEG-LS", samples, level=0)
    if _bits(again) != _bits(data + END):
        raise cut()
    return samples


def _bits(stream: bytes) -> bytes:
    """What stands behind the first scan header."""
    at = stream.find(b"\xff\xda")
    return stream[at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big") :]


NEAR = "1.2.840.10008.1.2.4.81"
_SPIFF = b"\xff\xe8"


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """``near``: how far a sample may be from what it was; 2 unless given, 0 in the lossless syntax.

    The stream says 8 or 16 bits, whatever is stored: CharLS has no other here. It is seen to that nothing is decoded to
    more than Bits Stored holds.
    """
    known = {"near": Option(2, 0, 255)} if layout.transfer_syntax_uid == NEAR else {}
    near = chosen(options, **known).get("near", 0)
    if layout.bits_stored > 16:
        raise PixelError(f"JPEG-LS holds samples of 16 bits at most, not of {layout.bits_stored}")
    if near and layout.signed:
        raise PixelError("JPEG-LS near-lossless would turn small negative samples into large ones")
    plain = _words(fitting(samples, layout), layout)
    _, top = extent(layout)
    if near and top < np.iinfo(plain.dtype).max and int(plain.max(initial=0)) + near > top:
        # Half for what is cut off here, half for the codec: together no more than near.
        near //= 2
        plain = np.minimum(plain, plain.dtype.type(top - near))
    return _without_spiff(encoded(imagecodecs.jpegls_encode, "JPEG-LS", plain, level=near))


def _words(samples: Array, layout: Layout) -> Array:
    """The words as they stand in memory, signs carried up: of the 8 or 16 bits that the stream says, all count."""
    size = 1 if layout.bits_stored <= 8 else 2
    kind = "i" if layout.signed else "u"
    return samples.astype(f"{kind}{size}", copy=False).view(f"u{size}")


def _without_spiff(stream: bytes) -> bytes:
    """The stream without the SPIFF header that CharLS writes and other readers of DICOM do not expect."""
    pos = 2
    while stream[pos : pos + 2] == _SPIFF:
        pos += 2 + int.from_bytes(stream[pos + 2 : pos + 4], "big")
    return stream[:2] + stream[pos:]
