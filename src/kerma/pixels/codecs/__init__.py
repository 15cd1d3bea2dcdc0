"""The codecs, a file each (PS3.5 8.2, A.4). Which file reads and writes which transfer syntax is the table here.

A codec module has ``decode(data, layout, rgb) -> Decoded``, one frame's code stream to samples, and where a library can
write it ``encode(samples, layout, options) -> bytes``. It is imported when it is first needed; a package that is absent
is an ``UnsupportedSyntaxError`` that says what to install. Rules: what the stream's own header says is compared with
the data set before anything of its size is allocated; every failure of a foreign library becomes a ``PixelError``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerma.encoding.source import Buffer
from kerma.errors import UnsupportedSyntaxError
from kerma.pixels.layout import Layout
from kerma.standard import transfer_syntaxes

if TYPE_CHECKING:
    from kerma.pixels.codecs.base import Array, Decoded

Decode = Callable[[Buffer, Layout, bool], "Decoded"]
Encode = Callable[["Array", Layout, Mapping[str, Any]], bytes]
"""Samples of shape (rows, columns[, samples]) as ``layout`` says them of the stream, colour as the photometric
interpretation before any transform of the codec's own (RGB for YBR_RCT, YBR_ICT, YBR_FULL_422 and XYB).
"""

_ROOT = "1.2.840.10008.1.2."


@dataclass(frozen=True, slots=True)
class Codec:
    """A row of the table. ``options`` are what ``encode`` takes; ``extra`` is what to install for it."""

    uid: str
    module: str
    writes: bool
    options: tuple[str, ...] = ()
    extra: str = "kerma[pixels]"

    @property
    def name(self) -> str:
        """The transfer syntax as printed."""
        return _name(self.uid)

    @property
    def lossless(self) -> bool:
        row = transfer_syntaxes.get(self.uid)
        return row is not None and not row.lossy


def _rows(module: str, numbers: str, *options: str, writes: bool = True) -> list[Codec]:
    return [Codec(f"{_ROOT}{number}", module, writes, options) for number in numbers.split()]


CODECS: Mapping[str, Codec] = {
    row.uid: row
    for row in [
        *_rows("plain", "1.98"),
        *_rows("deflated", "8.1", "effort"),
        *_rows("rle", "5"),
        *_rows("jpeg", "4.50 4.51", "quality", "subsampling"),
        *_rows("jpeg", "4.52 4.53 4.54 4.55 4.56", writes=False),
        *_rows("jpeg_lossless", "4.57", "predictor"),
        *_rows("jpeg_lossless", "4.58", writes=False),
        *_rows("jpeg_lossless", "4.70"),
        *_rows("jpegls", "4.80"),
        *_rows("jpegls", "4.81", "near"),
        *_rows("jpeg2000", "4.90", "levels"),
        *_rows("jpeg2000", "4.91", "levels", "quality", "rate"),
        *_rows("jpeg2000", "4.92 4.93", writes=False),
        *_rows("htj2k", "4.201 4.202", "levels"),
        *_rows("htj2k", "4.203", "levels", "quality", "rate"),
        *_rows("jpegxl", "4.110", "effort"),
        *_rows("jpegxl", "4.111", writes=False),
        *_rows("jpegxl", "4.112", "effort", "distance"),
    ]
}
"""Transfer syntax -> who reads and writes it here."""

MODULE_OF: Mapping[str, str] = {uid: row.module for uid, row in CODECS.items()}

_DECODERS: dict[str, Decode] = {}
_ENCODERS: dict[str, Encode] = {}


def decoder_of(uid: str) -> Decode:
    """The decoder of a transfer syntax; ``UnsupportedSyntaxError`` names one that has none."""
    known = _DECODERS.get(uid)
    if known is not None:
        return known
    row = CODECS.get(uid)
    if row is None:
        raise UnsupportedSyntaxError(f"pixels in {_called(uid)} cannot be decoded", uid=uid)
    decode: Decode = _loaded(row, "decoding").decode
    _DECODERS[uid] = decode
    return decode


def encoder_of(uid: str) -> Encode:
    """The encoder of a transfer syntax; ``UnsupportedSyntaxError`` names one that nothing here writes."""
    known = _ENCODERS.get(uid)
    if known is not None:
        return known
    row = CODECS.get(uid)
    if row is None or not row.writes:
        raise UnsupportedSyntaxError(f"pixels cannot be encoded in {_called(uid)}", uid=uid)
    encode: Encode = _loaded(row, "encoding").encode
    _ENCODERS[uid] = encode
    return encode


def _loaded(row: Codec, doing: str) -> Any:
    try:
        return importlib.import_module(f"kerma.pixels.codecs.{row.module}")
    except ImportError as error:
        raise UnsupportedSyntaxError(
            f"{doing} {row.name} needs the package {error.name}, which is not installed",
            uid=row.uid,
            hint=f"pip install '{row.extra}'",
        ) from None


def _name(uid: str) -> str:
    row = transfer_syntaxes.get(uid)
    return uid if row is None else row.name


def _called(uid: str) -> str:
    name = _name(uid)
    return uid if name == uid else f"{name} ({uid})"
