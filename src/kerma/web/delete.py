"""DELETE of a study, a series or an instance, as the big servers have it; PS3.18 leaves it to the server.

Rules: only with the right to delete, and only what that right reaches; what one may see but not delete is 403, what is
not there for one is 404. 204 comes when it is durable. Each deletion is told to the audit trail.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.permissions import Right
from kerma.dicomweb import uris
from kerma.dicomweb.problems import HTTPProblem
from kerma.query.model import Level
from kerma.web.audit import Deed
from kerma.web.context import context_of, principal_of
from kerma.web.selecting import query_of

_LEVELS = {
    Level.STUDY: ("study", "Study Instance UID"),
    Level.SERIES: ("series", "Series Instance UID"),
    Level.IMAGE: ("instance", "SOP Instance UID"),
}


async def delete(request: Request) -> Response:
    """DELETE of what the path names."""
    principal_of(request).require(Right.DELETE)
    await run_in_threadpool(_delete, request)
    return Response(status_code=204)


def _delete(request: Request) -> None:
    context, principal = context_of(request), principal_of(request)
    archive = context.archive
    named = {
        level: uris.uid(request.path_params[name], label)
        for level, (name, label) in _LEVELS.items()
        if name in request.path_params
    }
    level = max(named)
    query = query_of(named[Level.STUDY], named.get(Level.SERIES), named.get(Level.IMAGE))
    if not archive.instances(principal.narrow(query, Right.DELETE)):
        if Right.READ in principal.anywhere and archive.instances(principal.narrow(query)):
            raise HTTPProblem(403, f"{principal.name} may not delete this {_LEVELS[level][0]}")
        raise HTTPProblem(404, f"there is no such {_LEVELS[level][0]}", hint="search tells what is there")
    count = archive.delete(level, named[level], within=principal.areas(Right.DELETE))
    if not count:  # somebody else was faster
        raise HTTPProblem(404, f"there is no such {_LEVELS[level][0]}")
    client = request.client.host if request.client is not None else ""
    context.on_deed(Deed("deleted", principal.name, client, _LEVELS[level][0], named[level], count))


ROUTES = tuple(
    Route(kind.template, delete, methods=["DELETE"]) for kind in (uris.Kind.STUDY, uris.Kind.SERIES, uris.Kind.INSTANCE)
)
