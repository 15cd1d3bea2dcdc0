"""Cross-origin requests: what a browser wants to see before a page of another origin may read an answer (Fetch, CORS).

PS3.18 8.11 leaves it to the user agent; without it no viewer that is served elsewhere works. Rules:

- Every answer to an allowed origin carries the headers, errors included: a browser tells its page of nothing else.
- ``*`` does not cover Authorization in Allow-Headers: headers are named.
- Cookies go along only for origins that are listed one by one, never for ``*`` or ``loopback``.
- Images may be embedded by pages that isolate themselves (CORP), if their origin is allowed at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "loopback"
"""The word for every origin on this machine."""

_METHODS = b"GET, HEAD, POST, PUT, DELETE, OPTIONS"
_ALLOWED = (
    b"Accept, Accept-Charset, Accept-Encoding, Accept-Language, Authorization, Cache-Control, Content-Encoding, "
    b"Content-Location, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, Range, X-API-Key, "
    b"X-Requested-With, Pragma, Prefer"
)
_EXPOSED = (
    b"Accept-Ranges, Content-Encoding, Content-Length, Content-Location, Content-Range, ETag, Last-Modified, Link, "
    b"Location, Retry-After, Server-Timing, Warning, WWW-Authenticate, X-Total-Count"
)
_MAX_AGE = b"86400"
_LOOPBACK = re.compile(r"https?://(localhost|[\w-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.ASCII)
_MAX_ORIGIN = 512
Headers = list[tuple[bytes, bytes]]


class Cors:
    """Middleware that answers preflights and puts the headers on everything else."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self.app = app
        self._any = "*" in origins
        self._loopback = LOOPBACK in origins
        self._listed = frozenset(origin.rstrip("/").lower() for origin in origins if origin not in {"*", LOOPBACK})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = dict(scope["headers"])  # of a header that came twice the last; an origin comes once
        origin = asked.get(b"origin", b"")
        more = self._headers(origin)
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            await self._preflight(send, more)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*_without_ours(message.get("headers", ())), *more]}
                _vary(message["headers"])
            await send(message)

        await self.app(scope, receive, sending)

    def allows(self, origin: str) -> bool:
        """Whether a page of ``origin`` may read answers."""
        if len(origin) > _MAX_ORIGIN:
            return False
        return self._any or self._is_listed(origin) or (self._loopback and _LOOPBACK.fullmatch(origin) is not None)

    def _is_listed(self, origin: str) -> bool:
        return origin.lower() in self._listed

    def _headers(self, origin: bytes) -> Headers:
        text = origin.decode("latin-1")
        if not origin or not self.allows(text):
            # Who embeds an image sends no Origin: whether it may is the browser's to judge by this header alone.
            return [(b"cross-origin-resource-policy", b"cross-origin")] if self._any else []
        headers = [
            (b"access-control-allow-origin", b"*" if self._any and not self._is_listed(text) else origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if self._is_listed(text):
            headers.append((b"access-control-allow-credentials", b"true"))
        return headers

    async def _preflight(self, send: Send, more: Headers) -> None:
        headers: Headers = [(b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")]
        if any(name == b"access-control-allow-origin" for name, _ in more):
            headers += [
                *more,
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _ALLOWED),
                (b"access-control-max-age", _MAX_AGE),
                (b"access-control-allow-private-network", b"true"),
            ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _without_ours(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers of an answer without those that are decided here."""
    return [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]


def _vary(headers: Headers) -> None:
    for place, (name, value) in enumerate(headers):
        if name.lower() == b"vary":
            if b"origin" not in value.lower() and value.strip() != b"*":
                headers[place] = (name, value + b", Origin")
            return
    headers.append((b"vary", b"Origin"))
