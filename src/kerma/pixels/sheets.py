"""Contact sheets: small pictures of many images on one page, each with a line of text.

May touch numpy and Pillow. Rule: the pictures come one by one and are small by then; only the sheet is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.errors import UsageError
from kerma.pixels.extras import pillow
from kerma.pixels.shapes import as_rgb, fitted

Array = NDArray[Any]

LARGEST_SHEET = 10_000
"""Pictures of one sheet."""
_GAP = 4
_NARROWEST = 48  # pixels that a label needs


def contact_sheet(
    pictures: Iterable[tuple[Array, str]], *, columns: int | None = None, tile: int = 160, labels: bool = True
) -> Array:
    """One RGB picture of 8-bit ones, each fitted into a square of ``tile`` pixels or the largest of them, with its text
    below.

    ``columns`` is about the square root of their number where it is not said. ``UsageError`` where there is none.
    """
    if not 16 <= tile <= 2048:
        raise UsageError(f"tiles of {tile} pixels", hint="16 to 2048")
    small: list[tuple[Array, str]] = []
    for picture, label in pictures:
        if len(small) == LARGEST_SHEET:
            raise UsageError(
                f"more than {LARGEST_SHEET} pictures for one sheet", hint="choose a series or fewer frames"
            )
        small.append((fitted(picture, tile), label))
    if not small:
        raise UsageError("there is no picture for the sheet")
    tile = min(tile, max(max(picture.shape[0], picture.shape[1], _NARROWEST) for picture, _ in small))
    across = columns or math.ceil(math.sqrt(len(small) * 1.3))
    down = math.ceil(len(small) / across)
    line = max(tile // 10, 9) + 3 if labels else 0
    height, width = tile + line + _GAP, tile + _GAP
    sheet = np.zeros((down * height + _GAP, across * width + _GAP, 3), "u1")
    for place, (picture, _) in enumerate(small):
        top, left = place // across * height + _GAP, place % across * width + _GAP
        rows, cols = picture.shape[:2]
        top, left = top + (tile - rows) // 2, left + (tile - cols) // 2
        sheet[top : top + rows, left : left + cols] = as_rgb(picture)
    return _labelled(sheet, [label for _, label in small], across, height, width, tile) if labels else sheet


def _labelled(sheet: Array, labels: list[str], across: int, height: int, width: int, tile: int) -> Array:
    canvas = pillow("Image").fromarray(sheet)
    board = pillow("ImageDraw").Draw(canvas)
    font = pillow("ImageFont").load_default(size=float(max(tile // 10, 9)))
    for place, label in enumerate(labels):
        text = "".join(char if char.isprintable() else " " for char in label)
        while text and board.textlength(text, font=font) > tile:
            text = text[:-1]
        where = (place % across * width + _GAP, place // across * height + _GAP + tile)
        board.text(where, text, fill=(200, 200, 200), font=font)
    return np.asarray(canvas)
