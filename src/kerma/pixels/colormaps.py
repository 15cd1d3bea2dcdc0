"""Colour maps for grey images: those of the standard (PS3.6 B.1) and two that are used everywhere, or those of a Color
Palette object.

May touch data sets and numpy. A map is an array (256, 3) of 8-bit RGB. The maps are written as the points between which
they are straight; of PET 20 Step each point holds until the next.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.pixels.palette import palette_of

Array = NDArray[Any]
Points = tuple[tuple[int, int, int, int], ...]

_POINTS: dict[str, Points] = {
    "hot-iron": ((0, 0, 0, 0), (127, 254, 0, 0), (128, 255, 0, 0), (192, 255, 128, 0), (255, 255, 254, 255)),
    "pet": ((0, 0, 0, 0), (63, 0, 128, 125), (128, 128, 0, 255), (192, 255, 128, 0), (255, 255, 255, 255)),
    "hot-metal-blue": (
        (0, 0, 0, 0),
        (85, 0, 0, 167),
        (102, 50, 0, 200),
        (119, 90, 0, 150),
        (136, 140, 32, 50),
        (153, 190, 64, 0),
        (170, 255, 96, 0),
        (241, 255, 229, 210),
        (255, 255, 255, 255),
    ),
    "spring": ((0, 255, 0, 255), (255, 255, 255, 0)),
    "summer": ((0, 0, 255, 0), (127, 0, 192, 0), (255, 0, 128, 254)),
    "fall": ((0, 255, 255, 0), (255, 255, 0, 0)),
    "winter": ((0, 0, 0, 255), (128, 1, 128, 191), (255, 127, 255, 128)),
    "rainbow": (
        (0, 0, 0, 128),
        (32, 0, 0, 255),
        (96, 0, 255, 255),
        (160, 255, 255, 0),
        (224, 255, 0, 0),
        (255, 128, 0, 0),
    ),
    "viridis": (
        (0, 68, 1, 84),
        (28, 72, 40, 120),
        (57, 62, 74, 137),
        (85, 49, 104, 142),
        (113, 38, 130, 142),
        (142, 31, 158, 137),
        (170, 53, 183, 121),
        (198, 110, 206, 88),
        (227, 181, 222, 43),
        (255, 253, 231, 37),
    ),
}
_STEPS: Points = (
    (0, 0, 0, 0),
    (13, 96, 0, 80),
    (26, 48, 48, 80),
    (39, 48, 48, 112),
    (51, 80, 80, 128),
    (64, 96, 96, 176),
    (77, 112, 112, 192),
    (90, 128, 128, 224),
    (102, 48, 96, 48),
    (115, 48, 144, 48),
    (128, 80, 192, 80),
    (141, 64, 224, 64),
    (153, 224, 224, 80),
    (166, 208, 208, 96),
    (179, 208, 176, 64),
    (192, 208, 144, 0),
    (204, 192, 96, 0),
    (217, 176, 48, 0),
    (230, 255, 0, 0),
    (243, 255, 255, 255),
)
NAMES = (*_POINTS, "pet-20-step")
"""All names that ``colormap`` takes."""


def colormap(wanted: str | Dataset) -> Array:
    """The map of a name, or of a Color Palette object. ``UsageError`` names what there is."""
    if isinstance(wanted, Dataset):
        return palette_of(wanted).scaled()
    name = wanted.strip().lower().replace("_", "-").replace(" ", "-")
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        raise UsageError(
            f"there is no colour map {wanted!r}", hint=f"did you mean {near[0]}?" if near else ", ".join(NAMES)
        )
    return _named(name)


@lru_cache(maxsize=len(NAMES))
def _named(name: str) -> Array:
    steps = np.arange(256)
    if name == "pet-20-step":
        points = np.array(_STEPS)
        found = points[np.searchsorted(points[:, 0], steps, side="right") - 1, 1:].astype("u1")
    else:
        points = np.array(_POINTS[name], "f8")
        found = np.stack([np.rint(np.interp(steps, points[:, 0], points[:, each])) for each in (1, 2, 3)], axis=-1)
        found = found.astype("u1")
    found.flags.writeable = False
    return found
