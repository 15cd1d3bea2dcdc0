"""Pictures in a terminal: kitty's graphics, sixel, or half blocks in 24-bit or 256 colours.

May touch numpy and Pillow; writes nothing and asks nothing: it gives text, and decides what a terminal can from what it
is told. A picture is a cell for each two pixels in height with half blocks, so that it is seen over any connection.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.pixels.extras import pillow
from kerma.pixels.pictures import encoded
from kerma.pixels.shapes import as_rgb, scaled

Array = NDArray[Any]

_KITTY = {"ghostty", "wezterm", "kitty"}
_PIECE = 4096
_CELL = (10, 20)  # pixels of a cell, width and height, where the terminal does not say
_LEVELS = np.array([0, 95, 135, 175, 215, 255])


def way_of(environ: Mapping[str, str], attributes: str = "") -> str:
    """How to draw: by the environment, and by the answer to Primary Device Attributes, of which 4 is sixel."""
    multiplexed = "TMUX" in environ or environ.get("TERM", "").startswith(("screen", "tmux"))
    program = environ.get("TERM_PROGRAM", "").lower()
    kitty = "KITTY_WINDOW_ID" in environ or environ.get("TERM", "") in {"xterm-kitty", "xterm-ghostty"}
    if not multiplexed and (kitty or program in _KITTY):
        return "kitty"
    found = re.search(r"\x1b\[\?([\d;]+)c", attributes)
    if found and "4" in found.group(1).split(";")[1:]:
        return "sixel"
    return "blocks"


def has_all_colours(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says that it has 24-bit colours."""
    said = environ.get("COLORTERM", "").lower()
    return said in {"truecolor", "24bit"} or environ.get("TERM", "").endswith("-direct")


def room_for(
    shape: tuple[int, ...], columns: int, lines: int, *, aspect: float = 1.0, cell: float = 0.5
) -> tuple[int, int]:
    """(columns, lines) of cells that a picture takes in at most so many. ``aspect`` is a pixel's height by its width,
    ``cell`` a cell's width by its height.
    """
    tall = shape[0] * aspect / shape[1]
    wide = min(columns, max(round(lines / tall / cell), 1))
    return max(wide, 1), min(max(round(wide * tall * cell), 1), lines)


def lines(
    picture: Array,
    columns: int,
    rows: int,
    *,
    way: str = "blocks",
    colours: bool = True,
    aspect: float = 1.0,
    cell: tuple[int, int] | None = None,
) -> Iterator[str]:
    """The picture as text for a terminal of that size, piece by piece; each ends a line.

    ``colours`` is whether there are 24-bit ones; ``cell`` is the size of a cell in pixels, where it is known.
    """
    width, height = cell or _CELL
    across, down = room_for(
        picture.shape, columns, rows, aspect=aspect, cell=0.5 if way == "blocks" else width / height
    )
    if way == "kitty":
        yield from _kitty(picture, across, down)
    elif way == "sixel":
        yield _sixel(scaled(picture, max(down * height // 6 * 6, 6), across * width))
    else:
        yield from _blocks(as_rgb(scaled(picture, down * 2, across)), colours)


# -- half blocks -------------------------------------------------------------------------------------------------------


def _blocks(rgb: Array, colours: bool) -> Iterator[str]:
    codes = _true(rgb) if colours else _cube(rgb)
    for upper, lower in zip(codes[0::2], codes[1::2], strict=True):
        parts, last = [], ("", "")
        for top, bottom in zip(upper, lower, strict=True):
            if top != last[0]:
                parts.append(f"\x1b[38;{top}m")
            if bottom != last[1]:
                parts.append(f"\x1b[48;{bottom}m")
            parts.append("\u2580")
            last = top, bottom
        yield "".join(parts) + "\x1b[0m"


def _true(rgb: Array) -> list[list[str]]:
    return [[f"2;{red};{green};{blue}" for red, green, blue in row] for row in rgb.tolist()]


def _cube(rgb: Array) -> list[list[str]]:
    """The nearest of 256 colours: of the cube of 6 x 6 x 6 and of 24 greys."""
    wide = rgb.astype("i4")
    steps = np.abs(wide[..., None] - _LEVELS).argmin(axis=-1)
    in_cube = _LEVELS[steps]
    grey = np.clip(np.rint((wide.mean(axis=-1) - 8) / 10), 0, 23).astype("i4")
    in_grey = np.repeat((8 + 10 * grey)[..., None], 3, axis=-1)
    cube_off = ((wide - in_cube) ** 2).sum(axis=-1)
    grey_off = ((wide - in_grey) ** 2).sum(axis=-1)
    number = np.where(grey_off < cube_off, 232 + grey, 16 + 36 * steps[..., 0] + 6 * steps[..., 1] + steps[..., 2])
    return [[f"5;{each}" for each in row] for row in number.tolist()]


# -- kitty -------------------------------------------------------------------------------------------------------------


def _kitty(picture: Array, columns: int, lines: int) -> Iterator[str]:
    """A PNG in pieces; the terminal scales it to the cells."""
    text = base64.standard_b64encode(encoded(picture)).decode("ascii")
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    out = []
    for number, piece in enumerate(pieces):
        head = f"a=T,f=100,q=2,c={columns},r={lines}," if number == 0 else ""
        out.append(f"\x1b_G{head}m={int(number + 1 < len(pieces))};{piece}\x1b\\")
    yield "".join(out)


# -- sixel -------------------------------------------------------------------------------------------------------------


def _sixel(picture: Array) -> str:
    """Six rows at a time, colour by colour. Grey has 64 steps, colour the 256 that Pillow finds."""
    if picture.ndim == 2:
        numbers = picture >> 2
        palette = np.repeat((np.arange(64) * 255 // 63)[:, None], 3, axis=1)
    else:
        image = pillow("Image").fromarray(np.ascontiguousarray(picture)).quantize(256)
        numbers = np.asarray(image)
        found = np.array(image.getpalette(), "i4").reshape(-1, 3)
        palette = np.zeros((256, 3), "i4")
        palette[: len(found)] = found
    rows, columns = numbers.shape
    out = [f'\x1bP0;1;0q"1;1;{columns};{rows}']
    used = np.unique(numbers)
    out += [f"#{each};2;" + ";".join(str(part * 100 // 255) for part in palette[each].tolist()) for each in used]
    weights = (1 << np.arange(6)).astype("u1")[:, None]
    for top in range(0, rows, 6):
        band = numbers[top : top + 6]
        for each in np.unique(band):
            bits = ((band == each) * weights[: len(band)]).sum(axis=0).astype("u1") + 63
            out.append(f"#{each}{_runs(bits)}$")
        out.append("-")
    return "".join(out) + "\x1b\\"


def _runs(bits: Array) -> str:
    """Sixels with repeats written once."""
    ends = np.flatnonzero(np.append(bits[1:] != bits[:-1], True))
    lengths = np.diff(np.append(-1, ends))
    parts = []
    for value, length in zip(bits[ends].tolist(), lengths.tolist(), strict=True):
        parts.append(f"!{length}{chr(value)}" if length > 3 else chr(value) * length)
    return "".join(parts)
