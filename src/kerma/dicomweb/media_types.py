"""What is offered of a resource, and what an asker gets of it: media types and transfer syntaxes.

PS3.18 8.7.2-8.7.5, tables 8.7.3-2 to 8.7.4-1. ``parse`` and ``parse_accept`` read the headers (``accept``). Rules:

- What is stored wins wherever the asker takes it, whatever else it takes: nothing is transcoded that need not be.
- ``transfer-syntax=*`` is what is stored. An image type without the parameter is any of its syntaxes, stored
  first, then its default; ``application/dicom`` and ``application/octet-stream`` without it mean Explicit VR Little
  Endian; but an instance that is stored lossy stays as it is (8.7.3).
- Implicit VR and Big Endian "shall not be used" (8.7.3), yet archives are full of them: they are given to who asks for
  them or for what is stored, and to nobody else.
- Whoever asks for frames by a wildcard can show what browsers decode (``BROWSER``); other streams, JPEG XL first of
  all, are decoded for them. Who names the type or the syntax gets it.
- A default is no demand: what cannot be made (a video as Explicit VR) is given as stored, with its syntax said.
- A part of a multipart is the same as a single part; one part only is a single part where that was asked for.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kerma.dicomweb.accept import ANY, MediaType, Range, parse, parse_accept
from kerma.dicomweb.problems import HTTPProblem
from kerma.standard import transfer_syntaxes

__all__ = [
    "BROWSER",
    "DICOM",
    "DICOM_JSON",
    "DICOM_XML",
    "EXPLICIT_LE",
    "NATIVE",
    "OCTET_STREAM",
    "SYNTAXES",
    "Category",
    "MediaType",
    "Range",
    "Representation",
    "choose",
    "media_type_of",
    "parse",
    "parse_accept",
]

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
OCTET_STREAM = "application/octet-stream"

_ROOT = "1.2.840.10008.1.2"
EXPLICIT_LE = f"{_ROOT}.1"
IMPLICIT_LE = _ROOT
EXPLICIT_BE = f"{_ROOT}.2"
NATIVE = frozenset({IMPLICIT_LE, EXPLICIT_LE, f"{_ROOT}.1.98", f"{_ROOT}.1.99"})
"""Syntaxes of which a frame is its little endian samples: the same bytes, told as Explicit VR Little Endian."""


def _jpeg_family(*suffixes: str) -> tuple[str, ...]:
    return tuple(f"{_ROOT}.4.{suffix}" for suffix in suffixes)


SYNTAXES: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": _jpeg_family("70", "50", "51", "57"),
    "image/jls": _jpeg_family("80", "81"),
    "image/jp2": _jpeg_family("90", "91"),
    "image/jpx": _jpeg_family("92", "93"),
    "image/jphc": _jpeg_family("201", "202", "203"),
    "image/jph": _jpeg_family("201", "202", "203"),
    "image/jxl": _jpeg_family("110", "111", "112"),
    "image/dicom-rle": (f"{_ROOT}.5",),
    "video/mpeg": _jpeg_family("100", "100.1", "101", "101.1"),
    "video/mp4": _jpeg_family("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1"),
    "video/H265": _jpeg_family("107", "108"),
    # Names of editions before 2015, that old clients still send.
    "image/dicom+jpeg": _jpeg_family("70", "50", "51", "57"),
    "image/dicom+jpeg-ls": _jpeg_family("80", "81"),
    "image/dicom+jp2": _jpeg_family("90", "91"),
    "image/dicom+jpx": _jpeg_family("92", "93"),
    "image/dicom+rle": (f"{_ROOT}.5",),
    "image/x-dicom-rle": (f"{_ROOT}.5",),
    "image/x-jls": _jpeg_family("80", "81"),
}
"""Table 8.7.3-5: the syntaxes of a media type, the default first. A syntax belongs to the first type that has it."""

_LOWER = {name.lower(): syntaxes for name, syntaxes in SYNTAXES.items()}
_SPELLED = {name.lower(): name for name in SYNTAXES}
_TYPE_OF: Mapping[str, str] = {uid: name for name, syntaxes in reversed(list(SYNTAXES.items())) for uid in syntaxes}

BROWSER = frozenset(
    {IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, f"{_ROOT}.1.98", f"{_ROOT}.1.99", f"{_ROOT}.5"}
    | set(_jpeg_family("50", "51", "57", "70", "80", "81", "90", "91", "201", "202", "203"))
)
"""Syntaxes that the viewers in browsers decode themselves (cornerstone)."""

DECODED = frozenset({IMPLICIT_LE, EXPLICIT_LE})
"""What everything that can be decoded can be transcoded to."""


class Category(enum.Enum):
    """What kind of thing is asked for (PS3.18 8.7.2)."""

    DICOM = "instances"
    FRAMES = "frames"
    BULK = "bulk data"
    METADATA = "metadata and answers of a search"
    RENDERED = "rendered images"
    TEXT = "rendered documents"


_OFFERED: Mapping[Category, tuple[str, ...]] = {
    Category.DICOM: (DICOM,),
    Category.FRAMES: (OCTET_STREAM,),
    Category.BULK: (OCTET_STREAM,),
    Category.METADATA: (DICOM_JSON, DICOM_XML),
    Category.RENDERED: ("image/jpeg", "image/png", "image/gif"),
    Category.TEXT: ("text/html", "text/plain", "text/xml", "application/pdf"),
}
"""The media types of each category where the caller does not say which (8.7.2), the default first."""


@dataclass(frozen=True, slots=True)
class Representation:
    """What is given: ``transfer_syntax_uid`` is None where none is said of it; ``transcode`` tells that what is stored
    has to become it.
    """

    media_type: str
    transfer_syntax_uid: str | None = None
    multipart: bool = False
    transcode: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type of the part, or of the whole when there is only one."""
        if self.transfer_syntax_uid is None:
            return self.media_type
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax_uid}"


