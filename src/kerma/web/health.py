"""``/healthz``, ``/readyz`` and ``/metrics``: for those who watch over the server; nothing of what it holds.

Rules:

- Alive is whoever answers. Ready is who can read the index and write to the folder of the archive.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kerma.web.context import context_of

_FRESH = {"Cache-Control": "no-store"}


async def healthz(request: Request) -> Response:
    """Whether the server is alive."""
    return JSONResponse({"status": "ok"}, headers=_FRESH)


async def readyz(request: Request) -> Response:
    """Whether the archive can be read and written."""
    checks = await run_in_threadpool(context_of(request).readiness.checks)
    ready = all(found == "ok" for found in checks.values())
    return JSONResponse({"status": "ok" if ready else "not ready", **checks}, 200 if ready else 503, headers=_FRESH)


async def metrics(request: Request) -> Response:
    """The numbers of every transaction, as Prometheus reads them."""
    context = context_of(request)
    body, kind = await context.metrics.text(await run_in_threadpool(context.readiness.numbers))
    return Response(body, headers={**_FRESH, "Content-Type": kind})


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
"""At the root of the server, not below DICOMweb."""
