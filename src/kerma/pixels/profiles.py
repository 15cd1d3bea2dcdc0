"""Colour spaces that pictures can be had in, as ICC profiles: sRGB, Adobe RGB (1998), ROMM RGB, Display P3.

PS3.18 8.3.5.1.5; ICC.1:2001-04 (version 2: every reader knows it) for the bytes. May touch numpy and Pillow. Rule: a
profile is made from the numbers that define its colour space, so that nobody's file is needed.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.pixels.extras import pillow
from kerma.pixels.shapes import as_rgb

Array = NDArray[Any]

_D50 = (0.9642, 1.0, 0.8249)
_STEPS = 1024
_Curve = float | None
"""A gamma, or None for that of sRGB (IEC 61966-2-1)."""

# Name, the primaries' XYZ adapted to D50 by Bradford, red, green, blue; the tone curve.
_SPACES: dict[str, tuple[str, tuple[tuple[float, float, float], ...], _Curve]] = {
    "srgb": ("sRGB", ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)), None),
    "adobergb": (
        "Compatible with Adobe RGB (1998)",
        ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
        563 / 256,
    ),
    "rommrgb": (
        "ROMM RGB",
        ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491)),
        1.8,
    ),
    "displayp3": (
        "Display P3",
        ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
        None,
    ),
}
NAMES = tuple(_SPACES)


@lru_cache(maxsize=len(_SPACES))
def profile(name: str) -> bytes:
    """The ICC profile of a colour space of ``NAMES``."""
    title, primaries, gamma = _SPACES[name]
    curve = _curve(gamma)
    tags = [
        (b"desc", _description(title)),
        (b"cprt", b"text\0\0\0\0" + b"No copyright, use freely\0"),
        (b"wtpt", _xyz(_D50)),
        *((tag, _xyz(each)) for tag, each in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)),
        (b"rTRC", curve),
        (b"gTRC", curve),
        (b"bTRC", curve),
    ]
    table, body, known = struct.pack(">I", len(tags)), b"", {}
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        if data not in known:
            known[data] = start + len(body)
            body += data + b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", known[data], len(data))
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2001, 4, 1, 0, 0, 0, b"acsp") + b"\0" * 28
    head += struct.pack(">3i", *(round(each * 65536) for each in _D50))
    return head.ljust(128, b"\0") + table + body


def to_space(picture: Array, source: bytes, name: str) -> Array:
    """RGB (grey becomes it) of the profile ``source``, b"" for sRGB, in a colour space of ``NAMES``."""
    rgb = as_rgb(picture)
    transform = _transform(source or profile("srgb"), name) or _transform(profile("srgb"), name)
    if transform is None:
        return rgb
    image = pillow("Image").fromarray(np.ascontiguousarray(rgb))
    return np.asarray(pillow("ImageCms").applyTransform(image, transform))


@lru_cache(maxsize=16)
def _transform(source: bytes, name: str) -> Any:
    cms = pillow("ImageCms")
    try:
        start, end = (cms.ImageCmsProfile(io.BytesIO(data)) for data in (source, profile(name)))
        return cms.buildTransform(start, end, "RGB", "RGB", cms.Intent.RELATIVE_COLORIMETRIC)
    except (cms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(each * 65536) for each in values))


def _curve(gamma: _Curve) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    x = np.arange(_STEPS) / (_STEPS - 1)
    y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I", _STEPS) + bytes(np.rint(y * 65535).astype(">u2"))


def _description(title: str) -> bytes:
    said = title.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(said)) + said + b"\0" * (4 + 4 + 2 + 1 + 67)
