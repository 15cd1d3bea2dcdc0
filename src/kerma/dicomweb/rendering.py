"""An instance as something to look at: which kind it is, its pictures, films, pages and documents.

PS3.18 8.7.2 (resource categories), 10.4.1.1; the pipelines are those of ``kerma.pixels``. Rules:

- Whatever is stored can be looked at: what is no image gives its text, its document, its curves, or an icon with its
  kind; only an image whose pixels cannot be had is an error, and it says why.
- Sizes are compared with ``RenderingLimits`` before pixels are decoded; a film goes to a file, frame by frame.
- Needs numpy and Pillow: whoever may have to do without loads this module late.
- Nothing here waits or keeps anything: the same data set and parameters give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.dataset import Dataset
from kerma.dicomweb import reports
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.rendered import (
    GIF,
    HTML,
    JP2,
    JPEG,
    JPH,
    JXL,
    PDF,
    PLAIN,
    PNG,
    THUMBNAIL_SIDE,
    WEBP,
    XML,
    Kind,
    RenderedParameters,
)
from kerma.errors import LimitError, PixelError
from kerma.formats.building.encapsulated import extract
from kerma.limits import Limits
from kerma.pixels import attributes, coded_pictures, icc, pages, profiles, waveforms
from kerma.pixels.codecs.video import video
from kerma.pixels.finishing import burned, mirrored, part_of
from kerma.pixels.pictures import encoded, frame_milliseconds, save_film
from kerma.pixels.rendering import Renderer
from kerma.pixels.shapes import as_rgb, fitted
from kerma.pixels.syntaxes import VIDEO
from kerma.standard import uids

_FORMS = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP", JP2: "JPEG2000", PDF: "PDF"}
_CODED = {JPH: coded_pictures.jph, JXL: coded_pictures.jpeg_xl}
_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009, 0x00287FE0)
_PRESENTATION_STATES = tuple(f"1.2.840.10008.5.1.4.1.1.11.{number}" for number in (1, 2, 3))
_ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."


@dataclass(frozen=True, slots=True)
class RenderingLimits:
    """What one rendering may take."""

    max_frame: int = 1 << 29
    """Bytes of a decoded frame."""
    max_film_pixels: int = 1 << 28
    """Pixels of all frames of an animated GIF, which is held until it is written."""
    max_video_pixels: int = 1 << 34
    """Pixels of all frames of an MP4 that has to be encoded: some minutes of work."""
    max_film_frames: int = 10_000
    max_document: int = 1 << 29
    """Bytes of an encapsulated document."""
    max_state_images: int = 1_000
    """Pictures of one presentation state."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One answer: its media type and its bytes."""

    media_type: str
    body: bytes


def kind_of(ds: Dataset) -> Kind:
    """What an instance is to somebody who wants to look at it."""
    if any(tag in ds for tag in _PIXELS):
        if ds.transfer_syntax_uid in VIDEO:
            return Kind.VIDEO
        return Kind.MOVING if attributes.whole(ds, "NumberOfFrames", 1) > 1 else Kind.STILL
    if "EncapsulatedDocument" in ds:
        mime = attributes.text(ds, "MIMETypeOfEncapsulatedDocument").lower()
        uid = attributes.text(ds, "SOPClassUID")
        if mime == PDF or uid == _ENCAPSULATED + "1":
            return Kind.DOCUMENT
        return Kind.CLINICAL_DOCUMENT if mime.endswith("/xml") or uid == _ENCAPSULATED + "2" else Kind.OTHER
    if "WaveformSequence" in ds:
        return Kind.WAVEFORM
    return Kind.REPORT if "ContentSequence" in ds and "ValueType" in ds else Kind.OTHER


def is_presentation_state(sop_class_uid: str) -> bool:
    """Whether instances of a class say how images are to be shown, in a way that can be applied here."""
    return sop_class_uid in _PRESENTATION_STATES


def shown_first(sop_class_uid: str) -> int:
    """How well an instance of a class stands for a series or study: 0 an image, 1 what may be one, 2 anything else."""
    name = uids.name_of(sop_class_uid)
    if "Image" in name or "Video" in name or "Photographic" in name:
        return 0
    known = ("Segmentation Storage", "Parametric Map Storage", "RT Dose Storage")
    return 1 if not name or name in known else 2


