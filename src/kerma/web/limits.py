"""What a request may cost: bounds on its line, its headers, its pace and how many are worked on.

PS3.18 8.5 (status codes), RFC 9110. Rules:

- Refusals come before any handler runs and before a body is read.
- A body that stops coming is 408: whoever waits for it is a task, never a thread. A quarter of the places is kept from
  bodies that are still coming: slow senders together do not shut out who asks.
- A compressed request body is refused (415): nothing that is stored here gains by it, and it hides its size.
- WebSockets are not counted: they live long and cost little. Nor is the question whether the server lives, which is
  asked most urgently where all is taken.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kerma.dicomweb.problems import HTTPProblem

_UNCOUNTED = frozenset({"/healthz"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Bounds on requests. Sizes in bytes, times in seconds."""

    path: int = 8 << 10
    query: int = 32 << 10
    headers: int = 64 << 10
    header_count: int = 200
    body_idle: float = 60.0
    """How long the next bytes of a body may take."""
    concurrent: int = 512
    """Requests that are worked on at one time, in one process."""


class Limits:
    """Middleware that refuses what is past the bounds; inside of it errors of ours are answered."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self.app = app
        self.limits = limits
        self.running = 0
        self.arriving = 0
        """Requests whose body is waited for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        self._check(scope)
        if scope["type"] != "http" or scope["path"] in _UNCOUNTED:
            await self.app(scope, receive, send)
            return
        if self.running >= self.limits.concurrent:
            raise HTTPProblem(503, "too many requests at one time", headers={"Retry-After": "1"})
        self.running += 1
        try:
            call = self.app if scope["method"] in _BODILESS else self._with_body
            await call(scope, self._paced(receive), send)
        finally:
            self.running -= 1

    def _check(self, scope: Scope) -> None:
        limits = self.limits
        if len(scope.get("raw_path") or scope["path"]) > limits.path or len(scope["query_string"]) > limits.query:
            raise HTTPProblem(414, "the address of the request is too long", hint="ask in several requests")
        size = hosts = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            hosts += name == b"host"
            if name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
                raise HTTPProblem(
                    415,
                    "compressed request bodies are not taken",
                    hint="send it plain",
                    headers={"Accept-Encoding": ""},
                )
        if size > limits.headers or len(scope["headers"]) > limits.header_count:
            raise HTTPProblem(431, "the headers of the request are too large")
        if hosts > 1:  # RFC 9112 3.2: which of them a proxy has looked at nobody can tell
            raise HTTPProblem(400, "more than one Host header")

    def _paced(self, receive: Receive) -> Receive:
        idle, over = self.limits.body_idle, False

        async def receiving() -> Message:
            nonlocal over
            if over:  # A wait for the end of the connection, not for a body.
                return await receive()
            try:
                async with asyncio.timeout(idle):
                    message = await receive()
            except TimeoutError:
                raise HTTPProblem(
                    408, "the body of the request stopped coming", headers={"Connection": "close"}
                ) from None
            over = not message.get("more_body", False)
            return message

        return receiving

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request of a method with a body; HTTPProblem 503 where too many of them are coming."""
        if self.arriving >= self.limits.concurrent - self.limits.concurrent // 4:
            raise HTTPProblem(503, "too many bodies are coming at one time", headers={"Retry-After": "1"})
        self.arriving += 1
        waits = True

        def come() -> None:
            nonlocal waits
            self.arriving -= waits
            waits = False

        async def receiving() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                come()
            return message

        try:
            await self.app(scope, receiving, send)
        finally:
            come()
