"""The seven PDUs of PS3.8 9.3 as frozen values, with ``encode`` and ``decode``.

Rules of this module:

- ``decode`` takes the whole variable field of a PDU (without the six bytes of type, reserved and length) and raises
  ``RemoteProtocolError`` with the answer; ``encode`` returns the whole PDU.
- P-DATA-TF is here for completeness and tests; on the wire path ``association`` reads it in place and
  ``kerma.dimse`` lays it out.

Sources: PS3.8 9.3.2 to 9.3.8. Touches nothing but ``kerma.errors``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kerma.errors import LocalProtocolError
from kerma.ul import items
from kerma.ul.codes import AbortReason, PDUType, abort_text, reject_text
from kerma.ul.items import (
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UnknownItem,
    UserIdentityAC,
    UserIdentityRQ,
    UserInformation,
    invalid,
)

__all__ = [
    "APPLICATION_CONTEXT_NAME",
    "PDU",
    "Abort",
    "AssociateAC",
    "AssociateRJ",
    "AssociateRQ",
    "AsynchronousOperationsWindow",
    "CommonExtendedNegotiation",
    "ExtendedNegotiation",
    "PDataTF",
    "PresentationContextAC",
    "PresentationContextRQ",
    "PresentationDataValue",
    "ReleaseRP",
    "ReleaseRQ",
    "RoleSelection",
    "UnknownItem",
    "UserIdentityAC",
    "UserIdentityRQ",
    "UserInformation",
    "decode",
]

Buffer = items.Buffer

APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"
"""The DICOM application context name (PS3.7 A.2.1)."""


def _pdu(kind: int, value: bytes) -> bytes:
    return bytes((kind, 0)) + len(value).to_bytes(4) + value


def _title(value: str) -> bytes:
    """An AE title as 16 bytes; spaces at both ends have no meaning (PS3.8 table 9-11)."""
    try:
        data = value.strip(" ").encode("latin-1")
    except UnicodeEncodeError:
        raise LocalProtocolError("an AE title holds characters beyond ISO 8859-1") from None
    if len(data) > 16:
        raise LocalProtocolError(f"an AE title has {len(data)} characters; 16 at most")
    return data.ljust(16)


def _title_text(data: memoryview) -> str:
    return str(data, "latin-1").strip(" \0")


@dataclass(frozen=True, slots=True)
class AssociateRQ:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[PresentationContextRQ, ...]
    user: UserInformation = field(default_factory=UserInformation)
    application_context: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = 1
    unknown: tuple[UnknownItem, ...] = ()

    def encode(self) -> bytes:
        return _pdu(PDUType.A_ASSOCIATE_RQ, _associate(self))

    @classmethod
    def decode(cls, data: Buffer) -> AssociateRQ:
        parts = _Associate(memoryview(data), items.CONTEXT_RQ)
        contexts = tuple(map(PresentationContextRQ.decode, parts.contexts))
        _check_ids([context.id for context in contexts])
        name, user = parts.application_context, parts.user
        if name is None or user is None:
            invalid("A-ASSOCIATE-RQ without application context or user information item")
        return cls(parts.called, parts.calling, contexts, user, name, parts.version, tuple(parts.unknown))


@dataclass(frozen=True, slots=True)
class AssociateAC:
    """A-ASSOCIATE-AC (PS3.8 9.3.3). The titles are those of the request, sent back; a receiver does not test them."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[PresentationContextAC, ...]
    user: UserInformation = field(default_factory=UserInformation)
    application_context: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = 1
    unknown: tuple[UnknownItem, ...] = ()

    def encode(self) -> bytes:
        return _pdu(PDUType.A_ASSOCIATE_AC, _associate(self))

    @classmethod
    def decode(cls, data: Buffer) -> AssociateAC:
        parts = _Associate(memoryview(data), items.CONTEXT_AC)
        contexts = tuple(map(PresentationContextAC.decode, parts.contexts))
        _check_ids([context.id for context in contexts])
        # Old acceptors leave the application context out; nothing depends on it in an answer.
        name = APPLICATION_CONTEXT_NAME if parts.application_context is None else parts.application_context
        user = UserInformation() if parts.user is None else parts.user
        return cls(parts.called, parts.calling, contexts, user, name, parts.version, tuple(parts.unknown))


