"""The variable items of A-ASSOCIATE PDUs: presentation contexts and user information, decoded and encoded.

Rules of this module:

- Items are frozen values; lengths from the wire are checked against the enclosing item before they are used, and
  every byte of an item must be accounted for.
- Reserved bytes are sent as 00H and not tested (PS3.8 9.3.1). Items of an unknown type are kept as ``UnknownItem``
  and have no meaning (PS3.8 9.3.1: unrecognised items shall be ignored).
- Titles, UIDs and names are text by ISO 8859-1 so that no byte is lost; what they mean is for ``negotiation`` and
  the callers.

Sources: PS3.8 9.3.2, 9.3.3, D.1; PS3.7 D.3.3. Touches nothing but ``kerma.errors``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from kerma.errors import LocalProtocolError, RemoteProtocolError
from kerma.ul.codes import AbortReason, AbortSource

Buffer = bytes | bytearray | memoryview

APPLICATION_CONTEXT = 0x10
CONTEXT_RQ = 0x20
CONTEXT_AC = 0x21
ABSTRACT_SYNTAX = 0x30
TRANSFER_SYNTAX = 0x40
USER_INFORMATION = 0x50
MAXIMUM_LENGTH = 0x51
IMPLEMENTATION_CLASS_UID = 0x52
ASYNCHRONOUS_OPERATIONS_WINDOW = 0x53
ROLE_SELECTION = 0x54
IMPLEMENTATION_VERSION_NAME = 0x55
EXTENDED_NEGOTIATION = 0x56
COMMON_EXTENDED_NEGOTIATION = 0x57
USER_IDENTITY_RQ = 0x58
USER_IDENTITY_AC = 0x59

UNSTATED_MAXIMUM_LENGTH = 16_384
"""What a peer is sent that names no maximum length; the item is required (PS3.8 D.1), so such a peer is old."""


def invalid(message: str, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE) -> NoReturn:
    """Raise the ``RemoteProtocolError`` for a PDU that is not as PS3.8 says."""
    raise RemoteProtocolError(message, source=AbortSource.SERVICE_PROVIDER, reason=reason)


MAX_UNKNOWN = 64
"""Unknown items that are kept; an empty one has four bytes, so a megabyte could hold very many."""


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of a type that PS3.8 and PS3.7 do not define (or not here)."""

    type: int
    data: bytes

    def encode(self) -> bytes:
        return item(self.type, self.data)


