"""DICOM files that are TIFF files as well (PS3.10 7.1, TIFF 6.0, BigTIFF).

The preamble becomes the header of a TIFF whose directories lie behind the data set, in Data Set Trailing Padding
(FFFC,FFFC), and point to the frames where DICOM has them: nothing is there twice. Frames are pages; the frames of a
tiled slide are its tiles.

Rules:

- A complete DICOM file is looked at, then its beginning and its end are written: pixel data is not touched.
- Nothing that names a patient goes into a directory.
- BigTIFF where the file is larger than offsets of 32 bits reach.
"""

from __future__ import annotations

import copy
import mmap
import os
import struct
from fractions import Fraction

from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.encoding.syntax import Encoding, encoding_of
from kerma.encoding.writer import element_header
from kerma.errors import FormatError
from kerma.formats.identity import IMPLEMENTATION_VERSION_NAME
from kerma.formats.meta import split_head
from kerma.formats.personality import personality
from kerma.formats.saving import write_all
from kerma.formats.tiff_image import Image, Page, describe

TRAILING_PADDING = 0xFFFCFFFC
_REACH = 0xFFFFFFFF
_ASCII, _SHORT, _LONG, _RATIONAL, _LONG8 = 2, 3, 4, 5, 16
_FORMAT = {_ASCII: "B", _SHORT: "H", _LONG: "I", _RATIONAL: "I", _LONG8: "Q"}
_CENTIMETRE = 3
_PAGES = 0xFFFF  # more pages have no page numbers

Entry = tuple[int, int, list[int]]
"""Tag, type, and values; a rational is two of them."""


def attach(fd: int) -> None:
    """Make the DICOM file ``fd``, open for reading and writing, a TIFF as well.

    ``UnsupportedSyntaxError`` and ``FormatError`` where its image has no form in TIFF; the file is then as it was.
    """
    size = os.fstat(fd).st_size
    image, encoding = _image(memoryview(mmap.mmap(fd, 0, access=mmap.ACCESS_READ)))
    base = size + (12 if encoding.explicit else 8)
    if base & 1:
        raise FormatError("the file has an odd length, and TIFF wants even offsets", hint="write it anew first")
    directories = _Directories(image, base, "<" if encoding.little_endian else ">")
    body = directories.data
    os.lseek(fd, 0, os.SEEK_END)
    write_all(fd, element_header(encoding, TRAILING_PADDING, "OB", len(body)))
    write_all(fd, body)
    os.lseek(fd, 0, os.SEEK_SET)
    write_all(fd, directories.header().ljust(128, b"\0"))


def is_tiff(ds: Dataset) -> bool:
    """Whether the file that ``ds`` came from is a TIFF too, and one whose directories are there."""
    file = ds._file
    if file is None or file.size is None or file.preamble is None:
        return False  # a preamble that was assigned is written as it was assigned
    found = personality(ds)
    return found is not None and found.kind in {"tiff", "bigtiff"} and not found.stale


def without_tiff(ds: Dataset) -> Dataset:
    """``ds``, or a copy of it that is no TIFF any more, neither in preamble nor in trailing padding."""
    found = personality(ds)
    if found is None or found.kind not in {"tiff", "bigtiff"}:
        return ds
    return without_padding(ds)


def without_padding(ds: Dataset) -> Dataset:
    """A copy without preamble, and without the trailing padding, which means nothing (PS3.10 7.2)."""
    plain = copy.copy(ds)
    plain.preamble = None
    if TRAILING_PADDING in plain:
        del plain[TRAILING_PADDING]
    return plain


def _image(data: memoryview) -> tuple[Image, Encoding]:
    """The image of a file, and how its data set is encoded. The map lives as long as somebody looks at it."""
    head = split_head(data, len(data))
    if head.preamble is None:
        raise FormatError("a file without preamble cannot be a TIFF as well")
    encoding, deflated = encoding_of(head.transfer_syntax_uid)
    if deflated:
        raise FormatError("a deflated data set has no pixel data that TIFF could point to", hint="inflate it first")
    body = Body(data, head.dataset_offset, len(data), encoding, head.marks)
    ds = Dataset.from_body(body)
    if TRAILING_PADDING in ds:
        raise FormatError("there is trailing padding already (FFFC,FFFC)", hint="delete it first")
    return describe(ds, head.transfer_syntax_uid, data), body.encoding


