"""What is done to a rendered picture last: a part of it, mirrored, made to fit, and lines of text burned in.

May touch numpy and Pillow. Only 8-bit arrays of (rows, columns[, 3]). Rule: text never leaves the picture and is
readable on any background.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.pixels.annotations import font_of
from kerma.pixels.extras import pillow

Array = NDArray[Any]

MOST_LINES = 24
LONGEST_LINE = 96


def part_of(picture: Array, left: int, top: int, right: int, bottom: int) -> Array:
    """Those columns and rows of the picture, a view of it."""
    return picture[top:bottom, left:right]


def mirrored(picture: Array, *, horizontal: bool, vertical: bool) -> Array:
    """The picture with left and right, or top and bottom, exchanged."""
    if horizontal:
        picture = picture[:, ::-1]
    return picture[::-1] if vertical else picture


def burned(picture: Array, top: Sequence[str], bottom: Sequence[str]) -> Array:
    """The picture with lines in its upper left and lower left corner: white, with a dark rim."""
    lines = [_plain(each) for each in (*top, *bottom)]
    if not lines:
        return picture
    above, below = lines[: len(top)][:MOST_LINES], lines[len(top) :][:MOST_LINES]
    rows, columns = picture.shape[:2]
    canvas = pillow("Image").fromarray(np.ascontiguousarray(picture))
    board = pillow("ImageDraw").Draw(canvas)
    size = max(min(rows, columns) / 32, 9.0)
    # All of it has to fit: in height all lines, in width the longest.
    size = min(size, rows / (1.3 * (len(above) + len(below)) + 1))
    font = font_of("".join(lines), max(size, 5.0))
    widest = max(board.textlength(line, font=font) for line in lines)
    room = columns - 2 * size * 0.5
    if widest > room > 0:
        size = max(size * room / widest, 5.0)
        font = font_of("".join(lines), size)
    white, black = (255, 0) if picture.ndim == 2 else ((255, 255, 255), (0, 0, 0))
    rim, step = max(round(size / 12), 1), size * 1.25
    places = [(size * 0.5 + step * at, line) for at, line in enumerate(above)]
    places += [(rows - size * 0.5 - step * (len(below) - at), line) for at, line in enumerate(below)]
    for y, line in places:
        board.text((size * 0.5, y), line, fill=white, font=font, stroke_width=rim, stroke_fill=black)
    return np.asarray(canvas)


def _plain(line: str) -> str:
    return "".join(char if char.isprintable() else " " for char in line[:LONGEST_LINE])
