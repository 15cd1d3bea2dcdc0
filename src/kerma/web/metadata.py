"""Metadata of studies, series and instances (PS3.18 10.4.1.1.2, 10.4.3.3, 8.7.3.2).

Rules:

- From the headers in the index; the JSON of a series is made once, deflated once and kept by the archive, and every
  answer is put together of such parts: nothing is packed a second time.
- The entity tag follows from the text, so that it is the same in every process; the gzip form has its own.
- XML is made as it is sent, a part for each instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.metadata import SeriesKey, SeriesMetadata, StoredHeader
from kerma.dicomweb import metadata, uris
from kerma.dicomweb.media_types import DICOM_XML, Category, choose
from kerma.dicomweb.metadata import Header
from kerma.dicomweb.multipart import Writer
from kerma.dicomweb.packing import Part, gzipped, literal, unpacked
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Kind, Templates
from kerma.encoding.source import Buffer
from kerma.errors import FormatError
from kerma.query.model import Level, Query, Root, Single
from kerma.web.answers import answer, digest_of, in_thread
from kerma.web.bases import base_of
from kerma.web.bodies import SMALL, Body, Made
from kerma.web.compression import takes_gzip
from kerma.web.context import context_of, principal_of
from kerma.web.selecting import asked

_OPEN, _COMMA, _CLOSE = literal(b"["), literal(b","), literal(b"]")
_VARY = "Accept, Accept-Encoding"


async def of_series(request: Request) -> Response:
    """``GET`` of the metadata of a series.

    What is kept, and short, is given at once: to hand that to a thread would cost more than to do it.
    """
    found = _at_once(request)
    return found if found is not None else await run_in_threadpool(below_series, request)


def _at_once(request: Request) -> Response | None:
    """The answer where it is an indexed row or two; None where it takes more."""
    query = _query(request, Level.SERIES)
    if query.within is not None or not _zipped(request):
        return None
    archive = context_of(request).archive
    found = archive.metadata.series(query)
    if len(found) != 1:
        return None
    form = _form(request)
    if form == DICOM_XML:
        return None
    kept = archive.metadata.ready(found[0], _name(request), SMALL)
    return _gzipped(request, [kept], form) if kept is not None and kept.count else None


def below_series(request: Request) -> Response:
    """``GET`` of the metadata of a study or a series."""
    found = context_of(request).archive.metadata.series(_query(request, Level.SERIES))
    if not found:
        raise HTTPProblem(404, "there is no such study or series", hint="search tells what is there")
    form = _form(request)
    if form == DICOM_XML:
        states = [context_of(request).archive.metadata.state(one) for one in found]
        return _xml(request, partial(_headers, request, found), digest_of(DICOM_XML, base_of(request), *states))
    return _json(request, found, form)


def of_instance(request: Request) -> Response:
    """``GET`` of the metadata of one instance."""
    stored = context_of(request).archive.metadata.header(_query(request, Level.IMAGE))
    if stored is None:
        raise HTTPProblem(404, "there is no such instance", hint="search tells what is there")
    form = _form(request)
    if form == DICOM_XML:
        digest = digest_of(DICOM_XML, base_of(request), stored.transfer_syntax_uid, stored.data.hex())
        return _xml(request, lambda: iter([stored]), digest)
    text = "[" + "".join(metadata.json_of(header_of(stored), Templates(base_of(request)))) + "]"
    data = text.encode("utf-8", "replace")
    return answer(request, Body.of(Made(lambda: iter([data]), len(data))), form, digest_of(form, text))


def _query(request: Request, level: Level) -> Query:
    """What the path names, as far as its sender may see it."""
    named = (("study", Level.STUDY), ("series", Level.SERIES), ("instance", Level.IMAGE))
    predicates = tuple(
        Single(one.unique_key, "UI", uris.uid(request.path_params[name], f"the UID of the {name}"))
        for name, one in named
        if name in request.path_params
    )
    return principal_of(request).narrow(Query(level, Root.STUDY, predicates, relational=True))


def _form(request: Request) -> str:
    return choose(asked(request), None, Category.METADATA, ()).media_type


def header_of(stored: StoredHeader) -> Header:
    """The header as the writers of metadata take it."""
    return Header(
        stored.study_uid,
        stored.series_uid,
        stored.sop_instance_uid,
        stored.transfer_syntax_uid,
        stored.data,
        stored.syntax,
        stored.pixel,
        stored.tail,
    )


def _headers(request: Request, series: Sequence[SeriesKey]) -> Iterator[StoredHeader]:
    for one in series:
        yield from context_of(request).archive.metadata.headers(one)


# -- JSON --------------------------------------------------------------------------------------------------------------


def _name(request: Request) -> str:
    """Under what name the JSON is kept; there are addresses of ours in it."""
    return f"json {base_of(request)}"


def _json(request: Request, series: Sequence[SeriesKey], form: str) -> Response:
    base = base_of(request)
    archive = context_of(request).archive
    urls = Templates(base)

    def make(headers: Iterator[StoredHeader], *, mended: bool = False) -> Iterator[str]:
        return metadata.objects_of(map(header_of, headers), urls, mended=mended)

    def kept_of(one: SeriesKey) -> SeriesMetadata | None:
        try:
            return archive.metadata.kept(one, _name(request), make)
        except FormatError:  # something in it is damaged: the rest is told all the same
            return archive.metadata.kept(one, f"json {base}", partial(make, mended=True))

    found = [kept_of(one) for one in series]
    kept = [one for one in found if one is not None and one.count]
    if None in found:
        states = [archive.metadata.state(one) for one in series]
        return _streamed(request, series, urls, form, digest_of(form, base, *states))
    if not kept:
        raise HTTPProblem(404, "there is no such study or series", hint="search tells what is there")
    if _zipped(request):
        return _gzipped(request, kept, form)
    digest = digest_of(form, *(one.etag for one in kept), "plain")
    size = 1 + sum(one.size + 1 for one in kept)
    body = Body.of(Made(lambda: unpacked(_parts(kept)), size))
    return answer(request, body, form, digest, headers={"Vary": _VARY})


def _zipped(request: Request) -> bool:
    return takes_gzip(request.headers.get("accept-encoding", ""))


def _gzipped(request: Request, kept: Sequence[SeriesMetadata], form: str) -> Response:
    pieces = list(gzipped(_parts(kept)))
    body = Body.of(Made(lambda: iter(pieces), sum(map(len, pieces))))
    digest = digest_of(form, *(one.etag for one in kept), "gzip")
    # Vary is completed by the compression around us
    return answer(request, body, form, digest, headers={"Content-Encoding": "gzip"})


def _parts(kept: Sequence[SeriesMetadata]) -> Iterator[Part]:
    for number, one in enumerate(kept):
        yield _COMMA if number else _OPEN
        yield Part(one.body, one.crc, one.size)
    yield _CLOSE


def _streamed(request: Request, series: Sequence[SeriesKey], urls: Templates, form: str, digest: str) -> Response:
    """Metadata that are too large to be kept."""

    def pieces() -> Iterator[Buffer]:
        yield b"["
        for piece in metadata.objects_of(map(header_of, _headers(request, series)), urls, mended=True):
            yield piece.encode("utf-8", "replace")
        yield b"]"

    return answer(request, Body.of(Made(pieces)), form, digest)


# -- XML ---------------------------------------------------------------------------------------------------------------


def _xml(request: Request, headers: Callable[[], Iterator[StoredHeader]], digest: str) -> Response:
    """A document for each instance, in a multipart (PS3.18 8.7.3.2)."""
    urls = Templates(base_of(request))

    def pieces() -> Iterator[Buffer]:
        writer = Writer(digest)
        for stored in headers():
            yield writer.part(DICOM_XML)
            for piece in metadata.xml_of(header_of(stored), urls):
                yield piece.encode("utf-8", "replace")
        yield writer.end()

    return answer(request, Body.of(Made(pieces)), Writer(digest).content_type(DICOM_XML), digest)


ROUTES = (
    Route(Kind.STUDY_METADATA.template, in_thread(below_series), methods=["GET"]),
    Route(Kind.SERIES_METADATA.template, of_series, methods=["GET"]),
    Route(Kind.INSTANCE_METADATA.template, in_thread(of_instance), methods=["GET"]),
)
