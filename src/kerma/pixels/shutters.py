"""Display shutters: what of an image is shown (PS3.3 C.7.6.11, C.7.6.15).

May touch data sets, numpy, and Pillow for polygons. Rule: several shapes leave what all of them leave.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.pixels.attributes import number, numbers, value_of, whole
from kerma.pixels.extras import pillow
from kerma.pixels.overlays import overlay

Array = NDArray[Any]


def shutter_mask(ds: Dataset, shape: tuple[int, ...]) -> Array | None:
    """True where the image is to be seen; None where nothing shuts it."""
    said = value_of(ds, "ShutterShape")
    shapes = said if isinstance(said, tuple) else (said,)
    kept: Array | None = None
    for each in shapes:
        name = each.strip().upper() if isinstance(each, str) else ""
        found = {"RECTANGULAR": _rectangle, "CIRCULAR": _circle, "POLYGONAL": _polygon, "BITMAP": _bitmap}.get(name)
        mask = None if found is None else found(ds, (shape[0], shape[1]))
        if mask is not None:
            kept = mask if kept is None else kept & mask
    return kept


def _rectangle(ds: Dataset, shape: tuple[int, int]) -> Array | None:
    edges = [
        number(ds, f"Shutter{name}Edge")
        for name in ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    ]
    if None in edges:
        return None
    left, right, upper, lower = (int(each or 0) for each in edges)
    mask = np.zeros(shape, bool)
    mask[max(upper - 1, 0) : max(lower, 0), max(left - 1, 0) : max(right, 0)] = True
    return mask


def _circle(ds: Dataset, shape: tuple[int, int]) -> Array | None:
    center, radius = numbers(ds, "CenterOfCircularShutter"), number(ds, "RadiusOfCircularShutter")
    if len(center) != 2 or radius is None:
        return None
    rows, columns = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    return np.asarray((rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2)


def _polygon(ds: Dataset, shape: tuple[int, int]) -> Array | None:
    found = numbers(ds, "VerticesOfThePolygonalShutter")
    if len(found) < 6 or len(found) % 2:
        return None
    picture = pillow("Image").new("1", (shape[1], shape[0]))
    corners = [(found[at + 1] - 1, found[at] - 1) for at in range(0, len(found), 2)]
    pillow("ImageDraw").Draw(picture).polygon(corners, fill=1, outline=1)
    return np.asarray(picture, bool)


def _bitmap(ds: Dataset, shape: tuple[int, int]) -> Array | None:
    """The overlay covers what is hidden: its bits are 1 there (PS3.3 C.7.6.15)."""
    try:
        found = overlay(ds, whole(ds, "ShutterOverlayGroup"), shape=shape)
    except KermaError:
        return None
    return None if found is None else ~found.mask
