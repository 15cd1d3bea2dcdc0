"""One association as a machine: bytes of the transport in, events out; primitives of the user in, bytes out.

Rules of this module:

- No sockets, clocks, threads or logging. The driver reads and sends, holds the ARTIM timer while ``artim_running``,
  and closes the transport when ``wants_close``.
- Every move is looked up in ``states.TABLE`` (PS3.8 table 9-10); this module only does what the actions of tables
  9-6 to 9-9 say.
- P-DATA-TF is the fast path: headers are read in place and payload is handed on as slices of the caller's buffer.
  What is kept between two calls is a header (6 bytes at most) or an association PDU that is not whole yet, bounded
  by ``NetworkLimits``.
- How the bytes were cut never changes the events, except where the slices of ``PData`` are cut.
- Once the framing is lost (unknown type, wrong length) nothing more is read: what follows could mean anything.

Sources: PS3.8 9.2, 9.3, E.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Literal

from kerma.errors import LocalProtocolError, RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul import pdu
from kerma.ul.codes import AbortReason, AbortSource, ACSERejectReason, PDUType, RejectResult, RejectSource
from kerma.ul.items import invalid
from kerma.ul.states import STATE_TEXT, TABLE, Action, Evt, State

Buffer = bytes | bytearray | memoryview

_PDU_HEAD = Struct(">BxI").unpack_from
_PDV_HEAD = Struct(">IBB").unpack_from
_BOTH_HEADS = Struct(">BxIIBB").unpack_from
_EMPTY = memoryview(b"")
_UNLIMITED = 0xFFFF_FFFF

# What else people connect to a DICOM port, by its first bytes.
_LOOKS_LIKE = (
    (b"GET ", "an HTTP request"),
    (b"POST", "an HTTP request"),
    (b"PUT ", "an HTTP request"),
    (b"HEAD", "an HTTP request"),
    (b"OPTI", "an HTTP request"),
    (b"DELE", "an HTTP request"),
    (b"PATC", "an HTTP request"),
    (b"CONN", "an HTTP request"),
    (b"TRAC", "an HTTP request"),
    (b"PRI ", "an HTTP/2 preface"),
    (b"HTTP", "an HTTP response"),
    (b"SSH-", "an SSH greeting"),
    (b"\x16\x03", "a TLS hello"),
    (b"\x15\x03", "a TLS alert"),
    (b"DICM", "a DICOM file"),
)


@dataclass(slots=True)
class PData:
    """A piece of a presentation data value (PS3.8 9.3.5.1, E.2).

    ``data`` is a view into what was given to ``receive``: valid until the caller reuses that buffer. ``is_last`` is
    set only on the last piece of the last fragment of a command or data set.
    """

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


@dataclass(frozen=True, slots=True)
class Closed:
    """The transport has ended; ``clean`` where no association was lost by it."""

    clean: bool


Event = PData | Closed | pdu.AssociateRQ | pdu.AssociateAC | pdu.AssociateRJ | pdu.ReleaseRQ | pdu.ReleaseRP | pdu.Abort

_EVENT_OF = {
    PDUType.A_ASSOCIATE_RQ: Evt.A_ASSOCIATE_RQ_PDU,
    PDUType.A_ASSOCIATE_AC: Evt.A_ASSOCIATE_AC_PDU,
    PDUType.A_ASSOCIATE_RJ: Evt.A_ASSOCIATE_RJ_PDU,
    PDUType.A_RELEASE_RQ: Evt.A_RELEASE_RQ_PDU,
    PDUType.A_RELEASE_RP: Evt.A_RELEASE_RP_PDU,
    PDUType.A_ABORT: Evt.A_ABORT_PDU,
}


class UpperLayer:
    """The upper layer of one side of one association.

    An acceptor is made when a transport connection has come in (Sta2, ARTIM running); a requestor calls
    ``associate`` when its own connection stands. ``error`` is set when the peer broke the protocol or the
    association was lost.
    """

    __slots__ = (
        "_body",
        "_context",
        "_control",
        "_deaf",
        "_head",
        "_kind",
        "_left",
        "_out",
        "_pdv_left",
        "_request",
        "artim_running",
        "error",
        "limits",
        "max_receive",
        "peer_max_pdu",
        "role",
        "state",
        "wants_close",
    )

    def __init__(self, role: Literal["acceptor", "requestor"], limits: NetworkLimits | None = None) -> None:
        self.role = role
        self.limits = NetworkLimits() if limits is None else limits
        self.state = State.Sta1
        self.artim_running = False
        self.wants_close = False
        self.error: RemoteProtocolError | None = None
        self.max_receive = self.limits.max_pdu
        """The maximum length that we announced, in bytes of the P-DATA-TF variable field."""
        self.peer_max_pdu = 0
        """The maximum length that the peer announced; 0 is no limit. Known when its A-ASSOCIATE PDU is."""
        self._out: list[Buffer] | None = None
        self._request: pdu.AssociateRQ | None = None
        self._head = b""
        self._kind = 0
        self._left = 0
        self._body: bytearray | None = None
        self._pdv_left = 0
        self._context = 0
        self._control = 0
        self._deaf = False
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
        try:
            if not self._kind and not self._head and self.state is State.Sta6:
                position = self._receive_whole(view, end, events)
            while position < end and not self._deaf:
                if self._kind == 4:
                    position = self._receive_data(view, position, end, events)
                elif self._kind:
                    position = self._receive_body(view, position, end, events)
                else:
                    position = self._receive_head(view, position, end, events)
        except RemoteProtocolError as error:
            self._invalid(error, events)
        return events

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

    # -- reading ------------------------------------------------------------------------------------------------------

    def _receive_whole(self, view: memoryview, end: int, events: list[Event]) -> int:
        """Read P-DATA-TF PDUs of one value each that have come whole, as nearly all are; stops at any other."""
        position = 0
        limit = self.max_receive
        while end - position > 12:
            kind, length, value_length, context, control = _BOTH_HEADS(view, position)
            stop = position + 6 + length
            if kind != 4 or value_length + 4 != length or length < 7 or length > limit or stop > end:
                break
            events.append(PData(context, control & 1 == 1, control & 2 == 2, view[position + 12 : stop]))
            position = stop
        return position

    def _receive_head(self, view: memoryview, position: int, end: int, events: list[Event]) -> int:
        """Read a PDU header, or as much of it as is there."""
        head = self._head
        if head or end - position < 6:
            stop = min(end, position + 6 - len(head))
            head += view[position:stop]
            if len(head) < 6:
                self._head = head
                return stop
            self._head = b""
            kind, length = _PDU_HEAD(head)
        else:
            stop = position + 6
            kind, length = _PDU_HEAD(view, position)
        if kind == 4:
            if self.state is not State.Sta6 and self.state is not State.Sta7:
                self._apply(Evt.P_DATA_TF_PDU, None, events)
            if length > self.max_receive:
                invalid(f"P-DATA-TF of {length} bytes; the maximum length is {self.max_receive}")
            if length < 6:
                invalid(f"P-DATA-TF of {length} bytes holds no presentation data value")
        else:
            self._check_head(kind, length, head if head else bytes(view[position:stop]))
        self._kind = kind
        self._left = length
        return stop

    def _check_head(self, kind: int, length: int, head: bytes) -> None:
        """Refuse an unknown type and a length that its type cannot have, before anything is kept."""
        if kind not in _EVENT_OF:
            look = next((name for start, name in _LOOKS_LIKE if head.startswith(start)), None)
            text = f"PDU type {kind:02X}H is not defined"
            invalid(
                text if look is None else f"{text}; this looks like {look}, not DICOM", AbortReason.UNRECOGNIZED_PDU
            )
        if kind > 2:
            if length != 4:
                invalid(f"PDU type {kind:02X}H with a variable field of {length} bytes instead of 4")
        elif length > self.limits.max_associate_pdu:
            invalid(f"A-ASSOCIATE PDU of {length} bytes; at most {self.limits.max_associate_pdu} are taken")
        elif length < 68:
            invalid(f"A-ASSOCIATE PDU of {length} bytes; it has at least 68")

    def _receive_body(self, view: memoryview, position: int, end: int, events: list[Event]) -> int:
        """Read the variable field of a PDU other than P-DATA-TF; acts when it is whole."""
        stop = min(end, position + self._left)
        self._left -= stop - position
        body: bytearray | memoryview | None = self._body
        if self._left or body is not None:
            if self._body is None:
                self._body = bytearray()
            self._body += view[position:stop]
            if self._left:
                return stop
            body, self._body = self._body, None
        else:
            body = view[position:stop]
        kind, self._kind = self._kind, 0
        value = pdu.CLASSES[kind].decode(body)
        self._apply(_EVENT_OF[PDUType(kind)], value, events)
        return stop

    def _receive_data(self, view: memoryview, position: int, end: int, events: list[Event]) -> int:
        """Read as much of a P-DATA-TF as is there: headers in place, payload as slices."""
        left = self._left
        if self.state is not State.Sta6 and self.state is not State.Sta7:
            # The association has ended in the middle of a PDU (AA-6): skip what is left of it.
            stop = min(end, position + left)
            self._left = left - (stop - position)
            self._pdv_left = 0
            self._head = b""
            if not self._left:
                self._kind = 0
            return stop
        pdv_left = self._pdv_left
        while position < end:
            if not pdv_left:
                if left < 6:
                    invalid(f"{left} stray bytes where a presentation data value should begin")
                head = self._head
                if head or end - position < 6:
                    stop = min(end, position + 6 - len(head))
                    head += view[position:stop]
                    position = stop
                    if len(head) < 6:
                        self._head = head
                        break
                    self._head = b""
                    length, self._context, self._control = _PDV_HEAD(head)
                else:
                    length, self._context, self._control = _PDV_HEAD(view, position)
                    position += 6
                left -= 6
                pdv_left = length - 2
                if pdv_left < 0 or pdv_left > left:
                    invalid(f"presentation data value of {length} bytes in a PDU that has {left + 2} left")
                if not pdv_left:
                    control = self._control
                    events.append(PData(self._context, control & 1 == 1, control & 2 == 2, _EMPTY))
            else:
                stop = position + pdv_left
                control = self._control
                if stop <= end:
                    events.append(PData(self._context, control & 1 == 1, control & 2 == 2, view[position:stop]))
                    left -= pdv_left
                    pdv_left = 0
                    position = stop
                else:
                    events.append(PData(self._context, control & 1 == 1, False, view[position:end]))
                    left -= end - position
                    pdv_left = stop - end
                    position = end
            if not left:
                self._kind = 0
                break
        self._left = left
        self._pdv_left = pdv_left
        return position

    # -- moves --------------------------------------------------------------------------------------------------------

    def _invalid(self, error: RemoteProtocolError, events: list[Event]) -> None:
        """Evt19: an unrecognised or invalid PDU. The framing is lost, so nothing more is read."""
        self._deaf = True
        self._body = None
        self._head = b""
        self._kind = self._left = self._pdv_left = 0
        if self.state is not State.Sta1:
            self._apply(Evt.INVALID_PDU, error, events)

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
