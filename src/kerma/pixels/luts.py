"""The grey scale pipeline: stored values to modality values to values of interest to P-values (PS3.3 C.11.1, C.11.2,
C.11.6; PS3.4 N.2.1).

May touch data sets and numpy. Rules: what stands in the functional groups of a frame goes before what stands in the
data set. A VOI transformation gives numbers from 0 to 1; what makes them 8 bits is room for one rounding, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError, UsageError
from kerma.pixels.attributes import holders, item, items, number, numbers, text, value_of
from kerma.pixels.decoding import frame as decoded_frame
from kerma.pixels.layout import Layout, layout_of
from kerma.pixels.tables import Table, table_of

Array = NDArray[Any]

PRESETS: dict[str, tuple[float, float]] = {
    "abdomen": (60, 400),
    "angio": (300, 600),
    "bone": (400, 1800),
    "brain": (40, 80),
    "liver": (80, 150),
    "lung": (-600, 1500),
    "mediastinum": (50, 350),
    "soft-tissue": (50, 400),
    "spine": (50, 250),
    "stroke": (32, 8),
    "subdural": (75, 215),
    "temporal-bone": (600, 2800),
}
"""Windows in Hounsfield units (center, width) by the names that radiologists use."""

_XRAY = frozenset({"1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2"})
"""X-Ray Angiographic and X-Ray Radiofluoroscopic Image Storage."""
_LOW, _HIGH = 0.5, 99.5  # per cent of the pixels between which an automatic window lies


class VOI(Protocol):
    """A transformation of modality values to numbers from 0 to 1."""

    def apply(self, values: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Modality:
    """Stored values to values in ``unit`` ("HU", "OD", "US" for unspecified, "" unsaid)."""

    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    table: Table | None = None

    @property
    def identity(self) -> bool:
        return self.table is None and self.slope == 1 and self.intercept == 0

    def apply(self, values: Array) -> Array:
        """Modality values; the same array where nothing is to do."""
        if self.table is not None:
            return self.table.apply(values)
        if self.identity:
            return values
        return values * np.float64(self.slope) + self.intercept

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """What stored values from ``low`` to ``high`` may become."""
        if self.table is not None:
            return 0, self.table.top
        ends = (low * self.slope + self.intercept, high * self.slope + self.intercept)
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class Window:
    """LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    center: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""

    def apply(self, values: Array) -> Array:
        center, width = self.center, self.width
        x = values.astype("f8")
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return np.asarray(1 / (1 + np.exp(-4 * (x - center) / width)))
        if self.function == "LINEAR" and width >= 1:
            center, width = center - 0.5, width - 1
        if width <= 0:
            return np.asarray((x > center).astype("f8"))
        x -= center - width / 2
        x /= width
        return np.asarray(np.clip(x, 0, 1, out=x))


