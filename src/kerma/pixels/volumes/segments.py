"""Segmentations as masks: BINARY, FRACTIONAL and LABELMAP (PS3.3 A.51, C.8.20).

May touch data sets and codecs. Rules: a mask lies where its frames say, never where an instance number does; frames
that were left out because they are empty are zeros. Masks on the grid of a volume are placed by position; what does not
fit that grid pixel for pixel is a ``PixelError``, for resampling a mask is a decision of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import LimitError, PixelError, UsageError
from kerma.limits import Limits
from kerma.pixels.attributes import group_items, items, number, text, whole
from kerma.pixels.decoding import decode_frame
from kerma.pixels.frame_index import index
from kerma.pixels.volumes.grid import Volume
from kerma.pixels.volumes.planes import Plane, dot, planes_of
from kerma.pixels.volumes.slices import check_frames

Array = NDArray[Any]
Code = tuple[str, str, str]

LABELMAP_CLASS = "1.2.840.10008.5.1.4.1.1.66.7"
_LIMITS = Limits()
_OFF_GRID = 0.1  # pixels or slices
_CLOSE = 1e-2  # millimetres


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. Codes are (value, scheme, meaning); ``colour`` is RGB from 0 to 255 or None."""

    number: int
    label: str
    category: Code = ("85756007", "SCT", "Tissue")
    type: Code = ("85756007", "SCT", "Tissue")
    algorithm: str = "MANUAL"
    algorithm_name: str = ""
    colour: tuple[int, int, int] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """The segments of one segmentation on one grid. ``kind`` is BINARY, FRACTIONAL or LABELMAP."""

    kind: str
    segments: tuple[Segment, ...]
    affine_lps: Array
    shape: tuple[int, int, int]
    _ds: Dataset
    _places: tuple[tuple[int, int, int, int], ...]  # frame: segment, slice, first row, first column
    _limits: Limits

    def mask(self, segment: int | str) -> Array:
        """One segment by number or label, [slice, row, column]: bool, or fractions from 0 to 1 as 32-bit floats."""
        wanted = self._number(segment)
        out = np.zeros(self.shape, "f4" if self.kind == "FRACTIONAL" else "?")
        for _, place, samples in self._frames(wanted):
            target = out[place]
            np.maximum(target, samples, out=target)
        return out

    def labelmap(self) -> Array:
        """All segments in one array of their numbers, 0 where there is none. ``PixelError`` where two overlap."""
        if self.kind == "FRACTIONAL":
            raise UsageError("fractions are no labels", hint="take mask(segment) and choose a threshold")
        top = max((each.number for each in self.segments), default=0)
        out = np.zeros(self.shape, "u1" if top < 256 else "u2")
        for label, place, samples in self._frames(None):
            target = out[place]
            if self.kind == "LABELMAP":
                target[...] = samples
                continue
            if np.any(target[samples] != 0):
                raise PixelError("segments overlap, which one label a pixel cannot say", hint="take mask(segment)")
            target[samples] = label
        return out

    def _number(self, segment: int | str) -> int:
        for each in self.segments:
            if segment in (each.number, each.label):
                return each.number
        names = ", ".join(f"{each.number} {each.label}" for each in self.segments[:8])
        raise UsageError(f"there is no segment {segment!r}", hint=f"there are {names}")

    def _frames(self, wanted: int | None) -> Iterator[tuple[int, tuple[Any, ...], Array]]:
        """(segment, where in the grid, samples) of the frames that matter."""
        found = index(self._ds)
        scale = number(self._ds, "MaximumFractionalValue") or 255.0
        for frame, (label, place, row, column) in enumerate(self._places):
            if wanted is not None and self.kind != "LABELMAP" and label != wanted:
                continue
            samples = decode_frame(found, frame, rgb=False, limits=self._limits)
            if self.kind == "LABELMAP":
                samples = samples if wanted is None else samples == wanted
            else:
                samples = samples.astype("f4") / np.float32(scale) if self.kind == "FRACTIONAL" else samples != 0
            rows, columns = samples.shape
            yield label, (place, slice(row, row + rows), slice(column, column + columns)), samples


