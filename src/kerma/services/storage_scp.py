"""Storage as SCP (PS3.4 B): the data set has gone to its sink as it arrived; here it is committed and answered.

Statuses (PS3.4 table B.2-1, PS3.7 9.1.1.1.9 and C):

    stored, identical, replaced              0000
    another instance has the UID             0111 duplicate SOP instance: when it was quarantined or the first one
    kept, so that the sender
                                             knows that what it sent is not what will be found
    disk full, index locked                  A700
    not what the request said                A900
    not understood, no or impossible UIDs    C000
    anything else that went wrong            0110
"""

from __future__ import annotations

from kerma.dimse import Command
from kerma.errors import StatusError
from kerma.services.flow import Flow, Message, Send
from kerma.services.providers import StoreOutcome, StoreRequest
from kerma.services.responses import DUPLICATE_INSTANCE, SUCCESS, response, status_of
from kerma.ul.negotiation import Context

_OUTCOMES = {
    StoreOutcome.STORED: (SUCCESS, None),
    StoreOutcome.IDENTICAL: (SUCCESS, None),
    StoreOutcome.REPLACED: (SUCCESS, None),
    StoreOutcome.KEPT_FIRST: (DUPLICATE_INSTANCE, "another instance has this UID; it was kept, this one not"),
    StoreOutcome.QUARANTINED: (DUPLICATE_INSTANCE, "another instance has this UID; this one is in quarantine"),
}


def store_request(context: Context, command: Command, calling: str, called: str, peer: str) -> StoreRequest:
    """What the provider is told before the first byte of the data set."""
    return StoreRequest(
        sop_class_uid=str(command.get("AffectedSOPClassUID") or ""),
        sop_instance_uid=str(command.get("AffectedSOPInstanceUID") or ""),
        transfer_syntax_uid=context.transfer_syntax_uid,
        calling_aet=calling,
        called_aet=called,
        peer=peer,
    )


def serve_store(message: Message) -> Flow[int]:
    """Commit and answer; returns the status."""
    status, comment = commit(message)
    yield Send(message.context.id, response(message.command, status, comment))
    return status


def commit(message: Message) -> tuple[int, str | None]:
    """Make the instance durable and findable: the status to answer with, and a comment."""
    incoming = message.incoming
    try:
        if incoming is None:
            raise StatusError("C-STORE without a data set", status=0xC000)
        return _OUTCOMES[incoming.commit()]
    except Exception as error:  # noqa: BLE001 - whatever a provider raises, the peer gets a status
        return status_of(error)
