"""Notification connections: a WebSocket on which a subscriber hears of its work items (PS3.18 8.10.4, 8.10.5, 11.13).

Rules:

- An event report is a text frame of DICOM JSON. Reports come in the order in which they happened; a connection that
  comes again begins behind the last report that was sent.
- Who waits is a task, not a thread. Events of this process wake it at once; those of others are looked for by one task
  for all connections.
- A report of a step that its hearer may not see is left out. Whether the hearer still may hear anything is asked again
  before each report and every minute: a connection does not outlive its key, session or token.
- What the hearer sends is read, for its end, and forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from kerma.archive.permissions import Principal, Right
from kerma.archive.work import ups
from kerma.archive.work.events import EventStore, Report
from kerma.archive.work.items import Visible, WorkItems
from kerma.dicomweb import uris, workitems
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Kind
from kerma.errors import AccessError, NotFoundError, OutOfResourcesError, StatusError
from kerma.web import work_desk as desk
from kerma.web.context import context_of, principal_of

POLL = 1.0
"""Seconds between looks for the events of other processes, while anybody listens."""
MAX_CHANNELS = 5_000
AGAIN = 60.0
"""Seconds between looks at the right of a hearer to whom nothing is told."""
_POLICY = 1008
_TRY_AGAIN = 1013
_MESSAGE_IDS = 65_536


class Hub:
    """Wakes the connections of one event loop."""

    def __init__(self, store: EventStore, poll: float = POLL) -> None:
        self._store = store
        self._poll = poll
        self._loop = asyncio.get_running_loop()
        self._wakes: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._end: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._wakes)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set when something may have happened."""
        wake = asyncio.Event()
        self._wakes.add(wake)
        if self._task is None:
            self._end = self._store.listen(self._from_thread)
            self._task = self._loop.create_task(self._look())
        try:
            yield wake
        finally:
            self._wakes.discard(wake)
            if not self._wakes and self._task is not None and self._end is not None:
                self._task.cancel()
                self._end()
                self._task = self._end = None

    def _from_thread(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for wake in self._wakes:
            wake.set()

    async def _look(self) -> None:
        seen = -1
        while True:
            with contextlib.suppress(OutOfResourcesError):
                latest = await run_in_threadpool(self._store.latest)
                if latest != seen:
                    seen = latest
                    self._wake_all()
            await asyncio.sleep(self._poll)


def hub_of(socket: WebSocket) -> Hub:
    """The hub of this application and event loop."""
    state = socket.app.state
    if not hasattr(state, "work_hubs"):
        state.work_hubs = {}
    hubs: dict[asyncio.AbstractEventLoop, Hub] = state.work_hubs
    loop = asyncio.get_running_loop()
    for ended in [one for one in hubs if one.is_closed()]:
        del hubs[ended]
    if loop not in hubs:
        hubs[loop] = Hub(desk.work_of(socket).events)
    return hubs[loop]


async def channel(socket: WebSocket) -> None:
    """Open Notification Connection (8.10.4)."""
    try:
        aet = uris.aet(socket.path_params["aet"])
        desk.permitted(socket, Right.READ)
    except (HTTPProblem, AccessError):
        await socket.close(_POLICY)
        return
    hub = hub_of(socket)
    if len(hub) >= MAX_CHANNELS:
        await socket.close(_TRY_AGAIN)
        return
    # Before the hearer knows that it is connected: it is told of all that comes after.
    position = await run_in_threadpool(desk.work_of(socket).events.position, aet)
    await socket.accept()
    async with hub.listening() as wake:
        gone = asyncio.create_task(_gone(socket))
        try:
            await _deliver(socket, (aet, position), wake, gone)
        except (WebSocketDisconnect, RuntimeError):
            if socket.client_state is WebSocketState.CONNECTED:
                raise
        except OutOfResourcesError:
            await socket.close(_TRY_AGAIN)
        finally:
            gone.cancel()


async def _deliver(socket: WebSocket, start: tuple[str, int], wake: asyncio.Event, gone: asyncio.Task[None]) -> None:
    """Send what a subscriber has not heard behind its last report, and what comes, until it has gone or may hear no
    more.
    """
    work, (aet, position) = desk.work_of(socket), start
    while not gone.done():
        wake.clear()
        hearer = await _hearer(socket)
        if hearer is None:
            await socket.close(_POLICY)
            return
        seen = desk.seen_by(hearer)
        reports = await run_in_threadpool(_waiting, work.events, work.items, aet, position, seen)
        for report, text in reports:
            if text:
                await socket.send_text(text)
            position = report.number
        if reports:
            await run_in_threadpool(work.events.delivered, aet, position)
            continue
        waiting = asyncio.create_task(wake.wait())
        await asyncio.wait((waiting, gone), timeout=AGAIN, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()


async def _hearer(socket: WebSocket) -> Principal | None:
    """Who listens, as the gate knows them now; None where they may not, or not any more."""
    gate = context_of(socket).gate
    try:
        hearer = principal_of(socket) if gate is None else await gate.principal(socket.scope)
    except HTTPProblem:
        return None
    return hearer if Right.READ in hearer.anywhere else None


def _waiting(
    events: EventStore, items: WorkItems, aet: str, position: int, seen: Visible | None
) -> list[tuple[Report, str]]:
    """The reports behind ``position`` as texts, "" for those that the hearer may not have."""
    return [(report, _text(report) if _may_hear(items, report, seen) else "") for report in events.after(aet, position)]


def _may_hear(items: WorkItems, report: Report, seen: Visible | None) -> bool:
    if seen is None or report.uid == ups.WORKLIST:
        return True
    try:
        items.get(report.uid, seen)
    except (StatusError, NotFoundError):
        return False
    return True


def _text(report: Report) -> str:
    message_id = report.number % _MESSAGE_IDS
    told = workitems.event_report(report.uid, report.kind, report.information, message_id)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


async def _gone(socket: WebSocket) -> None:
    """Returns when the hearer has gone."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


ROUTES = (WebSocketRoute(Kind.NOTIFICATIONS.template, channel),)
