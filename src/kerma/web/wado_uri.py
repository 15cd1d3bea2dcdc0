"""The URI service: one instance by query parameters, as a file or as something to look at (PS3.18 9).

``GET /wado?requestType=WADO&studyUID=..&seriesUID=..&objectUID=..``, at the root of the server, where old clients look
for it, and below that of DICOMweb. Rules:

- ``contentType`` says what is wanted, and then Accept is not looked at: viewers send the one of their frame requests.
- Files go by the code of ``retrieve``, pictures by that of ``rendered``: one instance, never in parts.
- A frame that is not there is a 400 here, not the 404 of a path (PS3.18 9.5.2).
- What would make an answer other than was asked for (``anonymize``) is refused, not passed over.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.dicomweb import uris
from kerma.dicomweb.media_types import DICOM, Range, parse_accept
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.rendered import parse_uri
from kerma.formats.instance import Instance
from kerma.pixels.layout import DOUBLE, FLOAT, PIXEL_DATA
from kerma.web import rendered, retrieve
from kerma.web.context import context_of, principal_of
from kerma.web.images import dataset_of
from kerma.web.selecting import instances_below

_UIDS = ("studyUID", "seriesUID", "objectUID")
_LOOKED_AT = (PIXEL_DATA, FLOAT, DOUBLE, 0x0040A730, 0x00420011, 0x54000100)
"""Pixels, Content Sequence, Encapsulated Document, Waveform Sequence: what has a form to look at."""
_OF_PICTURES = (
    *("annotation", "frameNumber", "rows", "columns", "region", "windowCenter", "windowWidth", "imageQuality"),
    *("presentationUID", "presentationSeriesUID"),
)
"""Parameters that are not for files."""
_MAX_FRAME = 10
"""Digits of a frame number."""


async def wado(request: Request) -> Response:
    """``GET /wado``."""
    parameters = {name.lower(): value.strip() for name, value in reversed(request.query_params.multi_items())}
    if parameters.get("requesttype", "").upper() != "WADO":
        raise HTTPProblem(400, "requestType is not WADO", hint="requestType=WADO&studyUID=..&seriesUID=..&objectUID=..")
    missing = [name for name in _UIDS if not parameters.get(name.lower())]
    if missing:
        raise HTTPProblem(400, f"{' and '.join(missing)} must be said", hint="all three UIDs are needed (PS3.18 9.1.2)")
    study, series, instance = (uris.uid(parameters[name.lower()], name) for name in _UIDS)
    if parameters.get("anonymize", "no").lower() != "no":
        raise HTTPProblem(400, "anonymize: this service does not de-identify", hint="leave it out to have it as stored")
    ranges = _wanted(request, parameters)
    if not ranges:
        return await run_in_threadpool(_by_kind, request, study, series, instance, parameters) or await _picture(
            request, (study, series, instance), parameters, ()
        )
    if ranges[0].type == DICOM:
        return await run_in_threadpool(_file, request, study, series, instance, parameters)
    return await _picture(request, (study, series, instance), parameters, ranges)


def _wanted(request: Request, parameters: dict[str, str]) -> tuple[Range, ...]:
    """What is wanted, best first; of an Accept header only what is one body."""
    if parameters.get("contenttype"):
        ranges = parse_accept(None, parameters["contenttype"])
    else:
        ranges = parse_accept(request.headers.get("accept"))
    single = [one for one in ranges if not one.multipart and one.q > 0 and one.specificity > 0]
    if parameters.get("contenttype") and not single and not any(one.type == "*/*" for one in ranges):
        raise HTTPProblem(406, "contentType names nothing that is one body", hint=f"e.g. image/jpeg or {DICOM}")
    return tuple(sorted(single, key=lambda one: -one.q))


def _by_kind(request: Request, study: str, series: str, instance: str, parameters: dict[str, str]) -> Response | None:
    """Where nothing is said: the file of what nobody can look at; None for the others."""
    (found,) = instances_below(request, study, series, instance)
    ds = dataset_of(found)
    if any(tag in ds for tag in _LOOKED_AT):
        return None
    return _given(request, [found], parameters)


def _file(request: Request, study: str, series: str, instance: str, parameters: dict[str, str]) -> Response:
    """The instance as a file, in the transfer syntax that is asked for: Explicit VR Little Endian where none is."""
    for name in _OF_PICTURES:
        if parameters.get(name.lower()):
            raise HTTPProblem(
                400, f"{name} is not for {DICOM} (PS3.18 9.1.2)", hint="ask for an image, or leave it out"
            )
    return _given(request, instances_below(request, study, series, instance), parameters)


def _given(request: Request, instances: Sequence[Instance], parameters: dict[str, str]) -> Response:
    syntax = parameters.get("transfersyntax", "")
    said = {} if not syntax else {"transfer-syntax": "*" if syntax == "*" else uris.uid(syntax, "transferSyntax")}
    return retrieve.given(request, instances[:1], (Range(DICOM, said),))


async def _picture(
    request: Request, uids: tuple[str, str, str], parameters: dict[str, str], ranges: tuple[Range, ...]
) -> Response:
    state = parameters.get("presentationuid")
    asked = rendered.Asked(
        context_of(request).archive,
        principal_of(request),
        *uids,
        _frame(parameters.get("framenumber")),
        parse_uri(parameters.items()),
        ranges,
        state=uris.uid(state, "presentationUID") if state else None,
    )
    try:
        return await rendered.answer(request, asked)
    except HTTPProblem as problem:
        if problem.status == 404 and asked.frames:
            problem.status = 400
        raise


def _frame(text: str | None) -> tuple[int, ...]:
    if not text:
        return ()
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_FRAME and int(text) > 0):
        raise HTTPProblem(400, "frameNumber is no frame number", hint="the first frame is 1")
    return (int(text) - 1,)


ROUTES = [Route("/wado", wado)]
