"""The middleware that names the principal of each request: ``scope["kerma.principal"]``.

Rules:

- It lets nothing pass that the gate has not admitted: a new route is behind it by itself.
- Below the least right of its method a request does not reach its handler, which asks for the very right.
- Health is for everybody, and so is the way in (``/access/session``, ``/share``).
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from kerma.dicomweb.problems import HTTPProblem
from kerma.web.access.gate import Gate, require_some_right

PUBLIC = frozenset({"/healthz", "/readyz", "/access/session"})
"""Paths that need no principal."""
SHARE = "/share/"
_RIGHTLESS = frozenset({"/metrics", "/openapi.json"})
"""Paths that anybody may see whom we know: nothing of what the archive holds is there."""


class Guard:
    """Around the routes, inside of what answers errors."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        public = path in PUBLIC or path.startswith(SHARE)
        try:
            principal = await self.gate.principal(scope, public=public)
            if not public and path not in _RIGHTLESS:
                require_some_right(principal, scope)
        except HTTPProblem:
            if scope["type"] != "websocket":
                raise
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})
            return
        scope["kerma.principal"] = principal
        await self.app(scope, receive, send)
