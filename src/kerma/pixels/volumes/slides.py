"""Whole-slide images: levels, tiles by place, regions (PS3.3 A.32.8, C.8.12.4, C.8.12.14, C.7.6.17.3).

May touch data sets and codecs. Rules: only the tiles that a region needs are read and decoded; where TILED_FULL says
where tiles lie, no sequence is walked; for TILED_SPARSE the places are read once, when the first tile is asked for. A
tile that is not there is of the background's colour. Places are (column, row) of the total pixel matrix, from 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import LimitError, PixelError, UsageError
from kerma.limits import Limits
from kerma.pixels.attributes import first_of, group_items, item, items, number, numbers, text, value_of, whole
from kerma.pixels.decoding import decode_frame
from kerma.pixels.frame_index import FrameIndex, index
from kerma.pixels.native import dtype_of
from kerma.pixels.volumes.slices import check_frames

Array = NDArray[Any]

_LIMITS = Limits()
_LARGEST = (1 << 31) - 1  # columns or rows of a total pixel matrix


class Level:
    """One resolution: an instance with tiles. ``size`` is (columns, rows), ``spacing`` millimetres between columns and
    rows, (0, 0) where it is not told.
    """

    def __init__(self, ds: Dataset, *, limits: Limits = _LIMITS) -> None:
        self.ds = ds
        self._limits = limits
        self._index: FrameIndex = index(ds)
        layout = self._index.layout
        self.tile_size = (layout.columns, layout.rows)
        self.size = (_size(ds, "TotalPixelMatrixColumns"), _size(ds, "TotalPixelMatrixRows"))
        self.tiles = (-(-self.size[0] // layout.columns), -(-self.size[1] // layout.rows))
        self.spacing = _spacing(ds)
        self.paths = _paths(ds)
        self.planes = max(1, whole(ds, "TotalPixelMatrixFocalPlanes", 1))
        self.full = text(ds, "DimensionOrganizationType").upper() == "TILED_FULL"
        self._sparse: dict[tuple[int, int, int, int], int] | None = None
        if self.full and layout.frames != self.tiles[0] * self.tiles[1] * self.planes * max(1, self._segments()):
            expected = self.tiles[0] * self.tiles[1] * self.planes * len(self.paths)
            if layout.frames != expected:
                raise PixelError(f"TILED_FULL with {layout.frames} frames, where {expected} tiles fill the matrix")

    def _segments(self) -> int:
        return len(items(self.ds, "SegmentSequence")) or len(self.paths)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the whole level as an array: (rows, columns[, samples])."""
        samples = self._index.layout.samples
        return (self.size[1], self.size[0]) + ((samples,) if samples > 1 else ())

    def frame_of(self, column: int, row: int, *, plane: int = 0, path: int = 0) -> int | None:
        """The frame that holds the tile with this place in the grid of tiles; None where that tile is not there."""
        across, down = self.tiles
        if not self.full and self._sparse is None:
            self._sparse = self._places()
        if not (0 <= column < across and 0 <= row < down and 0 <= plane < self.planes and 0 <= path < self._channels()):
            raise UsageError(f"there is no tile {column}, {row}", hint=f"there are {across} x {down}, from 0")
        if self.full:
            return ((path * self.planes + plane) * down + row) * across + column
        assert self._sparse is not None
        width, height = self.tile_size
        return self._sparse.get((column * width, row * height, plane, path))

    def _channels(self) -> int:
        return self._segments() if "SegmentSequence" in self.ds else len(self.paths)

    def tile(self, column: int, row: int, *, plane: int = 0, path: int = 0) -> Array:
        """One tile as it is stored, also where it sticks out of the level."""
        frame = self.frame_of(column, row, plane=plane, path=path)
        if frame is None:
            layout = self._index.layout
            shape = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
            return np.full(shape, self._background(), dtype_of(layout))
        return decode_frame(self._index, frame, limits=self._limits)

    def region(self, x: int, y: int, width: int, height: int, *, plane: int = 0, path: int = 0) -> Array:
        """``width`` x ``height`` pixels from (column ``x``, row ``y``) on; background outside of the level."""
        if width < 1 or height < 1:
            raise UsageError(f"a region of {width} x {height} pixels holds nothing")
        layout = self._index.layout
        dtype = dtype_of(layout)
        size = width * height * layout.samples * dtype.itemsize
        if size > self._limits.max_frame:
            raise LimitError(f"the region has {size} bytes", hint="take smaller ones, or a coarser level")
        out = np.full((height, width, layout.samples), self._background(), dtype)
        (wide, tall), (columns, rows) = self.tile_size, self.size
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + width, columns), min(y + height, rows)
        if self.full or not self._off_grid():
            corners = [
                (c * wide, r * tall, self.frame_of(c, r, plane=plane, path=path))
                for r in range(top // tall, -(-bottom // tall) if bottom > top else 0)
                for c in range(left // wide, -(-right // wide) if right > left else 0)
            ]
        else:
            assert self._sparse is not None
            corners = [(c, r, frame) for (c, r, z, p), frame in sorted(self._sparse.items()) if (z, p) == (plane, path)]
        for corner_x, corner_y, frame in corners:
            x0, x1 = max(left, corner_x), min(right, corner_x + wide)
            y0, y1 = max(top, corner_y), min(bottom, corner_y + tall)
            if frame is not None and x0 < x1 and y0 < y1:
                samples = decode_frame(self._index, frame, limits=self._limits)
                samples = samples.reshape(tall, wide, -1)
                out[y0 - y : y1 - y, x0 - x : x1 - x] = samples[
                    y0 - corner_y : y1 - corner_y, x0 - corner_x : x1 - corner_x
                ]
        return out if layout.samples > 1 else out[..., 0]

    def _background(self) -> int:
        """White for microscopy, nothing for segmentations and fluorescence."""
        layout = self._index.layout
        if layout.samples == 3 or (layout.photometric == "MONOCHROME2" and "SegmentSequence" not in self.ds):
            return (1 << layout.bits_stored) - 1 if layout.samples == 3 else 0
        return 0

    def _off_grid(self) -> bool:
        """Whether sparse tiles lie elsewhere than on the grid of whole tiles."""
        if self._sparse is None:
            self._sparse = self._places()
        width, height = self.tile_size
        return any(column % width or row % height for column, row, _, _ in self._sparse)

    def _places(self) -> dict[tuple[int, int, int, int], int]:
        """(column, row, focal plane, path or segment) of the corner of every frame."""
        check_frames(self.ds, self._index.layout)
        found: dict[tuple[int, int, int, int], int] = {}
        depths: dict[float, int] = {}
        paths = {name: number for number, name in enumerate(self.paths)}
        for frame in range(self._index.count):
            place = next(group_items(self.ds, frame, "PlanePositionSlideSequence"), None)
            corner = () if place is None else numbers(place, "ColumnPositionInTotalImagePixelMatrix")
            row = () if place is None else numbers(place, "RowPositionInTotalImagePixelMatrix")
            if place is None or not corner or not row:
                raise PixelError("nothing tells where the tile lies", frame=frame)
            depth = number(place, "ZOffsetInSlideCoordinateSystem") or 0.0
            path = 0
            for holder in group_items(self.ds, frame, "OpticalPathIdentificationSequence"):
                path = paths.get(text(holder, "OpticalPathIdentifier"), 0)
            for holder in group_items(self.ds, frame, "SegmentIdentificationSequence"):
                path = whole(holder, "ReferencedSegmentNumber", 1) - 1
            plane = depths.setdefault(round(depth, 6), len(depths))
            found.setdefault((int(corner[0]) - 1, int(row[0]) - 1, plane, path), frame)
        self.planes = max(self.planes, len(depths))
        order = {plane: rank for rank, (_, plane) in enumerate(sorted(depths.items()))}
        return {(c, r, order[z], p): frame for (c, r, z, p), frame in found.items()}


class Slide:
    """The images of one whole-slide series: ``levels`` from fine to coarse, and what lies beside them.

    ``label``, ``overview`` and ``thumbnail`` are data sets or None. ``UsageError`` where there is no level.
    """

    def __init__(self, datasets: Iterable[Dataset] | Dataset, *, limits: Limits = _LIMITS) -> None:
        self.label: Dataset | None = None
        self.overview: Dataset | None = None
        self.thumbnail: Dataset | None = None
        found: list[Level] = []
        for ds in (datasets,) if isinstance(datasets, Dataset) else datasets:
            flavour = _flavour(ds)
            if flavour == "LABEL":
                self.label = ds
            elif flavour == "OVERVIEW":
                self.overview = ds
            elif flavour == "THUMBNAIL":
                self.thumbnail = ds
            else:
                found.append(Level(ds, limits=limits))
        if not found:
            raise UsageError("none of the images is a level of a slide")
        self.levels = tuple(sorted(found, key=lambda level: -level.size[0] * level.size[1]))

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows) of the finest level."""
        return self.levels[0].size

    def level_for(self, spacing: float) -> Level:
        """The coarsest level whose pixels are not larger than ``spacing`` millimetres; the finest where all are."""
        fine = [level for level in self.levels if 0 < level.spacing[0] <= spacing * 1.001]
        return fine[-1] if fine else self.levels[0]

    def region(self, x: int, y: int, width: int, height: int, *, level: int = 0, path: int = 0) -> Array:
        """A region of a level, in that level's own pixels."""
        if not 0 <= level < len(self.levels):
            raise UsageError(f"there is no level {level}", hint=f"there are {len(self.levels)}, from 0")
        return self.levels[level].region(x, y, width, height, path=path)


def _flavour(ds: Dataset) -> str:
    """VOLUME, LABEL, OVERVIEW or THUMBNAIL, as Image Type says."""
    values = value_of(ds, "ImageType")
    return str(values[2]).upper() if isinstance(values, tuple) and len(values) > 2 else "VOLUME"


def _size(ds: Dataset, keyword: str) -> int:
    value = whole(ds, keyword)
    if not 0 < value <= _LARGEST:
        raise PixelError(f"{keyword} is {value or 'not there'}: this is no level of a slide")
    return value


def _spacing(ds: Dataset) -> tuple[float, float]:
    """Millimetres between columns, between rows."""
    for holder in group_items(ds, 0, "PixelMeasuresSequence"):
        found = numbers(holder, "PixelSpacing")
        if len(found) == 2:
            return found[1], found[0]
    return 0.0, 0.0


def _paths(ds: Dataset) -> list[str]:
    """The identifiers of the optical paths, in their order."""
    found = [text(each, "OpticalPathIdentifier") for each in items(ds, "OpticalPathSequence")]
    shared = item(ds, "SharedFunctionalGroupsSequence")
    if not found and shared is not None:
        found = [str(first_of(value_of(shared, "OpticalPathIdentifier")) or "")]
    return found or [""]
