"""DIMSE status codes: printed names and categories, by range and never by bit.

Rules of this module: ``category_of`` follows PS3.7 C; a code that no row names is a failure, because only what is
known to be a success may be treated as one. Names that only hold for a service class are in ``SERVICE_RANGES`` under
the service's operation.

Sources: PS3.7 9.1, 10.1, C; PS3.4 B.2.3, C.4.1.1.4, C.4.2.1.5, C.4.3.1.4. Touches nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kerma.dimse.fields import CommandField


class StatusCategory(enum.Enum):
    """PS3.7 C.1: Success, Pending, Cancel, Warning, Failure."""

    SUCCESS = "Success"
    PENDING = "Pending"
    CANCEL = "Cancel"
    WARNING = "Warning"
    FAILURE = "Failure"


class Status(enum.IntEnum):
    """Status codes by name. Where PS3.4 gives a range, the name is its first code."""

    SUCCESS = 0x0000
    REQUESTED_OPTIONAL_ATTRIBUTES_NOT_SUPPORTED = 0x0001
    SOP_CLASS_NOT_SUPPORTED_REFUSED = 0x0122
    CLASS_INSTANCE_CONFLICT = 0x0119
    DUPLICATE_SOP_INSTANCE = 0x0111
    DUPLICATE_INVOCATION = 0x0210
    INVALID_ARGUMENT_VALUE = 0x0115
    INVALID_ATTRIBUTE_VALUE = 0x0106
    INVALID_SOP_INSTANCE = 0x0117
    MISSING_ATTRIBUTE = 0x0120
    MISSING_ATTRIBUTE_VALUE = 0x0121
    MISTYPED_ARGUMENT = 0x0212
    NO_SUCH_ARGUMENT = 0x0114
    NO_SUCH_ATTRIBUTE = 0x0105
    NO_SUCH_EVENT_TYPE = 0x0113
    NO_SUCH_SOP_INSTANCE = 0x0112
    NO_SUCH_SOP_CLASS = 0x0118
    NO_SUCH_ACTION_TYPE = 0x0123
    PROCESSING_FAILURE = 0x0110
    NOT_AUTHORIZED = 0x0124
    RESOURCE_LIMITATION = 0x0213
    UNRECOGNIZED_OPERATION = 0x0211
    ATTRIBUTE_LIST_ERROR = 0x0107
    ATTRIBUTE_VALUE_OUT_OF_RANGE = 0x0116
    OUT_OF_RESOURCES = 0xA700
    OUT_OF_RESOURCES_MATCHES = 0xA701
    OUT_OF_RESOURCES_SUBOPERATIONS = 0xA702
    MOVE_DESTINATION_UNKNOWN = 0xA801
    IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS = 0xA900
    COERCION_OF_DATA_ELEMENTS = 0xB000
    ELEMENTS_DISCARDED = 0xB006
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING = 0xB007
    CANNOT_UNDERSTAND = 0xC000
    CANCEL = 0xFE00
    PENDING = 0xFF00
    PENDING_OPTIONAL_KEYS_NOT_SUPPORTED = 0xFF01


@dataclass(frozen=True, slots=True)
class StatusRange:
    """The codes ``low`` to ``high``, both included."""

    low: int
    high: int
    category: StatusCategory
    text: str


_S = StatusCategory

# PS3.7 C: what holds for every service.
GENERAL: tuple[StatusRange, ...] = (
    StatusRange(0x0000, 0x0000, _S.SUCCESS, "Success"),
    StatusRange(0x0001, 0x0001, _S.WARNING, "Warning: requested optional attributes are not supported"),
    StatusRange(0x0105, 0x0105, _S.FAILURE, "No such attribute"),
    StatusRange(0x0106, 0x0106, _S.FAILURE, "Invalid attribute value"),
    StatusRange(0x0107, 0x0107, _S.WARNING, "Attribute list error"),
    StatusRange(0x0110, 0x0110, _S.FAILURE, "Processing failure"),
    StatusRange(0x0111, 0x0111, _S.FAILURE, "Duplicate SOP Instance"),
    StatusRange(0x0112, 0x0112, _S.FAILURE, "No such SOP Instance"),
    StatusRange(0x0113, 0x0113, _S.FAILURE, "No such event type"),
    StatusRange(0x0114, 0x0114, _S.FAILURE, "No such argument"),
    StatusRange(0x0115, 0x0115, _S.FAILURE, "Invalid argument value"),
    StatusRange(0x0116, 0x0116, _S.WARNING, "Attribute value out of range"),
    StatusRange(0x0117, 0x0117, _S.FAILURE, "Invalid SOP Instance"),
    StatusRange(0x0118, 0x0118, _S.FAILURE, "No such SOP Class"),
    StatusRange(0x0119, 0x0119, _S.FAILURE, "Class-Instance conflict"),
    StatusRange(0x0120, 0x0120, _S.FAILURE, "Missing attribute"),
    StatusRange(0x0121, 0x0121, _S.FAILURE, "Missing attribute value"),
    StatusRange(0x0122, 0x0122, _S.FAILURE, "Refused: SOP Class not supported"),
    StatusRange(0x0123, 0x0123, _S.FAILURE, "No such action type"),
    StatusRange(0x0124, 0x0124, _S.FAILURE, "Refused: not authorized"),
    StatusRange(0x0210, 0x0210, _S.FAILURE, "Duplicate invocation"),
    StatusRange(0x0211, 0x0211, _S.FAILURE, "Unrecognized operation"),
    StatusRange(0x0212, 0x0212, _S.FAILURE, "Mistyped argument"),
    StatusRange(0x0213, 0x0213, _S.FAILURE, "Resource limitation"),
    StatusRange(0xA000, 0xAFFF, _S.FAILURE, "Failure of the service class"),
    StatusRange(0xB000, 0xBFFF, _S.WARNING, "Warning of the service class"),
    StatusRange(0xC000, 0xCFFF, _S.FAILURE, "Failure of the service class"),
    StatusRange(0xFE00, 0xFE00, _S.CANCEL, "Cancel"),
    StatusRange(0xFF00, 0xFF00, _S.PENDING, "Pending"),
    StatusRange(0xFF01, 0xFF01, _S.PENDING, "Pending: optional keys were not supported"),
)

# PS3.4: what codes mean in one operation, looked at before GENERAL.
SERVICE_RANGES: dict[CommandField, tuple[StatusRange, ...]] = {
    CommandField.C_STORE_RSP: (
        StatusRange(0xA700, 0xA7FF, _S.FAILURE, "Refused: out of resources"),
        StatusRange(0xA900, 0xA9FF, _S.FAILURE, "Error: data set does not match SOP Class"),
        StatusRange(0xB000, 0xB000, _S.WARNING, "Coercion of data elements"),
        StatusRange(0xB006, 0xB006, _S.WARNING, "Elements discarded"),
        StatusRange(0xB007, 0xB007, _S.WARNING, "Data set does not match SOP Class"),
        StatusRange(0xC000, 0xCFFF, _S.FAILURE, "Error: cannot understand"),
    ),
    CommandField.C_FIND_RSP: (
        StatusRange(0xA700, 0xA700, _S.FAILURE, "Refused: out of resources"),
        StatusRange(0xA900, 0xA900, _S.FAILURE, "Error: identifier does not match SOP Class"),
        StatusRange(0xC000, 0xCFFF, _S.FAILURE, "Failed: unable to process"),
        StatusRange(0xFE00, 0xFE00, _S.CANCEL, "Matching terminated due to cancel request"),
        StatusRange(0xFF00, 0xFF00, _S.PENDING, "Matches are continuing"),
        StatusRange(
            0xFF01, 0xFF01, _S.PENDING, "Matches are continuing; optional keys were not supported or not matched"
        ),
    ),
    CommandField.C_MOVE_RSP: (
        StatusRange(0x0000, 0x0000, _S.SUCCESS, "Sub-operations complete, no failures or warnings"),
        StatusRange(0xA701, 0xA701, _S.FAILURE, "Refused: out of resources, unable to calculate number of matches"),
        StatusRange(0xA702, 0xA702, _S.FAILURE, "Refused: out of resources, unable to perform sub-operations"),
        StatusRange(0xA801, 0xA801, _S.FAILURE, "Refused: move destination unknown"),
        StatusRange(0xA900, 0xA900, _S.FAILURE, "Error: identifier does not match SOP Class"),
        StatusRange(0xAA00, 0xAA04, _S.FAILURE, "Refused: instance level retrieve restrictions"),
        StatusRange(0xB000, 0xB000, _S.WARNING, "Sub-operations complete, one or more failures or warnings"),
        StatusRange(0xC000, 0xCFFF, _S.FAILURE, "Failed: unable to process"),
        StatusRange(0xFE00, 0xFE00, _S.CANCEL, "Sub-operations terminated due to cancel indication"),
        StatusRange(0xFF00, 0xFF00, _S.PENDING, "Sub-operations are continuing"),
    ),
    CommandField.C_GET_RSP: (
        StatusRange(0x0000, 0x0000, _S.SUCCESS, "Sub-operations complete, no failures or warnings"),
        StatusRange(0xA701, 0xA701, _S.FAILURE, "Refused: out of resources, unable to calculate number of matches"),
        StatusRange(0xA702, 0xA702, _S.FAILURE, "Refused: out of resources, unable to perform sub-operations"),
        StatusRange(0xA900, 0xA900, _S.FAILURE, "Error: identifier does not match SOP Class"),
        StatusRange(0xAA00, 0xAA04, _S.FAILURE, "Refused: instance level retrieve restrictions"),
        StatusRange(0xB000, 0xB000, _S.WARNING, "Sub-operations complete, one or more failures or warnings"),
        StatusRange(0xC000, 0xCFFF, _S.FAILURE, "Failed: unable to process"),
        StatusRange(0xFE00, 0xFE00, _S.CANCEL, "Sub-operations terminated due to cancel indication"),
        StatusRange(0xFF00, 0xFF00, _S.PENDING, "Sub-operations are continuing"),
    ),
}


def category_of(status: int) -> StatusCategory:
    """The category of a status code, for any service; a code that no row holds is a failure."""
    if not status:  # nearly always
        return StatusCategory.SUCCESS
    return next((row.category for row in GENERAL if row.low <= status <= row.high), StatusCategory.FAILURE)


def text_of(status: int, operation: CommandField | None = None) -> str:
    """A status code in words, as printed for ``operation`` (a request's or response's command field) where one is
    given.
    """
    rows = () if operation is None else SERVICE_RANGES.get(CommandField(operation | 0x8000), ())
    text = next((row.text for row in (*rows, *GENERAL) if row.low <= status <= row.high), "Failure")
    return f"{text} ({status:04X}H)"
