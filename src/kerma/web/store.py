"""STOW-RS: instances that are sent to be stored (PS3.18 10.5).

Rules:

- The body is taken as it comes and worked on in threads, a stretch at a time: while one is written the next one is
  read, and no more. A client that is slow holds a task, never a thread.
- The answer is application/dicom+json, application/dicom+xml where Accept wants that and no JSON; an Accept header that
  takes neither is no reason to refuse what was stored.
- Where the body ends without its end there is nobody to answer: the connection is gone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.permissions import Right
from kerma.dicomweb import uris
from kerma.dicomweb.accept import parse as parse_media
from kerma.dicomweb.accept import parse_accept
from kerma.dicomweb.media_types import DICOM_JSON, DICOM_XML, Category, choose
from kerma.dicomweb.multipart import MultipartLimits
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.store import Report
from kerma.web.bases import base_of
from kerma.web.context import context_of, principal_of
from kerma.web.storing import Storing, Target

STRETCH = 1 << 20
"""Bytes of a body that go to a thread together, at least, while there are more."""
LIMITS = MultipartLimits()
T = TypeVar("T")


@cache
def _writers() -> ThreadPoolExecutor:
    """Write what has come, for all requests."""
    return ThreadPoolExecutor(max(8, 2 * (os.cpu_count() or 1)), thread_name_prefix="kerma-store")


@cache
def _committers() -> ThreadPoolExecutor:
    """Wait for disks. A pool of their own: a writer that waits for one of them must not stand in its way."""
    return ThreadPoolExecutor(max(8, 2 * (os.cpu_count() or 1)), thread_name_prefix="kerma-commit")


async def store(request: Request) -> Response:
    """POST of instances, to the studies or to one study."""
    context, principal = context_of(request), principal_of(request)
    principal.require(Right.WRITE)
    media = parse_media(request.headers.get("content-type"))
    study = request.path_params.get("study", "")
    if study:
        uris.uid(study, "Study Instance UID")
    answer_type = _answer_type(request)
    target = Target(context.archive, principal, study, str(request.url), _committers(), context.on_error)
    storing = Storing(target, media, Report(uris.Templates(base_of(request)), study), LIMITS)
    try:
        await _take(request, storing)
        report = await _whole(_work(storing.finish))
    except ClientDisconnect:
        # Nobody is there to read it; whoever logs the request sees what it was.
        raise HTTPProblem(400, "the client went away before its body had ended") from None
    finally:
        await _whole(_work(storing.abort))
    body = await _whole(_work(lambda: "".join(report.json() if answer_type == DICOM_JSON else report.xml())))
    return Response(body.encode("utf-8"), report.status, report.headers, answer_type)


async def _take(request: Request, storing: Storing) -> None:
    """The body, a stretch in a thread while the next one comes."""
    length = _length(request)
    held: list[bytes] = []
    size = total = 0
    busy: asyncio.Future[None] | None = None
    try:
        async for chunk in request.stream():
            if not chunk:
                continue
            held.append(chunk)
            size += len(chunk)
            total += len(chunk)
            if size >= STRETCH:
                if busy is not None:
                    await _whole(busy)
                busy = _work(partial(storing.feed, held))
                held, size = [], 0
    finally:
        if busy is not None:
            await _whole(busy)
    if length is not None and total < length:
        raise HTTPProblem(400, f"the body has {total} bytes, fewer than its Content-Length says")
    if held:
        await _whole(_work(partial(storing.feed, held)))


def _work(work: Callable[[], T]) -> asyncio.Future[T]:
    return asyncio.get_running_loop().run_in_executor(_writers(), work)


async def _whole(future: asyncio.Future[T]) -> T:
    """What a thread makes of its work. A task that is cancelled waits for it as well: the session is that thread's."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


def _length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _answer_type(request: Request) -> str:
    try:
        ranges = parse_accept(request.headers.get("accept"), request.query_params.get("accept"))
        found = choose(ranges, None, Category.METADATA)
    except HTTPProblem:
        return DICOM_JSON
    return DICOM_XML if found.media_type in (DICOM_XML, "application/xml", "text/xml") else DICOM_JSON


ROUTES = (
    Route(uris.Kind.STUDIES.template, store, methods=["POST"]),
    Route(uris.Kind.STUDY.template, store, methods=["POST"]),
)
