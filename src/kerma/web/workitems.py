"""UPS-RS: work items are created, retrieved, updated, claimed, cancelled and searched; who wants to hear of them
(PS3.18 11).

Rules: reading and subscribing takes the right to read, everything else the right to write, each over what the step
says of its patient. What one may not see is not there.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.permissions import Right
from kerma.archive.work import ups
from kerma.dicomweb import uris, workitems
from kerma.dicomweb.uris import Kind
from kerma.dicomweb.workitems import Transaction
from kerma.query.identifier import keys_of
from kerma.web import work_desk as desk


async def create(request: Request) -> Response:
    """Create Workitem (11.4)."""
    principal = desk.permitted(request, Right.WRITE)
    ds = await desk.data_set_of(request)
    uid = workitems.instance_uid(ds, desk.parameters_of(request))
    desk.demand(principal, ds)
    store = desk.work_of(request).items
    created = await desk.run(request, Transaction.CREATE, lambda: store.create(ds, uid))
    service = desk.service_of(request)
    location = f"{service}/workitems/{created.uid}"
    return _answer(request, Transaction.CREATE, created.status, {"Location": location, "Content-Location": location})


async def retrieve(request: Request) -> Response:
    """Retrieve Workitem (11.5)."""
    principal = desk.permitted(request, Right.READ)
    form = desk.form_of(request)
    uid, store = _uid(request), desk.work_of(request).items
    ds = await desk.run(request, Transaction.RETRIEVE, lambda: store.get(uid, desk.seen_by(principal)))
    location = f"{desk.service_of(request)}/workitems/{uid}"
    return desk.given([ds], form, location)


async def update(request: Request) -> Response:
    """Update Workitem (11.6)."""
    principal = desk.permitted(request, Right.WRITE)
    ds = await desk.data_set_of(request)
    transaction_uid = workitems.transaction_uid(ds, desk.parameters_of(request))
    uid, store = _uid(request), desk.work_of(request).items
    seen = desk.seen_by(principal, Right.WRITE)
    status = await desk.run(request, Transaction.UPDATE, lambda: store.update(uid, ds, transaction_uid, seen))
    return _answer(
        request, Transaction.UPDATE, status, {"Content-Location": f"{desk.service_of(request)}/workitems/{uid}"}
    )


async def change_state(request: Request) -> Response:
    """Change Workitem State (11.7)."""
    principal = desk.permitted(request, Right.WRITE)
    ds = await desk.data_set_of(request)
    transaction_uid = workitems.transaction_uid(ds, desk.parameters_of(request))
    state = str(ds.get("ProcedureStepState") or "")
    uid, store = _uid(request), desk.work_of(request).items
    seen = desk.seen_by(principal, Right.WRITE)
    status = await desk.run(
        request, Transaction.CHANGE_STATE, lambda: store.change_state(uid, state, transaction_uid, seen)
    )
    return _answer(request, Transaction.CHANGE_STATE, status)


async def cancel(request: Request) -> Response:
    """Request Cancellation (11.8)."""
    principal = desk.permitted(request, Right.WRITE)
    ds = await desk.data_set_of(request, empty=True)
    asking = str(ds.pop("RequestingAE") or "")[:16]
    uid, store = _uid(request), desk.work_of(request).items
    seen = desk.seen_by(principal, Right.WRITE)
    status = await desk.run(request, Transaction.CANCEL, lambda: store.request_cancel(uid, ds, asking, seen))
    return _answer(request, Transaction.CANCEL, status)


async def search(request: Request) -> Response:
    """Search (11.9)."""
    principal = desk.permitted(request, Right.READ)
    asked = workitems.search(desk.parameters_of(request))
    store, seen = desk.work_of(request).items, desk.seen_by(principal)
    return await desk.found(request, asked, lambda: store.search(asked.predicates, seen))


async def subscribe(request: Request) -> Response:
    """Subscribe (11.10): to a step, to the worklist, to a part of the worklist."""
    principal = desk.permitted(request, Right.READ)
    parameters = desk.parameters_of(request)
    lock = workitems.is_true(parameters, "deletionlock")
    uid, aet, keys = _uid(request), _aet(request), None
    if uid == ups.FILTERED_WORKLIST:
        keys = keys_of(workitems.subscription_keys(parameters))
    store, seen = desk.work_of(request).items.subscribers, desk.seen_by(principal)
    await desk.run(
        request, Transaction.SUBSCRIBE, lambda: store.subscribe(uid, aet, lock=lock, keys=keys, visible=seen)
    )
    channel = workitems.channel_url(desk.service_of(request), aet)
    return Response(status_code=201, headers={"Content-Location": channel})


async def unsubscribe(request: Request) -> Response:
    """Unsubscribe (11.11)."""
    seen = desk.seen_by(desk.permitted(request, Right.READ))
    uid, aet = _uid(request), _aet(request)
    store = desk.work_of(request).items.subscribers
    await desk.run(request, Transaction.SUBSCRIBE, lambda: store.unsubscribe(uid, aet, seen))
    return Response(status_code=200)


async def suspend(request: Request) -> Response:
    """Suspend Global Subscription (11.12)."""
    desk.permitted(request, Right.READ)
    uid, aet = _uid(request), _aet(request)
    store = desk.work_of(request).items.subscribers
    await desk.run(request, Transaction.SUBSCRIBE, lambda: store.suspend(uid, aet))
    return Response(status_code=200)


def _uid(request: Request) -> str:
    return uris.uid(request.path_params["workitem"], "the UID of the work item")


def _aet(request: Request) -> str:
    return uris.aet(request.path_params["aet"])


def _answer(request: Request, transaction: Transaction, status: int, headers: dict[str, str] | None = None) -> Response:
    answer = workitems.answer_of(transaction, status)
    warned = workitems.warning(desk.service_of(request), answer.warning)
    return Response(status_code=answer.status, headers={**(headers or {}), **warned})


ROUTES = (
    Route(Kind.WORKITEMS.template, create, methods=["POST"]),
    Route(Kind.WORKITEMS.template, search, methods=["GET"]),
    Route(Kind.WORKITEM.template, retrieve, methods=["GET"]),
    Route(Kind.WORKITEM.template, update, methods=["POST"]),
    Route(Kind.WORKITEM_STATE.template, change_state, methods=["PUT"]),
    Route(Kind.WORKITEM_CANCEL.template, cancel, methods=["POST"]),
    Route(Kind.SUBSCRIPTION.template, subscribe, methods=["POST"]),
    Route(Kind.SUBSCRIPTION.template, unsubscribe, methods=["DELETE"]),
    Route(Kind.SUSPENSION.template, suspend, methods=["POST"]),
)
