"""One association's protocol in one object: upper layer, DIMSE session and message assembly. No IO: bytes in, messages
out.

Both drivers, blocking and asyncio, are thin loops around it.

Rules:

- ``feed`` never raises for what a peer sends: a broken protocol becomes an abort in ``take_output`` and ``failure``.
- Slices of a stored instance go to their sink before ``feed`` returns, as many together as arrived together: the
  buffer is the caller's.
- Other data sets (identifiers) are held in memory, at most ``NetworkLimits.max_identifier`` bytes.
- What is kept of an idle association is a few small objects and no buffer.

Sources: PS3.8 9.2, PS3.7 6.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from kerma.dimse import Command, CommandField, DataSlice, MessageBegin, Session
from kerma.errors import AbortError, ConnectionLostError, LocalProtocolError, NetworkError, RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.net.transport import MAX_VECTORS, Buffer
from kerma.services.flow import Message
from kerma.services.incoming import Incoming
from kerma.ul.association import Closed, PData, UpperLayer
from kerma.ul.codes import AbortReason, AbortSource
from kerma.ul.negotiation import Context, accepted
from kerma.ul.pdu import Abort, AssociateAC, AssociateRJ, AssociateRQ, ReleaseRP, ReleaseRQ
from kerma.ul.states import State

OpenIncoming = Callable[[Context, Command], Incoming]

PROGRESS = 4096
"""Bytes from which on a peer counts as alive in the middle of a message: a byte a second is no sign of life."""


_OUTSTANDING = 64
"""Requests that wait to be served. We agree to one at a time (PS3.7 D.3.3.3); a peer in haste is borne up to here."""


class Patience:
    """How long to wait for a whole message: ``timeout`` seconds, anew whenever ``PROGRESS`` bytes of it have come."""

    __slots__ = ("_core", "_deadline", "_mark", "_timeout")

    def __init__(self, core: Core, timeout: float, now: float) -> None:
        self._core = core
        self._timeout = timeout
        self._deadline = now + timeout
        self._mark = core.received

    def left(self, now: float) -> float:
        """Seconds; 0 or less where it has run out."""
        if self._core.received - self._mark >= PROGRESS:
            self._mark = self._core.received
            self._deadline = now + self._timeout
        return self._deadline - now


class Core:
    """One side of one association. ``messages`` are whole and not yet taken, oldest first."""

    __slots__ = (
        "_begin",
        "_incoming",
        "_parts",
        "_size",
        "_slices",
        "answer",
        "contexts",
        "failure",
        "limits",
        "messages",
        "open_incoming",
        "received",
        "release_asked",
        "released",
        "request",
        "session",
        "stores",
        "ul",
        "where",
    )

    def __init__(
        self, role: Literal["acceptor", "requestor"], limits: NetworkLimits, open_incoming: OpenIncoming, where: str
    ) -> None:
        self.ul = UpperLayer(role, limits)
        self.limits = limits
        self.where = where
        self.open_incoming = open_incoming
        self.stores = False
        """Whether what arrives may go to a sink that blocks (the asyncio driver then feeds in a thread)."""
        self.received = 0
        """Bytes that were fed."""
        self.session: Session | None = None
        self.contexts: dict[int, Context] = {}
        self.messages: list[Message] = []
        self.request: AssociateRQ | None = None
        self.answer: AssociateAC | AssociateRJ | None = None
        self.release_asked = False
        self.released = False
        self.failure: NetworkError | None = None
        """Why nothing more will come, where that is not a release."""
        self._begin: MessageBegin | None = None
        self._incoming: Incoming | None = None
        self._slices: list[memoryview] = []
        self._parts: bytearray | None = None

    @property
    def over(self) -> bool:
        """Whether the association has ended, or is about to, for any reason."""
        return self.failure is not None or self.released

    @property
    def in_message(self) -> bool:
        """Whether a message has begun to arrive and is not whole."""
        return self._begin is not None

    def feed(self, data: Buffer) -> None:
        """Bytes of the transport; ``b""`` is its end."""
        self.received += len(data)
        for events in self.ul.batches(data):
            for event in events:
                if type(event) is PData:
                    if self.failure is None:
                        self._data(event)
                else:
                    self._event(event)
        if self._slices:
            self._flush()

    def associate(self, request: AssociateRQ) -> None:
        """Ask for an association; the answer establishes it, as data may follow in the same breath (N-EVENT-REPORT)."""
        self.request = request
        self.ul.associate(request)

    def establish(self, request: AssociateRQ, answer: AssociateAC) -> None:
        """Both PDUs have been exchanged: data may flow."""
        self.contexts = accepted(request, answer)
        self.request = None  # done with, and it may list very much
        self.session = Session(self.contexts, max_pdu=self.ul.peer_max_pdu, limits=self.limits)

    def abort(
        self,
        source: int = AbortSource.SERVICE_USER,
        reason: int = AbortReason.REASON_NOT_SPECIFIED,
        failure: NetworkError | None = None,
    ) -> None:
        """End it at once from our side; ``failure`` is what later calls are told."""
        self.ul.abort(source, reason)
        self.fail(
            failure or AbortError("the association was aborted by us", source=source, reason=reason, where=self.where)
        )

    def fail(self, failure: NetworkError) -> None:
        """Nothing more will come: forget what had begun to arrive."""
        if self.failure is None:
            self.failure = failure
        self._slices.clear()
        if self._incoming is not None:
            self._incoming.abort()
        self._begin = self._incoming = self._parts = None

    def check(self) -> None:
        """Raise why the association cannot go on, if it cannot."""
        if self.failure is not None:
            raise self.failure
        if self.released or self.release_asked:
            raise ConnectionLostError("the peer released the association", where=self.where)

    def answer_release(self) -> bool:
        """Answer a release that collided with ours (PS3.8 9.2.2.3); False where none did, or where ours is answered
        first (Sta10)."""
        if not self.release_asked or self.ul.state is State.Sta10:
            return False
        self.release_asked = False
        self.ul.release_reply()
        return True

    def drop(self) -> None:
        """Forget messages that nobody will take."""
        for message in self.messages:
            if message.incoming is not None:
                message.incoming.abort()
        self.messages.clear()

    def sending(self) -> Session:
        """The session, where data may be sent now; the reason why not is raised."""
        if self.failure is not None:
            raise self.failure
        if self.session is None or not self.ul.may_send_data:
            raise LocalProtocolError("the association is not open for data", where=self.where)
        return self.session

    # -- events -------------------------------------------------------------------------------------------------------

    def _data(self, event: PData) -> None:
        assert self.session is not None
        try:
            for item in self.session.receive(event):
                if isinstance(item, DataSlice):
                    self._slice(item.data)
                elif isinstance(item, MessageBegin):
                    self._open(item)
                else:
                    self._close()
        except RemoteProtocolError as error:
            self.abort(error.source, error.reason, error)

    def _open(self, begin: MessageBegin) -> None:
        if not begin.has_data:
            # The session says MessageEnd for these too; the message is complete as it is.
            self._begin = begin
            return
        self._begin = begin
        if begin.command.field is CommandField.C_STORE_RQ:
            self._incoming = self.open_incoming(begin.context, begin.command)
        else:
            self._parts = bytearray()

    def _slice(self, data: memoryview) -> None:
        if self._incoming is not None:
            self._slices.append(data)
            if len(self._slices) >= MAX_VECTORS:
                self._flush()
        elif self._parts is not None:
            if len(self._parts) + len(data) > self.limits.max_identifier:
                raise RemoteProtocolError(
                    f"a data set of more than {self.limits.max_identifier} bytes that is not to be stored",
                    source=AbortSource.SERVICE_USER,
                    reason=AbortReason.REASON_NOT_SPECIFIED,
                    where=self.where,
                )
            self._parts += data

    def _close(self) -> None:
        begin = self._begin
        assert begin is not None
        if self._slices:
            self._flush()
        if len(self.messages) >= _OUTSTANDING and not begin.command.is_response:
            raise RemoteProtocolError(
                "far more operations at a time than the one that was agreed on",
                source=AbortSource.SERVICE_USER,
                reason=AbortReason.REASON_NOT_SPECIFIED,
                where=self.where,
            )
        data = None if self._parts is None else bytes(self._parts)
        self.messages.append(Message(begin.context, begin.command, data, self._incoming))
        self._begin = self._incoming = self._parts = None

    def _flush(self) -> None:
        if self._incoming is not None:
            self._incoming.write(self._slices)
        self._slices.clear()

    def _event(self, event: object) -> None:
        match event:
            case AssociateRQ():
                self.request = event
            case AssociateAC():
                self.answer = event
                self._established(event)
            case AssociateRJ():
                self.answer = event
            case ReleaseRQ():
                self.release_asked = True
            case ReleaseRP():
                # In a collision on the acceptor's side theirs is still to be answered (Sta12).
                self.released = self.ul.state is not State.Sta12
            case Abort():
                self.fail(self._aborted(event))
            case Closed() if not event.clean:
                self.fail(ConnectionLostError("the connection ended without release or abort", where=self.where))
            case _:
                self.released = True

    def _established(self, answer: AssociateAC) -> None:
        assert self.request is not None
        try:
            self.establish(self.request, answer)
        except RemoteProtocolError as error:
            self.abort(error.source, error.reason, error)

    def _aborted(self, event: Abort) -> NetworkError:
        if event.local:
            return self.ul.error or RemoteProtocolError(
                event.detail, source=event.source, reason=event.reason, where=self.where
            )
        return AbortError(str(event), source=event.source, reason=event.reason, where=self.where)
