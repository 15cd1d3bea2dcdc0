"""The ASGI application: every route, and what is around all of them.

A module of this room that answers requests has ``ROUTES``, with paths below the DICOMweb root; it is named in
``_DICOMWEB``. Errors of ours become problem details here, in one place.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from kerma.dicomweb.problems import MEDIA_TYPE, HTTPProblem, problem_of
from kerma.web.context import Context

_DICOMWEB: tuple[Sequence[BaseRoute], ...] = ()


def application(context: Context) -> Starlette:
    """The application over an archive."""
    routes: list[BaseRoute] = [Mount(context.config.root, routes=[route for routes in _DICOMWEB for route in routes])]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _told, Exception: _told})
    app.state.context = context
    return app


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        error = HTTPProblem(error.status_code, error.detail, headers=dict(error.headers or {}))
    problem = problem_of(error)
    return Response(problem.body(), problem.status, {**problem.headers, "Content-Type": MEDIA_TYPE})
