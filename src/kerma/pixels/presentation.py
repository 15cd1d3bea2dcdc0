"""Softcopy presentation states, grey scale and colour, applied to an image (PS3.4 N.2, PS3.3 C.10, C.11).

May touch data sets, numpy and Pillow. Rules: of a grey image the state says everything from the stored values on; what
it does not say is an identity, whatever the image tells (PS3.4 N.2.1). Items that name images or frames are for those
alone. Order: pixels, overlays, shutter, displayed area, rotation, flip, size, annotations. Where a state is about
another image that is a ``UsageError``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError, UsageError
from kerma.pixels import luts
from kerma.pixels.annotations import Ink, draw
from kerma.pixels.attributes import item, items, number, numbers, text, value_of, whole
from kerma.pixels.icc import cielab_to_srgb
from kerma.pixels.layout import Layout
from kerma.pixels.luts import VOI, Presentation
from kerma.pixels.overlays import GROUPS, overlay
from kerma.pixels.shapes import LARGEST, Size, as_rgb, box_of, scaled, turned
from kerma.pixels.shutters import shutter_mask
from kerma.pixels.tables import table_of

Array = NDArray[Any]

CLASSES = {
    "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State",
    "1.2.840.10008.5.1.4.1.1.11.2": "Color Softcopy Presentation State",
    "1.2.840.10008.5.1.4.1.1.11.3": "Pseudo-Color Softcopy Presentation State",
}


_MOST_PIXELS = 1 << 25
"""Of a displayed area, and of what is magnified: a state may ask for more than any screen has."""


class State:
    """A presentation state over one image. ``ds`` is the state, ``image`` the image."""

    def __init__(self, ds: Dataset, image: Dataset, layout: Layout) -> None:
        if text(ds, "SOPClassUID") not in CLASSES:
            raise UsageError(
                "this is no presentation state that can be applied", hint=f"one of {', '.join(CLASSES.values())}"
            )
        self.ds = ds
        self.image = image
        self.layout = layout
        self.uid = text(image, "SOPInstanceUID")
        if not any(True for each in items(ds, "ReferencedSeriesSequence") if self._names(each)):
            raise UsageError("the presentation state is about other images", hint="it names those that it is for")
        self.modality = luts.modality_of(ds, layout)
        self.presentation = self._presentation()
        self.layers = {text(each, "GraphicLayer"): each for each in items(ds, "GraphicLayerSequence")}

    def _names(self, series: Dataset) -> bool:
        return any(
            text(each, "ReferencedSOPInstanceUID") == self.uid for each in items(series, "ReferencedImageSequence")
        )

    def _is_for(self, each: Dataset, frame: int) -> bool:
        """Whether an item is for the image and the frame (from 0): it names them, or none at all."""
        named = items(each, "ReferencedImageSequence")
        if not named:
            return True
        for reference in named:
            if text(reference, "ReferencedSOPInstanceUID") == self.uid:
                wanted = numbers(reference, "ReferencedFrameNumber")
                if not wanted or frame + 1 in wanted:
                    return True
        return False

    def _presentation(self) -> Presentation:
        found = item(self.ds, "PresentationLUTSequence")
        if found is not None:
            try:
                return Presentation(table=table_of(found, signed=False))
            except KermaError:
                return Presentation()
        return Presentation(text(self.ds, "PresentationLUTShape").upper() == "INVERSE")

    def voi(self, frame: int, bounds: tuple[float, float]) -> VOI:
        """What the state says for the frame; all of ``bounds`` where it says nothing."""
        for each in items(self.ds, "SoftcopyVOILUTSequence"):
            if self._is_for(each, frame):
                told: list[VOI] = [*luts.voi_tables_of(each, bounds), *luts.windows_of(each)]
                if told:
                    return told[0]
        return luts.Span(*bounds)

    # -- after the pixels ----------------------------------------------------------------------------------------------

    def finish(
        self, picture: Array, frame: int, *, overlays: bool = True, size: Size | None = None, enlarge: bool = False
    ) -> Array:
        """The rendered pixels of a frame with everything that the state puts on them and does to them."""
        if overlays:
            picture = self._overlaid(picture, frame)
        picture = self._shut(picture)
        top, left, bottom, right, aspect, zoom = self._area(frame, picture.shape[:2])
        picture = _cut(picture, top, left, bottom, right)
        picture = turned(picture, self._rotation(), flip=text(self.ds, "ImageHorizontalFlip").upper() == "Y")
        before = picture.shape[:2]
        aspect = 1 / aspect if self._rotation() in {90, 270} else aspect
        picture = scaled(picture, *_final(picture.shape, aspect, zoom, size, enlarge))
        if not overlays:
            return picture
        scale = (picture.shape[1] / before[1], picture.shape[0] / before[0])
        return draw(picture, self._inks(frame), self._mapping(top, left, bottom, right, scale))

    def _overlaid(self, picture: Array, frame: int) -> Array:
        """With the overlays that the state has, and those of the image that it turns on (PS3.3 C.11.7)."""
        out = picture
        for group in GROUPS:
            layer = text(self.ds, group << 16 | 0x1001)
            own = group << 16 | 0x3000 in self.ds
            if not layer or whole(self.ds, "ShutterOverlayGroup", -1) == group:
                continue
            try:
                found = overlay(self.ds if own else self.image, group, frame, shape=picture.shape[:2])
            except KermaError:
                continue
            if found is None:
                continue
            out = _painted(out, found.mask, self._colour(layer))
        return out

    def _colour(self, layer: str) -> int | tuple[int, int, int]:
        """What a graphic layer is drawn with: its colour, its grey, else white."""
        found = self.layers.get(layer)
        if found is None:
            return 255
        lab = numbers(found, "GraphicLayerRecommendedDisplayCIELabValue")
        if len(lab) == 3:
            return cielab_to_srgb(lab)
        grey = number(found, "GraphicLayerRecommendedDisplayGrayscaleValue")
        return 255 if grey is None else int(min(max(grey, 0), 65535)) >> 8

    def _shut(self, picture: Array) -> Array:
        kept = shutter_mask(self.ds, picture.shape[:2])
        if kept is None:
            return picture
        lab = numbers(self.ds, "ShutterPresentationColorCIELabValue")
        grey = int(min(max(number(self.ds, "ShutterPresentationValue", 0) or 0, 0), 65535)) >> 8
        return _painted(picture, ~kept, cielab_to_srgb(lab) if len(lab) == 3 and picture.ndim == 3 else grey)

    def _rotation(self) -> int:
        return whole(self.ds, "ImageRotation") % 360 // 90 * 90

    def _area(self, frame: int, shape: tuple[int, ...]) -> tuple[int, int, int, int, float, float]:
        """The displayed area: top, left, bottom, right as a slice, the pixels' aspect, the magnification."""
        rows, columns = shape[0], shape[1]
        for each in items(self.ds, "DisplayedAreaSelectionSequence"):
            first = numbers(each, "DisplayedAreaTopLeftHandCorner")
            last = numbers(each, "DisplayedAreaBottomRightHandCorner")
            if len(first) != 2 or len(last) != 2 or not self._is_for(each, frame):
                continue
            left, right = sorted((int(first[0]), int(last[0])))
            top, bottom = sorted((int(first[1]), int(last[1])))
            size = (right - left + 1) * (bottom - top + 1)
            if size > max(_MOST_PIXELS, rows * columns) or max(right - left, bottom - top) >= max(
                LARGEST, rows, columns
            ):
                continue
            zoom = 1.0
            if text(each, "PresentationSizeMode").upper() == "MAGNIFY":
                zoom = min(max(number(each, "PresentationPixelMagnificationRatio", 1.0) or 1.0, 1 / 64), 1024.0)
            return top - 1, left - 1, bottom, right, _aspect(each), zoom
        return 0, 0, rows, columns, 1.0, 1.0

    def _mapping(self, top: int, left: int, bottom: int, right: int, scale: tuple[float, float]) -> Any:
        """From (column, row) of the image, the first pixel's centre at 1, 1, to points of the finished picture."""
        width, height = right - left, bottom - top
        degrees, flip = self._rotation(), text(self.ds, "ImageHorizontalFlip").upper() == "Y"

        def place(points: Array) -> Array:
            x, y = points[:, 0] - 0.5 - left, points[:, 1] - 0.5 - top
            x, y, across = {
                0: (x, y, width),
                90: (height - y, x, height),
                180: (width - x, height - y, width),
                270: (y, width - x, height),
            }[degrees]
            return np.stack([(across - x if flip else x) * scale[0], y * scale[1]], axis=-1)

        return place

    def _inks(self, frame: int) -> Iterator[Ink]:
        order = {name: whole(each, "GraphicLayerOrder") for name, each in self.layers.items()}
        found = [each for each in items(self.ds, "GraphicAnnotationSequence") if self._is_for(each, frame)]
        for each in sorted(found, key=lambda each: order.get(text(each, "GraphicLayer"), 0)):
            yield Ink(each, self._colour(text(each, "GraphicLayer")))


