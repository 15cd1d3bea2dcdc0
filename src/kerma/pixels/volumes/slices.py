"""The slices of images: one for each frame, or for each tile of a Siemens mosaic, with what they are sorted by.

May touch data sets and vendors' readers. Rules: pixels are not touched here. What tells repetitions of a place apart
(time, echo, diffusion, heart phase) is taken from where the standard or a maker puts it; instance numbers come last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import KermaError, PixelError
from kerma.formats.vendors import siemens
from kerma.pixels.attributes import first_of, group_items, holders, item, number, numbers, text, value_of
from kerma.pixels.frame_index import index
from kerma.pixels.layout import Layout, layout_of
from kerma.pixels.volumes.planes import Plane, plane_of, planes_of

_WHERE = {
    "temporal position": (("FrameContentSequence",), ("TemporalPositionIndex", "TemporalPositionIdentifier")),
    "echo time": (("MREchoSequence", "MRTimingAndRelatedParametersSequence"), ("EffectiveEchoTime", "EchoTime")),
    "trigger time": (
        ("CardiacSynchronizationSequence",),
        ("NominalCardiacTriggerDelayTime", "TriggerTime"),
    ),
    "b-value": (("MRDiffusionSequence",), ("DiffusionBValue",)),
    "frame reference time": ((), ("FrameReferenceTime",)),
    "acquisition": (("FrameContentSequence",), ("FrameAcquisitionNumber", "AcquisitionNumber")),
}
AXES = tuple(_WHERE)
"""What a fourth axis may run along, the best first."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice: which frame of which image, where it lies, and by what it differs from others at the same place.

    ``tile`` is (first row, first column) in a mosaic, None for a whole frame. ``keys`` are the numbers by ``AXES``.
    """

    image: int
    frame: int
    plane: Plane
    rows: int
    columns: int
    keys: dict[str, float] = field(compare=False)
    order: tuple[float, ...] = ()
    tile: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """One data set with its layout and what must be alike within a volume."""

    ds: Dataset
    layout: Layout
    uid: str
    kind: tuple[Any, ...]


def image_of(ds: Dataset) -> Image:
    """The image in a data set. ``PixelError`` where it has none."""
    layout = layout_of(ds)
    return Image(ds, layout, text(ds, "SOPInstanceUID"), (text(ds, "SeriesInstanceUID"), _part(ds)))


def _part(ds: Dataset) -> str:
    """Which part of complex values, or which contrast of a Dixon series, an image shows."""
    said = text(ds, "ComplexImageComponent")
    values = value_of(ds, "ImageType")
    words = values if isinstance(values, tuple) else (values,)
    told = {"M": "MAGNITUDE", "P": "PHASE", "R": "REAL", "I": "IMAGINARY"}
    part = said or next((told[word] for word in words if word in told), "")
    if not part and "MRAcquisitionType" in ds:
        part = _ge_part(ds)
    return " ".join((part, *(str(word) for word in words[3:] if word in {"ADC", "FA", "W", "F", "IP", "OP", "WATER"})))


def _ge_part(ds: Dataset) -> str:
    """GE says the part in an element of its own."""
    try:
        value = first_of(ds.private_block(0x0043, "GEMS_PARM_01").get(0x2F))
    except (KeyError, KermaError):
        return ""
    parts = ("MAGNITUDE", "PHASE", "REAL", "IMAGINARY")
    return parts[value] if isinstance(value, int) and 0 <= value < len(parts) else ""


def check_frames(ds: Dataset, layout: Layout) -> None:
    """``PixelError`` where an image says that it has more frames than are there: before work is done for each."""
    if layout.frames > 1:
        found = index(ds)
        if found.encapsulated:
            found.ranges(layout.frames - 1)
        else:
            found.read(layout.frames - 1)


def slices_of(image: Image, number_of: int) -> Iterator[Slice]:
    """The slices of one image; ``number_of`` is its place in the list of images."""
    ds, layout = image.ds, image.layout
    check_frames(ds, layout)
    yield from (tiles := list(_virtual_frames(image, number_of)))
    if tiles:
        return
    several = layout.frames > 1
    mosaic = None if several else mosaic_of(ds)
    plain = "SharedFunctionalGroupsSequence" not in ds and "PerFrameFunctionalGroupsSequence" not in ds
    for frame, plane in enumerate(planes_of(ds, layout.frames)):
        keys = _keys(ds, frame, plain=plain)
        order = _order(ds, frame, keys, plain=plain)
        if mosaic is None:
            yield Slice(number_of, frame, plane, layout.rows, layout.columns, keys, order)
            continue
        across = math.ceil(math.sqrt(mosaic.count))
        rows, columns = layout.rows // across, layout.columns // across
        # The position told is that of a frame as large as the mosaic around the same centre.
        first = plane.moved((layout.columns - columns) / 2, (layout.rows - rows) / 2, 0, plane.normal)
        for tile in range(mosaic.count):
            place = first.moved(0, 0, tile * plane.thickness, mosaic.normal)
            yield Slice(number_of, frame, place, rows, columns, keys, order, _corner(tile, across, rows, columns))


def _corner(tile: int, across: int, rows: int, columns: int) -> tuple[int, int]:
    return tile // across * rows, tile % across * columns


def _virtual_frames(image: Image, number_of: int) -> Iterator[Slice]:
    """The tiles of a United Imaging mosaic (VFRAME), each with a position of its own; none of any other image."""
    ds, layout = image.ds, image.layout
    values = value_of(ds, "ImageType")
    if not (isinstance(values, tuple) and "VFRAME" in values):
        return
    try:
        frames = ds.private_block(0x0065, "Image Private Header").get(0x51)
        count = len(frames)
    except (KeyError, KermaError, TypeError):
        raise PixelError("a VFRAME image without the sequence that tells where its tiles lie") from None
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across) if across else 0
    if not count or layout.rows % down or layout.columns % across:
        raise PixelError(f"{layout.columns} x {layout.rows} pixels are no mosaic of {count} slices")
    keys = _keys(ds, 0)
    order = _order(ds, 0, keys)
    rows, columns = layout.rows // down, layout.columns // across
    for tile, place in enumerate(frames):
        plane = plane_of(ds, position=numbers(place, "ImagePositionPatient"))
        yield Slice(number_of, 0, plane, rows, columns, keys, order, _corner(tile, across, rows, columns))


@dataclass(frozen=True, slots=True)
class Mosaic:
    """How many slices lie side by side, and in what direction they follow each other."""

    count: int
    normal: tuple[float, float, float]


def mosaic_of(ds: Dataset) -> Mosaic | None:
    """The mosaic that Siemens makes of the slices of one time; None for every other image.

    ``PixelError`` where the image says that it is one and not how it is made.
    """
    values = value_of(ds, "ImageType")
    if not (isinstance(values, tuple) and "MOSAIC" in values):
        return None
    try:
        header = siemens.csa_header(ds)
    except KermaError as error:
        raise PixelError(f"a mosaic whose CSA header cannot be read: {error.message}") from None
    count = first_of(header.get("NumberOfImagesInMosaic")) if header is not None else None
    if not isinstance(count, int | float) or count < 1:
        raise PixelError("a mosaic without a CSA header that tells its slices", hint="it was lost in de-identification")
    layout = layout_of(ds)
    across = math.ceil(math.sqrt(count))
    if count > 65_536 or layout.rows % across or layout.columns % across:
        raise PixelError(f"{layout.columns} x {layout.rows} pixels are no mosaic of {count:g} slices")
    assert header is not None
    said = header.get("SliceNormalVector")
    plane = next(planes_of(ds, 1))
    normal = plane.normal
    if isinstance(said, tuple) and len(said) == 3 and sum(a * b for a, b in zip(said, normal, strict=True)) < 0:
        normal = (-normal[0], -normal[1], -normal[2])
    if not plane.thickness:
        raise PixelError("a mosaic that does not tell the spacing of its slices")
    return Mosaic(int(count), normal)


def _keys(ds: Dataset, frame: int, *, plain: bool = False) -> dict[str, float]:
    """The numbers by ``AXES``; ``plain`` says that there are no functional groups to look in."""
    found = {}
    for axis, (macros, keywords) in _WHERE.items():
        for holder in (ds,) if plain else holders(ds, frame, *macros):
            value = next((value for keyword in keywords if (value := number(holder, keyword)) is not None), None)
            if value is not None:
                found[axis] = value
                break
    if "b-value" not in found and "MRAcquisitionType" in ds:
        value = _private_b_value(ds)
        if value is not None:
            found["b-value"] = value
    return found


def _private_b_value(ds: Dataset) -> float | None:
    """Where makers put the b-value of single frames."""
    for group, creator, element in (
        (0x0019, "SIEMENS MR HEADER", 0x0C),
        (0x0043, "GEMS_PARM_01", 0x39),
        (0x2001, "Philips Imaging DD 001", 0x03),
        (0x0065, "Image Private Header", 0x09),
    ):
        try:
            value = first_of(ds.private_block(group, creator).get(element))
        except (KeyError, KermaError):
            continue
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value) % 1e9  # GE marks some by adding a billion
    return None


def _order(ds: Dataset, frame: int, keys: dict[str, float], *, plain: bool = False) -> tuple[float, ...]:
    """What slices of one place are sorted by: time, echo, then as they were numbered."""
    group = None if plain else next(group_items(ds, frame, "FrameContentSequence"), None)
    when = number(ds, "ContentTime") or 0.0
    return (
        keys.get("temporal position", 0.0),
        keys.get("echo time", 0.0),
        number(ds, "InstanceNumber") or 0.0,
        when,
        *(() if group is None else numbers(group, "DimensionIndexValues")),
        float(frame),
    )


def rescale_of(ds: Dataset, frame: int) -> tuple[float, float]:
    """Rescale Slope and Intercept of a frame; (1, 0) where there are none."""
    for holder in holders(ds, frame, "PixelValueTransformationSequence"):
        slope, intercept = number(holder, "RescaleSlope"), number(holder, "RescaleIntercept")
        if slope is not None or intercept is not None:
            return slope or 1.0, intercept or 0.0
    if item(ds, "ModalityLUTSequence") is not None:
        raise PixelError("the values are made by a Modality LUT, not by a slope and an intercept", hint="rescale=False")
    return 1.0, 0.0
