"""The tables of PS3.7: command elements, command fields, and what each message must and may hold.

Rules of this module: one fact, one row; nothing but tables. A message's required elements are those without which it
cannot be answered or matched; what the standard marks U or U(=) is optional here.

Sources: PS3.7 E.1 (elements), 9.3 and 10.3 (messages). Touches nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class CommandField(enum.IntEnum):
    """Command Field (0000,0100) of every DIMSE message (PS3.7 E.1)."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RQ = 0x0100
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RQ = 0x0110
    N_GET_RSP = 0x8110
    N_SET_RQ = 0x0120
    N_SET_RSP = 0x8120
    N_ACTION_RQ = 0x0130
    N_ACTION_RSP = 0x8130
    N_CREATE_RQ = 0x0140
    N_CREATE_RSP = 0x8140
    N_DELETE_RQ = 0x0150
    N_DELETE_RSP = 0x8150
    C_CANCEL_RQ = 0x0FFF

    @property
    def is_response(self) -> bool:
        """Responses have the highest bit set (PS3.7 E.1)."""
        return self >= 0x8000

    @property
    def printed(self) -> str:
        """The name as the standard prints it, ``C-STORE-RQ``, ``N-EVENT-REPORT-RSP``."""
        return self.name.replace("_", "-")


class Priority(enum.IntEnum):
    """Priority (0000,0700)."""

    MEDIUM = 0
    HIGH = 1
    LOW = 2


NO_DATA_SET = 0x0101
"""Command Data Set Type (0000,0800) where no data set follows; every other value says that one does."""


class Kind(enum.IntEnum):
    """How a command element is encoded: the VRs of PS3.7 E.1 that occur in command sets."""

    US = 1
    UI = 2
    AE = 3
    LO = 4
    AT = 5
    UL = 6
    """Only the group length, which is counted when a command is written and not believed when one is read."""


ELEMENTS: dict[int, tuple[str, Kind]] = {
    0x0000_0000: ("CommandGroupLength", Kind.UL),
    0x0000_0002: ("AffectedSOPClassUID", Kind.UI),
    0x0000_0003: ("RequestedSOPClassUID", Kind.UI),
    0x0000_0100: ("CommandField", Kind.US),
    0x0000_0110: ("MessageID", Kind.US),
    0x0000_0120: ("MessageIDBeingRespondedTo", Kind.US),
    0x0000_0600: ("MoveDestination", Kind.AE),
    0x0000_0700: ("Priority", Kind.US),
    0x0000_0800: ("CommandDataSetType", Kind.US),
    0x0000_0900: ("Status", Kind.US),
    0x0000_0901: ("OffendingElement", Kind.AT),
    0x0000_0902: ("ErrorComment", Kind.LO),
    0x0000_0903: ("ErrorID", Kind.US),
    0x0000_1000: ("AffectedSOPInstanceUID", Kind.UI),
    0x0000_1001: ("RequestedSOPInstanceUID", Kind.UI),
    0x0000_1002: ("EventTypeID", Kind.US),
    0x0000_1005: ("AttributeIdentifierList", Kind.AT),
    0x0000_1008: ("ActionTypeID", Kind.US),
    0x0000_1020: ("NumberOfRemainingSuboperations", Kind.US),
    0x0000_1021: ("NumberOfCompletedSuboperations", Kind.US),
    0x0000_1022: ("NumberOfFailedSuboperations", Kind.US),
    0x0000_1023: ("NumberOfWarningSuboperations", Kind.US),
    0x0000_1030: ("MoveOriginatorApplicationEntityTitle", Kind.AE),
    0x0000_1031: ("MoveOriginatorMessageID", Kind.US),
}

TAG_OF: dict[str, int] = {keyword: tag for tag, (keyword, _) in ELEMENTS.items()}