class _Cost(enum.IntEnum):
    """How near a representation is to what is stored; less is better, whatever the weights."""

    STORED = 0
    TRANSCODED = 1
    BY_ANOTHER_NAME = 2
    NOT_THE_DEFAULT = 3


_Candidate = tuple[_Cost, str, str | None]

_JSON = (DICOM_JSON, "application/json")
_OTHER_NAMES: Mapping[str, str] = {
    "application/json": DICOM_JSON,
    "application/xml": DICOM_XML,
    "text/xml": DICOM_XML,
}
"""What is also given where nothing better is taken; never to a browser that takes anything as well."""


def media_type_of(transfer_syntax_uid: str) -> str:
    """The media type of a frame in a transfer syntax: "image/jls"; application/octet-stream for samples."""
    return _TYPE_OF.get(transfer_syntax_uid, OCTET_STREAM)


def choose(
    ranges: Sequence[Range],
    stored_uid: str | None,
    category: Category,
    transcodable: Container[str] = DECODED,
    *,
    offered: Sequence[str] | None = None,
    single: bool = True,
) -> Representation:
    """What to answer; HTTPProblem 406 that says what is offered.

    ``ranges`` is ``parse_accept``'s answer; ``stored_uid`` the transfer syntax that is stored, None where that means
    nothing (metadata); ``transcodable`` the syntaxes that this object can become; ``offered`` the media types of this
    very resource (of a PDF, of a video), in the order of preference; ``single`` whether it is one part. Several parts
    are always a multipart, also for who asked for one: what it asked for is in the parts.
    """
    offers = _OFFERED[category] if offered is None else tuple(offered)
    asked = ranges or (Range(ANY),)
    refused = [one for one in asked if one.q <= 0]
    best: tuple[tuple[int, float, int], Representation] | None = None
    for order, one in enumerate(asked):
        if one.q <= 0:
            continue
        for place, (cost, media, uid) in enumerate(_candidates(one, stored_uid, category, transcodable, offers)):
            if refused and _is_refused(media, uid, asked):
                continue
            multipart = _multipart(one, media, category, single)
            rank = (int(cost), -one.q, order * 64 + place)
            if best is None or rank < best[0]:
                best = rank, Representation(media, uid, multipart, _changes(stored_uid, uid, category))
    if best is None:
        hint = _hint(offers, stored_uid, category, transcodable)
        raise HTTPProblem(406, "nothing that is offered is in Accept", hint=hint)
    return best[1]


def _multipart(asked: Range, media: str, category: Category, single: bool) -> bool:
    if media in _JSON:
        # JSON is a list by itself; its multipart (14.1.3) is for who names it.
        return asked.multipart and asked.type == DICOM_JSON
    if not single or asked.multipart:
        return True
    # PS3.18 10.4.4: multipart/related is the default form of instances and frames.
    return asked.type in (ANY, "application/*") and category in (Category.DICOM, Category.FRAMES)


def _changes(stored: str | None, given: str | None, category: Category) -> bool:
    if stored is None or given is None or stored == given:
        return False
    if category is Category.BULK:
        return stored == EXPLICIT_BE
    return not (category is Category.FRAMES and stored in NATIVE and given in NATIVE)


def _is_refused(media: str, uid: str | None, asked: Sequence[Range]) -> bool:
    """RFC 9110 12.5.1: the most specific range that covers it says whether it is taken at all."""
    covering = [one for one in asked if one.covers(media.lower()) and one.transfer_syntax in (None, "*", uid)]
    return bool(covering) and max(covering, key=lambda one: one.specificity).q <= 0