@dataclass(frozen=True, slots=True)
class AssociateRJ:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4); the codes are in ``kerma.ul.codes``."""

    result: int
    source: int
    reason: int

    def __str__(self) -> str:
        return reject_text(self.result, self.source, self.reason)

    def encode(self) -> bytes:
        return _pdu(PDUType.A_ASSOCIATE_RJ, bytes((0, self.result, self.source, self.reason)))

    @classmethod
    def decode(cls, data: Buffer) -> AssociateRJ:
        view = _four(data, "A-ASSOCIATE-RJ")
        return cls(view[1], view[2], view[3])


@dataclass(frozen=True, slots=True)
class PresentationDataValue:
    """A presentation data value item (PS3.8 9.3.5.1) with its message control header (PS3.8 E.2)."""

    context_id: int
    is_command: bool
    is_last: bool
    data: bytes

    def encode(self) -> bytes:
        control = self.is_command | self.is_last << 1
        return (len(self.data) + 2).to_bytes(4) + bytes((self.context_id, control)) + self.data


@dataclass(frozen=True, slots=True)
class PDataTF:
    """P-DATA-TF (PS3.8 9.3.5)."""

    values: tuple[PresentationDataValue, ...]

    def encode(self) -> bytes:
        return _pdu(PDUType.P_DATA_TF, b"".join(value.encode() for value in self.values))

    @classmethod
    def decode(cls, data: Buffer) -> PDataTF:
        view = memoryview(data)
        values: list[PresentationDataValue] = []
        position, end = 0, len(view)
        while position < end:
            if end - position < 6:
                invalid(f"{end - position} stray bytes where a presentation data value should begin")
            length = int.from_bytes(view[position : position + 4])
            if not 2 <= length <= end - position - 4:
                invalid(f"presentation data value of {length} bytes where {end - position - 4} are left")
            stop = position + 4 + length
            control = view[position + 5]
            value = bytes(view[position + 6 : stop])
            values.append(PresentationDataValue(view[position + 4], bool(control & 1), bool(control & 2), value))
            position = stop
        if not values:
            invalid("P-DATA-TF without presentation data value")
        return cls(tuple(values))


@dataclass(frozen=True, slots=True)
class ReleaseRQ:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""

    def encode(self) -> bytes:
        return _pdu(PDUType.A_RELEASE_RQ, bytes(4))

    @classmethod
    def decode(cls, data: Buffer) -> ReleaseRQ:
        _four(data, "A-RELEASE-RQ")
        return cls()


@dataclass(frozen=True, slots=True)
class ReleaseRP:
    """A-RELEASE-RP (PS3.8 9.3.7)."""

    def encode(self) -> bytes:
        return _pdu(PDUType.A_RELEASE_RP, bytes(4))

    @classmethod
    def decode(cls, data: Buffer) -> ReleaseRP:
        _four(data, "A-RELEASE-RP")
        return cls()


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 9.3.8), received or, where ``local``, our own answer to a peer that broke the protocol.

    ``detail`` says in a sentence what the peer did; it is not sent.
    """

    source: int
    reason: int
    local: bool = field(default=False, compare=False)
    detail: str = field(default="", compare=False)

    def __str__(self) -> str:
        text = abort_text(self.source, self.reason)
        return f"{text}: {self.detail}" if self.detail else text

    def encode(self) -> bytes:
        return _pdu(PDUType.A_ABORT, bytes((0, 0, self.source, self.reason)))

    @classmethod
    def decode(cls, data: Buffer) -> Abort:
        view = _four(data, "A-ABORT")
        return cls(view[2], view[3])


PDU = AssociateRQ | AssociateAC | AssociateRJ | PDataTF | ReleaseRQ | ReleaseRP | Abort

CLASSES: dict[int, type[PDU]] = {
    PDUType.A_ASSOCIATE_RQ: AssociateRQ,
    PDUType.A_ASSOCIATE_AC: AssociateAC,
    PDUType.A_ASSOCIATE_RJ: AssociateRJ,
    PDUType.P_DATA_TF: PDataTF,
    PDUType.A_RELEASE_RQ: ReleaseRQ,
    PDUType.A_RELEASE_RP: ReleaseRP,
    PDUType.A_ABORT: Abort,
}


def decode(data: Buffer) -> PDU:
    """One whole PDU; ``RemoteProtocolError`` where it is of no known type, cut, or followed by anything."""
    view = memoryview(data)
    if len(view) < 6:
        invalid(f"a PDU header has 6 bytes, not {len(view)}")
    kind = CLASSES.get(view[0])
    if kind is None:
        invalid(f"PDU type {view[0]:02X}H is not defined", AbortReason.UNRECOGNIZED_PDU)
    length = int.from_bytes(view[2:6])
    if length != len(view) - 6:
        invalid(f"PDU length {length} where {len(view) - 6} bytes follow")
    return kind.decode(view[6:])


def _associate(pdu: AssociateRQ | AssociateAC) -> bytes:
    head = pdu.protocol_version.to_bytes(2) + bytes(2) + _title(pdu.called_ae_title) + _title(pdu.calling_ae_title)
    application = items.item(items.APPLICATION_CONTEXT, pdu.application_context.encode("latin-1"))
    contexts = [context.encode() for context in pdu.contexts]
    unknown = [entry.encode() for entry in pdu.unknown]
    return b"".join((head, bytes(32), application, *contexts, pdu.user.encode(), *unknown))


class _Associate:
    """The fixed fields and the items that A-ASSOCIATE-RQ and -AC have in common; contexts still as bytes."""

    def __init__(self, view: memoryview, context_type: int) -> None:
        if len(view) < 68:
            invalid(f"an A-ASSOCIATE PDU has at least 68 bytes, not {len(view)}")
        self.version = int.from_bytes(view[:2])
        self.called, self.calling = _title_text(view[4:20]), _title_text(view[20:36])
        self.contexts: list[memoryview] = []
        self.application_context: str | None = None
        self.user: UserInformation | None = None
        self.unknown: list[UnknownItem] = []
        for kind, value in items.items(view[68:]):
            if kind == context_type:
                self.contexts.append(value)
            elif kind == items.APPLICATION_CONTEXT:
                if self.application_context is not None:
                    invalid("the application context item is there twice")
                self.application_context = items.uid_text(value)
            elif kind == items.USER_INFORMATION:
                if self.user is not None:
                    invalid("the user information item is there twice")
                self.user = UserInformation.decode(value)
            elif len(self.unknown) < items.MAX_UNKNOWN:
                self.unknown.append(UnknownItem(kind, bytes(value)))


def _check_ids(ids: list[int]) -> None:
    """Context ids are odd and unique (PS3.8 9.3.2.2), which also bounds them to 128."""
    seen: set[int] = set()
    for number in ids:
        if not number & 1:
            invalid(f"presentation context id {number} is not odd")
        if number in seen:
            invalid(f"presentation context id {number} is there twice")
        seen.add(number)


def _four(data: Buffer, name: str) -> memoryview:
    view = memoryview(data)
    if len(view) != 4:
        invalid(f"{name} has a variable field of {len(view)} bytes instead of 4")
    return view
