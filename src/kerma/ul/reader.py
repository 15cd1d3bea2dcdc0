"""Reading PDUs from bytes as they come: framing, without the state machine.

Rules of this module:

- P-DATA-TF is the fast path: headers are read in place and payload is handed on as slices of the caller's buffer.
  What is kept between two calls is a header (5 bytes at most) or an association PDU that is not whole yet, bounded
  by ``NetworkLimits``.
- Every length is checked against what encloses it, and refused, as soon as its header is whole and before anything
  is kept.
- How the bytes were cut never changes the events, except where the slices of ``PData`` are cut.
- Once the framing is lost (unknown type, wrong length) nothing more is read: what follows could mean anything.

Sources: PS3.8 9.3, E.
"""

from __future__ import annotations

from abc import abstractmethod
from struct import Struct

from kerma.errors import RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul import pdu
from kerma.ul.codes import AbortReason, PDUType
from kerma.ul.events import Event, PData
from kerma.ul.items import invalid
from kerma.ul.states import Evt, State

_PDU_HEAD = Struct(">BxI").unpack_from
_PDV_HEAD = Struct(">IBB").unpack_from
_BOTH_HEADS = Struct(">BxIIBB").unpack_from
_EMPTY = memoryview(b"")

MAX_EVENTS = 1024
"""Events that are made at a time: a megabyte of empty fragments would else become 170,000 objects."""

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


_EVENT_OF = {
    PDUType.A_ASSOCIATE_RQ: Evt.A_ASSOCIATE_RQ_PDU,
    PDUType.A_ASSOCIATE_AC: Evt.A_ASSOCIATE_AC_PDU,
    PDUType.A_ASSOCIATE_RJ: Evt.A_ASSOCIATE_RJ_PDU,
    PDUType.A_RELEASE_RQ: Evt.A_RELEASE_RQ_PDU,
    PDUType.A_RELEASE_RP: Evt.A_RELEASE_RP_PDU,
    PDUType.A_ABORT: Evt.A_ABORT_PDU,
}


class Reader:
    """What ``UpperLayer`` knows of a PDU that is not whole yet. ``state``, ``max_receive`` and ``limits`` are the
    machine's.
    """

    __slots__ = (
        "_body",
        "_context",
        "_control",
        "_deaf",
        "_head",
        "_kind",
        "_left",
        "_pdv_left",
        "limits",
        "max_receive",
        "state",
    )

    def __init__(self, limits: NetworkLimits) -> None:
        self.limits = limits
        self.state = State.Sta1
        self.max_receive = limits.max_pdu
        """The maximum length that we announced, in bytes of the P-DATA-TF variable field."""
        self._head = b""
        self._kind = 0
        self._left = 0
        self._body: bytearray | None = None
        self._pdv_left = 0
        self._context = 0
        self._control = 0
        self._deaf = False

    @abstractmethod
    def _apply(self, event: Evt, argument: object, events: list[Event]) -> None:
        """Take the move of table 9-10 for ``event``."""

    def _read(self, view: memoryview, position: int, events: list[Event]) -> int:
        """Read ``view`` from ``position`` on, as far as it means anything, or until there are ``MAX_EVENTS``; where to
        go on."""
        end = len(view)
        try:
            if not self._kind and not self._head and self.state is State.Sta6 and not self._deaf:
                position = self._receive_whole(view, position, end, events)
            while position < end and not self._deaf and len(events) < MAX_EVENTS:
                if self._kind == 4:
                    position = self._receive_data(view, position, end, events)
                elif self._kind:
                    position = self._receive_body(view, position, end, events)
                else:
                    position = self._receive_head(view, position, end, events)
        except RemoteProtocolError as error:
            self._invalid(error, events)
        return end if self._deaf else position

    def _invalid(self, error: RemoteProtocolError, events: list[Event]) -> None:
        """Evt19: an unrecognised or invalid PDU. The framing is lost, so nothing more is read."""
        self._deaf = True
        self._body = None
        self._head = b""
        self._kind = self._left = self._pdv_left = 0
        if self.state is not State.Sta1:
            self._apply(Evt.INVALID_PDU, error, events)

    def _receive_whole(self, view: memoryview, position: int, end: int, events: list[Event]) -> int:
        """Read P-DATA-TF PDUs of one value each that have come whole, as nearly all are; stops at any other."""
        limit = self.max_receive
        while end - position > 12 and len(events) < MAX_EVENTS:
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
        while position < end and len(events) < MAX_EVENTS:
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