def from_seg(ds: Dataset, like: Volume | None = None, *, limits: Limits = _LIMITS) -> Masks:
    """The segments of a Segmentation, on the grid of ``like``, or on the smallest grid that holds its frames.

    ``PixelError`` where it is none, or does not lie on that grid.
    """
    kind = "LABELMAP" if text(ds, "SOPClassUID") == LABELMAP_CLASS else text(ds, "SegmentationType").upper()
    if kind not in {"BINARY", "FRACTIONAL", "LABELMAP"} or "SegmentSequence" not in ds:
        raise PixelError("this is no Segmentation")
    found = index(ds)
    layout = found.layout
    if "TotalPixelMatrixColumns" in ds:
        raise PixelError("this segmentation is of a whole slide", hint="take volumes.Slide")
    check_frames(ds, layout)
    planes = list(planes_of(ds, layout.frames))
    labels = [0 if kind == "LABELMAP" else _label(ds, frame) for frame in range(layout.frames)]
    affine, shape = _grid(planes, layout.rows, layout.columns) if like is None else (like.affine_lps, like.shape)
    if int(np.prod(shape, dtype=object)) * 4 > limits.max_array:
        raise LimitError(f"the grid of the segmentation has {shape[0]} x {shape[1]} x {shape[2]} pixels")
    places = [
        (label, *_place(plane, affine, shape, layout.rows, layout.columns, frame))
        for frame, (label, plane) in enumerate(zip(labels, planes, strict=True))
    ]
    return Masks(kind, tuple(_segments(ds)), affine, shape, ds, tuple(places), limits)


def _label(ds: Dataset, frame: int) -> int:
    for holder in group_items(ds, frame, "SegmentIdentificationSequence"):
        return whole(holder, "ReferencedSegmentNumber")
    raise PixelError("nothing tells the segment", frame=frame)


def _segments(ds: Dataset) -> Iterator[Segment]:
    for each in items(ds, "SegmentSequence"):
        yield Segment(
            whole(each, "SegmentNumber"),
            text(each, "SegmentLabel"),
            _code(each, "SegmentedPropertyCategoryCodeSequence"),
            _code(each, "SegmentedPropertyTypeCodeSequence"),
            text(each, "SegmentAlgorithmType"),
            text(each, "SegmentAlgorithmName"),
            None,
            text(each, "SegmentDescription"),
        )


def _code(ds: Dataset, keyword: str) -> Code:
    for each in items(ds, keyword)[:1]:
        value = text(each, "CodeValue") or text(each, "LongCodeValue") or text(each, "URNCodeValue")
        return value, text(each, "CodingSchemeDesignator"), text(each, "CodeMeaning")
    return "", "", ""


def _grid(planes: list[Plane], rows: int, columns: int) -> tuple[Array, tuple[int, int, int]]:
    """The smallest even grid that holds the frames."""
    first = min(planes, key=lambda plane: dot(plane.position, planes[0].normal))
    normal = planes[0].normal
    start = dot(first.position, normal)
    offsets = sorted({round((dot(plane.position, normal) - start) / _CLOSE) * _CLOSE for plane in planes})
    steps = np.diff(offsets)
    step = float(steps.min()) if len(steps) else first.thickness or 1.0
    count = round(offsets[-1] / step) + 1
    if count > 100_000:
        raise PixelError("the frames of the segmentation lie on no grid")
    affine = np.eye(4)
    affine[:3, 0] = np.array(first.row) * first.spacing[1]
    affine[:3, 1] = np.array(first.column) * first.spacing[0]
    affine[:3, 2] = np.array(normal) * step
    affine[:3, 3] = first.position
    if len(steps):
        last = max(planes, key=lambda plane: dot(plane.position, normal))
        affine[:3, 2] = (np.array(last.position) - first.position) / (count - 1)
    return affine, (count, rows, columns)


def _place(
    plane: Plane, affine: Array, shape: tuple[int, int, int], rows: int, columns: int, frame: int
) -> tuple[int, int, int]:
    """(slice, first row, first column) of a frame in a grid. ``PixelError`` where it does not fit."""
    corners = np.array([[0, 0], [columns - 1, 0], [0, rows - 1]], float)
    points = (
        np.array(plane.position)
        + corners[:, :1] * np.array(plane.row) * plane.spacing[1]
        + corners[:, 1:] * np.array(plane.column) * plane.spacing[0]
    )
    found = np.linalg.solve(affine, np.vstack([points.T, np.ones(3)]))[:3].T  # column, row, slice of each corner
    start = np.rint(found[0]).astype(int)
    wanted = start + np.column_stack([corners, np.zeros(3)])
    if np.abs(found - wanted).max() > _OFF_GRID:
        raise PixelError("the frame does not lie on the grid of the volume", frame=frame, hint="resample the volume")
    column, row, place = (int(each) for each in start)
    if not (0 <= place < shape[0] and 0 <= row <= shape[1] - rows and 0 <= column <= shape[2] - columns):
        raise PixelError("the frame lies outside the volume", frame=frame)
    return place, row, column
