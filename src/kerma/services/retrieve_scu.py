"""C-MOVE as SCU (PS3.4 C.4.2.2), and what it shares with C-GET: the counts of a response, the context of a query."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.dataset import Dataset
from kerma.dimse import Command, CommandField, StatusCategory, category_of
from kerma.dimse.status import text_of
from kerma.errors import KermaError, NoContextError, StatusError
from kerma.query import to_identifier
from kerma.query.model import Query
from kerma.services.extended import RetrieveFlags
from kerma.services.find_scu import cancel
from kerma.services.flow import Associate, Emit, Flow, Message, Receive, Send, Stop
from kerma.services.providers import StoreOutcome
from kerma.services.responses import expect
from kerma.services.sop_classes import CLASSES, UNCOMPRESSED
from kerma.standard import uids
from kerma.ul.negotiation import Context, Need

_MOVE_LEVEL_KEYS = RetrieveFlags(relational=True).encode()


@dataclass(frozen=True, slots=True)
class Received:
    """One instance that came by C-GET. ``status`` is what the peer was answered; ``outcome`` None where it was not
    kept."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    status: int
    size: int
    outcome: StoreOutcome | None
    error: str = ""

    @property
    def ok(self) -> bool:
        return self.outcome is not None and self.status == 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A response to C-GET or C-MOVE: the counts of sub-operations, and at the end the final status.

    ``remaining`` is None where the peer does not say. ``failed_uids`` come with the final one.
    """

    status: int
    remaining: int | None
    completed: int
    failed: int
    warning: int
    failed_uids: tuple[str, ...] = ()
    error: str = ""

    @property
    def final(self) -> bool:
        return category_of(self.status) is not StatusCategory.PENDING

    @property
    def ok(self) -> bool:
        return self.status == 0


def move(query: Query, destination: str, *, priority: int = 0) -> Flow[Progress | None]:
    """Have the peer send to ``destination``; emits ``Progress`` for each response, the final one last."""
    sop_class = CLASSES[(CommandField.C_MOVE_RQ, query.root)]
    contexts = yield Associate(f"move-{sop_class}", (Need(sop_class, UNCOMPRESSED, extended=extended_of(query)),))
    context = context_of(contexts, sop_class)
    request = Command(
        CommandField.C_MOVE_RQ,
        MessageID=1,
        AffectedSOPClassUID=sop_class,
        Priority=priority,
        MoveDestination=destination,
    )
    yield Send(context.id, request, to_identifier(query).to_bytes(context.transfer_syntax_uid))
    try:
        while True:
            progress = progress_of(expect((yield Receive()), request))
            yield Emit(progress)
            if progress.final:
                return progress
    except Stop:
        yield from cancel(request, context)
        return None


def extended_of(query: Query) -> bytes | None:
    """Only who asks across levels needs the extended negotiation."""
    return _MOVE_LEVEL_KEYS if query.relational else None


def context_of(contexts: dict[int, Context], sop_class: str) -> Context:
    """The context of the query itself; a peer may have taken only those of the instances."""
    for context in contexts.values():
        if context.abstract_syntax == sop_class:
            return context
    raise NoContextError(f"the peer does not offer {uids.name_of(sop_class) or sop_class}")


def progress_of(message: Message) -> Progress:
    """The counts of one response; ``StatusError`` where the whole was refused before anything was tried."""
    answer = message.command
    status = int(answer.Status)
    completed, failed, warning = (
        int(answer.get(f"NumberOf{name}Suboperations") or 0) for name in ("Completed", "Failed", "Warning")
    )
    error = ""
    if category_of(status) not in (StatusCategory.PENDING, StatusCategory.SUCCESS):
        comment = answer.get("ErrorComment")
        error = text_of(status, answer.field) + (f": {comment}" if comment else "")
    if category_of(status) is StatusCategory.FAILURE and not (completed or failed or warning):
        raise StatusError(error, status=status, comment=answer.get("ErrorComment") or "")
    remaining = answer.get("NumberOfRemainingSuboperations")
    return Progress(status, remaining, completed, failed, warning, _failed_uids(message), error)


def _failed_uids(message: Message) -> tuple[str, ...]:
    """The Failed SOP Instance UID List; () where there is none that can be read."""
    if not message.data:
        return ()
    try:
        value = Dataset.from_bytes(message.data, message.context.transfer_syntax_uid).get("FailedSOPInstanceUIDList")
    except KermaError:
        return ()
    return () if not value else (str(value),) if isinstance(value, str) else tuple(map(str, value))
