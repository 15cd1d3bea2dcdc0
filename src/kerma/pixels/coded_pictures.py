"""Pictures as JPEG XL and as High-Throughput JPEG 2000, by the codecs that write frames (PS3.18 8.7.4).

May touch numpy and, through the codecs, imagecodecs. Rules: ``quality`` 100 is lossless; a stream of HTJ2K goes
into the boxes of a JPH file (ISO/IEC 15444-15 D), which is what ``image/jph`` means.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.pixels.codecs import encoder_of
from kerma.pixels.layout import PIXEL_DATA, Layout

Array = NDArray[Any]

_ROOT = "1.2.840.10008.1.2.4."
_SRGB, _GREY = 16, 17


def jpeg_xl(picture: Array, *, quality: int = 90) -> bytes:
    """An 8-bit picture as a JPEG XL codestream or file."""
    if quality == 100:
        return _stream(picture, "110", {})
    # The scale of cjxl: 90 is a distance of 1, which the eye does not see.
    return _stream(picture, "112", {"distance": min(max(0.1 + (100 - quality) * 0.09, 0.01), 25.0)})


def jph(picture: Array, *, quality: int = 90) -> bytes:
    """An 8-bit picture as a JPH file."""
    lossless = quality == 100
    stream = _stream(picture, "201" if lossless else "203", {} if lossless else {"quality": 25.0 + 0.35 * quality})
    rows, columns = picture.shape[:2]
    colours = 3 if picture.ndim == 3 else 1
    head = _box(b"ihdr", struct.pack(">IIHBBBB", rows, columns, colours, 7, 7, 0, 0))
    head += _box(b"colr", struct.pack(">BBBI", 1, 0, 0, _SRGB if colours == 3 else _GREY))
    parts = (
        _box(b"jP  ", b"\r\n\x87\n"),
        _box(b"ftyp", b"jph \0\0\0\0jph "),
        _box(b"jp2h", head),
        _box(b"jp2c", stream),
    )
    return b"".join(parts)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def _stream(picture: Array, syntax: str, options: dict[str, Any]) -> bytes:
    coloured = picture.ndim == 3
    uid = _ROOT + syntax
    photometric = "MONOCHROME2"
    if coloured:
        photometric = {"201": "YBR_RCT", "203": "YBR_ICT"}.get(syntax, "RGB" if syntax == "110" else "XYB")
    rows, columns = picture.shape[:2]
    samples = 3 if coloured else 1
    layout = Layout(PIXEL_DATA, rows, columns, samples, 1, 8, 8, 7, False, False, photometric, uid)
    return bytes(encoder_of(uid)(np.ascontiguousarray(picture), layout, options))