@dataclass(frozen=True, slots=True)
class PresentationContextRQ:
    """A proposed presentation context (PS3.8 9.3.2.2): an odd id, an abstract syntax, transfer syntaxes in order."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]

    def encode(self) -> bytes:
        parts = [bytes((self.id, 0, 0, 0)), item(ABSTRACT_SYNTAX, _text(self.abstract_syntax))]
        parts += [item(TRANSFER_SYNTAX, _text(uid)) for uid in self.transfer_syntaxes]
        return item(CONTEXT_RQ, b"".join(parts))

    @classmethod
    def decode(cls, data: memoryview) -> PresentationContextRQ:
        _at_least(data, 4, "presentation context")
        abstract: str | None = None
        syntaxes: list[str] = []
        for kind, value in items(data[4:]):
            if kind == ABSTRACT_SYNTAX:
                if abstract is not None:
                    invalid(f"presentation context {data[0]} has two abstract syntaxes")
                abstract = uid_text(value)
            elif kind == TRANSFER_SYNTAX:
                syntaxes.append(uid_text(value))
        if abstract is None:
            invalid(f"presentation context {data[0]} has no abstract syntax")
        if not syntaxes:
            invalid(f"presentation context {data[0]} has no transfer syntax")
        return cls(data[0], abstract, tuple(syntaxes))


@dataclass(frozen=True, slots=True)
class PresentationContextAC:
    """The answer to a proposed context (PS3.8 9.3.3.2); the transfer syntax counts only where ``result`` is 0."""

    id: int
    result: int
    transfer_syntax: str

    def encode(self) -> bytes:
        return item(
            CONTEXT_AC, bytes((self.id, 0, self.result, 0)) + item(TRANSFER_SYNTAX, _text(self.transfer_syntax))
        )

    @classmethod
    def decode(cls, data: memoryview) -> PresentationContextAC:
        _at_least(data, 4, "presentation context")
        syntaxes = [uid_text(value) for kind, value in items(data[4:]) if kind == TRANSFER_SYNTAX]
        if data[2] == 0 and len(syntaxes) != 1:
            invalid(f"accepted presentation context {data[0]} has {len(syntaxes)} transfer syntaxes instead of one")
        return cls(data[0], data[2], syntaxes[0] if syntaxes else "")


@dataclass(frozen=True, slots=True)
class AsynchronousOperationsWindow:
    """PS3.7 D.3.3.3: how many operations may be outstanding; 0 is no limit."""

    invoked: int = 1
    performed: int = 1

    def encode(self) -> bytes:
        return item(ASYNCHRONOUS_OPERATIONS_WINDOW, self.invoked.to_bytes(2) + self.performed.to_bytes(2))

    @classmethod
    def decode(cls, data: memoryview) -> AsynchronousOperationsWindow:
        _exactly(data, 4, "asynchronous operations window")
        return cls(int.from_bytes(data[:2]), int.from_bytes(data[2:]))


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """PS3.7 D.3.3.4: whether the requestor proposes (or may take) the SCU and the SCP role for a SOP class."""

    sop_class_uid: str
    scu: bool
    scp: bool

    def encode(self) -> bytes:
        return item(ROLE_SELECTION, counted(_text(self.sop_class_uid)) + bytes((self.scu, self.scp)))

    @classmethod
    def decode(cls, data: memoryview) -> RoleSelection:
        uid, rest = take_counted(data, "role selection")
        _exactly(rest, 2, "role selection roles")
        if rest[0] > 1 or rest[1] > 1:
            invalid("a role of SCP/SCU role selection is neither 0 nor 1")
        return cls(uid_text(uid), rest[0] == 1, rest[1] == 1)


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """PS3.7 D.3.3.5: service class application information, as bytes that the service class defines."""

    sop_class_uid: str
    information: bytes

    def encode(self) -> bytes:
        return item(EXTENDED_NEGOTIATION, counted(_text(self.sop_class_uid)) + self.information)

    @classmethod
    def decode(cls, data: memoryview) -> ExtendedNegotiation:
        uid, rest = take_counted(data, "extended negotiation")
        return cls(uid_text(uid), bytes(rest))


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """PS3.7 D.3.3.6: the service class and the related general SOP classes of a SOP class."""

    sop_class_uid: str
    service_class_uid: str
    related_general: tuple[str, ...] = ()

    def encode(self) -> bytes:
        related = b"".join(counted(_text(uid)) for uid in self.related_general)
        value = counted(_text(self.sop_class_uid)) + counted(_text(self.service_class_uid)) + counted(related)
        return item(COMMON_EXTENDED_NEGOTIATION, value)

    @classmethod
    def decode(cls, data: memoryview) -> CommonExtendedNegotiation:
        sop_class, rest = take_counted(data, "common extended negotiation")
        service_class, rest = take_counted(rest, "common extended negotiation")
        # What follows the related classes is reserved for later versions of the sub-item.
        block, _ = take_counted(rest, "related general SOP classes")
        related: list[str] = []
        while block:
            uid, block = take_counted(block, "related general SOP class")
            related.append(uid_text(uid))
        return cls(uid_text(sop_class), uid_text(service_class), tuple(related))


@dataclass(frozen=True, slots=True)
class UserIdentityRQ:
    """PS3.7 D.3.3.7.1. The fields are not part of ``repr``: they are secrets.

    ``type``: 1 username, 2 username and passcode, 3 Kerberos service ticket, 4 SAML assertion, 5 JSON Web Token.
    """

    type: int
    primary: bytes
    secondary: bytes = b""
    positive_response_requested: bool = False

    def __repr__(self) -> str:
        return f"UserIdentityRQ(type={self.type}, positive_response_requested={self.positive_response_requested})"

    def encode(self) -> bytes:
        head = bytes((self.type, self.positive_response_requested))
        return item(USER_IDENTITY_RQ, head + counted(self.primary) + counted(self.secondary))

    @classmethod
    def decode(cls, data: memoryview) -> UserIdentityRQ:
        _at_least(data, 2, "user identity")
        primary, rest = take_counted(data[2:], "user identity primary field")
        secondary, rest = take_counted(rest, "user identity secondary field")
        _exactly(rest, 0, "rest of user identity")
        return cls(data[0], bytes(primary), bytes(secondary), data[1] == 1)


@dataclass(frozen=True, slots=True)
class UserIdentityAC:
    """PS3.7 D.3.3.7.2: the server response; empty but for Kerberos, SAML and JWT."""

    response: bytes = b""

    def __repr__(self) -> str:
        return "UserIdentityAC()"

    def encode(self) -> bytes:
        return item(USER_IDENTITY_AC, counted(self.response))

    @classmethod
    def decode(cls, data: memoryview) -> UserIdentityAC:
        response, rest = take_counted(data, "user identity response")
        _exactly(rest, 0, "rest of user identity response")
        return cls(bytes(response))


@dataclass(frozen=True, slots=True)
class UserInformation:
    """All sub-items of the user information item (PS3.8 9.3.2.3, PS3.7 D.3.3).

    ``maximum_length`` is what the sender of the PDU can receive in one P-DATA-TF, in bytes of its variable field; 0
    is no limit.
    """

    maximum_length: int = UNSTATED_MAXIMUM_LENGTH
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    asynchronous_operations_window: AsynchronousOperationsWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    user_identity: UserIdentityRQ | None = None
    user_identity_response: UserIdentityAC | None = None
    unknown: tuple[UnknownItem, ...] = ()

    def encode(self) -> bytes:
        parts = [item(MAXIMUM_LENGTH, self.maximum_length.to_bytes(4))]
        if self.implementation_class_uid:
            parts.append(item(IMPLEMENTATION_CLASS_UID, _text(self.implementation_class_uid)))
        if self.asynchronous_operations_window is not None:
            parts.append(self.asynchronous_operations_window.encode())
        parts += [role.encode() for role in self.roles]
        if self.implementation_version_name:
            parts.append(item(IMPLEMENTATION_VERSION_NAME, _text(self.implementation_version_name)))
        parts += [entry.encode() for entry in self.extended]
        parts += [entry.encode() for entry in self.common_extended]
        if self.user_identity is not None:
            parts.append(self.user_identity.encode())
        if self.user_identity_response is not None:
            parts.append(self.user_identity_response.encode())
        parts += [entry.encode() for entry in self.unknown]
        return item(USER_INFORMATION, b"".join(parts))

    @classmethod
    def decode(cls, data: memoryview) -> UserInformation:
        single: dict[int, memoryview] = {}
        roles: list[RoleSelection] = []
        extended: list[ExtendedNegotiation] = []
        common: list[CommonExtendedNegotiation] = []
        unknown: list[UnknownItem] = []
        for kind, value in items(data):
            if kind == ROLE_SELECTION:
                roles.append(RoleSelection.decode(value))
            elif kind == EXTENDED_NEGOTIATION:
                extended.append(ExtendedNegotiation.decode(value))
            elif kind == COMMON_EXTENDED_NEGOTIATION:
                common.append(CommonExtendedNegotiation.decode(value))
            elif kind in _SINGLE:
                if kind in single:
                    invalid(f"user information sub-item {kind:02X}H is there twice")
                single[kind] = value
            elif len(unknown) < MAX_UNKNOWN:
                unknown.append(UnknownItem(kind, bytes(value)))
        maximum = single.get(MAXIMUM_LENGTH)
        if maximum is not None:
            _exactly(maximum, 4, "maximum length")
        window = single.get(ASYNCHRONOUS_OPERATIONS_WINDOW)
        identity = single.get(USER_IDENTITY_RQ)
        response = single.get(USER_IDENTITY_AC)
        return cls(
            UNSTATED_MAXIMUM_LENGTH if maximum is None else int.from_bytes(maximum),
            uid_text(single.get(IMPLEMENTATION_CLASS_UID, _EMPTY)),
            str(single.get(IMPLEMENTATION_VERSION_NAME, _EMPTY), "latin-1").strip(" \0"),
            None if window is None else AsynchronousOperationsWindow.decode(window),
            tuple(roles),
            tuple(extended),
            tuple(common),
            None if identity is None else UserIdentityRQ.decode(identity),
            None if response is None else UserIdentityAC.decode(response),
            tuple(unknown),
        )


_EMPTY = memoryview(b"")
_SINGLE = frozenset(
    {
        MAXIMUM_LENGTH,
        IMPLEMENTATION_CLASS_UID,
        ASYNCHRONOUS_OPERATIONS_WINDOW,
        IMPLEMENTATION_VERSION_NAME,
        USER_IDENTITY_RQ,
        USER_IDENTITY_AC,
    }
)


def items(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The items that fill ``data``, as (type, value); ``RemoteProtocolError`` where a length passes the end."""
    position, end = 0, len(data)
    while position < end:
        if end - position < 4:
            invalid(f"{end - position} stray bytes where an item should begin")
        length = data[position + 2] << 8 | data[position + 3]
        if length > end - position - 4:
            invalid(f"item {data[position]:02X}H of {length} bytes in an item that has {end - position - 4} left")
        yield data[position], data[position + 4 : position + 4 + length]
        position += 4 + length


