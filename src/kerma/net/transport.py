"""A blocking byte stream: a TCP socket, plain or with TLS. The only module of the blocking side that calls a socket.

Rules:

- Nothing is copied on the way: reads go into the caller's buffer, writes are gathered (``sendmsg``) where the kernel
  can.
- Time-outs of plain sockets are the kernel's (SO_RCVTIMEO, SO_SNDTIMEO): no ``poll`` before every ``recv``.
- ``OSError`` becomes ours here and nowhere else. End of stream is a count of 0.
- One thread at a time; who that is may change between calls.

Sources: PS3.8 9.1 (TCP, one association per connection), PS3.15 B.9 and B.10 for TLS.
"""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerma.errors import ConnectError, ConnectionLostError, TimeoutExpiredError
from kerma.net.peer import Peer

if TYPE_CHECKING:
    import ssl

Buffer = bytes | bytearray | memoryview

MAX_VECTORS = 1_000
"""Buffers of one gathered write; below IOV_MAX (1024)."""

_KERNEL_TIMEOUTS = os.name == "posix"
_GATHER = hasattr(socket.socket, "sendmsg")


class Transport:
    """A connected plain socket."""

    __slots__ = ("_receive_timeout", "_send_timeout", "name", "received", "sent", "sock")

    def __init__(self, sock: socket.socket, name: str) -> None:
        self.sock = sock
        self.name = name
        """The other side's address, for messages."""
        self.received = 0
        self.sent = 0
        self._receive_timeout = self._send_timeout = -1.0
        try:
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise self._lost(error) from error

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def secure(self) -> bool:
        return False

    def set_send_timeout(self, seconds: float) -> None:
        """How long one ``send`` may make no progress."""
        if seconds != self._send_timeout:
            self._send_timeout = seconds
            self._kernel_timeout(socket.SO_SNDTIMEO if _KERNEL_TIMEOUTS else 0, seconds)

    def recv_into(self, view: memoryview, timeout: float) -> int:
        """Bytes read, 0 at the end of the stream; ``TimeoutExpiredError`` where nothing came for ``timeout``
        seconds."""
        try:
            if timeout != self._receive_timeout:
                self._receive_timeout = timeout
                self._kernel_timeout(socket.SO_RCVTIMEO if _KERNEL_TIMEOUTS else 0, timeout)
            count = self.sock.recv_into(view)
        except (BlockingIOError, TimeoutError):
            raise TimeoutExpiredError(f"nothing received for {timeout:g} s", where=self.name) from None
        except OSError as error:
            raise self._lost(error) from error
        self.received += count
        return count

    def readable(self) -> bool:
        """Whether ``recv_into`` would return at once."""
        try:
            if not hasattr(select, "poll"):
                return bool(select.select([self.sock], [], [], 0)[0])
            poller = select.poll()  # select() knows no descriptor above 1023
            poller.register(self.sock, select.POLLIN)
            return bool(poller.poll(0))
        except (OSError, ValueError):
            return True  # the next read says what is wrong

    def send(self, buffers: Sequence[Buffer]) -> None:
        """All of ``buffers``; ``TimeoutExpiredError`` where the peer takes nothing for the send time-out."""
        try:
            if len(buffers) == 1:
                self._send_one(memoryview(buffers[0]))
            else:
                for start in range(0, len(buffers), MAX_VECTORS):
                    self._send_many(list(buffers[start : start + MAX_VECTORS]))
        except (BlockingIOError, TimeoutError):
            raise TimeoutExpiredError("the peer takes no more bytes", where=self.name) from None
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Close it; harmless when closed."""
        self.sock.close()

    def shut_down(self) -> None:
        """Make whoever is blocked in a call on it come back; from any thread. Closing it then resets the connection."""
        try:
            # Without the reset a peer that waits for room to send more may wait for the system's FIN time-out: what
            # is read after a shutdown opens no window, and a socket that is closed with nothing unread resets nobody.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def end_of_output(self) -> None:
        """Nothing more will be sent: the other side sees the end of the stream. Harmless when said before, or when it
        is gone."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _send_one(self, view: memoryview) -> None:
        total = len(view)
        done = self.sock.send(view)
        if done < total:
            self._send_rest([view[done:]], total - done)
        self.sent += total

    def _send_many(self, buffers: list[Buffer]) -> None:
        if not _GATHER:
            self._send_one(memoryview(b"".join(buffers)))
            return
        total = sum(map(len, buffers))
        done = self.sock.sendmsg(buffers)
        if done < total:
            self._send_rest(_after(buffers, done), total - done)
        self.sent += total

    def _send_rest(self, buffers: list[Buffer], left: int) -> None:
        """What one call did not take. The time-out holds for all of it: a peer that reads a byte a second is no
        help."""
        deadline = time.monotonic() + self._send_timeout
        while left:
            if time.monotonic() > deadline > 0:
                raise TimeoutError
            done = self.sock.sendmsg(buffers) if _GATHER else self.sock.send(buffers[0])
            left -= done
            buffers = _after(buffers, done) if left else []

    def _kernel_timeout(self, option: int, seconds: float) -> None:
        if _KERNEL_TIMEOUTS:
            # A zero means for ever, so the least is a microsecond.
            micros = max(1, round(seconds * 1e6))
            self.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", micros // 1_000_000, micros % 1_000_000))
        else:
            self.sock.settimeout(seconds)

    def _lost(self, error: OSError) -> ConnectionLostError:
        return ConnectionLostError(f"the connection is lost: {error.strerror or error}", where=self.name)


