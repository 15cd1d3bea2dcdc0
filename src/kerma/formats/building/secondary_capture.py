"""Secondary Capture images from picture files (PS3.3 A.8, C.8.6).

One picture becomes a Secondary Capture Image; several of one size and kind become one multi-frame object of the class
for their samples: grayscale byte, grayscale word or true colour. Rules: compressed streams are not decoded and not
encoded again; what the samples are decides the Image Pixel attributes, the caller the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.encoding.source import Buffer
from kerma.errors import FormatError, UsageError
from kerma.findings import Finding
from kerma.formats.building.modules import MAKER, Maker, Share, begin, finish, say
from kerma.formats.building.pictures import Picture, pictures
from kerma.formats.identity import IMPLEMENTATION_VERSION_NAME

SINGLE = "1.2.840.10008.5.1.4.1.1.7"
GRAYSCALE_BYTE = "1.2.840.10008.5.1.4.1.1.7.2"
GRAYSCALE_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
TRUE_COLOR = "1.2.840.10008.5.1.4.1.1.7.4"
_NATIVE = "1.2.840.10008.1.2.1"

_FIXED = frozenset(
    (
        *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "BitsAllocated"),
        *("BitsStored", "HighBit", "PixelRepresentation", "NumberOfFrames", "FrameIncrementPointer"),
        *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
    )
)
_TURNS = "the picture says that it is to be turned to be shown; its samples are kept as they lie"


def secondary_capture(
    files: Iterable[Buffer],
    *,
    multi_frame: bool | None = None,
    frame_time: float | None = None,
    template: Dataset | None = None,
    share: Share = "study",
    attributes: Mapping[str, Any] | None = None,
    maker: Maker = MAKER,
) -> Dataset:
    """A Secondary Capture object of the pictures in ``files`` (their bytes), each a frame or, with pages, several.

    ``multi_frame`` chooses the multi-frame classes for a single picture too; ``frame_time`` is the milliseconds
    between the frames of a film, without it they are pages. ``FormatError`` for what is no picture or does not fit the
    others, ``UsageError`` for arguments that cannot be meant.
    """
    frames = [picture for data in files for picture in pictures(data)]
    first = _alike(frames)
    several = len(frames) > 1 if multi_frame is None else multi_frame
    if len(frames) > 1 and not several:
        raise UsageError(f"{len(frames)} pictures are no single-frame image", hint="let it be multi-frame")
    said = dict(attributes or {})
    modality = str(said.pop("Modality", "OT"))
    ds = begin(
        _class_of(first) if several else SINGLE,
        modality=modality,
        template=template,
        share=share,
        transfer_syntax_uid=first.transfer_syntax_uid or _NATIVE,
        maker=maker,
    )
    ds.ConversionType = "WSD"
    ds.SecondaryCaptureDeviceSoftwareVersions = IMPLEMENTATION_VERSION_NAME
    ds.PatientOrientation = None
    if "Laterality" not in ds:
        ds.Laterality = None
    _pixel_module(ds, first)
    if several:
        _multi_frame(ds, len(frames), frame_time, first)
    if first.method:
        size = sum(len(frame.data) for frame in frames) if first.transfer_syntax_uid else 0
        _lossy(ds, first.method, sum(frame.native_size for frame in frames), size)
    _pixels(ds, frames, first)
    say(ds, said, _FIXED)
    if any(frame.turned != 1 for frame in frames) and ds._file is not None:
        ds._file.findings.append(Finding("exif-orientation", _TURNS))
    return finish(ds)


def _alike(frames: Sequence[Picture]) -> Picture:
    if not frames:
        raise UsageError("no picture is given")
    first = frames[0]
    for number, frame in enumerate(frames[1:], 2):
        if frame.layout != first.layout:
            raise FormatError(
                f"picture {number} is {_described(frame)}, the first is {_described(first)}",
                hint="the frames of one object are alike",
            )
    return first


def _described(frame: Picture) -> str:
    coded = f" in {frame.transfer_syntax_uid}" if frame.transfer_syntax_uid else ""
    return f"{frame.columns} x {frame.rows}, {frame.photometric} of {frame.bits} bits{coded}"


def _class_of(picture: Picture) -> str:
    if picture.samples == 3:
        return TRUE_COLOR
    return GRAYSCALE_BYTE if picture.bits == 8 else GRAYSCALE_WORD


def _pixel_module(ds: Dataset, picture: Picture) -> None:
    """Image Pixel (PS3.3 C.7.6.3)."""
    ds.SamplesPerPixel = picture.samples
    ds.PhotometricInterpretation = picture.photometric
    if picture.samples > 1:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = picture.rows, picture.columns
    ds.BitsAllocated = 8 if picture.bits <= 8 else 16
    ds.BitsStored, ds.HighBit = picture.bits, picture.bits - 1
    ds.PixelRepresentation = 0


def _multi_frame(ds: Dataset, count: int, frame_time: float | None, picture: Picture) -> None:
    """Multi-frame, SC Multi-frame Image, and Cine or SC Multi-frame Vector (PS3.3 C.7.6.6, C.8.6.3, C.8.6.4)."""
    ds.NumberOfFrames = count
    ds.BurnedInAnnotation = "YES"
    if picture.samples == 1:
        ds.PresentationLUTShape = "IDENTITY"
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    if frame_time is not None:
        if not frame_time > 0:
            raise UsageError("the time between frames is more than 0 milliseconds")
        ds.FrameTime = f"{frame_time:.10g}"
        ds.FrameIncrementPointer = 0x00181063
    else:
        ds.PageNumberVector = [str(page) for page in range(1, count + 1)]
        ds.FrameIncrementPointer = 0x00182001


def _lossy(ds: Dataset, method: str, native: int, coded: int) -> None:
    """PS3.3 C.7.6.1.1.5: what was lost stays lost, so this is said of decoded samples as well."""
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionMethod = method
    if coded:
        ds.LossyImageCompressionRatio = f"{native / coded:.4g}"


def _pixels(ds: Dataset, frames: Sequence[Picture], first: Picture) -> None:
    if first.transfer_syntax_uid:
        ds.add("PixelData", "OB", Fragments.of_frames([frame.data for frame in frames]))
        return
    data = frames[0].data if len(frames) == 1 else b"".join(frame.data for frame in frames)
    if len(data) > 0xFFFFFFFE:
        raise FormatError("the pictures have 4 GB or more together, which no native pixel data can hold (PS3.5 8.1.1)")
    ds.add("PixelData", "OW" if first.bits > 8 else "OB", data)
