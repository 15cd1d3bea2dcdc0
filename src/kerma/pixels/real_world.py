"""Real world values: stored values as numbers with a unit, by the maps that an image carries (PS3.3 C.7.6.16.2.11).

May touch data sets and numpy. Rules: a map is for the stored values that it names; where none of them is, there is no
value, which is NaN. Float pixel data are mapped as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import PixelError, UsageError
from kerma.pixels.attributes import item, items, number, numbers, text
from kerma.pixels.decoding import frame as decoded_frame
from kerma.pixels.layout import Layout, layout_of

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class RealWorldMap:
    """One map: values from ``first`` to ``last`` by slope and intercept, or by a table."""

    label: str
    explanation: str
    unit: str
    """The code value of the unit, as UCUM writes it: "mm2/s", "[hnsf'U]", "1"."""
    unit_meaning: str
    first: float
    last: float
    slope: float
    intercept: float
    table: Array | None = None

    def apply(self, stored: Array) -> Array:
        """Stored values as real ones, NaN outside of the map."""
        inside = (stored >= self.first) & (stored <= self.last)
        if self.table is None:
            return np.where(inside, stored * np.float64(self.slope) + self.intercept, np.nan)
        found = np.full(stored.shape, np.nan)
        found[inside] = self.table[(stored[inside] - self.first).astype("i8")]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class RealWorldValues:
    """A frame in units. ``map`` says which."""

    values: Array
    map: RealWorldMap

    @property
    def unit(self) -> str:
        return self.map.unit


def real_world_maps(ds: Dataset, frame: int = 0) -> list[RealWorldMap]:
    """The maps for a frame: of its functional groups, of the shared ones, else of the image."""
    layout = layout_of(ds)
    for holder in (_group(ds, frame), items(ds, "RealWorldValueMappingSequence")):
        found = [each for each in (_map(each, layout) for each in holder) if each is not None]
        if found:
            return found
    return []


def real_world_values(ds: Dataset, frame: int = 0, *, label: str | None = None) -> RealWorldValues:
    """A frame in the units of its first map, or of that with the LUT Label ``label``.

    ``PixelError`` where the image has no map, ``UsageError`` where none has that label.
    """
    maps = real_world_maps(ds, frame)
    if not maps:
        raise PixelError("the image has no real world value map", frame=frame)
    chosen = next((each for each in maps if label is None or each.label == label), None)
    if chosen is None:
        raise UsageError(f"no map is labelled {label!r}", hint=f"there are {', '.join(each.label for each in maps)}")
    return RealWorldValues(chosen.apply(decoded_frame(ds, frame)), chosen)


def _group(ds: Dataset, frame: int) -> list[Dataset]:
    """All items of the functional group, the frame's own before the shared."""
    for holder in (item(ds, "PerFrameFunctionalGroupsSequence", frame), item(ds, "SharedFunctionalGroupsSequence")):
        found = [] if holder is None else items(holder, "RealWorldValueMappingSequence")
        if found:
            return found
    return []


def _map(ds: Dataset, layout: Layout) -> RealWorldMap | None:
    ends = []
    for name in ("First", "Last"):
        found = number(ds, f"DoubleFloatRealWorldValue{name}ValueMapped")
        if found is None:
            found = number(ds, f"RealWorldValue{name}ValueMapped")
            if found is not None and layout.signed and found >= 0x8000:
                found -= 0x10000  # a writer that put SS numbers into US
        ends.append(found)
    first, last = ends
    unit = item(ds, "MeasurementUnitsCodeSequence")
    table = np.array(numbers(ds, "RealWorldValueLUTData"))
    slope = number(ds, "RealWorldValueSlope")
    if first is None or last is None or last < first or (slope is None and not len(table)):
        return None
    if len(table) and len(table) < last - first + 1:
        last = first + len(table) - 1
    return RealWorldMap(
        text(ds, "LUTLabel"),
        text(ds, "LUTExplanation"),
        "" if unit is None else text(unit, "CodeValue") or text(unit, "LongCodeValue"),
        "" if unit is None else text(unit, "CodeMeaning"),
        first,
        last,
        0.0 if slope is None else slope,
        number(ds, "RealWorldValueIntercept", 0.0) or 0.0,
        table if len(table) and slope is None else None,
    )
