"""Errors as answers: problem details for whatever goes wrong on the way to an answer, and the methods of a resource.

PS3.18 8.5, RFC 9457, RFC 9110 15.5.6 (Allow). Rules:

- Nothing is told of a foreign error but that there was one; it goes to the log by its kind and place.
- Once an answer has begun it cannot become another one: the error goes on, and the connection is cut.
- 405 names every method that the resource has; OPTIONS on any resource is answered with the same list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kerma.dicomweb.problems import MEDIA_TYPE, HTTPProblem, problem_of
from kerma.errors import KermaError

OnError = Callable[[str, BaseException], None]


async def told(request: Request, error: Exception) -> Response:
    """The answer that tells an error; for Starlette's ``exception_handlers``."""
    return answer_of(error, request.scope)


def answer_of(error: BaseException, scope: Scope) -> Response:
    """The answer that tells an error of the request in ``scope``."""
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        if error.status_code == 405:
            methods = allowed(scope["app"].routes, scope)
            headers = {**{k: v for k, v in headers.items() if k.lower() != "allow"}, "Allow": ", ".join(methods)}
            if scope["method"] == "OPTIONS":
                return Response(status_code=204, headers=headers)
            error = HTTPProblem(405, _NO_METHOD, hint=f"it has {headers['Allow']}", headers=headers)
        elif error.status_code == 404:
            error = HTTPProblem(404, _NO_RESOURCE, hint="/openapi.json names all that there are", headers=headers)
        else:
            error = HTTPProblem(error.status_code, error.detail, headers=headers)
    problem = problem_of(error)
    return Response(problem.body(), problem.status, {**problem.headers, "Content-Type": MEDIA_TYPE})


_NO_RESOURCE = "there is no such resource"
_NO_METHOD = "the resource does not have this method"


def allowed(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """The methods of the resource that was asked for, sorted."""
    plain = {"type": "http", "path": scope["path"], "root_path": "", "method": scope["method"]}
    methods = {method for route in _matching(routes, plain) for method in route.methods or ()}
    return sorted(methods | {"OPTIONS"})


def _matching(routes: Sequence[BaseRoute], scope: Scope) -> Iterator[Route]:
    for route in routes:
        match, child = route.matches(scope)
        if match is not Match.NONE and isinstance(route, Mount):
            yield from _matching(route.routes, {**scope, **child})
        elif match is not Match.NONE and isinstance(route, Route):
            yield route


class Problems:
    """Middleware that answers every error that comes out of what it is around."""

    def __init__(self, app: ASGIApp, on_error: OnError) -> None:
        self.app = app
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            if not isinstance(error, KermaError | HTTPException):
                self._on_error("a request failed", error)
            if begun:
                raise
            await answer_of(error, scope)(scope, receive, send)


class Head:
    """Middleware for HEAD: the headers of the GET, and no work on a body that nobody gets (RFC 9110 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        done = False

        async def sending(message: Message) -> None:
            nonlocal done
            if message["type"] == "http.response.start":
                await send(message)
                return
            more = message.get("more_body", False)
            if not done:
                done = True
                await send({"type": "http.response.body", "body": b""})
            if more:
                raise _EnoughError

        try:
            await self.app(scope, receive, sending)
        except _EnoughError:
            return


class _EnoughError(Exception):
    """Ends a handler whose body is not wanted."""
