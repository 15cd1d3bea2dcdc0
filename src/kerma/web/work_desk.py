"""What the handlers of work share: the request's data set and keys, the answer in the form that was asked for, rights.

Rules: a body is read in bounded memory; the core works in a thread; a DIMSE status becomes an answer here, by the table
in ``dicomweb.workitems``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from kerma.archive.permissions import Principal, Right
from kerma.archive.work import Work
from kerma.archive.work.items import GoneError
from kerma.dataset import Dataset
from kerma.dicomweb import workitems
from kerma.dicomweb.media_types import Category, Representation, choose
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.workitem_bodies import MAX_BODY, read, write
from kerma.dicomweb.workitems import Search, Transaction
from kerma.errors import AccessError, FormatError, LimitError, OutOfResourcesError, StatusError, ValueEncodeError
from kerma.web.bases import base_of
from kerma.web.context import context_of, principal_of
from kerma.web.selecting import asked

T = TypeVar("T")

MAX_RESULTS = 10_000
MAX_ANSWER = 32 << 20
"""Matches of one answer, and their bytes; the rest is had by ``offset``."""


def work_of(request: HTTPConnection) -> Work:
    """The stores of the archive behind the application."""
    return context_of(request).archive.work


def service_of(request: HTTPConnection) -> str:
    """The URL of the DICOMweb root, as the asker sees it; that of this server where no host was named."""
    base = base_of(request)
    return base if "://" in base else str(request.base_url).rstrip("/") + base


def parameters_of(request: HTTPConnection) -> list[tuple[str, str]]:
    """The parameters of the query, in order, those without a value too."""
    return list(request.query_params.multi_items())


def permitted(request: HTTPConnection, right: Right) -> Principal:
    """Who asks, if it has the right over anything at all. ``AccessError``."""
    principal = principal_of(request)
    principal.require(right)
    return principal


def seen_by(principal: Principal, right: Right = Right.READ) -> Callable[[Dataset], bool] | None:
    """What tells of a step whether the principal has the right over it; None where it has it over all."""
    return None if principal.areas(right) is None else lambda ds: principal.covers(ds, right)


def demand(principal: Principal, ds: Dataset, right: Right = Right.WRITE) -> None:
    """``AccessError`` where the right does not reach to what a new data set says of itself."""
    if not principal.covers(ds, right):
        raise AccessError(f"{principal.name} may not {str(right.name).lower()} for this patient")


async def run(request: Request, transaction: Transaction, job: Callable[[], T]) -> T:
    """Do something with the core in a thread; its statuses as problems of ``transaction``."""
    try:
        return await run_in_threadpool(job)
    except StatusError as error:
        raise workitems.problem_of(transaction, error, service_of(request)) from error
    except LimitError:
        raise
    except (FormatError, ValueEncodeError) as error:
        raise HTTPProblem(400, error.message, hint=error.hint) from error
    except OutOfResourcesError as error:
        raise HTTPProblem(503, error.message, hint=error.hint, headers={"Retry-After": "30"}) from error
    except GoneError as error:
        raise HTTPProblem(410, error.message) from error


async def data_set_of(request: Request, *, empty: bool = False) -> Dataset:
    """The data set in the body."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_BODY:
            raise HTTPProblem(413, "the body is too large", hint=f"at most {MAX_BODY} bytes are taken")
        pieces.append(piece)
    content_type = request.headers.get("content-type")
    return await run_in_threadpool(read, content_type, b"".join(pieces), empty=empty)


def form_of(request: Request, *, single: bool = True) -> Representation:
    """The form of the answer that the asker takes. ``HTTPProblem`` 406."""
    return choose(asked(request), None, Category.METADATA, single=single)


def given(datasets: Sequence[Dataset], form: Representation, location: str = "", *, array: bool = True) -> Response:
    """An answer with data sets, and where they are."""
    content_type, body = write(datasets, form, array=array)
    headers = {"Content-Type": content_type, "Cache-Control": "no-cache"}
    if location:
        headers["Content-Location"] = location
    return Response(body, 200, headers)


async def found(request: Request, search: Search, matches: Callable[[], Iterator[Dataset]]) -> Response:
    """The answer to a search (PS3.18 11.9.3, 14.4.3): 204 without matches, 206 where not all of them fit."""
    form = form_of(request, single=False)
    most = MAX_RESULTS if search.limit is None else min(search.limit, MAX_RESULTS)

    def answer() -> Response:
        some, size, whole = list[Dataset](), 0, True
        for ds in islice(matches(), search.offset, None):
            size += len(ds.to_bytes())
            if len(some) == most or (size > MAX_ANSWER and some):
                whole = len(some) == search.limit
                break
            some.append(ds)
        warned: dict[str, str] = {}
        status = 200
        if not whole:
            status = 206
            warned = workitems.warning(service_of(request), "There are additional results that can be requested.")
        if not some:
            response = Response(status_code=204)
        else:
            response = given(some, form)
            response.status_code = status
        response.headers.update(warned)
        return response

    try:
        return await run_in_threadpool(answer)
    except StatusError as error:
        raise HTTPProblem(400, error.message, hint=error.hint) from error
