"""Pictures of what is no image: a page of text, and an icon that tells a kind.

May touch numpy and Pillow. Rule: a page has a largest height; what does not fit is said to be cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.pixels.annotations import font_of
from kerma.pixels.extras import pillow

Array = NDArray[Any]

MOST_LINES = 400
_WIDTH, _EDGE, _SIZE, _STEP, _INDENT = 900, 30, 16.0, 22, 18
_PAPER, _INK, _GREY, _BLUE = (255, 255, 255), (20, 20, 30), (110, 115, 125), (45, 85, 140)


def text_page(lines: Iterable[tuple[int, str]]) -> Array:
    """A page of lines, each with how far it is indented, RGB. Long lines are wrapped."""
    wrapped: list[tuple[int, str]] = []
    for indent, line in lines:
        depth = min(max(indent, 0), 16)
        plain = "".join(char if char.isprintable() else " " for char in line)
        room = max((_WIDTH - 2 * _EDGE - depth * _INDENT) // 8, 20)
        wrapped += [(depth, each) for each in textwrap.wrap(plain[:8192], room) or [""]]
        if len(wrapped) >= MOST_LINES:
            wrapped = [*wrapped[:MOST_LINES], (0, "... and more: ask for text/html or text/plain")]
            break
    canvas = pillow("Image").new("RGB", (_WIDTH, 2 * _EDGE + _STEP * max(len(wrapped), 1)), _PAPER)
    board = pillow("ImageDraw").Draw(canvas)
    font = font_of("".join(line for _, line in wrapped), _SIZE)
    for at, (depth, line) in enumerate(wrapped):
        board.text((_EDGE + depth * _INDENT, _EDGE + at * _STEP), line, fill=_INK, font=font)
    return np.asarray(canvas)


def icon(name: str, detail: str = "", *, side: int = 512) -> Array:
    """A sheet with a folded corner and a name on it, RGB, square."""
    canvas = pillow("Image").new("RGB", (side, side), (236, 239, 243))
    board = pillow("ImageDraw").Draw(canvas)
    left, top, right, bottom = side * 0.2, side * 0.1, side * 0.8, side * 0.9
    fold = side * 0.14
    edge = max(side // 128, 1)
    corner = [(right - fold, top), (right, top + fold)]
    board.polygon(
        [(left, top), corner[0], corner[1], (right, bottom), (left, bottom)], fill=_PAPER, outline=_GREY, width=edge
    )
    board.polygon([corner[0], (right - fold, top + fold), corner[1]], fill=(215, 221, 229), outline=_GREY, width=edge)
    for at in range(3):
        y = top + fold + side * (0.06 + 0.06 * at)
        board.line(
            [(left + side * 0.08, y), (right - side * (0.08 + 0.1 * (at == 2)), y)],
            fill=(200, 207, 216),
            width=edge * 2,
        )
    room = right - left - side * 0.06
    y = side * 0.55
    for words, size, ink, most in ((name, side / 9, _BLUE, 2), (detail, side / 18, _GREY, 4)):
        for line in _lines(board, words, size, room, most):
            font = font_of(line, _fitting(board, line, size, room))
            board.text((side / 2, y), line, fill=ink, font=font, anchor="ma")
            y += size * 1.15
    return np.asarray(canvas)


def _lines(board: Any, words: str, size: float, room: float, most: int) -> list[str]:
    """Words in lines of that room, no more than ``most`` of them."""
    found: list[str] = []
    font = font_of(words, size)
    for word in "".join(char if char.isprintable() else " " for char in words[:200]).split():
        if found and board.textlength(f"{found[-1]} {word}", font=font) <= room:
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found[:most]


def _fitting(board: Any, line: str, size: float, room: float) -> float:
    """The size at which a line fits."""
    wide = board.textlength(line, font=font_of(line, size))
    return size if wide <= room else max(size * room / wide, 4.0)
