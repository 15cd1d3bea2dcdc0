"""Responses of DIMSE services: made from the request that they answer, and checked against the request that was sent.

Sources: PS3.7 9.3, C (statuses). The texts of Error Comment hold no patient data (they are made by us, from
``StatusError.comment``).
"""

from __future__ import annotations

from typing import Any

from kerma.dimse import Command, CommandField
from kerma.errors import (
    AccessError,
    InvalidInstanceError,
    KermaError,
    NetworkError,
    OutOfResourcesError,
    RemoteProtocolError,
    StatusError,
)
from kerma.services.flow import Message

SUCCESS = 0x0000
PENDING = 0xFF00
PENDING_UNSUPPORTED = 0xFF01
CANCEL = 0xFE00
SOME_FAILED = 0xB000

SOP_CLASS_NOT_SUPPORTED = 0x0122
UNRECOGNIZED_OPERATION = 0x0211
PROCESSING_FAILURE = 0x0110
DUPLICATE_INSTANCE = 0x0111
NO_SUCH_INSTANCE = 0x0112
NOT_AUTHORIZED = 0x0124
OUT_OF_RESOURCES = 0xA700
DATA_SET_MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000


def is_request(command: Command) -> bool:
    """Whether ``command`` asks for an operation that has a response."""
    return not command.is_response and command.field is not CommandField.C_CANCEL_RQ


def response(request: Command, status: int, comment: str | None = None, **fields: Any) -> Command:
    """The response to ``request``; a comment goes only with statuses that are no success and no pending (PS3.7 C)."""
    if comment and status not in (SUCCESS, PENDING, PENDING_UNSUPPORTED):
        fields["ErrorComment"] = _plain(comment)
    return request.response(status, **fields)


def expect(message: Message, request: Command) -> Message:
    """``message``, if it answers ``request``; the protocol error otherwise."""
    command = message.command
    if command.field != request.field | 0x8000 or command.get("MessageIDBeingRespondedTo") != request.MessageID:
        raise RemoteProtocolError(
            f"{command.field.printed} came where the response to message {request.MessageID} was expected",
            source=0,
            reason=0,
        )
    return message


def status_of(error: Exception) -> tuple[int, str]:
    """What a peer is told of ``error`` when its C-STORE fails (PS3.4 table B.2-1): status and Error Comment."""
    match error:
        case StatusError():
            return error.status, error.comment or error.message
        case OutOfResourcesError():
            return OUT_OF_RESOURCES, error.message
        case InvalidInstanceError():
            return DATA_SET_MISMATCH if error.mismatch else CANNOT_UNDERSTAND, error.message
        case AccessError():
            return NOT_AUTHORIZED, error.message
        case NetworkError():
            return PROCESSING_FAILURE, "the association failed"
        case KermaError():
            return CANNOT_UNDERSTAND, error.message
        case _:
            return PROCESSING_FAILURE, "internal error"


def _plain(text: str) -> str:
    """As VR LO takes it: at most 64 characters, printable ASCII, no backslash."""
    return "".join(character if " " <= character <= "~" and character != "\\" else "?" for character in text)[:64]
