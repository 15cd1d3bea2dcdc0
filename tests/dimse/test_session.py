"""Sessions: fragments in, messages out, and back; what may not be interleaved."""

from __future__ import annotations

import sys

import pytest
from tests.ul.samples import AC, CT, EXPLICIT, IMPLICIT, RQ, VERIFICATION, established, pump

from kerma.dimse import Command, CommandField, DataSlice, MessageBegin, MessageEnd, Session
from kerma.dimse.session import MessageEvent
from kerma.errors import LocalProtocolError, RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul import pdu
from kerma.ul.association import Event, PData, UpperLayer
from kerma.ul.negotiation import Context

CONTEXTS = {1: Context(1, VERIFICATION, IMPLICIT), 3: Context(3, CT, EXPLICIT)}
ECHO = Command(CommandField.C_ECHO_RQ, MessageID=1, AffectedSOPClassUID=VERIFICATION)
STORE = Command(
    CommandField.C_STORE_RQ, MessageID=2, Priority=0, AffectedSOPClassUID=CT, AffectedSOPInstanceUID="1.2.3"
)
END = MessageEnd()


def piece(context_id: int, is_command: bool, is_last: bool, data: bytes) -> PData:
    return PData(context_id, is_command, is_last, memoryview(data))


def feed(session: Session, events: list[Event]) -> list[MessageEvent]:
    out: list[MessageEvent] = []
    for event in events:
        assert isinstance(event, PData)
        out += session.receive(event)
    return out


def content(events: list[MessageEvent]) -> bytes:
    return b"".join(bytes(event.data) for event in events if isinstance(event, DataSlice))


def wire(session: Session, context_id: int, command: Command, data: bytes | None = None) -> bytes:
    return b"".join(session.frames(context_id, command, data))


@pytest.mark.parametrize("max_pdu", [0, 7, 8, 9, 16, 17, 1000, 16382, 131_072, 0xFFFFFFFF])
@pytest.mark.parametrize("size", [0, 1, 2, 9, 10, 11, 5_000, 200_000])
def test_a_pair_exchanges_messages(max_pdu: int, size: int) -> None:
    if max_pdu and size > max_pdu * 2_000:
        size = max_pdu * 2_000
    requestor, acceptor = UpperLayer("requestor"), UpperLayer("acceptor")
    requestor.associate(RQ)
    pump(requestor, acceptor)
    acceptor.accept(pdu.AssociateAC("A", "B", AC.contexts, pdu.UserInformation(max_pdu)))
    pump(acceptor, requestor)
    sender, receiver = Session(CONTEXTS, requestor.peer_max_pdu), Session(CONTEXTS)
    data = bytes(index % 251 for index in range(size))
    stream = wire(sender, 1, ECHO) + wire(sender, 3, STORE, data)
    events = feed(receiver, acceptor.receive(stream))
    assert events[:3] == [
        MessageBegin(CONTEXTS[1], ECHO, False),
        END,
        MessageBegin(CONTEXTS[3], STORE, True),
    ]
    assert events[-1] == END
    assert content(events) == data
    assert receiver.idle
    assert acceptor.error is None


def test_fragments_keep_to_the_peers_length_and_are_even() -> None:
    session = Session(CONTEXTS, 101)
    stream = wire(session, 3, STORE, bytes(333))
    lengths = []
    position = 0
    while position < len(stream):
        length = int.from_bytes(stream[position + 2 : position + 6])
        lengths.append(length)
        position += 6 + length
    assert max(lengths) <= 101
    assert all(length % 2 == 0 for length in lengths[:-1])


def test_small_messages_are_one_buffer_and_large_ones_are_not_copied() -> None:
    session = Session(CONTEXTS, 131_072)
    assert len(session.frames(1, ECHO)) == 1
    assert len(session.frames(3, STORE, bytes(1_000))) == 1
    data = bytes(400_000)
    frames = session.frames(3, STORE, data)
    assert sum(isinstance(frame, memoryview) and frame.obj is data for frame in frames) == 3
    assert b"".join(frames) == wire(session, 3, STORE, data)


def test_command_goes_alone_where_its_data_set_follows() -> None:
    session = Session(CONTEXTS, 16_382)
    [frame] = session.frames(3, STORE, has_data=True)
    assert Command.decode(frame[12:]).has_data
    with pytest.raises(LocalProtocolError, match="needs a data set"):
        session.frames(3, STORE)
    with pytest.raises(LocalProtocolError, match="context 5 was not accepted"):
        session.frames(5, ECHO)
    with pytest.raises(LocalProtocolError, match="context 5 was not accepted"):
        session.framer(5, bytearray(100))


