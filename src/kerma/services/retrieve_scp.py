"""C-GET and C-MOVE as SCP (PS3.4 C.4.2, C.4.3): one retrieve flow; only how an instance is delivered differs.

Rules:

- Counts of sub-operations are right in every response: remaining in pending ones and after a cancel, completed, failed
  and warning always (PS3.4 C.4.2.1.6). Failed SOP Instance UIDs go in the final response's identifier where any failed.
- Final status: 0000 all completed; B000 some failed or had a warning; A702 none succeeded; FE00 cancelled.
- A delivery is a flow that emits a ``StoreResult`` for each instance; other effects pass through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

from kerma.dataset import Dataset
from kerma.dimse import Command, CommandField
from kerma.errors import ArchiveError, KermaError, NetworkError, NoContextError, StatusError
from kerma.query.model import Root
from kerma.services.find_scp import cancelled, is_cancel, retrieve_query
from kerma.services.flow import Emit, Flow, Message, PayloadError, Receive, Send, SendPayload
from kerma.services.providers import RetrieveProvider
from kerma.services.responses import CANCEL, PENDING, SOME_FAILED, SUCCESS, expect, response
from kerma.services.sendable import Sendable
from kerma.services.storage_scu import Originator, StoreResult, choose, failed, result_of, store_command
from kerma.ul.negotiation import Context

MATCHES_FAILED = 0xA701
SUBOPERATIONS_FAILED = 0xA702
DESTINATION_UNKNOWN = 0xA801

_COUNT_MAX = 0xFFFF
"""Counts are US (PS3.7 9.3.3.2): more are said as this many."""


class Destination(Protocol):
    """Where C-MOVE sends to."""

    def store(self, items: Sequence[Sendable], originator: Originator) -> Iterator[StoreResult]:
        """Send them, one result each; closing the iterator ends the sending. ``NetworkError`` where the peer cannot be
        reached."""
        ...


class Destinations(Protocol):
    """Where C-MOVE may send to, by AE title."""

    def __call__(self, aet: str, /) -> Destination | None:
        """None for an AE title that is not known."""
        ...


@dataclass(slots=True)
class Tally:
    """Sub-operations so far."""

    remaining: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    failed_uids: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    cancelled: bool = False

    def count(self, result: StoreResult) -> None:
        self.remaining -= 1
        self.answered.add(result.sop_instance_uid)
        if result.warning:
            self.warning += 1
        elif result.ok:
            self.completed += 1
        else:
            self.failed += 1
            self.failed_uids.append(result.sop_instance_uid)

    def fail_rest(self, items: Sequence[Sendable]) -> None:
        """Nothing more can be delivered: what remains has failed."""
        self.failed_uids += [item.sop_instance_uid for item in items if item.sop_instance_uid not in self.answered]
        self.failed += self.remaining
        self.remaining = 0

    @property
    def status(self) -> int:
        if self.cancelled:
            return CANCEL
        if self.failed and not self.completed and not self.warning:
            return SUBOPERATIONS_FAILED
        return SOME_FAILED if self.failed or self.warning else SUCCESS

    def fields(self, *, remaining: bool) -> dict[str, Any]:
        counts = {
            "NumberOfCompletedSuboperations": self.completed,
            "NumberOfFailedSuboperations": self.failed,
            "NumberOfWarningSuboperations": self.warning,
        }
        if remaining:
            counts["NumberOfRemainingSuboperations"] = self.remaining
        return {name: min(count, _COUNT_MAX) for name, count in counts.items()}


def serve_get(message: Message, root: Root, provider: RetrieveProvider, contexts: dict[int, Context]) -> Flow[int]:
    """Serve one C-GET request; returns the final status."""
    items = _items(message, root, provider)
    tally = Tally(len(items))
    delivery = _deliver_here(message.command, items, contexts, tally)
    return (yield from _retrieve(message, items, tally, delivery, more=True))


def serve_move(
    message: Message, root: Root, provider: RetrieveProvider, destinations: Destinations | None, calling_aet: str
) -> Flow[int]:
    """Serve one C-MOVE request; returns the final status."""
    request = message.command
    destination = None if destinations is None else destinations(str(request.MoveDestination))
    if destination is None:
        raise StatusError("the move destination is not known here", status=DESTINATION_UNKNOWN)
    items = _items(message, root, provider)
    tally = Tally(len(items))
    originator = Originator(calling_aet, int(request.MessageID))
    return (yield from _retrieve(message, items, tally, _deliver_there(destination, items, originator)))


def _items(message: Message, root: Root, provider: RetrieveProvider) -> list[Sendable]:
    query = retrieve_query(message, root)
    try:
        return [Sendable.of_instance(instance) for instance in provider.instances(query)]
    except ArchiveError as error:
        raise StatusError(error.message, status=MATCHES_FAILED) from error


def _retrieve(
    message: Message, items: Sequence[Sendable], tally: Tally, delivery: Flow[None], *, more: bool = False
) -> Flow[int]:
    """Run ``delivery``, count what it emits, answer. ``more``: a pending response is followed by what is delivered
    next."""
    request, context = message.command, message.context
    result: object = None
    error: BaseException | None = None
    with closing(delivery):
        while tally.remaining:
            try:
                effect = delivery.send(result) if error is None else delivery.throw(error)
            except StopIteration:
                tally.fail_rest(items)
                break
            result = error = None
            if not isinstance(effect, Emit):
                try:
                    result = yield effect
                except KermaError as failure:
                    error = failure
                continue
            tally.count(effect.value)
            tally.cancelled = tally.cancelled or (yield from cancelled(request))
            if tally.cancelled:
                break
            if tally.remaining:
                yield Send(context.id, response(request, PENDING, **tally.fields(remaining=True)), more=more)
        else:
            yield from _finish(delivery)
    status = tally.status
    fields = tally.fields(remaining=tally.cancelled)
    data = _failed_list(tally.failed_uids, context.transfer_syntax_uid) if tally.failed_uids else None
    comment = f"{tally.failed} of {len(items)} sub-operations failed" if tally.failed else None
    yield Send(context.id, response(request, status, comment, **fields), data)
    return status


def _finish(delivery: Flow[None]) -> Flow[None]:
    """Let a delivery whose last result is in do what it has left to do."""
    effect = next(delivery, None)
    while effect is not None:
        result = yield effect
        try:
            effect = delivery.send(result)
        except StopIteration:
            return


def _deliver_here(
    request: Command, items: Sequence[Sendable], contexts: dict[int, Context], tally: Tally
) -> Flow[None]:
    """C-GET: C-STORE sub-operations on this association (PS3.4 C.4.3.3.1); a C-CANCEL may come instead of a
    response."""
    message_id = int(request.MessageID)
    for item in items:
        message_id = message_id % _COUNT_MAX + 1
        try:
            context = choose(item, contexts, as_scp=True)
            command = store_command(item, message_id, int(request.Priority))
            yield SendPayload(context.id, command, item.payload(context.transfer_syntax_uid))
        except (NoContextError, PayloadError) as error:
            yield Emit(failed(item, error))
            continue
        answer = yield Receive()
        while answer.command.field is CommandField.C_CANCEL_RQ:
            tally.cancelled = tally.cancelled or is_cancel(answer, request)
            answer = yield Receive()
        yield Emit(result_of(item, expect(answer, command).command))


def _deliver_there(destination: Destination, items: Sequence[Sendable], originator: Originator) -> Flow[None]:
    """C-MOVE: C-STORE sub-operations on an association of our own (PS3.4 C.4.2.3.1)."""
    results = destination.store(items, originator)
    try:
        for result in results:
            yield Emit(result)
    except NetworkError:
        # The destination cannot be reached: what was not sent has failed, and the one who asked is told so by the
        # counts.
        return
    finally:
        close = getattr(results, "close", None)
        if close is not None:
            close()


def _failed_list(uids: Sequence[str], syntax: str) -> bytes:
    """The identifier of a final response (PS3.4 C.4.2.1.4.2)."""
    identifier = Dataset()
    identifier.FailedSOPInstanceUIDList = uids[0] if len(uids) == 1 else list(uids)
    return identifier.to_bytes(syntax)
