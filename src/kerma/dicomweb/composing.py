"""Instances that are sent as metadata and bulk data: put together from their parts (PS3.18 8.6.1.2.2, 10.5.1, F.2.6).

The metadata parts come first, JSON (an array of data sets) or XML (one data set a part); a bulk data part belongs to
the values whose BulkDataURI is its Content-Location. Rules:

- A location is compared, as it is and resolved against the request's address; it is never opened and never a path.
- Metadata is held in memory and bounded; bulk data goes to one spool: in memory while it is little, else in a file.
- Pixel data comes as its media type says: image/jpeg and its like are code streams, one part a frame, in the order
  that they come, or at locations that end in ``/frames/N``; octet-stream is Explicit VR Little Endian. Code streams
  say how large they are: what the Image Pixel attributes leave out is filled in from them (PS3.18 10.5.2).
- A URI that nothing in the body answers is an error of that instance: half of it is not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.dicomweb.accept import MediaType
from kerma.dicomweb.media_types import DICOM_JSON, DICOM_XML, SYNTAXES, media_type_of
from kerma.dicomweb.problems import HTTPProblem
from kerma.encoding.source import Buffer
from kerma.errors import FormatError, KermaError
from kerma.formats.building.codestreams import read_head
from kerma.formats.json import from_json
from kerma.formats.json_text import Splitter
from kerma.formats.spool import Spool
from kerma.formats.xml import from_xml
from kerma.limits import Limits
from kerma.standard import transfer_syntaxes

METADATA_TYPES = frozenset({DICOM_JSON, DICOM_XML, "application/json", "application/xml", "text/xml"})
_JSON = frozenset({DICOM_JSON, "application/json"})
MAX_METADATA = 256 << 20
"""Bytes of all metadata of one request; the headers of 100,000 frames are 200 MB of JSON."""
MAX_LOCATION = 2_048
_LIMITS = Limits()
_PIXEL_DATA = 0x7FE00010
_EXPLICIT_LE = transfer_syntaxes.EXPLICIT_LE.uid
_LOWER_SYNTAXES = {name.lower(): syntaxes for name, syntaxes in SYNTAXES.items()}
_FRAGMENT = 1 << 30
_ITEM = b"\xfe\xff\x00\xe0"
_NOT_OF_AN_INSTANCE = (0x00083002, 0x00080056)
"""Available Transfer Syntax UID and Instance Availability: what servers add to metadata, no part of an instance."""


@dataclass(frozen=True, slots=True)
class _Bulk:
    """One bulk data part: where it lies in the spool, and what it is."""

    media: MediaType
    start: int
    stop: int


class _Metadata:
    """One metadata part: the texts of its data sets, taken apart as they come."""

    def __init__(self, json: bool, limits: Limits) -> None:
        self.json = json
        self.texts: list[bytes] = []
        self.error: KermaError | None = None
        self._splitter = Splitter(limits.max_value) if json else None
        self._xml = bytearray()

    def write(self, data: Buffer) -> None:
        if self._splitter is None:
            self._xml += data
        elif self.error is None:
            try:
                self.texts.extend(self._splitter.feed(data))
            except KermaError as error:
                self.error = error

    def end(self) -> None:
        if self._splitter is None:
            self.texts, self._xml = [bytes(self._xml)], bytearray()
        elif self.error is None:
            try:
                self._splitter.finish()
            except KermaError as error:
                self.error = error


class Composer:
    """Takes the parts of one body and gives its instances. ``base`` is the address of the request."""

    def __init__(self, base: str, *, limits: Limits = _LIMITS, max_metadata: int = MAX_METADATA) -> None:
        self._base = base
        self._limits = limits
        self._max_metadata = max_metadata
        self._metadata: list[_Metadata] = []
        self._held = 0
        self._bulk: dict[str, list[_Bulk]] = {}
        self._spool = Spool()
        self._part: tuple[list[str], MediaType, int] | None = None
        self._whole: memoryview | None = None

    def begin(self, media: MediaType, headers: Mapping[str, str]) -> None:
        """A part begins; ``headers`` by lower-case name."""
        if media.type in METADATA_TYPES:
            self._metadata.append(_Metadata(media.type in _JSON, self._limits))
            return
        self._part = self._places(headers), media, self._spool.size

    def write(self, data: Buffer) -> None:
        """The next bytes of the part; they are copied."""
        if self._part is not None:
            self._spool.add(bytes(data))
            return
        self._held += len(data)
        if self._held > self._max_metadata:
            raise HTTPProblem(
                413, f"the metadata is longer than {self._max_metadata} bytes", hint="send fewer instances at once"
            )
        self._metadata[-1].write(data)

    def end(self) -> None:
        """The part is whole."""
        if self._part is None:
            self._metadata[-1].end()
            return
        places, media, start = self._part
        self._part = None
        bulk = _Bulk(media, start, self._spool.size)
        for place in places:
            self._bulk.setdefault(place, []).append(bulk)

    def close(self) -> None:
        """Forget everything."""
        self._metadata, self._bulk, self._whole = [], {}, None
        self._spool.close()

    def instances(self) -> Iterator[tuple[Dataset, str] | KermaError]:
        """Each instance with the transfer syntax to write it in, or what is wrong with it. Called when all is there."""
        self._whole = memoryview(self._spool.whole()) if self._spool.size else memoryview(b"")
        for metadata in self._metadata:
            for place, text in enumerate(metadata.texts):
                yield self._one(text, metadata.json)
                metadata.texts[place] = b""
            if metadata.error is not None:
                yield metadata.error

    def _one(self, text: bytes, json: bool) -> tuple[Dataset, str] | KermaError:
        coded: list[_Bulk] = []

        def fetch(path: tuple[int, ...], uri: str) -> Buffer | None:
            found = self._find(uri)
            if not found:
                raise FormatError("no part of the body has the Content-Location that a BulkDataURI names", path=path)
            if path == (_PIXEL_DATA,) and _syntax_of(found[0]) != _EXPLICIT_LE:
                coded.extend(found)
                return None
            return self._bytes(found[0]) if len(found) == 1 else b"".join(map(self._bytes, found))

        try:
            ds = (from_json if json else from_xml)(text, bulk=fetch, limits=self._limits)
            for tag in _NOT_OF_AN_INSTANCE:
                if tag in ds:
                    del ds[tag]
            return ds, self._settle(ds, coded)
        except KermaError as error:
            return error

    def _settle(self, ds: Dataset, coded: list[_Bulk]) -> str:
        """Put in the pixel data; the transfer syntax that the instance is in."""
        if not coded:
            return _settled(ds)
        syntax = _syntax_of(coded[0])
        if any(_syntax_of(one) != syntax for one in coded):
            raise FormatError("the frames are in different transfer syntaxes", path=(_PIXEL_DATA,))
        if coded[0].media.transfer_syntax is None:  # not the default of the type where the stream itself knows better
            head = read_head(self._bytes(coded[0]))
            own = head.transfer_syntax_uid if head is not None else ""
            syntax = own if own in _LOWER_SYNTAXES[coded[0].media.type] else syntax
        row = transfer_syntaxes.get(syntax)
        if row is None:
            raise FormatError("the transfer syntax of the pixel data is not known", path=(_PIXEL_DATA,))
        frames = [self._bytes(one) for one in coded]
        if not row.encapsulated:
            raise FormatError("samples are sent as Explicit VR Little Endian", path=(_PIXEL_DATA,))
        value = _items(frames[0]) if len(frames) == 1 and bytes(frames[0][:4]) == _ITEM else None
        if value is None:
            _describe(ds, frames)
            video = media_type_of(syntax).startswith("video/")
            value = Fragments(_cut(frames)) if video else Fragments.of_frames(frames)
        ds.add(_PIXEL_DATA, "OB", value)
        return syntax

    def _bytes(self, bulk: _Bulk) -> memoryview:
        assert self._whole is not None
        return self._whole[bulk.start : bulk.stop]

    def _places(self, headers: Mapping[str, str]) -> list[str]:
        """The addresses that a part answers to."""
        location = headers.get("content-location", "").strip()
        identifier = headers.get("content-id", "").strip().removeprefix("<").removesuffix(">")
        if len(location) > MAX_LOCATION or len(identifier) > MAX_LOCATION:
            raise HTTPProblem(400, f"a Content-Location is longer than {MAX_LOCATION} characters", hint="shorten it")
        found = [location, self._resolved(location)] if location else []
        if identifier:
            found.append(f"cid:{identifier}")
        return list(dict.fromkeys(found))

    def _resolved(self, uri: str) -> str:
        try:
            return urljoin(self._base, uri)
        except ValueError:
            return uri

    def _find(self, uri: str) -> list[_Bulk]:
        """The parts that a BulkDataURI names, in order."""
        if len(uri) > MAX_LOCATION:
            return []
        for place in dict.fromkeys((uri, self._resolved(uri))):
            if place in self._bulk:
                return self._bulk[place]
            frames: list[_Bulk] = []
            while found := self._bulk.get(f"{place.rstrip('/')}/frames/{len(frames) + 1}"):
                frames += found[:1]
            if frames:
                return frames
        return []


def _syntax_of(bulk: _Bulk) -> str:
    """The transfer syntax of a part by its media type (PS3.18 table 8.7.3-5)."""
    said = bulk.media.transfer_syntax
    if said:
        row = transfer_syntaxes.get(said)
        return _EXPLICIT_LE if row is not None and not row.encapsulated else said
    return _LOWER_SYNTAXES.get(bulk.media.type, (_EXPLICIT_LE,))[0]


def _settled(ds: Dataset) -> str:
    """The transfer syntax of an instance whose pixels came as bytes without a type of their own, or not at all.

    Group 0002, which some writers put into metadata, may tell of a former life: it counts where the bytes agree.
    """
    said = ds.transfer_syntax_uid
    row = transfer_syntaxes.get(said) if said else None
    if row is None or not row.encapsulated:
        return _EXPLICIT_LE
    pixels = ds.get(_PIXEL_DATA)
    if isinstance(pixels, memoryview) and len(pixels) and read_head(pixels) is not None:
        pixels = Fragments.of_frames([pixels])
        ds.add(_PIXEL_DATA, "OB", pixels)
    return row.uid if isinstance(pixels, Fragments) else _EXPLICIT_LE


def _cut(streams: Sequence[memoryview]) -> Iterator[memoryview]:
    """A video in fragments that their 32-bit lengths can tell (PS3.5 A.4)."""
    for stream in streams:
        for at in range(0, len(stream), _FRAGMENT):
            yield stream[at : at + _FRAGMENT]


def _items(data: memoryview) -> Fragments | None:
    """Fragments of bytes that are items already (PS3.5 A.4); None where they are something else."""
    parts: list[memoryview] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if len(data) - at < 8 or data[at : at + 4] != _ITEM or length > len(data) - at - 8:
            return None
        parts.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return Fragments(parts[1:], parts[0]) if parts else None


def _describe(ds: Dataset, frames: list[memoryview]) -> None:
    """What the Image Pixel Module leaves out, from the first code stream."""
    if len(frames) > 1 and "NumberOfFrames" not in ds:
        ds.NumberOfFrames = len(frames)
    if "Rows" in ds and "Columns" in ds and "BitsAllocated" in ds and "PhotometricInterpretation" in ds:
        return
    head = read_head(frames[0])
    if head is None:
        return
    allocated = 8 if head.bits <= 8 else 16 if head.bits <= 16 else 32
    for keyword, value in (
        ("SamplesPerPixel", head.samples),
        ("PhotometricInterpretation", head.photometric),
        ("Rows", head.rows),
        ("Columns", head.columns),
        ("BitsAllocated", allocated),
        ("BitsStored", head.bits),
        ("HighBit", head.bits - 1),
        ("PixelRepresentation", int(head.signed)),
    ):
        if keyword not in ds and value != "":
            setattr(ds, keyword, value)
    if head.samples > 1 and "PlanarConfiguration" not in ds:
        ds.PlanarConfiguration = 0
