"""PDUs that several tests of the upper layer use."""

from __future__ import annotations

from kerma.ul.association import Event, UpperLayer
from kerma.ul.pdu import (
    AssociateAC,
    AssociateRQ,
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
)

VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
JPEG = "1.2.840.10008.1.2.4.70"

RQ = AssociateRQ(
    "ACCEPTOR",
    "REQUESTOR",
    (PresentationContextRQ(1, VERIFICATION, (IMPLICIT,)), PresentationContextRQ(3, CT, (EXPLICIT, IMPLICIT))),
    UserInformation(16382, "1.2.3", "V1"),
)
AC = AssociateAC(
    "ACCEPTOR",
    "REQUESTOR",
    (PresentationContextAC(1, 0, IMPLICIT), PresentationContextAC(3, 0, EXPLICIT)),
    UserInformation(131_072, "1.2.4", "V2"),
)
FULL_RQ = AssociateRQ(
    "ACCEPTOR",
    "REQUESTOR",
    RQ.contexts,
    UserInformation(
        0,
        "1.2.3.4",
        "KERMA",
        AsynchronousOperationsWindow(5, 0),
        (RoleSelection(CT, True, True), RoleSelection(VERIFICATION, False, True)),
        (ExtendedNegotiation(CT, b"\2\0\1"), ExtendedNegotiation(VERIFICATION, b"")),
        (
            CommonExtendedNegotiation(CT, "1.2.840.10008.4.2", ("1.2.3", "1.2.34")),
            CommonExtendedNegotiation("1.2.9", "1.2.840.10008.4.2"),
        ),
        UserIdentityRQ(2, b"user", b"pass", True),
        None,
        (UnknownItem(0x5A, b"later"),),
    ),
    unknown=(UnknownItem(0x60, b"odd"),),
)
FULL_AC = AssociateAC(
    "ACCEPTOR",
    "REQUESTOR",
    (PresentationContextAC(1, 0, IMPLICIT), PresentationContextAC(3, 4, EXPLICIT)),
    UserInformation(131_072, "1.2.4", "V2", user_identity_response=UserIdentityAC(b"ticket")),
)


def joined(ul: UpperLayer) -> bytes:
    """What the machine wants to send, as one string."""
    return b"".join(ul.take_output())


def pump(sender: UpperLayer, receiver: UpperLayer) -> list[Event]:
    """Carry what ``sender`` has to say to ``receiver``."""
    data = joined(sender)
    return receiver.receive(data) if data else []


def established() -> tuple[UpperLayer, UpperLayer]:
    """A requestor and an acceptor in Sta6."""
    requestor, acceptor = UpperLayer("requestor"), UpperLayer("acceptor")
    requestor.associate(RQ)
    pump(requestor, acceptor)
    acceptor.accept(AC)
    pump(acceptor, requestor)
    return requestor, acceptor
