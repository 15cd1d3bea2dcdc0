"""Storage Commitment over HTTP (PS3.18 13): the archive knows at once what it keeps, so every answer is final (200).

Asking takes the right to read: who may not see an instance is told that it is not here.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.permissions import Right
from kerma.dicomweb import uris
from kerma.dicomweb.uris import Kind
from kerma.dicomweb.workitems import Transaction
from kerma.query.identifier import unique_query
from kerma.query.model import Level
from kerma.web import work_desk as desk
from kerma.web.context import context_of


async def commit(request: Request) -> Response:
    """Request (13.4)."""
    principal = desk.permitted(request, Right.READ)
    form, uid = desk.form_of(request), _uid(request)
    ds = await desk.data_set_of(request)
    archive = context_of(request).archive

    def visible(instance: str) -> bool:
        return bool(archive.instances(principal.narrow(unique_query(Level.IMAGE, (instance,)))))

    limited = principal.areas(Right.READ) is not None
    store = archive.work.commitments
    answer = await desk.run(request, Transaction.COMMIT, lambda: store.request(uid, ds, visible if limited else None))
    return desk.given([answer], form, array=False)


async def check(request: Request) -> Response:
    """Result Check (13.5)."""
    desk.permitted(request, Right.READ)
    form, uid = desk.form_of(request), _uid(request)
    store = desk.work_of(request).commitments
    answer = await desk.run(request, Transaction.COMMIT_RESULT, lambda: store.result(uid))
    return desk.given([answer], form, array=False)


def _uid(request: Request) -> str:
    return uris.uid(request.path_params["transaction"], "the Transaction UID")


ROUTES = (
    Route(Kind.COMMITMENT.template, commit, methods=["POST"]),
    Route(Kind.COMMITMENT.template, check, methods=["GET"]),
)
