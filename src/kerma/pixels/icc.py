"""Colours as their ICC profile means them, in sRGB (PS3.3 C.11.15).

May touch data sets and Pillow, loaded when a profile is applied. Rule: a profile that cannot be used leaves the colours
as they are; a picture is still to be had.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.pixels.attributes import item
from kerma.pixels.extras import pillow
from kerma.pixels.tables import raw_bytes

Array = NDArray[Any]

_LARGEST = 16 << 20


def profile_of(ds: Dataset) -> bytes:
    """The ICC profile of an image, or of the first optical path of a slide; b"" where there is none."""
    for holder in (ds, item(ds, "OpticalPathSequence")):
        if holder is not None and "ICCProfile" in holder:
            try:
                profile = raw_bytes(holder, "ICCProfile")[0]
            except KermaError:
                return b""
            return profile if 128 <= len(profile) <= _LARGEST else b""
    return b""


def to_srgb(rgb: Array, profile: bytes) -> Array:
    """8-bit RGB in ``profile``'s colours as 8-bit sRGB; a new array, or the same where nothing is to do."""
    transform = _transform(profile) if profile else None
    if transform is None:
        return rgb
    picture = pillow("Image").fromarray(np.ascontiguousarray(rgb))
    return np.asarray(pillow("ImageCms").applyTransform(picture, transform))


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> Any:
    """From ``profile`` to sRGB; None where it is no profile for RGB."""
    cms = pillow("ImageCms")
    try:
        source = cms.ImageCmsProfile(io.BytesIO(profile))
        return cms.buildTransform(source, cms.createProfile("sRGB"), "RGB", "RGB", cms.Intent.PERCEPTUAL)
    except (cms.PyCMSError, OSError, ValueError, TypeError):
        return None


def cielab_to_srgb(encoded: tuple[float, ...]) -> tuple[int, int, int]:
    """A CIELab value as DICOM writes it (PS3.3 C.10.7.1.1), three numbers to 65,535, D50, as 8-bit sRGB."""
    lightness, a, b = encoded[0] * 100 / 65535, encoded[1] * 255 / 65535 - 128, encoded[2] * 255 / 65535 - 128
    fy = (lightness + 16) / 116
    xyz = np.array([_inverse(fy + a / 500) * 0.9642, _inverse(fy), _inverse(fy - b / 200) * 0.8249])
    # Bradford-adapted from D50 to the D65 of sRGB, both in one matrix.
    matrix = np.array(
        [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
    )
    linear = np.clip(matrix @ xyz, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (int(each) for each in np.rint(curved * 255))
    return red, green, blue


def _inverse(t: float) -> float:
    return t**3 if t > 6 / 29 else 3 * (6 / 29) ** 2 * (t - 4 / 29)
