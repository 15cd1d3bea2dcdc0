"""Whether a picture of the screen shows what it should: by its content, not pixel by pixel.

A reference is the same picture made small, kept as ``looks/NAME.png``. Fonts, antialiasing and the version of the
browser change single pixels and not what is seen from further off. ``KERMA_LOOKS=write`` writes the references anew;
then look at them.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parent / "looks"
SMALL = (72, 48)
# Where images are on the page, whatever the panels beside them do.
REGION = (300, 100, 940, 730)
MEAN, FAR, FEW = 8.0, 60, 0.04


def region(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB").crop(REGION)


def colours(image: Image.Image) -> int:
    """How many different colours there are; a picture that was drawn has many."""
    return len(np.unique(np.asarray(image).reshape(-1, 3), axis=0))


def _small(image: Image.Image) -> NDArray[np.int16]:
    return np.asarray(image.resize(SMALL, Image.Resampling.BOX), dtype=np.int16)


def differs(name: str, png: bytes) -> str:
    """What is wrong with the picture; nothing where it is as the reference."""
    image = region(png)
    path = FOLDER / f"{name}.png"
    if os.environ.get("KERMA_LOOKS") == "write":
        FOLDER.mkdir(exist_ok=True)
        image.resize(SMALL, Image.Resampling.BOX).save(path, optimize=True)
    wanted = np.asarray(Image.open(path).convert("RGB"), dtype=np.int16)
    off = np.abs(_small(image) - wanted)
    far = float((off.max(axis=2) > FAR).mean())
    if off.mean() <= MEAN and far <= FEW:
        return ""
    return f"{name}: {off.mean():.1f} off on average, {far:.0%} of it by more than {FAR}"


def distance(one: bytes, other: bytes) -> float:
    """How far two pictures are from each other, in levels of 255."""
    return float(np.abs(_small(region(one)) - _small(region(other))).mean())
