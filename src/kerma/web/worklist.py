"""The modality worklist over HTTP (PS3.18 14), and how items come into it.

PS3.18 has the search only. Whoever plans the work (a RIS, a gateway) puts items here as well: ``POST`` with an item
adds or replaces it, ``DELETE`` by Study Instance UID and Scheduled Procedure Step ID takes it out. Both take the right
to administer: a worklist tells modalities whom they examine.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerma.archive.permissions import Right
from kerma.dicomweb import uris, workitems
from kerma.dicomweb.workitems import Transaction
from kerma.web import work_desk as desk

_PATH = "/modality-scheduled-procedure-steps"
_STEP = "ScheduledProcedureStepSequence"
_OF_STEP = """
    Modality ScheduledStationAETitle ScheduledStationName ScheduledProcedureStepStartDate
    ScheduledProcedureStepStartTime ScheduledPerformingPhysicianName ScheduledProcedureStepDescription
    ScheduledProcedureStepID ScheduledProcedureStepLocation ScheduledProcedureStepStatus
"""
LIFTED = dict.fromkeys(_OF_STEP.split(), _STEP)
"""Keys of the step itself (PS3.4 table K.6-1), also understood without the name of their sequence."""


async def search(request: Request) -> Response:
    """Search (14.4)."""
    principal = desk.permitted(request, Right.READ)
    asked = workitems.search(desk.parameters_of(request), LIFTED)
    store, seen = desk.work_of(request).scheduled, desk.seen_by(principal)
    return await desk.found(request, asked, lambda: store.search(asked.predicates, seen))


async def put(request: Request) -> Response:
    """Add or replace an item: 201, 200."""
    desk.permitted(request, Right.ADMINISTER)
    ds = await desk.data_set_of(request)
    store = desk.work_of(request).scheduled
    new = await desk.run(request, Transaction.SCHEDULE, lambda: store.put(ds))
    return Response(status_code=201 if new else 200)


async def remove(request: Request) -> Response:
    """Take an item out: 204."""
    desk.permitted(request, Right.ADMINISTER)
    study = uris.uid(request.path_params["study"], "Study Instance UID")
    step, store = request.path_params["step"], desk.work_of(request).scheduled
    await desk.run(request, Transaction.SCHEDULE, lambda: store.remove(study, step))
    return Response(status_code=204)


ROUTES = (
    Route(_PATH, search, methods=["GET"]),
    Route(_PATH, put, methods=["POST"]),
    Route(f"{_PATH}/{{study}}/{{step}}", remove, methods=["DELETE"]),
)
