"""Properties of command sets, sessions and the framer."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.ul.samples import AC, CT, EXPLICIT, RQ

from kerma.dimse import Command, CommandField, DataSlice, Framer, MessageBegin, MessageEnd, Session
from kerma.dimse.fields import ELEMENTS, MESSAGES, DataSet, Kind
from kerma.errors import RemoteProtocolError
from kerma.ul.association import PData, UpperLayer
from kerma.ul.negotiation import Context

CONTEXTS = {3: Context(3, CT, EXPLICIT)}
KIND_OF = dict(ELEMENTS.values())
texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=16)
BY_KIND: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.US: st.integers(0, 0xFFFF),
    Kind.UI: st.lists(st.integers(0, 99_999), min_size=1, max_size=6).map(lambda arcs: ".".join(map(str, arcs))),
    Kind.AE: texts,
    Kind.LO: texts,
    Kind.AT: st.lists(st.integers(0, 0xFFFF_FFFF), min_size=1, max_size=5).map(tuple),
}


@st.composite
def commands(draw: st.DrawFn) -> Command:
    field = draw(st.sampled_from(CommandField))
    message = MESSAGES[field]
    keywords = [*message.required, *(keyword for keyword in message.optional if draw(st.booleans()))]
    values = {keyword: draw(BY_KIND[KIND_OF[keyword]]) for keyword in keywords}
    if message.data_set is DataSet.MAYBE and draw(st.booleans()):
        values["CommandDataSetType"] = draw(st.integers(0, 0x100))
    return Command(field, **values)


@given(commands())
def test_decode_of_encode_is_the_identity(command: Command) -> None:
    assert Command.decode(command.encode()) == command


def decoded(raw: bytearray) -> Command | RemoteProtocolError:
    try:
        return Command.decode(raw)
    except RemoteProtocolError as error:
        return error


@given(commands(), st.data())
def test_damage_is_read_or_refused_and_nothing_else(command: Command, data: st.DataObject) -> None:
    raw = bytearray(command.encode())
    changes = st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255))
    for position, octet in data.draw(st.lists(changes, min_size=1, max_size=4)):
        raw[position] = octet
    read = decoded(raw[: data.draw(st.integers(0, len(raw)))])
    if isinstance(read, RemoteProtocolError):
        assert (read.source, read.reason) == (0, 0)
    else:
        assert read.field in CommandField


@given(st.lists(st.tuples(commands(), st.binary(max_size=300)), max_size=5), st.integers(7, 200), st.integers(1, 99))
def test_messages_survive_any_length_and_any_cut(
    messages: list[tuple[Command, bytes]], max_pdu: int, step: int
) -> None:
    acceptor = UpperLayer("acceptor")
    acceptor.receive(RQ.encode())
    acceptor.accept(AC)
    sender, receiver = Session(CONTEXTS, max_pdu), Session(CONTEXTS)
    stream = b"".join(
        frame for command, data in messages for frame in sender.frames(3, command, data if command.has_data else None)
    )
    out: list[tuple[Command, bytes]] = []
    for start in range(0, len(stream), step):
        for event in acceptor.receive(stream[start : start + step]):
            assert isinstance(event, PData)
            for item in receiver.receive(event):
                if isinstance(item, MessageBegin):
                    assert item.has_data is item.command.has_data
                    begun, body = item.command, bytearray()
                elif isinstance(item, DataSlice):
                    body += item.data
                else:
                    assert item == MessageEnd()
                    out.append((begun, bytes(body)))
    assert out == [(command, data if command.has_data else b"") for command, data in messages]
    assert receiver.idle


pieces = st.builds(
    lambda context_id, is_command, is_last, data: PData(context_id, is_command, is_last, memoryview(data)),
    st.sampled_from([1, 3, 3, 3]),
    st.booleans(),
    st.booleans(),
    st.binary(max_size=20) | commands().map(lambda command: command.encode()),
)


@given(st.lists(pieces, max_size=12))
def test_a_session_takes_whole_messages_or_refuses(events: list[PData]) -> None:
    session = Session(CONTEXTS)
    open_message = False
    for event in events:
        try:
            items = session.receive(event)
        except RemoteProtocolError:
            return
        for item in items:
            assert open_message is not isinstance(item, MessageBegin)
            open_message = not isinstance(item, MessageEnd)
    assert open_message <= (not session.idle)


@given(st.integers(14, 400), st.just(0) | st.integers(7, 300), st.lists(st.binary(max_size=200), max_size=8))
def test_the_framer_and_frames_agree(buffer: int, max_pdu: int, chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    framer = Framer(3, bytearray(buffer), max_pdu)
    streamed = b"".join(bytes(part) for part in framer.stream(chunks))
    filled = bytearray()
    position = 0
    for slots, wire in framer.batches(len(data)):
        for slot in slots:
            slot[:] = data[position : position + len(slot)]
            position += len(slot)
        filled += wire
    assert position == len(data)
    assert filled == streamed
    acceptor = UpperLayer("acceptor")
    acceptor.receive(RQ.encode())
    acceptor.accept(AC)
    events = acceptor.receive(streamed)
    assert b"".join(bytes(event.data) for event in events if isinstance(event, PData)) == data
    assert [event.is_last for event in events if isinstance(event, PData)] == [False] * (len(events) - 1) + [True]
