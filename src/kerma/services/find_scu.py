"""C-FIND as SCU (PS3.4 C.4.1.2): one question, its answers as they come."""

from __future__ import annotations

from kerma.dataset import Dataset
from kerma.dimse import Command, CommandField, StatusCategory, category_of
from kerma.dimse.status import text_of
from kerma.errors import RemoteProtocolError, StatusError
from kerma.query import to_identifier
from kerma.query.model import Query
from kerma.services.extended import FindFlags
from kerma.services.flow import Associate, Emit, Flow, Receive, Send, Stop
from kerma.services.responses import expect
from kerma.services.sop_classes import CLASSES, UNCOMPRESSED
from kerma.ul.negotiation import Context, Need

_ASKED = FindFlags(relational=True, combined_datetime=True)


def find(query: Query, *, priority: int = 0) -> Flow[None]:
    """Ask; emits a ``Dataset`` for each match. ``StatusError`` where the peer refuses or fails.

    A consumer who stops has the rest cancelled (PS3.7 9.3.2.3).
    """
    sop_class = CLASSES[(CommandField.C_FIND_RQ, query.root)]
    # Only who asks across levels needs the extended negotiation; old peers are spared it.
    extended = _ASKED.encode() if query.relational else None
    contexts = yield Associate(f"find-{sop_class}", (Need(sop_class, UNCOMPRESSED, extended=extended),))
    context = next(iter(contexts.values()))
    identifier = to_identifier(query).to_bytes(context.transfer_syntax_uid)
    request = Command(CommandField.C_FIND_RQ, MessageID=1, AffectedSOPClassUID=sop_class, Priority=priority)
    yield Send(context.id, request, identifier)
    try:
        while (match := (yield from _next_match(request, context))) is not None:
            yield Emit(match)
    except Stop:
        yield from cancel(request, context)


def _next_match(request: Command, context: Context) -> Flow[Dataset | None]:
    """The next match; None at the end."""
    answer = expect((yield Receive()), request)
    status = int(answer.command.Status)
    if category_of(status) is StatusCategory.PENDING:
        if answer.data is None:
            raise RemoteProtocolError("a pending C-FIND response without identifier", source=0, reason=0)
        return Dataset.from_bytes(answer.data, context.transfer_syntax_uid)
    check_final(answer.command)
    return None


def check_final(answer: Command) -> None:
    """Raise ``StatusError`` for a final status that is a failure."""
    status = int(answer.Status)
    if category_of(status) is StatusCategory.FAILURE:
        comment = answer.get("ErrorComment") or ""
        text = text_of(status, answer.field)
        raise StatusError(f"{text}: {comment}" if comment else text, status=status, comment=comment)


def cancel(request: Command, context: Context) -> Flow[None]:
    """Send C-CANCEL and take what is still to come, so that the association can be used again."""
    yield Send(context.id, Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=request.MessageID))
    while True:
        answer = yield Receive()
        if answer.incoming is not None:
            # A sub-operation that was under way: it is refused, its data set is not kept.
            answer.incoming.abort()
            yield Send(answer.context.id, answer.command.response(0xA700))
            continue
        if category_of(int(expect(answer, request).command.Status)) is not StatusCategory.PENDING:
            return