def referenced(state: Dataset, limits: RenderingLimits) -> list[tuple[str, tuple[int, ...]]]:
    """The images that a presentation state is about, with the frames (from 0) that it names of each; () is all."""
    found: dict[str, tuple[int, ...]] = {}
    for series in attributes.items(state, "ReferencedSeriesSequence"):
        for image in attributes.items(series, "ReferencedImageSequence"):
            uid = attributes.text(image, "ReferencedSOPInstanceUID")
            numbers = attributes.numbers(image, "ReferencedFrameNumber")
            if uid and len(found) < limits.max_state_images:
                found[uid] = tuple(int(number) - 1 for number in numbers[: limits.max_state_images] if number >= 1)
    return list(found.items())


class Rendering:
    """Renders one instance as one media type, any of its frames. ``state`` is a presentation state about it."""

    def __init__(
        self,
        ds: Dataset,
        parameters: RenderedParameters,
        *,
        state: Dataset | None = None,
        thumbnail: bool = False,
        limits: RenderingLimits = RenderingLimits(),
    ) -> None:
        self.ds = ds
        self.kind = kind_of(ds)
        self.parameters = parameters
        self.thumbnail = thumbnail
        self.limits = limits
        self.state = state
        self._renderer: Renderer | None = None

    @property
    def is_image(self) -> bool:
        return self.kind in {Kind.STILL, Kind.MOVING, Kind.VIDEO}

    @property
    def count(self) -> int:
        """How many frames there are; 1 of what is no image."""
        return self.renderer.count if self.is_image else 1

    def look(self) -> None:
        """Raises what the pixel data, the window or the presentation state are wrong with, before any is decoded."""
        if self.is_image:
            _ = self.renderer

    @property
    def frame(self) -> int:
        """The frame (from 0) that stands for all: the one that the file names, else the first; of a thumbnail the
        middle one.
        """
        named = attributes.whole(self.ds, "RepresentativeFrameNumber") - 1
        if 0 <= named < self.count:
            return named
        return self.count // 2 if self.thumbnail else 0

    @property
    def renderer(self) -> Renderer:
        """The one renderer of all frames."""
        if self._renderer is None:
            asked, viewport = self.parameters, self.parameters.viewport
            box = None
            if viewport is not None and viewport.whole and asked.region is None:
                box = viewport.vw, viewport.vh
            elif self.thumbnail:
                box = THUMBNAIL_SIDE, THUMBNAIL_SIDE
            self._renderer = Renderer(
                self.ds,
                window=asked.window,
                function=asked.function,
                presentation=self.state,
                size=box,
                enlarge=viewport is not None,
                square=self.thumbnail,
                icc=asked.iccprofile in {"no", "yes", "srgb"},
                limits=Limits(max_frame=self.limits.max_frame),
            )
        return self._renderer

    # -- one body ------------------------------------------------------------------------------------------------------

    def picture(self, media_type: str, frame: int | None = None) -> Rendition:
        """One frame, counted from 0, or a picture of what is no image."""
        if media_type not in _FORMS and media_type not in _CODED:
            raise HTTPProblem(406, "no picture is of the media type asked for", hint=f"one of {', '.join(_FORMS)}")
        picture = self._image(frame) if self.is_image else self._drawn()
        profile = b""
        if self.parameters.iccprofile != "no" and media_type != GIF:
            picture, profile = self._profiled(picture)

        if media_type in _CODED:
            return Rendition(media_type, _CODED[media_type](picture, quality=self.parameters.quality))
        try:
            body = encoded(picture, _FORMS[media_type], quality=self.parameters.quality, profile=profile)
        except (OSError, ValueError):  # a WebP has 16,383 pixels a side at most, a JPEG 65,500
            size = f"{picture.shape[1]} x {picture.shape[0]}"
            raise LimitError(f"no {_FORMS[media_type]} has {size} pixels", hint="viewport=2048,2048, or png") from None
        return Rendition(media_type, body)

    def film(self, target: str, frames: Sequence[int] | None = None) -> None:
        """All frames, or those (from 0), into a file whose suffix is .gif or .mp4."""
        numbers = list(range(self.count)) if frames is None else [self._checked(each) for each in frames]
        layout = self.renderer.layout
        if len(numbers) > self.limits.max_film_frames:
            raise LimitError(f"{len(numbers)} frames are too many for one film", hint="ask for some of them")
        viewport = self.parameters.viewport
        size = layout.rows * layout.columns if viewport is None else viewport.vw * viewport.vh
        limits = self.limits
        if size * len(numbers) > (limits.max_film_pixels if target.endswith(".gif") else limits.max_video_pixels):
            raise LimitError(
                "the frames are too large together for one film",
                hint="viewport=256,256, fewer frames, or video/mp4 in place of a GIF",
            )
        self.renderer.steady = True
        save_film(
            (self._image(number) for number in numbers),
            target,
            milliseconds=frame_milliseconds(self.ds),
            quality=self.parameters.quality,
        )

    def as_stored(self) -> bool:
        """Whether a video can be given in its own bytes: nothing is asked that would change its pictures."""
        plain = RenderedParameters(quality=self.parameters.quality, charset=self.parameters.charset)
        return self.kind is Kind.VIDEO and self.state is None and self.parameters == plain

    def stored_film(self, target: str) -> None:
        """A video as MP4 without encoding it anew; as ``film`` where its stream does not allow that."""
        try:
            with open(target, "wb") as file:
                video(self.ds).save_mp4(file)
        except PixelError:
            self.film(target)

    def document(self, media_type: str) -> Rendition:
        """The text of a report, or the document inside an instance."""
        if media_type in {HTML, PLAIN}:
            charset = self.parameters.charset
            text = reports.page(self.ds, charset) if media_type == HTML else reports.plain(self.ds)
            body = text.encode(charset, "xmlcharrefreplace" if media_type == HTML else "replace")
            return Rendition(f"{media_type}; charset={charset}", body)
        if self.kind is Kind.WAVEFORM:
            return self.picture(PDF)
        found = extract(self.ds)
        if len(found.data) > self.limits.max_document:
            raise LimitError("the document is too large to be given at once", hint="ask for it as bulk data")
        return Rendition(media_type, bytes(found.data))

    def body(self, media_type: str) -> Rendition:
        """The instance as that media type, in one piece; films go to files instead."""
        if media_type in {HTML, PLAIN, PDF, XML}:
            return self.document(media_type)
        return self.picture(media_type)

    # -- pictures ------------------------------------------------------------------------------------------------------

    def _checked(self, frame: int) -> int:
        if not 0 <= frame < self.count:
            raise HTTPProblem(404, f"there is no frame {frame + 1}", hint=f"the instance has {self.count}")
        return frame

    def _image(self, frame: int | None) -> Any:
        number = self.frame if frame is None else self._checked(frame)
        try:
            picture = self.renderer.frame(number)
        except MemoryError:
            raise LimitError("there is not enough memory for this frame", hint="ask for it later") from None
        picture = self._cut(picture)
        if not self.parameters.annotation:
            return picture

        above = list(_patient(self.ds)) if "patient" in self.parameters.annotation else []
        below = list(_technique(self.ds, number)) if "technique" in self.parameters.annotation else []
        return burned(picture, above, below)

    def _cut(self, picture: Any) -> Any:
        asked, viewport = self.parameters, self.parameters.viewport
        if asked.region is None and (viewport is None or viewport.whole):
            return picture
        picture = part_of(picture, *asked.cut(picture.shape[1], picture.shape[0]))
        if viewport is None:
            return picture
        picture = mirrored(picture, horizontal=viewport.flip_horizontal, vertical=viewport.flip_vertical)
        return fitted(picture, (viewport.vw, viewport.vh), enlarge=True)

    def _drawn(self) -> Any:
        """A picture of what is no image."""

        picture = None
        if self.kind is Kind.WAVEFORM:
            try:
                picture = waveforms.draw(self.ds)
            except PixelError:
                picture = None
        elif self.kind is Kind.REPORT and not self.thumbnail:
            picture = pages.text_page(self._report_lines())
        if picture is None:
            picture = pages.icon(*_named(self.ds, self.kind))
        viewport = self.parameters.viewport
        if viewport is not None:
            return fitted(self._cut(picture), (viewport.vw, viewport.vh), enlarge=True)
        return fitted(picture, THUMBNAIL_SIDE) if self.thumbnail else picture

    def _report_lines(self) -> Iterator[tuple[int, str]]:
        yield 0, reports.title(self.ds)
        yield 0, ""
        for label, value in reports.head(self.ds):
            yield 0, f"{label}: {value}"
        yield 0, ""
        for line in reports.lines(self.ds):
            for at, text in enumerate(line.text.splitlines()):
                yield line.depth + (at > 0), text

    def _profiled(self, picture: Any) -> tuple[Any, bytes]:
        """The picture in the colour space asked for, and its profile to put beside it."""

        name = self.parameters.iccprofile
        if name in {"yes", "srgb"}:  # which is what pictures are rendered in
            return as_rgb(picture), profiles.profile("srgb")
        source = b""
        if self.is_image:
            source = b"" if self.state is None else icc.profile_of(self.state)
            source = source or icc.profile_of(self.ds)
        return profiles.to_space(picture, source, name), profiles.profile(name)


