"""Pictures made smaller, turned, cut, and with square pixels. Only 8-bit arrays of (rows, columns[, 3]).

May touch numpy and Pillow, the latter only where something is scaled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.pixels.attributes import numbers, value_of
from kerma.pixels.extras import pillow

Array = NDArray[Any]
Size = int | tuple[int, int]

LARGEST = 32_768
"""Pixels of a side of a picture that is made larger."""


def box_of(size: Size) -> tuple[int, int]:
    """(width, height) of a size that somebody asked for; ``UsageError`` where it cannot be meant."""
    width, height = (size, size) if isinstance(size, int) else size
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise UsageError(f"a picture of {width} x {height} cannot be made", hint=f"1 to {LARGEST} a side")
    return width, height


def fitted(picture: Array, size: Size | None, *, enlarge: bool = False) -> Array:
    """The picture with its sides in proportion, so that it fits into ``size``; never larger unless ``enlarge``."""
    if size is None:
        return picture
    width, height = box_of(size)
    rows, columns = picture.shape[:2]
    factor = min(width / columns, height / rows)
    if factor == 1 or (factor > 1 and not enlarge):
        return picture
    return scaled(picture, max(round(rows * factor), 1), max(round(columns * factor), 1))


def scaled(picture: Array, rows: int, columns: int) -> Array:
    """The picture with so many rows and columns."""
    if (rows, columns) == picture.shape[:2]:
        return picture
    image = pillow("Image")
    smaller = rows <= picture.shape[0] and columns <= picture.shape[1]
    way = image.Resampling.LANCZOS if smaller else image.Resampling.BICUBIC
    return np.asarray(image.fromarray(np.ascontiguousarray(picture)).resize((columns, rows), way))


def aspect_of(ds: Dataset) -> float:
    """Height of a pixel divided by its width (PS3.3 C.7.6.3.1.7); 1 where nothing sensible is said."""
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        try:
            found = (
                numbers(ds, keyword)
                if keyword != "PixelAspectRatio"
                else tuple(float(x) for x in value_of(ds, keyword) or ())
            )
        except (TypeError, ValueError):
            continue
        if len(found) == 2 and min(found) > 0 and 0.02 < found[0] / found[1] < 50:
            return found[0] / found[1]
    return 1.0


def squared(picture: Array, aspect: float) -> Array:
    """A picture of pixels of that aspect with square ones: the shorter side of a pixel is kept, so none is lost."""
    rows, columns = picture.shape[:2]
    if abs(aspect - 1) < 0.005:
        return picture
    if aspect > 1:
        return scaled(picture, min(round(rows * aspect), LARGEST), columns)
    return scaled(picture, rows, min(round(columns / aspect), LARGEST))


def turned(picture: Array, degrees: int, *, flip: bool) -> Array:
    """The picture turned clockwise by a multiple of 90 degrees, then mirrored left to right (PS3.3 C.10.6)."""
    found = np.rot90(picture, -(degrees // 90) % 4)
    return found[:, ::-1] if flip else found


def as_rgb(picture: Array) -> Array:
    """A grey picture as RGB; one in colour as it is."""
    return picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)


def on_black(picture: Array, size: tuple[int, int]) -> Array:
    """The picture in the middle of a black one of (width, height), into which it fits."""
    rows, columns = picture.shape[:2]
    out = np.zeros((size[1], size[0], *picture.shape[2:]), picture.dtype)
    top, left = (size[1] - rows) // 2, (size[0] - columns) // 2
    out[top : top + rows, left : left + columns] = picture
    return out
