"""The codecs, a file each (PS3.5 8.2, A.4). Which file decodes which transfer syntax is the table here.

A codec has one function, ``decode(data, layout, rgb)``: one frame's code stream to ``Decoded``. It is imported when it
is first needed; a package that is absent is an ``UnsupportedSyntaxError`` that says what to install. Rules: what the
stream's own header says is compared with the data set before anything of its size is allocated; every failure of a
foreign library becomes a ``PixelError``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from kerma.encoding.source import Buffer
from kerma.errors import UnsupportedSyntaxError
from kerma.pixels.codecs.base import Decoded
from kerma.pixels.layout import Layout
from kerma.standard import transfer_syntaxes

Decode = Callable[[Buffer, Layout, bool], Decoded]

_ROOT = "1.2.840.10008.1.2."
_MODULES = {
    "plain": ("1.98",),
    "deflated": ("8.1",),
    "rle": ("5",),
    "jpeg": ("4.50", "4.51", "4.52", "4.53", "4.54", "4.55", "4.56"),
    "jpeg_lossless": ("4.57", "4.58", "4.70"),
    "jpegls": ("4.80", "4.81"),
    "jpeg2000": ("4.90", "4.91", "4.92", "4.93"),
    "htj2k": ("4.201", "4.202", "4.203"),
    "jpegxl": ("4.110", "4.111", "4.112"),
}
MODULE_OF = {f"{_ROOT}{number}": name for name, numbers in _MODULES.items() for number in numbers}
"""Transfer syntax -> the module here that decodes it."""

_LOADED: dict[str, Decode] = {}


def decoder_of(uid: str) -> Decode:
    """The decoder of a transfer syntax; ``UnsupportedSyntaxError`` names one that has none."""
    known = _LOADED.get(uid)
    if known is not None:
        return known
    name = MODULE_OF.get(uid)
    if name is None:
        row = transfer_syntaxes.get(uid)
        called = uid if row is None else f"{row.name} ({uid})"
        raise UnsupportedSyntaxError(f"pixels in {called} cannot be decoded", uid=uid)
    try:
        decode: Decode = importlib.import_module(f"kerma.pixels.codecs.{name}").decode
    except ImportError as error:
        row = transfer_syntaxes.get(uid)
        raise UnsupportedSyntaxError(
            f"decoding {row.name if row else uid} needs the package {error.name}, which is not installed",
            uid=uid,
            hint="pip install 'kerma[pixels]'",
        ) from None
    _LOADED[uid] = decode
    return decode
