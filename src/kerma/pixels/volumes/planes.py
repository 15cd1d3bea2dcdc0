"""Where the pixels of a frame lie in the patient (PS3.3 C.7.6.2, C.7.6.16.2, C.8.8.3, C.8.4.15).

May touch data sets only. Rules: positions are millimetres in the patient's LPS axes (x to the left, y to the back, z to
the head); what is needed and not there, or no number, is a ``PixelError`` that names the attribute. Direction cosines
are made unit vectors; rows and columns that are not at right angles are an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from kerma.dataset import Dataset
from kerma.errors import PixelError
from kerma.pixels.attributes import holders, items, number, numbers

Vector = tuple[float, float, float]

_RIGHT_ANGLE = 1e-2
_LARGEST = 1e7  # millimetres: ten kilometres are no patient


@dataclass(frozen=True, slots=True)
class Plane:
    """One frame's place: the centre of its first pixel, and one step along a row and along a column.

    ``row`` points along a row (to the next column), ``column`` along a column (to the next row); both have length 1.
    ``spacing`` is that of Pixel Spacing: between rows, between columns. ``thickness`` is the step to the next slice as
    far as it is told, 0 where it is not.
    """

    position: Vector
    row: Vector
    column: Vector
    spacing: tuple[float, float]
    thickness: float = 0.0

    @property
    def normal(self) -> Vector:
        """The unit vector at right angles to the plane: row x column."""
        return cross(self.row, self.column)

    def moved(self, columns: float, rows: float, millimetres: float, along: Vector) -> Plane:
        """The plane so many columns and rows on, and so far along a direction."""
        right, down = columns * self.spacing[1], rows * self.spacing[0]
        position = (
            self.position[0] + right * self.row[0] + down * self.column[0] + millimetres * along[0],
            self.position[1] + right * self.row[1] + down * self.column[1] + millimetres * along[1],
            self.position[2] + right * self.row[2] + down * self.column[2] + millimetres * along[2],
        )
        return Plane(position, self.row, self.column, self.spacing, self.thickness)


def cross(a: Vector, b: Vector) -> Vector:
    """The vector product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def dot(a: Vector, b: Vector) -> float:
    """The scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def planes_of(ds: Dataset, frames: int) -> Iterator[Plane]:
    """The plane of each frame of an image, in order. ``PixelError`` where they are not told."""
    if "PerFrameFunctionalGroupsSequence" in ds or "SharedFunctionalGroupsSequence" in ds:
        for frame in range(frames):
            yield plane_of(ds, frame)
        return
    first = plane_of(ds, 0)
    if frames == 1:
        yield first
        return
    normal = first.normal
    for offset in _offsets(ds, frames, first):
        yield first.moved(0, 0, offset, normal)


def plane_of(ds: Dataset, frame: int = 0, position: tuple[float, ...] = ()) -> Plane:
    """The plane of one frame, from its functional groups or the data set itself; ``position`` where it is known."""
    row, column = _orientation(_needed(ds, frame, "PlaneOrientationSequence", "ImageOrientationPatient", 6))
    if len(position) != 3:
        position = _needed(ds, frame, "PlanePositionSequence", "ImagePositionPatient", 3)
    if max(map(abs, position)) > _LARGEST:
        raise PixelError("Image Position (Patient) is kilometres away", frame=frame)
    return Plane((position[0], position[1], position[2]), row, column, *_spacing(ds, frame))


def _needed(ds: Dataset, frame: int, macro: str, keyword: str, count: int) -> tuple[float, ...]:
    places = holders(ds, frame, macro)
    for holder in (*places, *items(ds, "DetectorInformationSequence")[:1]):
        found = numbers(holder, keyword)
        if len(found) == count:
            return found
        if found:
            raise PixelError(f"{keyword} has {len(found)} values, not {count}", frame=frame)
    raise PixelError(f"the image has no {keyword}: nothing tells where it lies", frame=frame)


def _orientation(cosines: tuple[float, ...]) -> tuple[Vector, Vector]:
    row, column = _unit(cosines[:3]), _unit(cosines[3:])
    if abs(dot(row, column)) > _RIGHT_ANGLE:
        raise PixelError("Image Orientation (Patient): rows and columns are not at right angles")
    return row, column


def _unit(vector: tuple[float, ...]) -> Vector:
    length = math.sqrt(sum(part * part for part in vector))
    if not 0.5 < length < 2:
        raise PixelError("Image Orientation (Patient) has no direction cosines")
    return (vector[0] / length, vector[1] / length, vector[2] / length)


def _spacing(ds: Dataset, frame: int) -> tuple[tuple[float, float], float]:
    """Pixel Spacing, and how far it is to the next slice."""
    spacing: tuple[float, ...] = ()
    between = thickness = None
    for holder in holders(ds, frame, "PixelMeasuresSequence"):
        spacing = spacing or numbers(holder, "PixelSpacing")
        between = number(holder, "SpacingBetweenSlices") if between is None else between
        thickness = number(holder, "SliceThickness") if thickness is None else thickness
    if len(spacing) != 2 or not all(0 < each < _LARGEST for each in spacing):
        raise PixelError("PixelSpacing is not two lengths above 0", frame=frame)
    return (spacing[0], spacing[1]), abs(between or thickness or 0.0)


def _offsets(ds: Dataset, frames: int, plane: Plane) -> list[float]:
    """How far each frame of a multi-frame image without functional groups lies from the first, along the normal."""
    offsets = numbers(ds, "GridFrameOffsetVector")
    if offsets:
        if len(offsets) != frames:
            raise PixelError(f"Grid Frame Offset Vector has {len(offsets)} values for {frames} frames")
        # Beginning with 0 they count from the image's position; otherwise they are patient coordinates (C.8.8.3.2).
        return [offset - offsets[0] for offset in offsets]
    slices = numbers(ds, "SliceVector")
    if len(slices) == frames and plane.thickness:
        return [(each - 1) * plane.thickness for each in slices]
    if plane.thickness and "FrameTime" not in ds and "FrameTimeVector" not in ds:
        return [frame * plane.thickness for frame in range(frames)]
    raise PixelError("nothing tells where the frames of this image lie")