@dataclass(frozen=True, slots=True)
class Span:
    """Everything from ``low`` to ``high``, evenly: what an identity means for a display."""

    low: float
    high: float

    def apply(self, values: Array) -> Array:
        x = values.astype("f8")
        if self.high <= self.low:
            return np.asarray((x > self.low).astype("f8"))
        return np.asarray(np.clip((x - self.low) / (self.high - self.low), 0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class TableVOI:
    """A VOI LUT."""

    table: Table
    explanation: str = ""

    def apply(self, values: Array) -> Array:
        return self.table.apply(values) / np.float64(self.table.top)


@dataclass(frozen=True, slots=True, eq=False)
class Presentation:
    """The last step: a table over the whole range, or only the question whether it is turned (PS3.3 C.11.6)."""

    inverse: bool = False
    table: Table | None = None

    def apply(self, values: Array) -> Array:
        if self.table is not None:
            size = len(self.table.outputs)
            values = self.table.outputs[np.rint(values * (size - 1)).astype("i8")] / np.float64(self.table.top)
        return 1 - values if self.inverse else values


# -- from data sets ----------------------------------------------------------------------------------------------------


def stored_bounds(layout: Layout) -> tuple[int, int]:
    """The smallest and largest stored value that the layout allows."""
    if layout.signed and layout.bits_stored > 1:
        return -(1 << (layout.bits_stored - 1)), (1 << (layout.bits_stored - 1)) - 1
    return 0, (1 << layout.bits_stored) - 1


def modality_of(ds: Dataset, layout: Layout, frame: int = 0) -> Modality:
    """The modality LUT or rescale of a frame; that of ``ds`` may be a presentation state's."""
    for holder in holders(ds, frame, "PixelValueTransformationSequence"):
        slope, intercept = number(holder, "RescaleSlope"), number(holder, "RescaleIntercept")
        if slope is not None or intercept is not None:
            unit = text(holder, "RescaleType") or ("HU" if text(ds, "Modality") == "CT" else "")
            return Modality(1.0 if slope is None or slope == 0 else slope, intercept or 0.0, unit)
        found = item(holder, "ModalityLUTSequence")
        if found is not None:
            try:
                return Modality(unit=text(found, "ModalityLUTType"), table=table_of(found, signed=layout.signed))
            except KermaError:
                continue
    return Modality()


def display_modality_of(ds: Dataset, layout: Layout, frame: int = 0) -> Modality:
    """As ``modality_of``, for display: the table of an X-ray image whose pixels are logarithmic or ready to be shown
    leads back to intensities and is none of the grey scale (PS3.3 C.8.7.1.1.2).
    """
    found = modality_of(ds, layout, frame)
    if found.table is not None and text(ds, "SOPClassUID") in _XRAY:
        relationship = text(ds, "PixelIntensityRelationship").upper()
        return Modality() if relationship in {"LOG", "DISP"} else found
    return found


def windows_of(ds: Dataset, frame: int = 0) -> list[Window]:
    """The windows that are told for a frame, in order. Those without a width that can be used are left out."""
    for holder in holders(ds, frame, "FrameVOILUTSequence"):
        centers, widths = numbers(holder, "WindowCenter"), numbers(holder, "WindowWidth")
        function = text(holder, "VOILUTFunction").upper() or "LINEAR"
        said = value_of(holder, "WindowCenterWidthExplanation")
        names = said if isinstance(said, tuple) else (said,)
        found = [
            Window(center, width, function, str(names[at]) if at < len(names) and names[at] else "")
            for at, (center, width) in enumerate(zip(centers, widths, strict=False))
            if width >= 1 or (width > 0 and function != "LINEAR")
        ]
        if found:
            return found
    return []


def voi_tables_of(ds: Dataset, bounds: tuple[float, float], frame: int = 0) -> list[TableVOI]:
    """The VOI LUTs that are told for a frame, in order; ``bounds`` are those of the values looked up."""
    for holder in holders(ds, frame, "FrameVOILUTSequence"):
        found = []
        for each in items(holder, "VOILUTSequence"):
            try:
                found.append(TableVOI(table_of(each, signed=bounds[0] < 0), text(each, "LUTExplanation")))
            except KermaError:
                continue  # a broken table is none; the windows or the pixels themselves will do
        if found:
            return found
    return []


def presentation_of(ds: Dataset, photometric: str) -> Presentation:
    """The presentation LUT of an image: MONOCHROME1 and the shape INVERSE say the same (PS3.3 C.8.11.3.1.2)."""
    return Presentation(photometric == "MONOCHROME1" or text(ds, "PresentationLUTShape").upper() == "INVERSE")


def automatic(values: Array, wanted: Array | None = None) -> Span:
    """All but the darkest and brightest half per cent of ``values``, of those that are ``wanted`` where told."""
    chosen = values if wanted is None else values[wanted]
    if chosen.dtype.kind == "f":
        chosen = chosen[np.isfinite(chosen)]
    if not chosen.size:
        return Span(0, 1)
    low, high = (float(each) for each in np.percentile(chosen, (_LOW, _HIGH)))
    return Span(low, high) if high > low else Span(float(chosen.min()), float(chosen.max()))


def smallest_to_largest(values: Array, wanted: Array | None = None) -> Span:
    """From the smallest to the largest of ``values``."""
    chosen = values if wanted is None else values[wanted]
    if chosen.dtype.kind == "f":
        chosen = chosen[np.isfinite(chosen)]
    return Span(float(chosen.min()), float(chosen.max())) if chosen.size else Span(0, 1)


def checked_window(center: float, width: float, function: str = "LINEAR") -> Window:
    """A window that somebody asked for; ``UsageError`` where it cannot be meant."""
    try:
        center, width = float(center), float(width)
    except (TypeError, ValueError):
        raise UsageError("a window is two numbers, center and width") from None
    if not (np.isfinite(center) and np.isfinite(width)) or width <= 0:
        raise UsageError(f"a window of width {width:g} shows nothing", hint="the width is above 0")
    if function not in {"LINEAR", "LINEAR_EXACT", "SIGMOID"}:
        raise UsageError(f"{function!r} is no VOI LUT function", hint="LINEAR, LINEAR_EXACT or SIGMOID")
    return Window(center, width, function)


def modality_values(ds: Dataset, frame: int = 0) -> Array:
    """A frame in the values of its modality, e.g. Hounsfield units: after the rescale or the modality LUT."""
    values = decoded_frame(ds, frame)
    return modality_of(ds, layout_of(ds), frame).apply(values)


def padding_of(ds: Dataset, layout: Layout) -> tuple[float, float] | None:
    """The stored values, both ends included, that are padding (PS3.3 C.7.5.1.1.2); None where nothing says so."""
    name = {0x7FE00010: "", 0x7FE00008: "Float", 0x7FE00009: "DoubleFloat"}[layout.tag]
    value = number(ds, f"{name}PixelPaddingValue")
    if value is None or layout.samples != 1:
        return None
    limit = number(ds, f"{name}PixelPaddingRangeLimit")
    ends = [value, value if limit is None else limit]
    if not layout.floating:
        top = 1 << layout.bits_allocated
        ends = [_signed(end, top) if layout.signed else end % top for end in ends]
    return min(ends), max(ends)


def _signed(value: float, top: int) -> float:
    """A number that was written unsigned for a signed image."""
    return value - top if value >= top / 2 else value
