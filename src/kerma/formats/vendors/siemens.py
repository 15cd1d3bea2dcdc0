"""Siemens MR: CSA headers (VA, VB, VD, VE), protocols, and the private elements of XA.

``SIEMENS CSA HEADER`` has the CSA image header in (0029,xx10) and the series header in (0029,xx20); spectroscopy has
the first in ``SIEMENS CSA NON-IMAGE``. XA has no CSA header but plain private elements, at the top of a single frame
and in (0021,xxFE) of the functional groups of a multi-frame one: ``SIEMENS MR SDS 01`` for the series,
``SIEMENS MR SDI 02`` for a frame. The protocol is a tag of the series header, or (0021,xx19) of the former.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from kerma.dataset import Dataset
from kerma.dataset.sequence import items_of
from kerma.errors import FormatError, KermaError, UsageError
from kerma.formats.vendors import ascconv, csa
from kerma.formats.vendors.ascconv import Protocol
from kerma.formats.vendors.csa import CSAHeader, CSATag

__all__ = ["CSAHeader", "CSATag", "Protocol", "csa_header", "parse_csa", "parse_protocol", "protocol", "xa_elements"]

parse_csa = csa.parse
parse_protocol = ascconv.parse

_CSA_GROUP, _XA_GROUP = 0x0029, 0x0021
_CSA_CREATORS = ("SIEMENS CSA HEADER", "SIEMENS CSA NON-IMAGE")
_PLACES = {"image": 0x10, "series": 0x20}
_SERIES, _FRAME = "SIEMENS MR SDS 01", "SIEMENS MR SDI 02"
_PROTOCOL, _WRAPPED = 0x19, 0xFE
_PROTOCOL_TAGS = ("MrPhoenixProtocol", "MrProtocol")


def csa_header(ds: Dataset, kind: Literal["image", "series"] = "image") -> CSAHeader | None:
    """The CSA image or series header; None where the data set has none, or something else in its place.

    ``FormatError`` where one begins and is broken, with its tag.
    """
    if kind not in _PLACES:
        raise UsageError(f"a CSA header is that of the image or of the series, not {kind!r}")
    for creator in _CSA_CREATORS:
        try:
            element = ds.private_block(_CSA_GROUP, creator)[_PLACES[kind]]
        except KeyError:
            continue
        data = _bytes_of(element.value)
        if data is None or not csa.is_csa(data):
            continue
        try:
            return csa.parse(data)
        except FormatError as error:
            raise FormatError(error.message, offset=error.offset, path=(element.tag,)) from error
    return None


def protocol(ds: Dataset) -> Protocol | None:
    """The scan protocol: the ASCCONV values of MrPhoenixProtocol or MrProtocol, wherever this release keeps it; None
    where there is none.
    """
    for text in _protocol_texts(ds):
        if text:
            return ascconv.parse(text)
    return None


def xa_elements(ds: Dataset, frame: int = 0) -> dict[str, Any]:
    """The private elements that XA gives instead of a CSA header: those of the series and those of one frame.

    Keys are "creator element", as ``"SIEMENS MR SDI 02 1C"``; their meaning is not published. ``IndexError`` where
    there is no such frame.
    """
    found: dict[str, Any] = {}
    places = list(_xa_places(ds, frame))
    for place in places:
        for block in place.private_blocks():
            if block.group == _XA_GROUP and block.creator in {_SERIES, _FRAME}:
                for element in block:
                    if element.vr != "SQ":
                        found[f"{block.creator} {element.tag & 0xFF:02X}"] = element.value
    return found


def _xa_places(ds: Dataset, frame: int) -> Iterator[Dataset]:
    """The data sets that may hold them: the whole, what is wrapped in the shared groups, and in those of the frame."""
    yield ds
    shared = items_of(ds, "SharedFunctionalGroupsSequence")
    frames = items_of(ds, "PerFrameFunctionalGroupsSequence")
    if frames and not 0 <= frame < len(frames):
        raise IndexError(f"there are {len(frames)} frames")
    for groups, number, creator in ((shared, 0, _SERIES), (frames, frame, _FRAME)):
        if groups:
            try:
                items = groups[number].private_block(_XA_GROUP, creator).get(_WRAPPED)
            except KeyError:
                continue
            if items:
                yield items[0]


def _protocol_texts(ds: Dataset) -> Iterator[str]:
    try:
        header = csa_header(ds, "series")
    except KermaError:
        header = None
    if header is not None:
        for name in _PROTOCOL_TAGS:
            tag = header.tags.get(name)
            if tag is not None and tag.items:
                yield tag.items[0]
    for place in _xa_places(ds, 0):
        try:
            data = _bytes_of(place.private_block(_XA_GROUP, _SERIES).get(_PROTOCOL))
        except KeyError:
            continue
        if data:
            yield str(data, "latin-1")


def _bytes_of(value: Any) -> bytes | None:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else None
