"""Data sets as bodies of requests and answers: JSON and XML, one or several (PS3.18 8.6, 8.7.3.2, 11.1.3, F.2.1).

Rules:

- A request has one data set: JSON (an object, or an array of one), XML, or the one part of a multipart/related.
- An answer of several is a JSON array, or a multipart with an XML document each.
- A body is bounded before it is read as anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerma.dataset import Dataset
from kerma.dicomweb.media_types import DICOM_JSON, DICOM_XML, MediaType, Representation, parse
from kerma.dicomweb.multipart import Data, MultipartLimits, Parser, Part, Writer, boundary_of
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import FormatError, ValueEncodeError
from kerma.formats.json import from_json, to_json
from kerma.formats.xml import from_xml, to_xml
from kerma.limits import Limits

MAX_BODY = 16 << 20
"""Bytes of a request's body."""
_JSON = frozenset((DICOM_JSON, "application/json", "text/json"))
_XML = frozenset((DICOM_XML, "application/xml", "text/xml"))
_LIMITS = Limits(max_elements=1_000_000, max_value=MAX_BODY)


def read(content_type: str | None, body: bytes, *, empty: bool = False) -> Dataset:
    """The data set of a request's body; with ``empty`` no body is an empty one. ``HTTPProblem`` 400, 413, 415."""
    if len(body) > MAX_BODY:
        raise HTTPProblem(413, f"the body has {len(body)} bytes", hint=f"at most {MAX_BODY} are taken")
    if not body.strip():
        if empty:
            return Dataset()
        raise HTTPProblem(400, "the body is empty", hint=f"send a data set as {DICOM_JSON}")
    media = parse(content_type) if content_type else MediaType(DICOM_JSON, {})
    if media.type.startswith("multipart/"):
        inner, body = _only_part(media, body)
        media = parse(inner or media.inner)
    try:
        if media.type in _JSON:
            return from_json(body, limits=_LIMITS)
        if media.type in _XML:
            return from_xml(body, limits=_LIMITS)
    except (FormatError, ValueEncodeError) as error:
        raise HTTPProblem(400, f"the body is no data set: {error}") from error
    raise HTTPProblem(415, f"the body is {media.type}", hint=f"send {DICOM_JSON} or {DICOM_XML}")


def _only_part(media: MediaType, body: bytes) -> tuple[str, bytes]:
    parser = Parser(boundary_of(media), MultipartLimits(max_parts=1, max_total=MAX_BODY + 65_536))
    content_type, pieces = "", list[bytes]()
    for event in parser.feed(body):
        if isinstance(event, Part):
            content_type = event.content_type
        elif isinstance(event, Data):
            pieces.append(bytes(event.data))
    parser.close()
    return content_type, b"".join(pieces)


def write(datasets: Sequence[Dataset], form: Representation, *, array: bool = True) -> tuple[str, bytes]:
    """The Content-Type and the body of an answer; without ``array`` a single data set is a JSON object."""
    json = form.media_type not in _XML
    if json and not form.multipart:
        texts = [to_json(ds) for ds in datasets]
        text = f"[{','.join(texts)}]" if array or len(texts) != 1 else texts[0]
        return form.content_type, text.encode("utf-8")
    documents = [(to_json(ds) if json else to_xml(ds)).encode("utf-8") for ds in datasets]
    if len(documents) == 1 and not form.multipart:
        return form.content_type, documents[0]
    writer = Writer()
    pieces = [piece for document in documents for piece in (writer.part(form.content_type), document)]
    return writer.content_type(form.content_type), b"".join((*pieces, writer.end()))
