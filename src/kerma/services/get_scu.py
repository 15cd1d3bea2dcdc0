"""C-GET as SCU (PS3.4 C.4.3.2): instances come by C-STORE sub-operations on the association of the request.

Who asks has to propose contexts for what may come, and has room for 127: what the first round had no context for is
asked for again with the next ones (``storage_needs``), until nothing is missing or nothing is left to propose.

Rules:

- What has come is not taken twice: a peer that sends it again is answered success, and nobody is told.
- Counts are those of the whole: the final ``Progress`` says what is missing after the last round.
- A round beyond the first that cannot be made ends the asking, not what has come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kerma.dimse import Command, CommandField
from kerma.errors import KermaError
from kerma.query import to_identifier
from kerma.query.model import Query
from kerma.services.find_scu import cancel
from kerma.services.flow import Associate, Emit, Flow, Message, Receive, Send, Stop
from kerma.services.incoming import Incoming
from kerma.services.providers import StoreOutcome, StoreRequest
from kerma.services.responses import CANCEL, SOME_FAILED, SUCCESS, expect, response
from kerma.services.retrieve_scu import Progress, Received, context_of, extended_of, progress_of
from kerma.services.sop_classes import CLASSES, UNCOMPRESSED
from kerma.services.storage_scp import commit, store_request
from kerma.ul.negotiation import Context, Need

OpenIncoming = Callable[[Context, Command], Incoming]


class _Dropped:
    """A sink for what is there already."""

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Drops them."""

    def commit(self) -> StoreOutcome:
        return StoreOutcome.IDENTICAL

    def abort(self) -> None:
        """Nothing to forget."""


class _Came:
    """What has come so far, and the sinks for what has not."""

    def __init__(self, open_sink: OpenIncoming) -> None:
        self._open_sink = open_sink
        self.uids: set[str] = set()
        self.refused: set[str] = set()
        """What came and could not be kept: asking again would not help."""
        self.total = 0

    def open(self, context: Context, command: Command) -> Incoming:
        request = store_request(context, command, "", "", "")
        return (
            Incoming(request, self._drop)
            if request.sop_instance_uid in self.uids
            else self._open_sink(context, command)
        )

    @staticmethod
    def _drop(request: StoreRequest) -> _Dropped:
        return _Dropped()


def get(
    query: Query, rounds: Sequence[Sequence[Need]], open_sink: OpenIncoming, *, priority: int = 0
) -> Flow[Progress | None]:
    """Retrieve here; emits ``Received`` for each instance and ``Progress`` for each response, the final one last.

    ``rounds`` are the storage contexts to propose, round by round. ``StatusError`` where the peer refused the whole. A
    consumer who stops has the rest cancelled.
    """
    came = _Came(open_sink)
    final: Progress | None = None
    count = 0
    for storage in rounds:
        try:
            answer = yield from _round(query, storage, came, priority, first=final is None)
        except KermaError:
            if final is None:
                raise
            break
        if answer is None:
            return None
        if final is None:
            came.total = answer.completed + answer.failed + answer.warning
        final = answer
        count += 1
        if not answer.failed or answer.status == CANCEL or len(came.uids) + len(came.refused) >= came.total:
            break
    assert final is not None
    whole = final if count == 1 else _whole(final, came)
    try:
        yield Emit(whole)
    except Stop:
        return None
    return whole


def _whole(final: Progress, came: _Came) -> Progress:
    """The counts of all rounds together."""
    missing = max(0, came.total - len(came.uids))
    if not missing:
        return Progress(SUCCESS, None, len(came.uids), 0, 0)
    uids = tuple(uid for uid in final.failed_uids if uid not in came.uids)
    status = SOME_FAILED if came.uids else final.status
    error = f"{missing} of {came.total} instances did not come"
    return Progress(status, final.remaining, len(came.uids), missing, 0, uids, error)


def _round(query: Query, storage: Sequence[Need], came: _Came, priority: int, *, first: bool) -> Flow[Progress | None]:
    """One request with one set of contexts; the final response, None where the consumer stopped."""
    sop_class = CLASSES[(CommandField.C_GET_RQ, query.root)]
    needs = (Need(sop_class, UNCOMPRESSED, extended=extended_of(query)), *storage)
    contexts = yield Associate(f"get-{sop_class}", needs, came.open)
    context = context_of(contexts, sop_class)
    request = Command(CommandField.C_GET_RQ, MessageID=1, AffectedSOPClassUID=sop_class, Priority=priority)
    yield Send(context.id, request, to_identifier(query).to_bytes(context.transfer_syntax_uid))
    try:
        while True:
            message = yield Receive()
            if message.command.field is CommandField.C_STORE_RQ:
                received = yield from _take(message)
                if received.sop_instance_uid in came.uids:
                    continue
                (came.uids if received.ok else came.refused).add(received.sop_instance_uid)
                yield Emit(received)
                continue
            progress = progress_of(expect(message, request))
            if progress.final:
                return progress
            if first:
                yield Emit(progress)
    except Stop:
        yield from cancel(request, context)
        return None


def _take(message: Message) -> Flow[Received]:
    """Commit one instance and answer for it."""
    incoming = message.incoming
    assert incoming is not None  # a C-STORE-RQ always has a data set (PS3.7 9.3.1.1)
    status, comment = commit(message)
    yield Send(message.context.id, response(message.command, status, comment))
    request = incoming.request
    return Received(
        request.sop_class_uid,
        request.sop_instance_uid,
        request.transfer_syntax_uid,
        status,
        incoming.size,
        incoming.result,
        comment or "",
    )
