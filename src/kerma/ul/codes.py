"""The codes of PS3.8: PDU types, reject and abort codes, presentation context results, each with its printed text.

Touches nothing. Sources: PS3.8 9.3.1 (PDU types), 9.3.3.2 (context results), 9.3.4 (table 9-21), 9.3.8 (table 9-26).
"""

from __future__ import annotations

import enum


class PDUType(enum.IntEnum):
    """The first byte of a PDU (PS3.8 9.3.1)."""

    A_ASSOCIATE_RQ = 0x01
    A_ASSOCIATE_AC = 0x02
    A_ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    A_RELEASE_RQ = 0x05
    A_RELEASE_RP = 0x06
    A_ABORT = 0x07


class RejectResult(enum.IntEnum):
    """A-ASSOCIATE-RJ result (PS3.8 table 9-21)."""

    REJECTED_PERMANENT = 1
    REJECTED_TRANSIENT = 2


class RejectSource(enum.IntEnum):
    """A-ASSOCIATE-RJ source (PS3.8 table 9-21)."""

    SERVICE_USER = 1
    SERVICE_PROVIDER_ACSE = 2
    SERVICE_PROVIDER_PRESENTATION = 3


class UserRejectReason(enum.IntEnum):
    """Reasons of source 1, the UL service-user."""

    NO_REASON_GIVEN = 1
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = 2
    CALLING_AE_TITLE_NOT_RECOGNIZED = 3
    CALLED_AE_TITLE_NOT_RECOGNIZED = 7


class ACSERejectReason(enum.IntEnum):
    """Reasons of source 2, the UL service-provider (ACSE related function)."""

    NO_REASON_GIVEN = 1
    PROTOCOL_VERSION_NOT_SUPPORTED = 2


class PresentationRejectReason(enum.IntEnum):
    """Reasons of source 3, the UL service-provider (Presentation related function)."""

    TEMPORARY_CONGESTION = 1
    LOCAL_LIMIT_EXCEEDED = 2


class AbortSource(enum.IntEnum):
    """A-ABORT source (PS3.8 table 9-26)."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


class AbortReason(enum.IntEnum):
    """A-ABORT reason (PS3.8 table 9-26); significant where the source is the service-provider."""

    REASON_NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


class ContextResult(enum.IntEnum):
    """The result of one presentation context in an A-ASSOCIATE-AC (PS3.8 table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


REJECT_RESULT_TEXT = {1: "rejected-permanent", 2: "rejected-transient"}
REJECT_SOURCE_TEXT = {
    1: "DICOM UL service-user",
    2: "DICOM UL service-provider (ACSE related function)",
    3: "DICOM UL service-provider (Presentation related function)",
}
REJECT_REASON_TEXT = {
    (1, 1): "no-reason-given",
    (1, 2): "application-context-name-not-supported",
    (1, 3): "calling-AE-title-not-recognized",
    (1, 7): "called-AE-title-not-recognized",
    (2, 1): "no-reason-given",
    (2, 2): "protocol-version-not-supported",
    (3, 1): "temporary-congestion",
    (3, 2): "local-limit-exceeded",
}
ABORT_SOURCE_TEXT = {0: "DICOM UL service-user", 2: "DICOM UL service-provider"}
ABORT_REASON_TEXT = {
    0: "reason-not-specified",
    1: "unrecognized-PDU",
    2: "unexpected-PDU",
    4: "unrecognized-PDU parameter",
    5: "unexpected-PDU parameter",
    6: "invalid-PDU-parameter value",
}
CONTEXT_RESULT_TEXT = {
    0: "acceptance",
    1: "user-rejection",
    2: "no-reason (provider rejection)",
    3: "abstract-syntax-not-supported (provider rejection)",
    4: "transfer-syntaxes-not-supported (provider rejection)",
}


def reject_text(result: int, source: int, reason: int) -> str:
    """The three codes of an A-ASSOCIATE-RJ as one printed line, reserved codes as numbers."""
    return (
        f"{REJECT_RESULT_TEXT.get(result, f'reserved result {result}')}, "
        f"{REJECT_REASON_TEXT.get((source, reason), f'reserved reason {reason}')}, "
        f"by {REJECT_SOURCE_TEXT.get(source, f'reserved source {source}')}"
    )


def abort_text(source: int, reason: int) -> str:
    """The two codes of an A-ABORT as one printed line; the reason counts only where the provider aborted."""
    by = ABORT_SOURCE_TEXT.get(source, f"reserved source {source}")
    if source != AbortSource.SERVICE_PROVIDER:
        return f"aborted by {by}"
    return f"aborted by {by}: {ABORT_REASON_TEXT.get(reason, f'reserved reason {reason}')}"


def context_result_text(result: int) -> str:
    """A presentation context's result as printed."""
    return CONTEXT_RESULT_TEXT.get(result, f"reserved result {result}")