class DataSet(enum.Enum):
    """Whether a data set follows a message's command."""

    NEVER = "never"
    ALWAYS = "always"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Message:
    """One row: what a message holds beside Command Field and Command Data Set Type, which all have."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    data_set: DataSet


_AFFECTED = ("AffectedSOPClassUID", "AffectedSOPInstanceUID")
_REQUESTED = ("RequestedSOPClassUID", "RequestedSOPInstanceUID")
_ERROR = ("OffendingElement", "ErrorComment", "ErrorID")
_COUNTS = (
    "NumberOfRemainingSuboperations",
    "NumberOfCompletedSuboperations",
    "NumberOfFailedSuboperations",
    "NumberOfWarningSuboperations",
)
_ANSWER = ("MessageIDBeingRespondedTo", "Status")


def _response(data_set: DataSet, *optional: str) -> Message:
    # MessageID has no meaning in a response; ACR-NEMA heirs send it all the same.
    return Message(_ANSWER, ("MessageID", *_AFFECTED, *_ERROR, *optional), data_set)


MESSAGES: dict[CommandField, Message] = {
    CommandField.C_STORE_RQ: Message(
        ("AffectedSOPClassUID", "MessageID", "Priority", "AffectedSOPInstanceUID"),
        ("MoveOriginatorApplicationEntityTitle", "MoveOriginatorMessageID"),
        DataSet.ALWAYS,
    ),
    CommandField.C_STORE_RSP: _response(DataSet.NEVER),
    CommandField.C_FIND_RQ: Message(("AffectedSOPClassUID", "MessageID", "Priority"), (), DataSet.ALWAYS),
    CommandField.C_FIND_RSP: _response(DataSet.MAYBE),
    CommandField.C_GET_RQ: Message(("AffectedSOPClassUID", "MessageID", "Priority"), (), DataSet.ALWAYS),
    CommandField.C_GET_RSP: _response(DataSet.MAYBE, *_COUNTS),
    CommandField.C_MOVE_RQ: Message(
        ("AffectedSOPClassUID", "MessageID", "Priority", "MoveDestination"), (), DataSet.ALWAYS
    ),
    CommandField.C_MOVE_RSP: _response(DataSet.MAYBE, *_COUNTS),
    CommandField.C_ECHO_RQ: Message(("AffectedSOPClassUID", "MessageID"), (), DataSet.NEVER),
    CommandField.C_ECHO_RSP: _response(DataSet.NEVER),
    CommandField.C_CANCEL_RQ: Message(("MessageIDBeingRespondedTo",), (), DataSet.NEVER),
    CommandField.N_EVENT_REPORT_RQ: Message((*_AFFECTED, "MessageID", "EventTypeID"), (), DataSet.MAYBE),
    CommandField.N_EVENT_REPORT_RSP: _response(DataSet.MAYBE, "EventTypeID"),
    CommandField.N_GET_RQ: Message((*_REQUESTED, "MessageID"), ("AttributeIdentifierList",), DataSet.NEVER),
    CommandField.N_GET_RSP: _response(DataSet.MAYBE, "AttributeIdentifierList"),
    CommandField.N_SET_RQ: Message((*_REQUESTED, "MessageID"), (), DataSet.ALWAYS),
    CommandField.N_SET_RSP: _response(DataSet.MAYBE, "AttributeIdentifierList"),
    CommandField.N_ACTION_RQ: Message((*_REQUESTED, "MessageID", "ActionTypeID"), (), DataSet.MAYBE),
    CommandField.N_ACTION_RSP: _response(DataSet.MAYBE, "ActionTypeID"),
    CommandField.N_CREATE_RQ: Message(("AffectedSOPClassUID", "MessageID"), ("AffectedSOPInstanceUID",), DataSet.MAYBE),
    CommandField.N_CREATE_RSP: _response(DataSet.MAYBE, "AttributeIdentifierList"),
    CommandField.N_DELETE_RQ: Message((*_REQUESTED, "MessageID"), (), DataSet.NEVER),
    CommandField.N_DELETE_RSP: _response(DataSet.NEVER),
}