# -- words -------------------------------------------------------------------------------------------------------------

_KINDS = {
    Kind.REPORT: "Report",
    Kind.DOCUMENT: "PDF",
    Kind.CLINICAL_DOCUMENT: "CDA",
    Kind.WAVEFORM: "Waveform",
}
_SHORT = {"Encapsulated STL Storage": "STL", "Encapsulated OBJ Storage": "OBJ", "Encapsulated MTL Storage": "MTL"}


def _named(ds: Dataset, kind: Kind) -> tuple[str, str]:
    """What an icon says: the kind, and the class of the object."""
    name = uids.name_of(attributes.text(ds, "SOPClassUID"))
    short = _KINDS.get(kind) or _SHORT.get(name) or attributes.text(ds, "Modality")[:16] or "DICOM"
    return short, name.removesuffix(" Storage")


def _patient(ds: Dataset) -> Iterator[str]:
    """Whose picture it is (annotation=patient)."""
    name = attributes.value_of(ds, "PatientName")
    if name:
        yield str(name).split("=")[0].replace("^", " ").strip()
    ident = attributes.text(ds, "PatientID")
    if ident:
        yield f"ID {ident}"
    about = [f"born {_date(ds, 'PatientBirthDate')}" if _date(ds, "PatientBirthDate") else ""]
    about += [attributes.text(ds, "PatientSex"), attributes.text(ds, "PatientAge")]
    if any(about):
        yield "  ".join(each for each in about if each)
    study = [_date(ds, "StudyDate"), attributes.text(ds, "AccessionNumber")]
    if any(study):
        yield "  ".join(each for each in study if each)
    place = attributes.text(ds, "InstitutionName")
    if place:
        yield place