def _aspect(area: Dataset) -> float:
    spacing = numbers(area, "PresentationPixelSpacing")
    if len(spacing) != 2:
        ratio = value_of(area, "PresentationPixelAspectRatio")
        try:
            spacing = tuple(float(each) for each in ratio or ())
        except (TypeError, ValueError):
            return 1.0
    good = len(spacing) == 2 and min(spacing) > 0 and 0.02 < spacing[0] / spacing[1] < 50
    return spacing[0] / spacing[1] if good else 1.0


def _final(shape: tuple[int, ...], aspect: float, zoom: float, size: Size | None, enlarge: bool) -> tuple[int, int]:
    """Rows and columns of the finished picture: square pixels, magnified, within bounds, fitted into ``size``."""
    rows, columns = float(shape[0]), float(shape[1])
    if abs(aspect - 1) >= 0.005:
        rows, columns = rows * max(aspect, 1), columns / min(aspect, 1)
    rows, columns = rows * zoom, columns * zoom
    most = max(_MOST_PIXELS, shape[0] * shape[1])
    factor = min(math.sqrt(most / (rows * columns)), LARGEST / rows, LARGEST / columns, 1.0)
    if size is not None:
        width, height = box_of(size)
        fit = min(width / columns, height / rows)
        factor = fit if enlarge else min(factor, fit)
    return max(round(rows * factor), 1), max(round(columns * factor), 1)


def _painted(picture: Array, mask: Array, colour: int | tuple[int, int, int]) -> Array:
    if isinstance(colour, tuple) and picture.ndim == 2:
        picture = as_rgb(picture)
    out = np.array(picture)
    out[mask] = colour
    return out


def _cut(picture: Array, top: int, left: int, bottom: int, right: int) -> Array:
    """That part of the picture; what lies outside of it is black."""
    rows, columns = picture.shape[:2]
    if (top, left, bottom, right) == (0, 0, rows, columns):
        return picture
    out = np.zeros((bottom - top, right - left, *picture.shape[2:]), picture.dtype)
    down, up, start, end = max(top, 0), min(bottom, rows), max(left, 0), min(right, columns)
    if down < up and start < end:
        out[down - top : up - top, start - left : end - left] = picture[down:up, start:end]
    return out
