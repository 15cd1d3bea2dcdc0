"""A peer made of a bare socket, for what no well-behaved client would send."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

from kerma.dimse import Command, CommandField
from kerma.net.peer import Peer
from kerma.ul.negotiation import Need, propose, request
from kerma.ul.pdu import AssociateAC, AssociateRJ, decode

from .memory import CT, EXPLICIT_LE

VERIFICATION = "1.2.840.10008.1.1"
NEEDS = (Need(VERIFICATION, (EXPLICIT_LE,)), Need(CT, (EXPLICIT_LE,)))


class Wire:
    """A socket to a server; every read has a time-out."""

    def __init__(self, peer: Peer) -> None:
        self.sock = socket.create_connection((peer.host, peer.port), 10)
        self.sock.settimeout(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self) -> bytes:
        """One PDU, b"" at the end of the connection."""
        head = self._exactly(6)
        if len(head) < 6:
            return b""
        return head + self._exactly(int.from_bytes(head[2:]))

    def rest(self) -> bytes:
        """Everything until the end of the connection."""
        out = b""
        try:
            while data := self.sock.recv(65536):
                out += data
        except ConnectionResetError:
            return out
        return out

    def associate(self, calling: str = "RAW", needs: tuple[Need, ...] = NEEDS) -> AssociateAC | AssociateRJ:
        self.send(
            request(
                propose(needs)[0],
                called_ae_title="KERMA",
                calling_ae_title=calling,
                max_pdu=16384,
                implementation_class_uid="1.2.3",
            ).encode()
        )
        answer = decode(self.read())
        assert isinstance(answer, AssociateAC | AssociateRJ)
        return answer

    def command(self, command: Command, context: int = 1, *, has_data: bool | None = None) -> None:
        self.send(pdata(context, 3, command.encode(has_data=has_data)))

    def response(self) -> Command:
        pdu = self.read()
        assert pdu[0] == 4, pdu[:10]
        return Command.decode(pdu[12:])

    def _exactly(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            try:
                part = self.sock.recv(size - len(out))
            except ConnectionResetError:
                return out
            if not part:
                return out
            out += part
        return out


def pdata(context: int, control: int, data: bytes) -> bytes:
    """One P-DATA-TF with one presentation data value."""
    return struct.pack(">BxIIBB", 4, len(data) + 6, len(data) + 2, context, control) + data


def echo_rq(message_id: int = 1) -> Command:
    return Command(CommandField.C_ECHO_RQ, MessageID=message_id, AffectedSOPClassUID=VERIFICATION)


def store_rq(uid: str = "1.2.3", sop_class: str = CT, message_id: int = 1) -> Command:
    return Command(
        CommandField.C_STORE_RQ,
        MessageID=message_id,
        Priority=0,
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=uid,
    )
