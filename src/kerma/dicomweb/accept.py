"""Media types as HTTP headers carry them: Content-Type, Accept and the ``accept`` parameter of a URL.

PS3.18 8.7.1, 8.7.5, 8.3.3.1; RFC 9110 8.3.1, 12.5.1. What is offered, and what wins, is in ``media_types``. Rules:

- Forgiving, as real clients need it: quoted and unquoted values (``type=application/octet-stream``), parameters that a
  browser or a proxy has doubled, ``*`` for ``*/*``, ``q=.2``, empty list members. A range that is no media type is
  passed over; a header of nothing else is a 400.
- Bounded before it is read: a header has a longest length and a largest count of ranges and parameters.
- ``multipart/related; type=X`` is the range X with ``multipart`` set: everybody asks what X is, few what is around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kerma.dicomweb.problems import HTTPProblem

MAX_HEADER = 16_384
"""Characters of one header; OHIF's longest is 600."""
MAX_RANGES = 128
MAX_PARAMETERS = 16
"""Parameters of one media type."""
MULTIPART_RELATED = "multipart/related"
ANY = "*/*"

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type: ``type`` in lower case ("image/jpeg"), ``params`` by lower-case name, values unquoted."""

    type: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def inner(self) -> str:
        """The type of the parts of a multipart/related (RFC 2387 3.1), else the type itself."""
        if self.type != MULTIPART_RELATED:
            return self.type
        return self.params.get("type", "").split(";")[0].strip().lower()

    @property
    def transfer_syntax(self) -> str | None:
        """The ``transfer-syntax`` parameter (PS3.18 8.7.3.5.2)."""
        return self.params.get("transfer-syntax")

    def __str__(self) -> str:
        return self.type + "".join(f"; {name}={_quoted(value)}" for name, value in self.params.items())


@dataclass(frozen=True, slots=True)
class Range:
    """One member of an Accept header, multipart/related unwrapped: ``type`` is what the parts are."""

    type: str
    params: Mapping[str, str] = field(default_factory=dict)
    q: float = 1.0
    multipart: bool = False

    @property
    def transfer_syntax(self) -> str | None:
        """A UID, ``*``, or None where it is not said."""
        return self.params.get("transfer-syntax")

    @property
    def charset(self) -> str | None:
        return self.params.get("charset")

    @property
    def specificity(self) -> int:
        """RFC 9110 12.5.1: 0 for ``*/*``, 1 for ``image/*``, 2 for a type, 3 with a transfer syntax."""
        if self.type == ANY:
            return 0
        if self.type.endswith("/*"):
            return 1
        return 2 if self.transfer_syntax in (None, "*") else 3

    def covers(self, media_type: str) -> bool:
        """Whether a media type is in this range, parameters aside."""
        if self.type in (ANY, media_type):
            return True
        return self.type.endswith("/*") and media_type.startswith(self.type[:-1])


def parse(content_type: str | None) -> MediaType:
    """A Content-Type header; HTTPProblem 400 where it is none."""
    if not content_type or not content_type.strip():
        raise HTTPProblem(400, "no Content-Type", hint="say what the body is, e.g. Content-Type: application/dicom")
    _bound(content_type, "Content-Type")
    found = next(_split(content_type, ",;"), None)
    media = None if found is None else _media_type(found)
    if media is None or "*" in media.type:
        raise HTTPProblem(400, "Content-Type is not a media type", hint="write type/subtype; name=value")
    return media


def parse_accept(
    header: str | None, query_accept: str | None = None, query_syntax: str | None = None
) -> tuple[Range, ...]:
    """What the asker takes, in the order said; ``()`` takes anything.

    ``query_accept`` is the ``accept`` parameter of the URL, percent-decoded; where it is given and says something it
    wins over the header as a whole (PS3.18 8.3.3.1). ``query_syntax`` is the ``transfer-syntax`` parameter of the URL,
    for what names none itself (8.7.8.2).
    """
    found = _accepted(header, query_accept)
    if not query_syntax or len(query_syntax) > 64:
        return found
    return tuple(replace(one, params={"transfer-syntax": query_syntax, **one.params}) for one in found or (Range(ANY),))


def _accepted(header: str | None, query_accept: str | None) -> tuple[Range, ...]:
    if query_accept and query_accept.strip():
        # "+" of application/dicom+json is a space to every form decoder.
        return _ranges(query_accept.strip().replace("dicom json", "dicom+json").replace("dicom xml", "dicom+xml"))
    if header is None or not header.strip():
        return ()
    return _ranges(header)


def _ranges(text: str) -> tuple[Range, ...]:
    _bound(text, "Accept")
    return _read(text)


@lru_cache(maxsize=128)
def _read(text: str) -> tuple[Range, ...]:
    """The ranges of a header; a viewer sends the same one with every frame."""
    found: list[Range] = []
    for count, member in enumerate(_split(text, ","), 1):
        if count > MAX_RANGES:
            raise HTTPProblem(400, f"Accept has more than {MAX_RANGES} media types", hint="name fewer")
        media = _media_type(member)
        if media is not None:
            found.append(_range(media))
    if not found:
        raise HTTPProblem(400, "Accept names no media type", hint="write type/subtype, e.g. application/dicom+json")
    return tuple(found)


def _range(media: MediaType) -> Range:
    params = dict(media.params)
    q = _weight(params.pop("q", None))
    if media.type not in (MULTIPART_RELATED, "multipart/*"):
        return Range(media.type, params, q)
    inner = params.pop("type", ANY)
    params.pop("boundary", None)
    params.pop("start", None)
    # type="application/dicom; transfer-syntax=1.2" was written by clients of earlier editions.
    nested = _media_type(list(_pieces(inner)))
    if nested is None:
        return Range(ANY, params, q, True)
    return Range(nested.type, {**nested.params, **params}, q, True)


def _weight(text: str | None) -> float:
    """RFC 9110 12.4.2; what is no number is 1, as if it had not been said."""
    if text is None or len(text) > 16:
        return 1.0
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return 1.0 if math.isnan(weight) else min(max(weight, 0.0), 1.0)


def _bound(text: str, name: str) -> None:
    if len(text) > MAX_HEADER:
        raise HTTPProblem(400, f"{name} has {len(text)} characters, more than {MAX_HEADER}", hint="name fewer types")


def _split(text: str, separators: str) -> Iterator[list[str]]:
    """The members of a list, each cut at ``;``. Separators count outside quotes only; a quote that never ends, ends
    with the text. With ``,;`` as separators the whole text is one member: commas separate nothing.
    """
    if "," in separators and ";" in separators:
        yield list(_pieces(text))
        return
    member: list[str] = []
    for piece, ends in _cut(text, ",;"):
        member.append(piece)
        if ends == ",":
            if any(part.strip() for part in member):
                yield member
            member = []
    if any(part.strip() for part in member):
        yield member


def _pieces(text: str) -> Iterator[str]:
    for piece, _ in _cut(text, ";"):
        yield piece


def _cut(text: str, separators: str) -> Iterator[tuple[str, str]]:
    """Pieces with the separator that ended each ("" for the last)."""
    start = 0
    quoted = escaped = False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            if char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in separators:
            yield text[start:index], char
            start = index + 1
    yield text[start:], ""


def _media_type(pieces: list[str]) -> MediaType | None:
    """A media type from its pieces; None where the first is no type/subtype."""
    kind = pieces[0].strip().strip('"').lower()
    if kind == "*":
        kind = ANY
    main, slash, sub = kind.partition("/")
    if not slash or not main or not sub or not _TOKEN.issuperset(main) or not _TOKEN.issuperset(sub):
        return None
    if main == "*" and sub != "*":
        return None
    if len(pieces) > MAX_PARAMETERS + 1:
        raise HTTPProblem(400, f"a media type has more than {MAX_PARAMETERS} parameters", hint="name fewer")
    params: dict[str, str] = {}
    for piece in pieces[1:]:
        name, equals, value = piece.partition("=")
        name = name.strip().lower()
        if equals and name and _TOKEN.issuperset(name):
            # A browser that merges headers doubles parameters: the first one was meant.
            params.setdefault(name, _unquoted(value.strip()))
    return MediaType(kind, params)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1] if len(value) > 1 and value.endswith('"') else value[1:]
    if "\\" not in inner:
        return inner
    out: list[str] = []
    escaped = False
    for char in inner:
        if char == "\\" and not escaped:
            escaped = True
            continue
        out.append(char)
        escaped = False
    return "".join(out)


def _quoted(value: str) -> str:
    if value and _TOKEN.issuperset(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
