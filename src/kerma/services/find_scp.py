"""C-FIND as SCP (PS3.4 C.4.1): an identifier becomes a question, each answer a pending response.

Rules: a C-CANCEL is looked for before responses go out and ends the series with FE00 (PS3.4 C.4.1.3.1); closing the
provider's iterator ends its work. FF01 says that a key was not supported for matching (PS3.4 C.4.1.1.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from kerma.dataset import Dataset
from kerma.dimse import Command, CommandField
from kerma.errors import RemoteProtocolError, StatusError
from kerma.query import from_identifier
from kerma.query.model import Query, Root
from kerma.services.extended import FindFlags, RetrieveFlags
from kerma.services.flow import Flow, Message, Poll, Send
from kerma.services.providers import FindProvider
from kerma.services.responses import CANCEL, CANNOT_UNDERSTAND, PENDING, PENDING_UNSUPPORTED, SUCCESS, response

_TOGETHER = 32
"""Pending responses that go out together at most, when there are many."""


def serve_find(message: Message, root: Root, provider: FindProvider) -> Flow[int]:
    """Serve one C-FIND request; returns the final status."""
    flags = FindFlags.decode(message.context.extended)
    query = from_identifier(
        identifier_of(message),
        root=root,
        relational=flags.relational,
        combined_datetime=flags.combined_datetime,
        fuzzy=flags.fuzzy,
    )
    request, context = message.command, message.context
    pending = response(request, PENDING_UNSUPPORTED if query.unsupported else PENDING)
    status = SUCCESS
    with closing(_Closing(provider.search(query))) as matches:
        # The first answer goes out at once; of many, more and more go out together.
        count, together = 0, 1
        for match in matches:
            if not count and (yield from cancelled(request)):
                status = CANCEL
                break
            count += 1
            last = count == together
            yield Send(context.id, pending, match.to_bytes(context.transfer_syntax_uid), more=not last)
            if last:
                count, together = 0, min(2 * together, _TOGETHER)
    yield Send(context.id, response(request, status))
    return status


def retrieve_query(message: Message, root: Root) -> Query:
    """The question of a C-GET or C-MOVE identifier (PS3.4 C.4.2.1.4)."""
    relational = RetrieveFlags.decode(message.context.extended).relational
    return from_identifier(identifier_of(message), root=root, relational=relational, retrieve=True)


def identifier_of(message: Message) -> Dataset:
    """The identifier of a request, or C000 where there is none."""
    if not message.data:
        raise StatusError("the request has no identifier", status=CANNOT_UNDERSTAND)
    return Dataset.from_bytes(message.data, message.context.transfer_syntax_uid)


def cancelled(request: Command) -> Flow[bool]:
    """Whether a C-CANCEL for ``request`` has arrived. Nothing else may come now (PS3.7 D.3.3.3: one operation at a
    time)."""
    while (other := (yield Poll())) is not None:
        if is_cancel(other, request):
            return True
    return False


def is_cancel(message: Message, request: Command) -> bool:
    """Whether ``message`` cancels ``request``; a cancel of another message came too late and means nothing."""
    command = message.command
    if command.field is not CommandField.C_CANCEL_RQ:
        raise RemoteProtocolError(
            f"{command.field.printed} came while {request.field.printed} was served", source=0, reason=0
        )
    return bool(command.get("MessageIDBeingRespondedTo") == request.MessageID)


class _Closing:
    """An iterator that can be closed whatever the provider gave."""

    def __init__(self, matches: Iterator[Dataset]) -> None:
        self._matches = iter(matches)

    def __iter__(self) -> Iterator[Dataset]:
        return self._matches

    def close(self) -> None:
        close = getattr(self._matches, "close", None)
        if close is not None:
            close()
