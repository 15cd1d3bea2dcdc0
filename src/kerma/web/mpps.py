"""Modality Performed Procedure Steps over HTTP (PS3.18 15): created, updated, retrieved."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.permissions import Right
from kerma.dataset import Dataset
from kerma.dicomweb import uris
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.workitems import Transaction
from kerma.web import work_desk as desk

_PATH = "/modality-performed-procedure-steps/{mpps}"


async def post(request: Request) -> Response:
    """Create (15.4), or with the parameter ``update`` Update (15.5)."""
    principal = desk.permitted(request, Right.WRITE)
    ds, uid = await desk.data_set_of(request), _uid(request)
    store = desk.work_of(request).performed
    if "update" not in request.query_params:
        desk.demand(principal, ds)
        _drop_uid(ds, uid)
        await desk.run(request, Transaction.MPPS_CREATE, lambda: store.create(uid, ds))
        location = f"{desk.service_of(request)}/modality-performed-procedure-steps/{uid}"
        return Response(status_code=201, headers={"Location": location})
    return await _update(request, uid, ds)


async def update(request: Request) -> Response:
    """Update as the examples of PS3.18 B.39 write it, with ``/update`` behind the step."""
    desk.permitted(request, Right.WRITE)
    return await _update(request, _uid(request), await desk.data_set_of(request))


async def _update(request: Request, uid: str, ds: Dataset) -> Response:
    seen = desk.seen_by(desk.permitted(request, Right.WRITE), Right.WRITE)
    store = desk.work_of(request).performed
    _drop_uid(ds, uid)
    await desk.run(request, Transaction.MPPS_UPDATE, lambda: store.update(uid, ds, seen))
    return Response(status_code=200)


async def retrieve(request: Request) -> Response:
    """Retrieve (15.6)."""
    principal = desk.permitted(request, Right.READ)
    form, uid = desk.form_of(request), _uid(request)
    store, seen = desk.work_of(request).performed, desk.seen_by(principal)
    ds = await desk.run(request, Transaction.MPPS_RETRIEVE, lambda: store.get(uid, seen))
    return desk.given([ds], form, array=False)


def _uid(request: Request) -> str:
    return uris.uid(request.path_params["mpps"], "the UID of the performed procedure step")


def _drop_uid(ds: Dataset, uid: str) -> None:
    """The path names the step; a body that does so too has to name the same."""
    for keyword in ("AffectedSOPInstanceUID", "RequestedSOPInstanceUID", "SOPInstanceUID"):
        given = ds.pop(keyword)
        if given and str(given) != uid:
            raise HTTPProblem(400, f"the path and {keyword} name different steps")


ROUTES = (
    Route(_PATH, post, methods=["POST"]),
    Route(f"{_PATH}/update", update, methods=["POST"]),
    Route(_PATH, retrieve, methods=["GET"]),
)