class TLSTransport(Transport):
    """A connected TLS socket whose hand-shake is done. Time-outs are Python's, as OpenSSL knows none."""

    __slots__ = ("_applied",)

    sock: ssl.SSLSocket

    def __init__(self, sock: ssl.SSLSocket, name: str) -> None:
        super().__init__(sock, name)
        self._applied = -1.0

    @property
    def secure(self) -> bool:
        return True

    def set_send_timeout(self, seconds: float) -> None:
        self._send_timeout = seconds

    def recv_into(self, view: memoryview, timeout: float) -> int:
        try:
            self._apply(timeout)
            count = self.sock.recv_into(view)
        except TimeoutError:
            raise TimeoutExpiredError(f"nothing received for {timeout:g} s", where=self.name) from None
        except OSError as error:
            raise self._lost(error) from error
        self.received += count
        return count

    def end_of_output(self) -> None:
        """TLS has no half-closed streams that all peers understand: the other side sees the end when it closes."""

    def readable(self) -> bool:
        return self.sock.pending() > 0 or super().readable()

    def send(self, buffers: Sequence[Buffer]) -> None:
        try:
            self._apply(self._send_timeout if self._send_timeout > 0 else None)
            for view in _gathered(buffers):
                self.sock.sendall(view)
                self.sent += len(view)
        except TimeoutError:
            raise TimeoutExpiredError("the peer takes no more bytes", where=self.name) from None
        except OSError as error:
            raise self._lost(error) from error

    def _apply(self, timeout: float | None) -> None:
        wanted = -1.0 if timeout is None else timeout
        if wanted != self._applied:
            self._applied = wanted
            self.sock.settimeout(timeout)


def _gathered(buffers: Sequence[Buffer]) -> list[Buffer]:
    """Small neighbours joined, so that each does not become a TLS record of its own."""
    out: list[Buffer] = []
    small: list[Buffer] = []
    for buffer in buffers:
        if len(buffer) < 8192:
            small.append(buffer)
            continue
        if small:
            out.append(b"".join(small))
            small = []
        out.append(buffer)
    if small:
        out.append(b"".join(small))
    return out


def _after(buffers: Sequence[Buffer], skip: int) -> list[Buffer]:
    """``buffers`` without their first ``skip`` bytes."""
    for index, buffer in enumerate(buffers):
        if skip < len(buffer):
            return [memoryview(buffer)[skip:], *buffers[index + 1 :]]
        skip -= len(buffer)
    return []


def connect(peer: Peer, timeout: float) -> Transport:
    """A connection to ``peer``, hand-shake included; ``ConnectError`` says what stood in the way."""
    try:
        sock = socket.create_connection((peer.host, peer.port), timeout)
    except OSError as error:
        raise connect_error(peer, error) from error
    if peer.tls is None:
        return Transport(sock, str(peer))
    context = peer.tls.client_context()
    try:
        secure = context.wrap_socket(sock, server_hostname=peer.host)
    except OSError as error:
        sock.close()
        raise connect_error(peer, error) from error
    return TLSTransport(secure, str(peer))


def secure_server(sock: socket.socket, context: ssl.SSLContext, name: str, timeout: float) -> Transport:
    """The server's side of the TLS hand-shake, within ``timeout`` seconds; ``ConnectError`` where it fails."""
    try:
        sock.settimeout(timeout)
        return TLSTransport(context.wrap_socket(sock, server_side=True), name)
    except OSError as error:
        sock.close()
        raise ConnectError(f"TLS hand-shake failed: {connect_error_text(error)}", where=name) from error


def connect_error(peer: Peer, error: OSError) -> ConnectError:
    """``error`` as a sentence with what to do about it."""
    text, hint = "cannot connect", "check host and port, and that the peer runs"
    if isinstance(error, socket.gaierror):
        text, hint = "the host name is not known", "check its spelling, or use an IP address"
    elif isinstance(error, ConnectionRefusedError):
        text = "nothing listens there (connection refused)"
    elif isinstance(error, TimeoutError):
        text, hint = "no answer to the connection", "check host and port, and any firewall between"
    elif type(error).__module__ == "ssl":
        text = f"TLS hand-shake failed: {connect_error_text(error)}"
        hint = "check that the peer speaks TLS on this port, and the certificates of both sides"
    elif error.strerror:
        text = f"cannot connect: {error.strerror}"
    return ConnectError(text, where=str(peer), hint=hint)


def connect_error_text(error: Exception) -> str:
    """Why a hand-shake failed, in words."""
    if isinstance(error, TimeoutError):
        return "time-out"
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    reason = reason or getattr(error, "strerror", None) or str(error)
    return str(reason).replace("_", " ").lower()


def canonical_address(text: str) -> str:
    """An IP address in the one spelling that can be compared: an IPv4 address that came by IPv6 is the IPv4 one, zones
    are left out."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def address_text(address: object) -> str:
    """A socket address as ``HOST:PORT``, an IPv6 host in brackets."""
    if isinstance(address, tuple) and len(address) >= 2:
        host, port = address[0], address[1]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    return str(address)
