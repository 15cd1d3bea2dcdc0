"""One association as a machine: bytes of the transport in, events out; primitives of the user in, bytes out.

Rules of this module:

- No sockets, clocks, threads or logging. The driver reads and sends, holds the ARTIM timer while ``artim_running``,
  and closes the transport when ``wants_close``.
- Every move is looked up in ``states.TABLE`` (PS3.8 table 9-10); this module only does what the actions of tables
  9-6 to 9-9 say.
- Reading is in ``reader``, where data in Sta6 and Sta7 (DT-2, AR-6) passes without a look-up.

Sources: PS3.8 9.2, 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kerma.errors import LocalProtocolError, RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul import pdu
from kerma.ul.codes import AbortReason, AbortSource, ACSERejectReason, RejectResult, RejectSource
from kerma.ul.events import Closed, Event, PData
from kerma.ul.reader import Reader
from kerma.ul.states import STATE_TEXT, TABLE, Action, Evt, State

__all__ = ["Closed", "Event", "PData", "UpperLayer"]

Buffer = bytes | bytearray | memoryview

_UNLIMITED = 0xFFFF_FFFF


class UpperLayer(Reader):
    """The upper layer of one side of one association.

    An acceptor is made when a transport connection has come in (Sta2, ARTIM running); a requestor calls
    ``associate`` when its own connection stands. ``error`` is set when the peer broke the protocol.
    """

    __slots__ = ("_out", "_request", "artim_running", "error", "peer_max_pdu", "role", "wants_close")

    def __init__(self, role: Literal["acceptor", "requestor"], limits: NetworkLimits | None = None) -> None:
        super().__init__(NetworkLimits() if limits is None else limits)
        self.role = role
        self.artim_running = False
        self.wants_close = False
        self.error: RemoteProtocolError | None = None
        self.peer_max_pdu = 0
        """The maximum length that the peer announced; 0 is no limit. Known when its A-ASSOCIATE PDU is."""
        self._out: list[Buffer] | None = None
        self._request: pdu.AssociateRQ | None = None
        if role == "acceptor":
            self._apply(Evt.TRANSPORT_INDICATION, None, [])

    # -- the transport ------------------------------------------------------------------------------------------------

    def receive(self, data: Buffer) -> list[Event]:
        """What ``data`` means, in order; ``b""`` is the end of the transport. Never raises for what a peer sends."""
        view = data if type(data) is memoryview else memoryview(data)
        end = len(view)
        events: list[Event] = []
        if not end:
            if self.state is State.Sta1:
                return [Closed(True)]
            self._apply(Evt.TRANSPORT_CLOSED, None, events)
            return events
        position = 0
        while position < end:
            more: list[Event] = []
            position = self._read(view, position, more)
            events += more
        return events

    def batches(self, data: Buffer) -> Iterator[list[Event]]:
        """As ``receive``, but a bounded number of events at a time, so that no peer can make very many. Exhaust it."""
        view = data if type(data) is memoryview else memoryview(data)
        position, end = 0, len(view)
        if not end:
            yield self.receive(data)
        while position < end:
            events: list[Event] = []
            position = self._read(view, position, events)
            yield events

    def take_output(self) -> list[Buffer]:
        """What is to be sent now; empties it. Send it before looking at ``wants_close``."""
        out = self._out
        if out is None:
            return []
        self._out = None
        return out

    def transport_connected(self) -> None:
        """The connection that ``associate(rq, connected=False)`` asked for stands: sends the request."""
        self._local(Evt.TRANSPORT_CONNECTED, None)

    def artim_expired(self) -> None:
        """The ARTIM timer has run out; harmless where it is not running."""
        if self.artim_running:
            self._local(Evt.ARTIM_EXPIRED, None)

    # -- primitives of the user ---------------------------------------------------------------------------------------

    def associate(self, request: pdu.AssociateRQ, *, connected: bool = True) -> None:
        """A-ASSOCIATE request. With ``connected=False`` it is sent when ``transport_connected`` is called."""
        if self.role != "requestor":
            raise LocalProtocolError("an acceptor does not request associations")
        self._local(Evt.A_ASSOCIATE_REQUEST, request)
        if connected:
            self._local(Evt.TRANSPORT_CONNECTED, None)

    def accept(self, answer: pdu.AssociateAC) -> None:
        """A-ASSOCIATE response: accept."""
        self._local(Evt.A_ASSOCIATE_ACCEPT, answer)

    def reject(self, answer: pdu.AssociateRJ) -> None:
        """A-ASSOCIATE response: reject."""
        self._local(Evt.A_ASSOCIATE_REJECT, answer)

    def release(self) -> None:
        """A-RELEASE request; ends in a ``ReleaseRP`` event, after a ``ReleaseRQ`` where both sides released at once."""
        self._local(Evt.A_RELEASE_REQUEST, None)

    def release_reply(self) -> None:
        """A-RELEASE response; in a collision on the acceptor's side only after ``ReleaseRP`` has come (Sta12)."""
        self._local(Evt.A_RELEASE_RESPONSE, None)

    def abort(
        self, source: int = AbortSource.SERVICE_USER, reason: int = AbortReason.REASON_NOT_SPECIFIED, detail: str = ""
    ) -> None:
        """A-ABORT request. Harmless where there is nothing (more) to abort; before an A-ASSOCIATE-RQ it only closes."""
        if self.state is State.Sta2:
            self.artim_running = False
            self.wants_close = True
            self.state = State.Sta1
        elif self.state not in (State.Sta1, State.Sta13):
            self._local(Evt.A_ABORT_REQUEST, pdu.Abort(source, reason, True, detail))

    @property
    def may_send_data(self) -> bool:
        """Whether a P-DATA request is allowed now (Sta6, Sta8)."""
        return self.state is State.Sta6 or self.state is State.Sta8

    def data_request(self) -> None:
        """Call before P-DATA-TF PDUs from ``kerma.dimse`` are sent: ``LocalProtocolError`` in a wrong state (Evt9)."""
        if not self.may_send_data:
            self._local(Evt.P_DATA_REQUEST, None)

    # -- moves --------------------------------------------------------------------------------------------------------

    def _local(self, event: Evt, argument: object) -> None:
        if event not in TABLE or self.state not in TABLE[event]:
            raise LocalProtocolError(
                f"{event.name.replace('_', '-')} is not allowed in {self.state.name} ({STATE_TEXT[self.state]})"
            )
        self._apply(event, argument, [])

    def _send(self, value: pdu.PDU) -> None:
        if self._out is None:
            self._out = []
        self._out.append(value.encode())

    def _apply(self, event: Evt, argument: object, events: list[Event]) -> None:
        """Look the event up in table 9-10, do the action, take the next state."""
        field = TABLE[event].get(self.state)
        if field is None:
            # Sta1: the transport is to be closed; bytes that still come in mean nothing.
            return
        action, following = field
        before = self.state
        self.state = following[0]
        try:
            if action in _ABORT_ACTIONS:
                self._act_abort(action, event, before, argument, events)
            else:
                self._act(action, following, argument, events)
        except LocalProtocolError:
            # Nothing was sent: what the caller gave cannot be encoded.
            self.state = before
            raise

    def _act(self, action: Action, following: tuple[State, ...], argument: object, events: list[Event]) -> None:
        """The actions of tables 9-6 to 9-8. DT-1, DT-2, AR-6 and AR-7 are the fast path and do nothing here."""
        match action, argument:
            case Action.AE_1, pdu.AssociateRQ():
                self._request = argument
                argument.encode()  # refuse what cannot be sent before anything is connected
            case Action.AE_2, _ if self._request is not None:
                self._send(self._request)
                self.max_receive = self._request.user.maximum_length or _UNLIMITED
                self._request = None
            case Action.AE_5, _:
                self.artim_running = True
            case Action.AE_6, pdu.AssociateRQ():
                self._indicate(argument, following, events)
            case Action.AE_3, pdu.AssociateAC():
                self.peer_max_pdu = argument.user.maximum_length
                events.append(argument)
            case (Action.AE_4, pdu.AssociateRJ() as value) | (Action.AR_3, pdu.ReleaseRP() as value):
                self.wants_close = True
                events.append(value)
            case Action.AE_7, pdu.AssociateAC():
                self._send(argument)
                self.max_receive = argument.user.maximum_length or _UNLIMITED
            case Action.AE_8, pdu.AssociateRJ():
                self._send(argument)
                self.artim_running = True
            case Action.AR_1, _:
                self._send(pdu.ReleaseRQ())
            case (Action.AR_2, pdu.ReleaseRQ() as value) | (Action.AR_10, pdu.ReleaseRP() as value):
                events.append(value)
            case Action.AR_8, pdu.ReleaseRQ():
                self.state = following[0] if self.role == "requestor" else following[1]
                events.append(argument)
            case Action.AR_4, _:
                self._send(pdu.ReleaseRP())
                self.artim_running = True
            case Action.AR_9, _:
                self._send(pdu.ReleaseRP())
            case Action.AR_5, _:
                self.artim_running = False
                events.append(Closed(True))

    def _indicate(self, request: pdu.AssociateRQ, following: tuple[State, ...], events: list[Event]) -> None:
        """AE-6: an A-ASSOCIATE-RQ of another protocol version is rejected here, by the service provider."""
        self.artim_running = False
        if request.protocol_version & 1:
            self.peer_max_pdu = request.user.maximum_length
            events.append(request)
            return
        answer = pdu.AssociateRJ(
            RejectResult.REJECTED_PERMANENT,
            RejectSource.SERVICE_PROVIDER_ACSE,
            ACSERejectReason.PROTOCOL_VERSION_NOT_SUPPORTED,
        )
        self._send(answer)
        self.artim_running = True
        self.state = following[1]
        events.append(answer)

    def _act_abort(self, action: Action, event: Evt, before: State, argument: object, events: list[Event]) -> None:
        """The actions of table 9-9."""
        match action:
            case Action.AA_1 | Action.AA_8:
                answer = self._answer(action, event, before, argument)
                self._send(answer)
                self.artim_running = True
                if event is not Evt.A_ABORT_REQUEST:
                    self.error = RemoteProtocolError(answer.detail, source=answer.source, reason=answer.reason)
                    events.append(answer)
            case Action.AA_7:
                self._send(self._answer(action, event, before, argument))
            case Action.AA_2:
                self.artim_running = False
                self.wants_close = True
            case Action.AA_3:
                self.wants_close = True
                if isinstance(argument, pdu.Abort):
                    events.append(argument)
            case Action.AA_4:
                events.append(Closed(False))
            case Action.AA_5:
                self.artim_running = False
                events.append(Closed(True))

    def _answer(self, action: Action, event: Evt, before: State, argument: object) -> pdu.Abort:
        """The A-ABORT that AA-1, AA-7 and AA-8 send."""
        if isinstance(argument, pdu.Abort) and event is Evt.A_ABORT_REQUEST:
            return argument
        if isinstance(argument, RemoteProtocolError):
            reason, detail = argument.reason, argument.message
        else:
            name = event.name.removesuffix("_PDU").replace("_", "-")
            reason = AbortReason.UNEXPECTED_PDU
            detail = f"{name} PDU came in {before.name} ({STATE_TEXT[before]})"
        if action is Action.AA_1:
            return pdu.Abort(AbortSource.SERVICE_USER, AbortReason.REASON_NOT_SPECIFIED, True, detail)
        return pdu.Abort(AbortSource.SERVICE_PROVIDER, reason, True, detail)


_ABORT_ACTIONS = frozenset(action for action in Action if action.name.startswith("AA"))