@pytest.mark.parametrize("max_pdu", [1, 5, 6])
def test_a_peer_without_room_for_a_byte_is_refused(max_pdu: int) -> None:
    with pytest.raises(RemoteProtocolError, match="no room") as caught:
        Session(CONTEXTS, max_pdu)
    assert (caught.value.source, caught.value.reason) == (2, 6)


def test_data_set_slices_are_handed_through() -> None:
    session = Session(CONTEXTS)
    session.receive(piece(3, True, True, STORE.encode()))
    assert not session.idle
    view = memoryview(b"abc")
    [event] = session.receive(PData(3, False, False, view))
    assert isinstance(event, DataSlice)
    assert event.data is view
    assert session.receive(piece(3, False, False, b"")) == []
    assert session.receive(piece(3, False, True, b"")) == [END]
    assert session.idle


def test_command_in_many_fragments() -> None:
    session = Session(CONTEXTS)
    data = ECHO.encode()
    for index in range(len(data)):
        assert session.receive(piece(1, True, False, data[index : index + 1])) == []
        assert not session.idle
    assert session.receive(piece(1, True, True, b"")) == [MessageBegin(CONTEXTS[1], ECHO, False), END]
    assert session.idle


def test_cancel_is_a_message_without_data() -> None:
    session = Session(CONTEXTS)
    cancel = Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=4)
    assert session.receive(piece(3, True, True, cancel.encode())) == [MessageBegin(CONTEXTS[3], cancel, False), END]


@pytest.mark.parametrize(
    ("before", "event", "says", "reason"),
    [
        ([], piece(1, False, True, b"x"), "without a command before it", 0),
        ([], piece(5, True, True, ECHO.encode()), "context 5, which was not accepted", 6),
        ([], piece(5, False, True, b"x"), "context 5, which was not accepted", 6),
        ([], piece(1, True, True, b"nonsense"), "in a command set", 0),
        ([], piece(1, True, True, b""), "without Command Field", 0),
        ([piece(1, True, False, b"x")], piece(1, False, True, b"x"), "without a command before it", 0),
        ([piece(1, True, False, b"x")], piece(3, True, True, b"x"), "while a command on 1", 0),
        ([piece(3, True, True, STORE.encode())], piece(3, True, True, ECHO.encode()), "while a data set on 3", 0),
        ([piece(3, True, True, STORE.encode())], piece(1, False, True, b"x"), "while a data set on 3", 0),
        ([piece(3, True, True, STORE.encode())], piece(5, False, True, b"x"), "while a data set on 3", 0),
        ([piece(1, True, True, ECHO.encode())], piece(1, False, True, b"x"), "without a command before it", 0),
    ],
)
def test_what_may_not_be_interleaved(before: list[PData], event: PData, says: str, reason: int) -> None:
    session = Session(CONTEXTS)
    for item in before:
        session.receive(item)
    with pytest.raises(RemoteProtocolError, match=says) as caught:
        session.receive(event)
    assert caught.value.source in (0, 2)
    assert caught.value.reason == reason


def test_command_sets_are_bounded() -> None:
    session = Session(CONTEXTS, limits=NetworkLimits(max_command=100))
    with pytest.raises(RemoteProtocolError, match="more than 100 bytes"):
        session.receive(piece(1, True, False, bytes(101)))
    session.receive(piece(1, True, False, bytes(100)))
    with pytest.raises(RemoteProtocolError, match="more than 100 bytes"):
        session.receive(piece(1, True, True, b"x"))


def test_an_idle_session_is_small() -> None:
    session = Session(CONTEXTS, 16_382)
    session.receive(piece(3, True, False, b""))
    session.receive(piece(3, True, True, STORE.encode()))
    session.receive(piece(3, False, True, bytes(10_000)))
    assert sys.getsizeof(session) < 150
    held = [getattr(session, name) for name in Session.__slots__]
    assert not any(isinstance(value, bytes | bytearray | memoryview | list) for value in held)


def test_both_sides_of_one_association_at_once() -> None:
    requestor, acceptor = established()
    client, server = Session(CONTEXTS, requestor.peer_max_pdu), Session(CONTEXTS, acceptor.peer_max_pdu)
    for number in range(1, 50):
        command = Command(CommandField.C_ECHO_RQ, MessageID=number, AffectedSOPClassUID=VERIFICATION)
        begin, _ = feed(server, acceptor.receive(wire(client, 1, command)))
        assert isinstance(begin, MessageBegin)
        assert begin.command == command
        answer, _ = feed(client, requestor.receive(wire(server, 1, begin.command.response(0))))
        assert isinstance(answer, MessageBegin)
        assert answer.command.MessageIDBeingRespondedTo == number