def _candidates(
    asked: Range, stored: str | None, category: Category, transcodable: Container[str], offers: Sequence[str]
) -> Iterator[_Candidate]:
    if category is Category.DICOM:
        if asked.covers(DICOM):
            yield from _dicom(asked, stored or EXPLICIT_LE, transcodable)
    elif category is Category.FRAMES:
        yield from _frames(asked, stored or EXPLICIT_LE, transcodable)
    else:
        for offer in offers:
            if asked.covers(offer.lower()):
                yield _Cost.STORED, offer, EXPLICIT_LE if category is Category.BULK and offer == OCTET_STREAM else None
        other = _OTHER_NAMES.get(asked.type) if category is Category.METADATA else None
        if other in offers:
            yield _Cost.BY_ANOTHER_NAME, asked.type, None


def _dicom(asked: Range, stored: str, transcodable: Container[str]) -> Iterator[_Candidate]:
    syntax = asked.transfer_syntax
    if syntax in ("*", stored) or (syntax is None and asked.type != DICOM):
        yield _Cost.STORED, DICOM, stored
    elif syntax is None:
        if stored == EXPLICIT_LE or _lossy(stored):
            yield _Cost.STORED, DICOM, stored
        elif EXPLICIT_LE in transcodable:
            yield _Cost.TRANSCODED, DICOM, EXPLICIT_LE
        else:
            yield _Cost.NOT_THE_DEFAULT, DICOM, stored
    elif syntax in transcodable:
        yield _Cost.TRANSCODED, DICOM, syntax


def _lossy(uid: str) -> bool:
    """8.7.3: the default is not for images of which there is only a lossy form."""
    row = transfer_syntaxes.get(uid)
    return row is not None and row.lossy


def _frames(asked: Range, stored: str, transcodable: Container[str]) -> Iterator[_Candidate]:
    if asked.type in _LOWER:
        yield from _frames_as(asked, stored, transcodable)
        return
    if asked.type in ("image/*", "video/*"):
        shown = stored in BROWSER or not _decodable(stored, transcodable)
        if shown and asked.covers(media_type_of(stored).lower()):
            yield _Cost.STORED, media_type_of(stored), stored
            return
        for uid in (SYNTAXES["image/jls"][0], SYNTAXES["image/jp2"][0], SYNTAXES["image/jpeg"][0]):
            if asked.type == "image/*" and uid in transcodable:
                yield _Cost.TRANSCODED, media_type_of(uid), uid
        return
    if asked.covers(OCTET_STREAM):
        yield from _samples(asked, stored, transcodable)


def _frames_as(asked: Range, stored: str, transcodable: Container[str]) -> Iterator[_Candidate]:
    """Frames in a compressed media type that was named."""
    syntaxes, spelled = _LOWER[asked.type], _SPELLED[asked.type]
    wanted = asked.transfer_syntax
    if wanted not in (None, "*"):
        syntaxes = tuple(uid for uid in syntaxes if uid == wanted)
    if stored in syntaxes:
        yield _Cost.STORED, spelled, stored
        return
    for uid in syntaxes:
        if uid in transcodable:
            yield _Cost.TRANSCODED, spelled, uid


def _samples(asked: Range, stored: str, transcodable: Container[str]) -> Iterator[_Candidate]:
    """Frames as application/octet-stream, ``application/*`` or ``*/*``: samples, or any stream where all are taken."""
    wanted = asked.transfer_syntax
    if wanted is None and asked.type != OCTET_STREAM:
        wanted = "*"
    as_stored = (_Cost.STORED, media_type_of(stored), EXPLICIT_LE if stored in NATIVE else stored)
    samples = wanted in (None, "*") or wanted in NATIVE
    if wanted == stored or (stored in NATIVE and samples) or (wanted == "*" and stored in BROWSER):
        yield as_stored
        if wanted == "*" and stored not in NATIVE and _decodable(stored, transcodable):
            yield _Cost.TRANSCODED, OCTET_STREAM, EXPLICIT_LE  # for who refuses the type of what is stored
    elif samples:
        if _decodable(stored, transcodable):
            yield _Cost.TRANSCODED, OCTET_STREAM, EXPLICIT_LE
        elif wanted in (None, "*"):
            yield _Cost.NOT_THE_DEFAULT, as_stored[1], as_stored[2]
    elif wanted is not None and wanted in transcodable:
        yield _Cost.TRANSCODED, media_type_of(wanted), wanted


def _decodable(stored: str, transcodable: Container[str]) -> bool:
    return stored in NATIVE or EXPLICIT_LE in transcodable


def _hint(offers: Sequence[str], stored: str | None, category: Category, transcodable: Container[str]) -> str:
    names = list(offers)
    if category is Category.FRAMES and stored is not None:
        names = list(dict.fromkeys([media_type_of(stored), OCTET_STREAM]))
        made = (media_type_of(uids[0]) for uids in SYNTAXES.values() if uids[0] in transcodable)
        names = list(dict.fromkeys([*names, *made]))
    text = "offered: " + ", ".join(names)
    if stored is not None and category in (Category.DICOM, Category.FRAMES):
        text += f"; stored as transfer-syntax={stored}"
    return text
