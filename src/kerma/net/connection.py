"""One association on the server's side: what is done with it when it has bytes, or when its time is up.

Rules:

- ``work`` is called on a pooled thread with that thread's buffers and returns what becomes of the connection: park it,
  work on again when others have had their turn, or it is over. Nothing of the thread stays with the connection.
- A TLS hand-shake is done in steps as bytes arrive: a frozen one costs no thread.
- Time-outs are deadlines that the selector holds: ARTIM (PS3.8 9.1.5), which bytes do not extend, and idle, which only
  counts bytes from ``PROGRESS`` on, so that a byte a second is no sign of life.
"""

from __future__ import annotations

import enum
import socket
import time
from typing import TYPE_CHECKING

from kerma.dimse import Command, CommandField, StatusCategory, category_of
from kerma.errors import (
    AbortError,
    ConnectionLostError,
    LocalProtocolError,
    NetworkError,
    RejectedError,
    RemoteProtocolError,
)
from kerma.net.core import PROGRESS, Core
from kerma.net.link import Buffers, Link, drive
from kerma.net.summary import AssociationSummary
from kerma.net.transport import TLSTransport, Transport, connect_error_text
from kerma.services.dispatch import Party
from kerma.services.flow import Message
from kerma.services.incoming import Incoming
from kerma.ul.negotiation import Context
from kerma.ul.pdu import AssociateAC, AssociateRQ

if TYPE_CHECKING:
    import ssl

    from kerma.net.server import Server


class Verdict(enum.Enum):
    """What becomes of a connection that was worked on."""

    PARK = enum.auto()
    AGAIN = enum.auto()
    OVER = enum.auto()


class Expiry(enum.Enum):
    """Why a connection is worked on that has no bytes."""

    ARTIM = "artim"
    IDLE = "idle"
    DRAINED = "drained"


