"""Search for studies, series and instances (PS3.18 10.6, 8.3.4).

Rules:

- One statement of the index finds the matches, in the order in which they came to the archive: a page never repeats or
  leaves out what another one has, also when more comes meanwhile.
- X-Total-Count tells how many there are where the index knows it without looking at each; a Warning tells that there
  are more than were asked for, and what was not understood.
- Answers are sent as they are read; a page is whole before its headers are sent, unless it is a long one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.dataset import Dataset
from kerma.dicomweb import metadata, search, uris
from kerma.dicomweb.media_types import DICOM_XML, Category, choose
from kerma.dicomweb.multipart import Writer
from kerma.dicomweb.search import Search
from kerma.dicomweb.uris import Kind, Templates
from kerma.encoding.source import Buffer
from kerma.formats.json import json_pieces
from kerma.formats.xml_writer import xml_pieces
from kerma.query.model import Level, Page, Query, Root, Single
from kerma.web.answers import Answer, in_thread
from kerma.web.bases import base_of
from kerma.web.bodies import Body, Made
from kerma.web.context import context_of, principal_of
from kerma.web.metadata import header_of
from kerma.web.selecting import asked

_MAX_WARNINGS = 20
_WHOLE = 1_000
"""The longest page that is whole before it is sent; longer ones are sent as they are read."""
_NAMED = (("study", Level.STUDY), ("series", Level.SERIES))


def handler(level: Level) -> Any:
    """What answers a search at ``level``."""

    def found(request: Request) -> Response:
        form = choose(asked(request), None, Category.METADATA, ()).media_type
        within = {
            upper: uris.uid(request.path_params[name], f"the UID of the {name}")
            for name, upper in _NAMED
            if name in request.path_params
        }
        wanted = search.parse(request.query_params.multi_items(), level, within)
        matches, headers = _page(request, wanted)
        return _answer(request, form, matches, headers)

    return in_thread(found)


def _page(request: Request, wanted: Search) -> tuple[Iterator[Dataset], dict[str, str]]:
    """The matches of a page, complete, and what is told about all of them."""
    base = base_of(request)
    headers: dict[str, str] = {}
    warnings = list(wanted.warnings[:_MAX_WARNINGS])
    limit = wanted.limit
    ahead = limit + 1 if limit is not None and limit <= _WHOLE else limit
    query = principal_of(request).narrow(replace(wanted.query, page=Page(ahead, wanted.offset)))
    total, matches = context_of(request).archive.counted(query)
    if total is not None:
        headers["X-Total-Count"] = str(total)
    if limit is not None:
        more = total is not None and total > wanted.offset + limit
        if limit <= _WHOLE:
            page = list(matches)
            more = len(page) > limit
            matches = iter(page[:limit])
        if more:
            rest = "more" if total is None else str(total - wanted.offset - limit)
            warnings.append(f"There are {rest} additional results that can be requested")
    if warnings:
        headers["Warning"] = ", ".join(f'299 {base} "{text}"' for text in warnings)
    urls = Templates(base)
    return (_complete(request, match, wanted, urls) for match in matches), headers


def _complete(request: Request, match: Dataset, wanted: Search, urls: Templates) -> Dataset:
    ds = search.complete(match, wanted, urls)
    if not wanted.everything:
        return ds
    one = Single(Level.IMAGE.unique_key, "UI", str(match.SOPInstanceUID))
    stored = context_of(request).archive.metadata.header(Query(Level.IMAGE, Root.STUDY, (one,), relational=True))
    return ds if stored is None else search.with_header(ds, metadata.dataset_of(header_of(stored)))


# -- bodies ------------------------------------------------------------------------------------------------------------


def _answer(request: Request, form: str, matches: Iterator[Dataset], headers: dict[str, str]) -> Response:
    writer = Writer()
    xml = form == DICOM_XML
    if xml:
        found = next(matches, None)
        if found is None:  # a multipart has one part at least
            return Response(
                status_code=204, headers={"Cache-Control": "private, no-cache", "Vary": "Accept", **headers}
            )
        matches = chain((found,), matches)
    pieces = _xml(matches, writer) if xml else _json(matches)
    said = {
        "Content-Type": writer.content_type(DICOM_XML) if xml else form,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        **headers,
    }
    chunks = Body.of(Made(lambda: pieces)).chunks()
    first = next(chunks, b"")
    second = next(chunks, None)
    if second is None:
        return Response(first, headers=said)
    return Answer(200, said, rest=_rest((first, second), chunks))


def _rest(begun: tuple[bytes, bytes], chunks: Generator[bytes]) -> Generator[bytes]:
    try:
        yield from chain(begun, chunks)
    finally:
        chunks.close()


def _json(matches: Iterator[Dataset]) -> Iterator[Buffer]:
    before = "["
    for match in matches:
        yield (before + "".join(json_pieces(match))).encode("utf-8", "replace")
        before = ","
    yield b"]" if before == "," else b"[]"


def _xml(matches: Iterator[Dataset], writer: Writer) -> Iterator[Buffer]:
    for match in matches:
        yield writer.part(DICOM_XML)
        yield "".join(xml_pieces(match)).encode("utf-8", "replace")
    yield writer.end()


_STUDIES, _SERIES, _INSTANCES = handler(Level.STUDY), handler(Level.SERIES), handler(Level.IMAGE)
ROUTES = (
    Route(Kind.STUDIES.template, _STUDIES, methods=["GET"]),
    Route(Kind.ALL_SERIES.template, _SERIES, methods=["GET"]),
    Route(Kind.STUDY_SERIES.template, _SERIES, methods=["GET"]),
    Route(Kind.ALL_INSTANCES.template, _INSTANCES, methods=["GET"]),
    Route(Kind.STUDY_INSTANCES.template, _INSTANCES, methods=["GET"]),
    Route(Kind.SERIES_INSTANCES.template, _INSTANCES, methods=["GET"]),
)
