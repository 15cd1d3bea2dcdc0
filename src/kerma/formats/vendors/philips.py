"""Philips MR: what a stored value stands for, and the original single-frame attributes.

``Philips MR Imaging DD 001`` has Scale Intercept (2005,xx0D) and Scale Slope (2005,xx0E), in a single frame at the
top, in a multi-frame one in the sequence (2005,xx0F) of ``Philips MR Imaging DD 005`` of each frame, which holds the
attributes that a single-frame image would have. With the rescale slope RS, the rescale intercept RI and the scale slope
SS of a stored value PV:

    displayed value       DV = PV * RS + RI
    floating point value  FP = DV / (RS * SS), which can be compared between images
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerma.dataset import Dataset
from kerma.dataset.sequence import items_of

_GROUP, _CREATOR, _ORIGINALS = 0x2005, "Philips MR Imaging DD 001", "Philips MR Imaging DD 005"
_INTERCEPT, _SLOPE, _SEQUENCE = 0x0D, 0x0E, 0x0F


@dataclass(frozen=True, slots=True)
class Scaling:
    """The numbers of one image or frame. Works on numbers and on arrays alike."""

    rescale_slope: float
    rescale_intercept: float
    scale_slope: float
    scale_intercept: float

    def displayed(self, stored: Any) -> Any:
        """What the console shows for a stored value."""
        return stored * self.rescale_slope + self.rescale_intercept

    def floating_point(self, stored: Any) -> Any:
        """The value that can be compared between images."""
        return self.displayed(stored) / (self.rescale_slope * self.scale_slope)


def scaling(ds: Dataset, frame: int = 0) -> Scaling | None:
    """The scaling of an image or of one frame of a multi-frame one; None where it is not said. ``IndexError`` where
    there is no such frame.
    """
    places = list(_places(ds, frame))
    slope = _number(places, _SLOPE)
    if not slope:
        return None
    rescale_slope = _first(places, "RescaleSlope")
    intercept = _number(places, _INTERCEPT)
    return Scaling(
        1.0 if not rescale_slope else float(rescale_slope),
        float(_first(places, "RescaleIntercept") or 0.0),
        slope,
        0.0 if intercept is None else intercept,
    )


def original(ds: Dataset, frame: int = 0) -> Dataset | None:
    """The attributes that one frame would have as a single-frame image, private ones among them; None where they are
    not there. ``IndexError`` where there is no such frame.
    """
    return next(_originals(ds, frame), None)


def _originals(ds: Dataset, frame: int) -> Iterator[Dataset]:
    frames = items_of(ds, "PerFrameFunctionalGroupsSequence")
    if frames and not 0 <= frame < len(frames):
        raise IndexError(f"there are {len(frames)} frames")
    for holder in (frames[frame], ds) if frames else (ds,):
        try:
            items = holder.private_block(_GROUP, _ORIGINALS).get(_SEQUENCE)
        except KeyError:
            continue
        if items:
            yield items[0]


def _places(ds: Dataset, frame: int) -> Iterator[Dataset]:
    """Where the numbers may be, the nearest to the frame first."""
    frames = items_of(ds, "PerFrameFunctionalGroupsSequence")
    if frames:
        yield from _originals(ds, frame)
        for groups in (frames[frame], *items_of(ds, "SharedFunctionalGroupsSequence")):
            values = items_of(groups, "PixelValueTransformationSequence")
            if values:
                yield values[0]
    yield ds
    if not frames:
        yield from _originals(ds, frame)


def _number(places: list[Dataset], element: int) -> float | None:
    for place in places:
        try:
            value = place.private_block(_GROUP, _CREATOR).get(element)
        except KeyError:
            continue
        if isinstance(value, int | float):
            return float(value)
    return None


def _first(places: list[Dataset], keyword: str) -> Any:
    return next((value for value in (place.get(keyword) for place in places) if value is not None), None)
