"""Segmentations from masks: BINARY, FRACTIONAL and LABELMAP (PS3.3 A.51, C.8.20, C.7.6.16, C.7.6.17).

May touch data sets. Rules: a segmentation lies on the grid of the images that it was made of, frame by frame, and names
them; BINARY and FRACTIONAL leave out empty frames, LABELMAP has one for each slice. Masks are checked
against that grid before anything is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import PixelError, UsageError
from kerma.formats.building.modules import MAKER, Maker, begin, code_item, finish, say
from kerma.formats.identity import IMPLEMENTATION_VERSION_NAME
from kerma.pixels.attributes import text
from kerma.pixels.volumes.grid import Volume
from kerma.pixels.volumes.segments import LABELMAP_CLASS, Code, Segment
from kerma.pixels.volumes.slices import Slice

Array = NDArray[Any]

SEGMENTATION_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
_NATIVE = "1.2.840.10008.1.2.1"
_TOP = 255  # Maximum Fractional Value
_SEGMENTATION: Code = ("113076", "DCM", "Segmentation")
_SOURCE: Code = ("121322", "DCM", "Source image for image processing operation")
_LARGEST = 0xFFFFFFFE
_FIXED = frozenset({"Rows", "Columns", "NumberOfFrames", "BitsAllocated", "SegmentationType", "SegmentSequence"})


def to_seg(
    masks: Mapping[Segment | str, Array] | Array,
    like: Volume,
    *,
    segments: Sequence[Segment] = (),
    kind: str = "BINARY",
    fraction: str = "PROBABILITY",
    attributes: Mapping[str, Any] | None = None,
    maker: Maker = MAKER,
) -> Dataset:
    """A Segmentation of masks on the grid of ``like``, a volume that was made of data sets.

    ``masks`` maps each segment, or its label, to [slice, row, column]: bool, or fractions from 0 to 1; or is one array
    of segment numbers, described by ``segments``. ``kind`` is BINARY, FRACTIONAL or LABELMAP; ``attributes`` are said
    as they are (SeriesDescription=...). ``UsageError`` where they do not fit each other.
    """
    kind = kind.upper()
    if kind not in {"BINARY", "FRACTIONAL", "LABELMAP"}:
        raise UsageError(f"{kind!r} is no kind of segmentation", hint="BINARY, FRACTIONAL or LABELMAP")
    if not like.slices:
        raise UsageError("a segmentation names its source images, and this volume has none", hint="before resampling")
    found = _masks(masks, segments, like, kind)
    source = like.datasets[like.slices[0][0].image]
    if not text(source, "FrameOfReferenceUID"):
        raise PixelError("the source images have no Frame of Reference UID")
    ds = begin(
        LABELMAP_CLASS if kind == "LABELMAP" else SEGMENTATION_CLASS,
        modality="SEG",
        template=source,
        transfer_syntax_uid=_NATIVE,
        maker=maker,
    )
    _general(ds, source, maker)
    frames = _labelmap(found, like) if kind == "LABELMAP" else _planes(found, kind)
    if not frames:
        raise UsageError("the masks are empty", hint="a segmentation has at least one frame with something in it")
    _image(ds, like, kind, fraction, len(frames), [segment for segment, _ in found])
    ds.SegmentSequence = [_segment(segment) for segment, _ in found]
    _shared(ds, like)
    _dimensions(ds, kind, maker)
    ds.PerFrameFunctionalGroupsSequence = [_frame(like, kind, *frame[:2]) for frame in frames]
    _references(ds, like, {place for _, place, _ in frames})
    _pixels(ds, kind, [samples for _, _, samples in frames])
    say(ds, dict(attributes or {}), _FIXED)
    return finish(ds)


Found = list[tuple[Segment, Array]]
Frame = tuple[int, int, Array]  # segment number, slice, samples


def _masks(masks: Any, segments: Sequence[Segment], like: Volume, kind: str) -> Found:
    """Each segment with its mask, checked."""
    found: Found = []
    if isinstance(masks, np.ndarray):
        if masks.dtype.kind not in "iu":
            raise UsageError("an array of labels holds whole numbers", hint="give fractions by segment")
        known = {each.number: each for each in segments}
        for label in (int(each) for each in np.unique(masks)):
            if label:
                found.append((known.get(label) or Segment(label, f"Segment {label}"), masks == label))
    else:
        for number, (key, mask) in enumerate(masks.items(), 1):
            found.append((key if isinstance(key, Segment) else Segment(number, str(key)), np.asarray(mask)))
    numbers = [segment.number for segment, _ in found]
    if not found:
        raise UsageError("there is no segment")
    wanted = sorted(numbers) if kind == "LABELMAP" else list(range(1, len(numbers) + 1))
    if numbers != wanted or len(set(numbers)) != len(numbers) or not 0 < numbers[0] <= numbers[-1] < 0xFFFF:
        raise UsageError(f"segments are numbered {numbers[:8]}", hint="from 1, one after the other (PS3.3 C.8.20.2)")
    for segment, mask in found:
        if mask.shape != like.shape:
            raise UsageError(f"the mask of {segment.label!r} has the shape {mask.shape}, the volume {like.shape}")
        if mask.dtype.kind == "f" and (kind != "FRACTIONAL" or not (mask.min() >= 0 and mask.max() <= 1)):
            raise UsageError("fractions are from 0 to 1, and for kind='FRACTIONAL'")
    return found


def _planes(found: Found, kind: str) -> list[Frame]:
    """A frame for each segment and slice with something in it."""
    frames: list[Frame] = []
    for segment, mask in found:
        for place in range(len(mask)):
            plane = mask[place]
            if plane.dtype.kind == "f":
                samples = np.rint(plane * _TOP).astype("u1")
            else:
                samples = (plane != 0).astype("u1") * (_TOP if kind == "FRACTIONAL" else 1)
            if samples.any():
                frames.append((segment.number, place, samples.astype("u1")))
    return frames


def _labelmap(found: Found, like: Volume) -> list[Frame]:
    """A frame for each slice."""
    top = max(segment.number for segment, _ in found)
    out = np.zeros(like.shape, "u1" if top < 256 else "<u2")
    for segment, mask in found:
        wanted = mask != 0
        if np.any(out[wanted]):
            raise UsageError("segments overlap, which a label map cannot hold", hint="take kind='BINARY'")
        out[wanted] = segment.number
    return [(0, place, out[place]) for place in range(len(out))]


def _general(ds: Dataset, source: Dataset, maker: Maker) -> None:
    """Series, Frame of Reference, Enhanced Equipment, Content (PS3.3 C.7.3.1, C.7.4.1, C.7.5.2, C.12.1)."""
    ds.SeriesNumber = 1
    ds.FrameOfReferenceUID = source.FrameOfReferenceUID
    ds.PositionReferenceIndicator = text(source, "PositionReferenceIndicator") or None
    ds.Manufacturer = "Kerma"
    ds.ManufacturerModelName = "Kerma"
    ds.DeviceSerialNumber = "1"
    ds.SoftwareVersions = IMPLEMENTATION_VERSION_NAME
    ds.ContentLabel = "SEGMENTATION"
    ds.ContentDescription = None
    ds.ContentCreatorName = None
    now = maker.now()
    ds.SeriesDate, ds.SeriesTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")


def _image(ds: Dataset, like: Volume, kind: str, fraction: str, frames: int, segments: list[Segment]) -> None:
    """General Image, Image Pixel, Segmentation Image (PS3.3 C.7.6.1, C.7.6.3, C.8.20.2)."""
    bits = {"BINARY": 1, "FRACTIONAL": 8}.get(kind) or (8 if segments[-1].number < 256 else 16)
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.InstanceNumber = 1
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelRepresentation = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.Rows, ds.Columns = like.shape[1], like.shape[2]
    ds.NumberOfFrames = frames
    lossy = any(text(each, "LossyImageCompression") == "01" for each in like.datasets)
    ds.LossyImageCompression = "01" if lossy else "00"
    if lossy:
        _lossy(ds, like)
    ds.SegmentationType = kind
    if kind == "FRACTIONAL":
        if fraction not in {"PROBABILITY", "OCCUPANCY"}:
            raise UsageError(f"{fraction!r} is no kind of fraction", hint="PROBABILITY or OCCUPANCY")
        ds.SegmentationFractionalType = fraction
        ds.MaximumFractionalValue = _TOP
    if kind == "LABELMAP":
        ds.PixelPaddingValue = 0
    else:
        ds.SegmentsOverlap = "UNDEFINED" if len(segments) > 1 else "NO"


def _lossy(ds: Dataset, like: Volume) -> None:
    source = next(each for each in like.datasets if text(each, "LossyImageCompression") == "01")
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        value = source.get(keyword)
        if value is not None:
            ds[keyword] = value


def _code(code: Code) -> Dataset:
    return code_item(*code)


def _segment(segment: Segment) -> Dataset:
    if segment.algorithm not in {"MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"}:
        raise UsageError(f"{segment.algorithm!r} is no kind of algorithm", hint="MANUAL, SEMIAUTOMATIC or AUTOMATIC")
    if segment.algorithm != "MANUAL" and not segment.algorithm_name:
        raise UsageError(f"segment {segment.label!r} was made by an algorithm, which needs a name")
    item = Dataset()
    item.SegmentNumber = segment.number
    item.SegmentLabel = segment.label
    if segment.description:
        item.SegmentDescription = segment.description
    item.SegmentAlgorithmType = segment.algorithm
    if segment.algorithm_name:
        item.SegmentAlgorithmName = segment.algorithm_name
    item.SegmentedPropertyCategoryCodeSequence = [_code(segment.category)]
    item.SegmentedPropertyTypeCodeSequence = [_code(segment.type)]
    if segment.colour is not None:
        item.RecommendedDisplayCIELabValue = _lab(segment.colour)
    return item


def _lab(colour: tuple[int, int, int]) -> list[int]:
    """sRGB as PCS values of CIELab under D50 (PS3.3 C.10.7.1.1)."""
    parts = np.array(colour, float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
    )
    relative = to_xyz @ linear / np.array([0.9642, 1.0, 0.8251])
    cube = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    light, a, b = 116 * cube[1] - 16, 500 * (cube[0] - cube[1]), 200 * (cube[1] - cube[2])
    scaled = (light * 65535 / 100, (a + 128) * 65535 / 255, (b + 128) * 65535 / 255)
    return [int(np.clip(round(each), 0, 65535)) for each in scaled]


def _shared(ds: Dataset, like: Volume) -> None:
    plane = like.slices[0][0].plane
    measures = Dataset()
    between = like.spacing[0]
    measures.SliceThickness = _decimal(plane.thickness or between)
    measures.SpacingBetweenSlices = _decimal(between)
    measures.PixelSpacing = [_decimal(each) for each in plane.spacing]
    orientation = Dataset()
    orientation.ImageOrientationPatient = [_decimal(each) for each in (*plane.row, *plane.column)]
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    ds.SharedFunctionalGroupsSequence = [shared]


def _decimal(value: float) -> str:
    """A number in the 16 characters of a DS."""
    text_of = f"{value + 0.0:.10g}"
    return text_of if len(text_of) <= 16 else f"{value:.8g}"


def _dimensions(ds: Dataset, kind: str, maker: Maker) -> None:
    """Segment, then place (PS3.3 C.7.6.17)."""
    uid = maker.uid()
    organization = Dataset()
    organization.DimensionOrganizationUID = uid
    ds.DimensionOrganizationSequence = [organization]
    rows = [(0x00200032, 0x00209113, "Image Position (Patient)")]
    if kind != "LABELMAP":
        rows.insert(0, (0x0062000B, 0x0062000A, "Referenced Segment Number"))
    indices = []
    for pointer, group, label in rows:
        item = Dataset()
        item.DimensionOrganizationUID = uid
        item.DimensionIndexPointer = pointer
        item.FunctionalGroupPointer = group
        item.DimensionDescriptionLabel = label
        indices.append(item)
    ds.DimensionIndexSequence = indices


def _frame(like: Volume, kind: str, number: int, place: int) -> Dataset:
    """The functional groups of one frame."""
    source = like.slices[0][place]
    content = Dataset()
    content.DimensionIndexValues = [place + 1] if kind == "LABELMAP" else [number, place + 1]
    position = Dataset()
    position.ImagePositionPatient = [_decimal(each) for each in source.plane.position]
    group = Dataset()
    group.FrameContentSequence = [content]
    group.PlanePositionSequence = [position]
    group.DerivationImageSequence = [_derivation(like, source)]
    if kind != "LABELMAP":
        identification = Dataset()
        identification.ReferencedSegmentNumber = number
        group.SegmentIdentificationSequence = [identification]
    return group


def _derivation(like: Volume, source: Slice) -> Dataset:
    image = _reference(like.datasets[source.image])
    if text(like.datasets[source.image], "NumberOfFrames") or like.datasets[source.image].get("NumberOfFrames"):
        image.ReferencedFrameNumber = source.frame + 1
    image.PurposeOfReferenceCodeSequence = [_code(_SOURCE)]
    image.SpatialLocationsPreserved = "YES"
    derivation = Dataset()
    derivation.SourceImageSequence = [image]
    derivation.DerivationCodeSequence = [_code(_SEGMENTATION)]
    return derivation


def _reference(ds: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = ds.SOPClassUID
    item.ReferencedSOPInstanceUID = ds.SOPInstanceUID
    return item


def _references(ds: Dataset, like: Volume, places: set[int]) -> None:
    """Common Instance Reference (PS3.3 C.12.2)."""
    numbers = sorted({like.slices[0][place].image for place in places})
    series: dict[str, list[Dataset]] = {}
    for number in numbers:
        series.setdefault(str(like.datasets[number].SeriesInstanceUID), []).append(_reference(like.datasets[number]))
    found = []
    for uid, instances in series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedInstanceSequence = instances
        found.append(item)
    ds.ReferencedSeriesSequence = found


def _pixels(ds: Dataset, kind: str, frames: list[Array]) -> None:
    if kind == "BINARY":
        # Bits go on from frame to frame without padding (PS3.5 8.1.1).
        data = np.packbits(np.concatenate([frame.reshape(-1) for frame in frames]), bitorder="little").tobytes()
    else:
        data = b"".join(frame.tobytes() for frame in frames)
    if len(data) > _LARGEST:
        raise UsageError("the segmentation has 4 GB or more, which no native pixel data can hold")
    ds.add("PixelData", "OW" if ds.BitsAllocated == 16 else "OB", data + b"\0" * (len(data) & 1))