_TECHNIQUE: tuple[tuple[str, str, str], ...] = (
    ("KVP", "", "kV"),
    ("XRayTubeCurrent", "", "mA"),
    ("Exposure", "", "mAs"),
    ("ExposureTime", "", "ms"),
    ("SliceThickness", "", "mm"),
    ("SliceLocation", "at", "mm"),
    ("RepetitionTime", "TR", "ms"),
    ("EchoTime", "TE", "ms"),
    ("FlipAngle", "flip", "deg"),
    ("MagneticFieldStrength", "", "T"),
)


def _technique(ds: Dataset, frame: int) -> Iterator[str]:
    """How it was made (annotation=technique)."""
    what = [attributes.text(ds, keyword) for keyword in ("Modality", "BodyPartExamined", "ViewPosition")]
    if any(what):
        yield "  ".join(each for each in what if each)
    for keyword in ("StudyDescription", "SeriesDescription", "ProtocolName"):
        said = attributes.text(ds, keyword)
        if said:
            yield said
    numbers = []
    for keyword, before, unit in _TECHNIQUE:
        value = attributes.number(ds, keyword)
        if value is not None:
            numbers.append(f"{before} {value:g} {unit}".strip())
    for start in range(0, len(numbers), 4):
        yield "  ".join(numbers[start : start + 4])
    series, number = attributes.text(ds, "SeriesNumber"), attributes.number(ds, "InstanceNumber")
    series_number = attributes.number(ds, "SeriesNumber")
    place = [
        f"series {series_number:g}" if series_number is not None else series,
        f"image {number:g}" if number is not None else "",
        f"frame {frame + 1}" if attributes.whole(ds, "NumberOfFrames", 1) > 1 else "",
    ]
    if any(place):
        yield "  ".join(each for each in place if each)


def _date(ds: Dataset, keyword: str) -> str:
    value = attributes.text(ds, keyword)
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if len(value) == 8 and value.isdigit() else value