class _Directories:
    """All image file directories as bytes that lie at ``base``."""

    def __init__(self, image: Image, base: int, mark: str) -> None:
        self._image = image
        self._base = base
        self._mark = mark
        self.big = base + sum(320 + 24 * len(page.places) for page in image.pages) + 2 * len(image.color_map) > _REACH
        self._word = 8 if self.big else 4
        self._first = 0
        self._links: list[int] = []
        self._shared: dict[int, int] = {}
        self._data = bytearray()
        for number, page in enumerate(image.pages):
            self._page(page, number)
        if len(self._data) & 1:
            self._data.append(0)
        self.data = bytes(self._data)

    def header(self) -> bytes:
        """The first bytes of the file."""
        order = b"II" if self._mark == "<" else b"MM"
        if self.big:
            return order + struct.pack(self._mark + "HHHQ", 43, 8, 0, self._first)
        return order + struct.pack(self._mark + "HI", 42, self._first)

    def _page(self, page: Page, number: int) -> None:
        entries = sorted(self._entries(page, number))
        fields = [self._field(entry) for entry in entries]
        self._align()
        at = self._base + len(self._data)
        if self._links:
            struct.pack_into(self._mark + ("Q" if self.big else "I"), self._data, self._links[-1], at)
        else:
            self._first = at
        self._data += struct.pack(self._mark + ("Q" if self.big else "H"), len(fields))
        self._data += b"".join(fields)
        self._links.append(len(self._data))
        self._data += bytes(self._word)

    def _align(self) -> None:
        self._data += bytes(-(self._base + len(self._data)) % self._word)

    def _field(self, entry: Entry) -> bytes:
        """A directory's field; values that it has no room for go in front of the directory."""
        tag, kind, numbers = entry
        count = len(numbers) // 2 if kind == _RATIONAL else len(numbers)
        raw = struct.pack(f"{self._mark}{len(numbers)}{_FORMAT[kind]}", *numbers)
        if len(raw) > self._word:
            at = self._shared.get(tag) if tag == 320 else None
            if at is None:
                self._align()
                at = self._base + len(self._data)
                self._data += raw
                self._shared[tag] = at
            raw = struct.pack(self._mark + ("Q" if self.big else "I"), at)
        return struct.pack(self._mark + ("HHQ" if self.big else "HHI"), tag, kind, count) + raw.ljust(self._word, b"\0")

    def _entries(self, page: Page, number: int) -> list[Entry]:
        image = self._image
        pages = len(image.pages)
        entries: list[Entry] = [
            (254, _LONG, [2 if pages > 1 else 0]),
            (256, _LONG, [page.width]),
            (257, _LONG, [page.height]),
            (258, _SHORT, [image.bits] * image.samples),
            (259, _SHORT, [image.compression]),
            (262, _SHORT, [image.photometric]),
            (277, _SHORT, [image.samples]),
            (284, _SHORT, [image.planar]),
            (305, _ASCII, list(IMPLEMENTATION_VERSION_NAME.encode("ascii") + b"\0")),
            (339, _SHORT, [image.sample_format] * image.samples),
            *self._where(page),
        ]
        if image.low_bit_first:
            entries.append((266, _SHORT, [2]))
        if 1 < pages <= _PAGES:
            entries.append((297, _SHORT, [number, pages]))
        if image.color_map:
            entries.append((320, _SHORT, image.color_map))
        subsampling = page.subsampling or image.subsampling
        if subsampling is not None:
            entries.append((530, _SHORT, list(subsampling)))
            entries.append((532, _RATIONAL, [0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1]))
        if image.spacing is not None:
            across, down = (_ratio(10 / step) for step in reversed(image.spacing))
            entries.append((282, _RATIONAL, [across.numerator, across.denominator]))
            entries.append((283, _RATIONAL, [down.numerator, down.denominator]))
            entries.append((296, _SHORT, [_CENTIMETRE]))
        return entries

    def _where(self, page: Page) -> list[Entry]:
        """Where the strips or tiles of a page lie."""
        image = self._image
        kind = _LONG8 if self.big else _LONG
        places = page.places
        if image.planar == 2:  # a frame is three planes, one after the other
            part = places[0][1] // image.samples
            places = [(at + plane * part, part) for plane in range(image.samples) for at, _ in places]
        offsets, counts = [at for at, _ in places], [count for _, count in places]
        if image.tile is None:
            return [(273, kind, offsets), (278, _LONG, [page.height]), (279, kind, counts)]
        width, height = image.tile
        return [(322, _LONG, [width]), (323, _LONG, [height]), (324, kind, offsets), (325, kind, counts)]


def _ratio(number: float) -> Fraction:
    """A positive number as TIFF has it: both parts within 32 bits."""
    return Fraction(number).limit_denominator(min(1 << 20, (1 << 31) // (int(number) + 1)))
