"""Verification (PS3.4 A): C-ECHO."""

from __future__ import annotations

from kerma.dimse import Command, CommandField
from kerma.services.flow import Associate, Flow, Message, Receive, Send
from kerma.services.responses import expect, response
from kerma.ul.negotiation import Need

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"


def serve_echo(message: Message) -> Flow[int]:
    """The SCP (PS3.7 9.3.5): success. Returns the status."""
    yield Send(message.context.id, response(message.command, 0x0000))
    return 0x0000


def echo() -> Flow[int]:
    """The SCU: returns the status, which is 0000 (PS3.7 9.1.5)."""
    contexts = yield Associate("echo", (Need(VERIFICATION, (EXPLICIT_LE, IMPLICIT_LE)),))
    context = next(iter(contexts.values()))
    request = Command(CommandField.C_ECHO_RQ, MessageID=1, AffectedSOPClassUID=VERIFICATION)
    yield Send(context.id, request)
    answer = expect((yield Receive()), request)
    return int(answer.command.Status)