def item(kind: int, value: bytes) -> bytes:
    """One item: type, a reserved byte, two bytes of length, the value."""
    if len(value) > 0xFFFF:
        raise LocalProtocolError(f"item {kind:02X}H has {len(value)} bytes; an item holds 65535 at most")
    return bytes((kind, 0)) + len(value).to_bytes(2) + value


def counted(value: bytes) -> bytes:
    """Two bytes of length and the value."""
    if len(value) > 0xFFFF:
        raise LocalProtocolError(f"a field of {len(value)} bytes; its length has two bytes")
    return len(value).to_bytes(2) + value


def take_counted(data: memoryview, what: str) -> tuple[memoryview, memoryview]:
    """The field behind a two-byte length, and what follows it."""
    _at_least(data, 2, what)
    length = data[0] << 8 | data[1]
    if length > len(data) - 2:
        invalid(f"{what} of {length} bytes in an item that has {len(data) - 2} left")
    return data[2 : 2 + length], data[2 + length :]


def uid_text(data: memoryview) -> str:
    """A UID as text; padding, which PS3.8 F forbids but old peers send, is taken away."""
    return str(data, "latin-1").strip(" \0")


def _text(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise LocalProtocolError("a name or UID holds characters beyond ISO 8859-1") from None


def _at_least(data: memoryview, length: int, what: str) -> None:
    if len(data) < length:
        invalid(f"{what} has {len(data)} bytes; at least {length} are needed")


def _exactly(data: memoryview, length: int, what: str) -> None:
    if len(data) != length:
        invalid(f"{what} has {len(data)} bytes instead of {length}")
