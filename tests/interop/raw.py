"""A peer made of bytes: associations, echoes and stores written out by hand, so that they can also be wrong.

Independent of Kerma's own protocol code on purpose. Layouts: PS3.8 9.3 (PDUs), PS3.7 6.3 and E (command sets,
implicit VR little endian). Reads are bounded by a time-out; nothing here waits for ever.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBI", kind, 0, len(body)) + body


def context(number: int, abstract: str, syntaxes: Sequence[str]) -> bytes:
    inner = item(0x30, abstract.encode()) + b"".join(item(0x40, one.encode()) for one in syntaxes)
    return item(0x20, struct.pack(">BBBB", number, 0, 0, 0) + inner)


def associate_rq(
    contexts: Sequence[tuple[str, Sequence[str]]] = ((VERIFICATION, (IMPLICIT_LE,)),),
    *,
    called: str = "KERMA",
    calling: str = "RAW",
    max_length: int = 131072,
    extra: bytes = b"",
) -> bytes:
    """A-ASSOCIATE-RQ; contexts get the numbers 1, 3, 5 ..."""
    user = item(0x51, struct.pack(">I", max_length)) + item(0x52, b"1.2.826.0.1.3680043.8.498.77.9") + extra
    body = struct.pack(">HH", 1, 0) + called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)
    body += item(0x10, APPLICATION_CONTEXT)
    body += b"".join(context(2 * n + 1, abstract, syntaxes) for n, (abstract, syntaxes) in enumerate(contexts))
    return pdu(ASSOCIATE_RQ, body + item(0x50, user))


def element(group: int, number: int, value: bytes) -> bytes:
    padded = value + b"\0" * (len(value) % 2)
    return struct.pack("<HHI", group, number, len(padded)) + padded


def us(value: int) -> bytes:
    return struct.pack("<H", value)


def command(*elements: bytes) -> bytes:
    """A command set with its group length in front."""
    body = b"".join(elements)
    return element(0, 0, struct.pack("<I", len(body))) + body


def echo_rq(message_id: int = 1) -> bytes:
    return command(
        element(0, 0x0002, VERIFICATION.encode()),
        element(0, 0x0100, us(0x0030)),
        element(0, 0x0110, us(message_id)),
        element(0, 0x0800, us(0x0101)),
    )


def store_rq(sop_class: bytes, sop_instance: bytes, message_id: int = 1) -> bytes:
    return command(
        element(0, 0x0002, sop_class),
        element(0, 0x0100, us(0x0001)),
        element(0, 0x0110, us(message_id)),
        element(0, 0x0700, us(0)),
        element(0, 0x0800, us(0x0001)),
        element(0, 0x1000, sop_instance),
    )


def pdv(context_id: int, data: bytes, *, is_command: bool, is_last: bool) -> bytes:
    return struct.pack(">IBB", len(data) + 2, context_id, is_command | (is_last << 1)) + data


def p_data(context_id: int, data: bytes, *, is_command: bool, is_last: bool = True) -> bytes:
    return pdu(P_DATA, pdv(context_id, data, is_command=is_command, is_last=is_last))


def elements_of(data: bytes) -> dict[int, bytes]:
    """The elements of a command set by element number."""
    found, at = {}, 0
    while at + 8 <= len(data):
        _, number, length = struct.unpack_from("<HHI", data, at)
        found[number] = data[at + 8 : at + 8 + length]
        at += 8 + length
    return found


@dataclass
class Raw:
    """One TCP connection and what can be said on it."""

    sock: socket.socket

    @classmethod
    def connect(cls, host: str, port: int, timeout: float = 30.0) -> Raw:
        sock = socket.create_connection((host, port), timeout=timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_what_is_taken(self, data: bytes) -> None:
        """Send; a peer that closes in the middle is no error here, what it answered is what matters."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def _exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            part = self.sock.recv(count)
            if not part:
                return b"".join(parts)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def receive(self) -> tuple[int, bytes]:
        """The next PDU's type and body; (0, b"") where the peer closed."""
        try:
            head = self._exactly(6)
            if len(head) < 6:
                return 0, b""
            kind, _, length = struct.unpack(">BBI", head)
            return kind, self._exactly(length)
        except ConnectionResetError:
            return 0, b""

    def associate(self, contexts: Sequence[tuple[str, Sequence[str]]] | None = None, calling: str = "RAW") -> int:
        """Request an association; returns the type of the answer."""
        rq = associate_rq(calling=calling) if contexts is None else associate_rq(contexts, calling=calling)
        self.send(rq)
        return self.receive()[0]

    def response(self) -> dict[int, bytes]:
        """The elements of the next command set; nothing where something else came."""
        whole = b""
        while True:
            kind, body = self.receive()
            if kind != P_DATA:
                return {}
            at = 0
            while at + 6 <= len(body):
                length, _, flags = struct.unpack_from(">IBB", body, at)
                whole += body[at + 6 : at + 4 + length]
                at += 4 + length
                if flags & 3 == 3:
                    return elements_of(whole)

    def echo(self, context_id: int = 1) -> int:
        """C-ECHO; returns its status, -1 where there was no response."""
        self.send(p_data(context_id, echo_rq(), is_command=True))
        return self.status()

    def status(self) -> int:
        value = self.response().get(0x0900)
        return -1 if value is None else int(struct.unpack("<H", value)[0])

    def store(self, sop_class: str, sop_instance: str, dataset: bytes, context_id: int = 1, piece: int = 65536) -> int:
        """C-STORE of bytes that are already in the context's syntax; returns the status, -1 without a response."""
        self.send(p_data(context_id, store_rq(sop_class.encode(), sop_instance.encode()), is_command=True))
        for at in range(0, max(len(dataset), 1), piece):
            part = dataset[at : at + piece]
            self.send_what_is_taken(p_data(context_id, part, is_command=False, is_last=at + piece >= len(dataset)))
        return self.status()

    def release(self) -> int:
        self.send(pdu(RELEASE_RQ, bytes(4)))
        return self.receive()[0]