class Connection:
    """A transport connection that came in, and the association on it."""

    __slots__ = (
        "_alive",
        "_artim_since",
        "_began",
        "_handshake",
        "_mark",
        "_progress",
        "_since",
        "accepted",
        "core",
        "counted",
        "deadline",
        "expiry",
        "link",
        "party",
        "server",
        "sock",
        "summary",
        "timer",
        "transport",
    )

    def __init__(self, server: Server, sock: socket.socket, address: str, context: ssl.SSLContext | None) -> None:
        now = time.monotonic()
        self.server = server
        self._began = now
        self.sock: socket.socket = sock
        self.summary = AssociationSummary(address, tls=context is not None, started=time.time())
        self.expiry: Expiry | None = None
        self.accepted = False
        self.counted = False
        """Whether it is in the server's count of associations."""
        self.timer = float("inf")
        """When the selector looks at its deadline next."""
        self.party: Party | None = None
        self.core = Core("acceptor", server.config.limits, self._open_incoming, address)
        self.link: Link | None = None
        self.transport: Transport | None = None
        self._handshake: ssl.SSLSocket | None = None
        self._artim_since: float | None = now
        self._progress = now
        self._mark = 0
        self._since = 0.0
        """When the data set began to come whose message is next; 0 where that message has none."""
        self._alive = False
        """Whether something was answered since the deadline was set last."""
        self.deadline = now + server.config.limits.artim
        if context is None:
            self.transport = Transport(sock, address)
        else:
            sock.setblocking(False)
            self._handshake = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self.sock = self._handshake

    # -- work ---------------------------------------------------------------------------------------------------------

    def work(self, buffers: Buffers) -> Verdict:
        """Serve it until it is quiet or over, or until others wait."""
        try:
            if self.transport is None and not self._shake():
                return Verdict.OVER if self.expiry is not None else Verdict.PARK
            assert self.transport is not None
            self.link = Link(self.transport, self.core, self.server.config.limits, buffers)
            verdict = self._expire(self.link) if self.expiry is not None else self._serve(self.link)
        except NetworkError as error:
            self.core.fail(error)
            verdict = Verdict.OVER
        finally:
            self.link = None
        if verdict is Verdict.PARK:
            self._set_deadline()
        return verdict

    def _serve(self, link: Link) -> Verdict:
        server, quiet, transport = self.server, self.server.config.quiet, link.transport
        while True:
            before = transport.received
            if not link.receive_some(quiet):
                if server.draining and self.accepted:
                    self.expiry = Expiry.DRAINED
                    return self._expire(link)
                return Verdict.PARK
            if not self._settle(link):
                return Verdict.OVER
            self._set_deadline()
            if time.monotonic() >= self.deadline:
                # Bytes that come often enough never let it be parked, where the selector looks at deadlines.
                self.expiry = Expiry.ARTIM if self.core.ul.artim_running else Expiry.IDLE
                return self._expire(link)
            if server.others_wait and (transport.received - before < PROGRESS or not self.core.in_message):
                return Verdict.AGAIN

    def _settle(self, link: Link) -> bool:
        """Do what the bytes that arrived ask for; False when the connection is done with."""
        core = self.core
        if core.request is not None and core.answer is None:
            self._answer(link, core.request)
        while core.messages:
            self._serve_message(link, core.messages.pop(0))
        if core.failure is not None:
            # Our own abort is on its way: the peer closes (Sta13), or ARTIM does. It sees the end of what we say at
            # once.
            link.transport.end_of_output()
            return core.ul.artim_running and not core.ul.wants_close and not core.released
        if core.release_asked:
            core.release_asked = False
            self.summary.end = "released"
            core.ul.release_reply()
            link.flush()
        return not (core.released or core.ul.wants_close)

    def _serve_message(self, link: Link, message: Message) -> None:
        assert self.party is not None
        self._alive = True
        began, self._since = self._since or time.perf_counter(), 0.0
        flow = self.server.dispatcher.serve(message, self.party)
        runner = drive(flow, link.perform)
        try:
            while True:
                next(runner)
        except StopIteration as stop:
            if stop.value is not None:
                self._count(message.command.field, stop.value, time.perf_counter() - began)
        except RemoteProtocolError as error:
            self.core.abort(error.source, error.reason, error)
            link.flush()
        except NetworkError as error:
            if isinstance(error, LocalProtocolError) and self.core.failure is None:  # a bug of ours, as below
                self.server.report("an association was aborted", error)
                self.core.abort(0, 0, error)
                link.flush()
            self.core.fail(error)
        except Exception as error:  # noqa: BLE001 - a bug of ours ends this association, not the server
            self.server.report("an association was aborted", error)
            self.core.abort(0, 0)
            link.flush()

    def _count(self, field: CommandField, status: int, seconds: float) -> None:
        name = field.printed.removesuffix("-RQ")
        summary = self.summary
        summary.operations[name] = summary.operations.get(name, 0) + 1
        category = category_of(status) if status else StatusCategory.SUCCESS
        if self.server.on_operation is not None:
            self.server.on_operation(name, category.value.lower(), seconds)
        if category is StatusCategory.FAILURE:
            key = f"{name} {status:04X}"
            summary.failures[key] = summary.failures.get(key, 0) + 1

    def _expire(self, link: Link) -> Verdict:
        """Its time is up: tell the peer, where there is one to tell."""
        assert self.expiry is not None
        core = self.core
        if self.expiry is Expiry.ARTIM:
            core.ul.artim_expired()
            if not self.summary.end and core.failure is None:
                self.summary.end = "artim"
                self.summary.detail = "no A-ASSOCIATE-RQ in time"
            return Verdict.OVER
        if not self.summary.end:
            self.summary.end = self.expiry.value
            self.summary.detail = "idle for too long" if self.expiry is Expiry.IDLE else "the server is shutting down"
        core.abort(0, 0)
        link.flush()
        return Verdict.OVER

    # -- association --------------------------------------------------------------------------------------------------

    def _answer(self, link: Link, request: AssociateRQ) -> None:
        core, summary = self.core, self.summary
        summary.calling_aet, summary.called_aet = request.calling_ae_title, request.called_ae_title
        self._alive = True
        answer = self.server.admit(self, request)
        core.answer = answer
        if isinstance(answer, AssociateAC):
            core.ul.accept(answer)
            try:
                core.establish(request, answer)
            except RemoteProtocolError as error:
                core.abort(error.source, error.reason, error)
            else:
                self.accepted = True
                self.party = Party(request.calling_ae_title, request.called_ae_title, summary.peer, core.contexts)
        else:
            core.ul.reject(answer)
            summary.end, summary.detail = "rejected", str(answer)
        link.flush()

    def _open_incoming(self, context: Context, command: Command) -> Incoming:
        assert self.party is not None
        self._since = time.perf_counter()
        return self.server.dispatcher.open_incoming(context, command, self.party)

    # -- TLS, time, end -----------------------------------------------------------------------------------------------

    def _shake(self) -> bool:
        """The next step of the TLS hand-shake; True when it is done."""
        import ssl  # noqa: PLC0415 - only a server with TLS comes here

        sock = self._handshake
        assert sock is not None
        if self.expiry is not None:
            self.summary.end, self.summary.detail = "refused", "the TLS hand-shake took too long"
            return False
        try:
            sock.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except (OSError, ValueError) as error:
            self.expiry = Expiry.ARTIM
            self.summary.end = "refused"
            self.summary.detail = f"TLS hand-shake failed: {connect_error_text(error)}"
            return False
        self._handshake = None
        self.transport = TLSTransport(sock, self.summary.peer)
        return True

    def _set_deadline(self) -> None:
        """When the selector is to call again without bytes."""
        limits, core = self.server.config.limits, self.core
        now = time.monotonic()
        if core.ul.artim_running:
            if self._artim_since is None:
                self._artim_since = now
            self.deadline = self._artim_since + limits.artim
            return
        self._artim_since = None
        received = 0 if self.transport is None else self.transport.received
        if self._alive or received - self._mark >= PROGRESS:
            self._alive = False
            self._mark = received
            self._progress = now
        self.deadline = self._progress + limits.idle if limits.idle else float("inf")

    def finish(self) -> AssociationSummary:
        """Close, and say how it was."""
        summary, core = self.summary, self.core
        core.drop()
        if core.in_message:
            core.fail(ConnectionLostError("the connection was closed in the middle of a message", where=summary.peer))
        if self.transport is not None:
            summary.bytes_received, summary.bytes_sent = self.transport.received, self.transport.sent
            self.transport.close()
        else:
            self.sock.close()
        summary.duration = time.monotonic() - self._began
        if not summary.end:
            summary.end, summary.detail = _end_of(core.failure)
        return summary


def _end_of(failure: NetworkError | None) -> tuple[str, str]:
    match failure:
        case None:
            return "closed", ""
        case RemoteProtocolError():
            return "aborted", failure.message
        case AbortError():
            return "aborted-by-peer", failure.message
        case RejectedError():
            return "rejected", failure.message
        case _:
            return "lost", failure.message
