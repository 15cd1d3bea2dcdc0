"""A line for each request and a number for each transaction: who asked, for what kind of thing, how it went.

Rules:

- No patient data: never a path, a query, a UID or a header's value; a request is told by the template of its route.
- A request ends when its last byte is handed over, or when the asker is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNKNOWN_ROUTE = "(none)"
CUT = 499
"""Told as the status of a request whose asker went away before an answer began."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is over. Sizes in bytes, time in seconds."""

    method: str
    route: str
    status: int
    received: int
    sent: int
    seconds: float
    protocol: str
    client: str
    principal: str
    whole: bool
    """Whether the answer was sent to its end."""


class Observed:
    """Middleware that tells ``on_begin`` and ``on_end`` of each request."""

    def __init__(self, app: ASGIApp, on_begin: Callable[[], None], on_end: Callable[[Request], None]) -> None:
        self.app = app
        self._on_begin = on_begin
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        self._on_begin()
        status, sent, received, whole, length = CUT, 0, 0, False, 0

        async def receiving() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status, sent, whole, length
            if message["type"] == "http.response.start":
                status = message["status"]
                length = _length(message)
            await send(message)
            if message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
                whole = not message.get("more_body", False)
            elif message["type"] == "http.response.pathsend":
                sent, whole = length, True

        try:
            await self.app(scope, receiving, sending)
        finally:
            self._on_end(
                Request(
                    method=method_of(scope["method"]),
                    route=template_of(scope),
                    status=status,
                    received=received,
                    sent=sent,
                    seconds=time.perf_counter() - began,
                    protocol=f"HTTP/{scope['http_version']}",
                    client=(scope.get("client") or ("", 0))[0],
                    principal=getattr(scope.get("kerma.principal"), "name", ""),
                    whole=whole,
                )
            )


def _length(start: Message) -> int:
    """What an answer says of its length; 0 where it does not."""
    told = next((value for name, value in start.get("headers", ()) if name == b"content-length"), b"")
    return int(told) if told.isdigit() else 0


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def method_of(method: str) -> str:
    """The method; a made-up one is told as OTHER, since what counts by method may not grow without end."""
    return method if method in _METHODS else "OTHER"


def template_of(scope: Scope) -> str:
    """``/dicomweb/studies/{study}/series``: what the request was for, without saying whose."""
    route = scope.get("route")
    if not isinstance(route, Route):
        return UNKNOWN_ROUTE
    return f"{scope.get('root_path', '')}{route.path}"
