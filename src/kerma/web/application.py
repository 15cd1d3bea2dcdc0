"""The ASGI application: every route, and what is around all of them.

A module of this room that answers requests has ``ROUTES``, with paths below the DICOMweb root; it is named in
``_DICOMWEB``. Errors of ours become problem details in one place, ``kerma.web.problem_answers``.

Around the routes, from the outside in: cross-origin headers (on errors too), the log and the numbers, HEAD,
compression, problems, limits, and who asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, Router

from kerma.errors import KermaError
from kerma.web import (
    bulkdata,
    capabilities,
    commitment,
    delete,
    events,
    frames,
    health,
    metadata,
    mpps,
    openapi,
    rendered,
    retrieve,
    search,
    store,
    wado_uri,
    workitems,
    worklist,
)
from kerma.web.access import routes as access
from kerma.web.access.middleware import Guard
from kerma.web.access_log import Observed, Request
from kerma.web.compression import Compression
from kerma.web.context import Context
from kerma.web.cors import Cors
from kerma.web.limits import Limits
from kerma.web.problem_answers import Head, Problems, told

_DICOMWEB: tuple[Sequence[BaseRoute], ...] = (
    frames.ROUTES,  # what is asked for most is found first
    retrieve.ROUTES,
    wado_uri.ROUTES,
    bulkdata.ROUTES,
    rendered.ROUTES,
    workitems.ROUTES,
    events.ROUTES,
    worklist.ROUTES,
    mpps.ROUTES,
    commitment.ROUTES,
    metadata.ROUTES,
    search.ROUTES,
    store.ROUTES,
    delete.ROUTES,
    openapi.ROUTES,
    capabilities.ROUTES,
)


def application(context: Context) -> Starlette:
    """The application over an archive."""
    dicomweb = Router([route for routes in _DICOMWEB for route in routes], redirect_slashes=False)
    routes: list[BaseRoute] = [
        Mount(context.config.root, app=dicomweb),
        *health.ROUTES,
        *access.ROUTES,
        *wado_uri.ROUTES,
        *openapi.ROUTES,
        Route(context.config.root, capabilities.capabilities, methods=["GET", "OPTIONS"]),
    ]

    def ended(request: Request) -> None:
        context.metrics.ended(request)
        context.on_request(request)

    middleware = [
        Middleware(Cors, origins=context.config.origins),
        Middleware(Observed, on_begin=context.metrics.begun, on_end=ended),
        Middleware(Head),
        Middleware(Compression),
        Middleware(Problems, on_error=context.on_error),
        Middleware(Limits, limits=context.config.limits),
    ]
    if context.gate is not None:
        middleware.append(Middleware(Guard, gate=context.gate))
    app = Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: told, KermaError: told})
    app.router.redirect_slashes = False
    app.state.context = context
    return app
