"""Graphics and text of presentation states, drawn simply (PS3.3 C.10.5).

May touch data sets, numpy and Pillow. Rules: points of the image (PIXEL) go where the picture's turning and scaling
takes them, those of the display (DISPLAY) are parts of the finished picture; text is never turned. What has too few
points is left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.pixels.attributes import items, numbers, text, value_of
from kerma.pixels.extras import pillow
from kerma.pixels.shapes import as_rgb

Array = NDArray[Any]
Colour = int | tuple[int, int, int]
Place = Callable[[Array], Array]

_LONGEST = 1024  # characters of one text
_FAR = 32_768.0  # pixels from the picture; what lies further away is drawn as if it lay there


@dataclass(frozen=True, slots=True)
class Ink:
    """One item of a Graphic Annotation Sequence and what it is drawn with."""

    item: Dataset
    colour: Colour


def draw(picture: Array, inks: Iterable[Ink], place: Place) -> Array:
    """``picture`` with the annotations on it; the same array where there are none."""
    wanted = [
        each for each in inks if items(each.item, "GraphicObjectSequence") or items(each.item, "TextObjectSequence")
    ]
    if not wanted:
        return picture
    coloured = picture.ndim == 3 or any(isinstance(each.colour, tuple) for each in wanted)
    canvas = pillow("Image").fromarray(np.ascontiguousarray(as_rgb(picture) if coloured else picture))
    pen = _Pen(pillow("ImageDraw").Draw(canvas), picture.shape[1], picture.shape[0], place, coloured)
    for each in wanted:
        for graphic in items(each.item, "GraphicObjectSequence"):
            pen.graphic(graphic, each.colour)
        for written in items(each.item, "TextObjectSequence"):
            pen.text(written, each.colour)
    return np.asarray(canvas)


class _Pen:
    def __init__(self, board: Any, width: int, height: int, place: Place, coloured: bool) -> None:
        self.board = board
        self.width = width
        self.height = height
        self.place = place
        self.coloured = coloured
        self.line = max(1, round(max(width, height) / 512))

    def graphic(self, ds: Dataset, colour: Colour) -> None:
        """A graphic object, of one of five types (PS3.3 C.10.5.1.2)."""
        data = numbers(ds, "GraphicData")
        points = np.array(data[: len(data) // 2 * 2]).reshape(-1, 2)
        kind, filled = text(ds, "GraphicType").upper(), text(ds, "GraphicFilled").upper() == "Y"
        if kind == "POINT" and len(points):
            self._point(self._at(ds, points[:1])[0], colour)
            return
        outline = _outline(kind, points)
        if outline is None:
            return
        corners = self._at(ds, outline)
        ink = self._ink(colour)
        path = [(float(x), float(y)) for x, y in corners]
        if filled and len(path) > 2 and np.allclose(corners[0], corners[-1], atol=0.5):
            self.board.polygon(path, fill=ink)
        self.board.line(path, fill=ink, width=self.line, joint="curve")

    def text(self, ds: Dataset, colour: Colour) -> None:
        """A text object at its bounding box or its anchor point, with a line to a visible anchor."""
        said = value_of(ds, "UnformattedTextValue")
        if not isinstance(said, str) or not said.strip():
            return
        said = "".join(char if char.isprintable() or char == "\n" else " " for char in said.replace("\r\n", "\n"))
        first, last = numbers(ds, "BoundingBoxTopLeftHandCorner"), numbers(ds, "BoundingBoxBottomRightHandCorner")
        anchor = numbers(ds, "AnchorPoint")
        height = max(self.height / 40, 10)
        at = None
        if len(first) == 2 and len(last) == 2:
            box = self._points(np.array([first, last]), text(ds, "BoundingBoxAnnotationUnits").upper())
            at = box.min(axis=0)
            lines = said.strip().count("\n") + 1
            short = float((box.max(axis=0) - at).min())  # turned by 90 degrees a box is tall, its text is not
            height = min(max(short / lines * 0.8, 8), self.height / 4)
        if len(anchor) == 2:
            there = self._points(np.array([anchor]), text(ds, "AnchorPointAnnotationUnits").upper())[0]
            if at is not None and text(ds, "AnchorPointVisibility").upper() == "Y":
                self.board.line([tuple(at), tuple(there)], fill=self._ink(colour), width=self.line)
            at = there if at is None else at
        if at is None:
            return
        words = said.strip()[:_LONGEST]
        font = font_of(words, float(min(height, 200)))
        # As much of it in the picture as there can be.
        left, top, right, bottom = self.board.multiline_textbbox((0, 0), words, font=font)
        x = max(min(float(at[0]), self.width - (right - left)), 0.0)
        y = max(min(float(at[1]), self.height - (bottom - top)), 0.0)
        self.board.multiline_text((x, y), words, fill=self._ink(colour), font=font)

    def _point(self, at: Array, colour: Colour) -> None:
        x, y, arm = float(at[0]), float(at[1]), 3.0 * self.line
        self.board.line([(x - arm, y), (x + arm, y)], fill=self._ink(colour), width=self.line)
        self.board.line([(x, y - arm), (x, y + arm)], fill=self._ink(colour), width=self.line)

    def _at(self, ds: Dataset, points: Array) -> Array:
        return self._points(points, text(ds, "GraphicAnnotationUnits").upper())

    def _points(self, points: Array, units: str) -> Array:
        found = points * np.array([self.width, self.height]) if units == "DISPLAY" else self.place(points)
        return np.asarray(np.clip(found, -_FAR, _FAR))

    def _ink(self, colour: Colour) -> Colour:
        return (colour, colour, colour) if self.coloured and isinstance(colour, int) else colour


def font_of(words: str, size: float) -> Any:
    """Pillow's own typeface, which has the letters of ASCII; for others one that many systems have."""
    fonts = pillow("ImageFont")
    if not words.isascii():
        with contextlib.suppress(OSError):
            return fonts.truetype("DejaVuSans.ttf", size)
    return fonts.load_default(size=size)


def _outline(kind: str, points: Array) -> Array | None:
    """The corners of a graphic; None where the points are too few for it or it is of no known type."""
    if kind == "POLYLINE" and len(points) >= 2:
        return points
    if kind == "INTERPOLATED" and len(points) >= 2:
        return _curve(points)
    turn = np.linspace(0, 2 * np.pi, 181)
    if kind == "CIRCLE" and len(points) >= 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        return np.asarray(points[0] + radius * np.stack([np.cos(turn), np.sin(turn)], axis=-1))
    if kind == "ELLIPSE" and len(points) >= 4:
        center = (points[0] + points[1]) / 2
        major, minor = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
        return np.asarray(center + np.cos(turn)[:, None] * major + np.sin(turn)[:, None] * minor)
    return None


def _curve(points: Array) -> Array:
    """A smooth line through the points (Catmull-Rom); closed where its ends meet."""
    if len(points) < 3:
        return points
    closed = bool(np.allclose(points[0], points[-1]))
    before, after = (points[-2], points[1]) if closed else (points[0], points[-1])
    around = np.vstack([before, points, after])
    t = np.linspace(0, 1, 9)[:, None]
    parts = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.vstack(parts)
