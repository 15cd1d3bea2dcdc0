"""Properties of PDUs and of the upper layer: decode of encode is the identity, and cuts never change the events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.ul.samples import AC, CT, IMPLICIT, RQ, VERIFICATION, joined

from kerma.errors import RemoteProtocolError
from kerma.ul import pdu
from kerma.ul.association import Event, PData, UpperLayer
from kerma.ul.negotiation import Policy, accepted, negotiate

uids = st.lists(st.integers(0, 99_999), min_size=1, max_size=6).map(lambda arcs: ".".join(map(str, arcs)))
titles = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=16)
octets = st.integers(0, 255)
flags = st.booleans()
unknown_items = st.builds(pdu.UnknownItem, st.integers(0x5A, 0xFF), st.binary(max_size=40))

users = st.builds(
    pdu.UserInformation,
    maximum_length=st.integers(0, 0xFFFF_FFFF),
    implementation_class_uid=uids | st.just(""),
    implementation_version_name=titles | st.just(""),
    asynchronous_operations_window=st.none()
    | st.builds(pdu.AsynchronousOperationsWindow, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
    roles=st.lists(st.builds(pdu.RoleSelection, uids, flags, flags), max_size=4).map(tuple),
    extended=st.lists(st.builds(pdu.ExtendedNegotiation, uids, st.binary(max_size=20)), max_size=3).map(tuple),
    common_extended=st.lists(
        st.builds(pdu.CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple)), max_size=3
    ).map(tuple),
    user_identity=st.none()
    | st.builds(pdu.UserIdentityRQ, octets, st.binary(max_size=99), st.binary(max_size=9), flags),
    user_identity_response=st.none() | st.builds(pdu.UserIdentityAC, st.binary(max_size=99)),
    unknown=st.lists(unknown_items, max_size=2).map(tuple),
)
ids = st.lists(st.integers(0, 127).map(lambda number: 2 * number + 1), unique=True, max_size=8)


@st.composite
def requests(draw: st.DrawFn) -> pdu.AssociateRQ:
    syntaxes = st.lists(uids, min_size=1, max_size=4).map(tuple)
    contexts = tuple(pdu.PresentationContextRQ(number, draw(uids), draw(syntaxes)) for number in draw(ids))
    version = draw(st.integers(0, 0xFFFF))
    unknown = tuple(draw(st.lists(unknown_items, max_size=2)))
    return pdu.AssociateRQ(draw(titles), draw(titles), contexts, draw(users), draw(uids), version, unknown)


@st.composite
def answers(draw: st.DrawFn) -> pdu.AssociateAC:
    contexts = tuple(pdu.PresentationContextAC(number, draw(st.integers(0, 4)), draw(uids)) for number in draw(ids))
    return pdu.AssociateAC(draw(titles), draw(titles), contexts, draw(users), draw(uids))


values = st.builds(pdu.PresentationDataValue, octets, flags, flags, st.binary(max_size=50))
pdus = (
    requests()
    | answers()
    | st.builds(pdu.AssociateRJ, octets, octets, octets)
    | st.lists(values, min_size=1, max_size=5).map(lambda items: pdu.PDataTF(tuple(items)))
    | st.just(pdu.ReleaseRQ())
    | st.just(pdu.ReleaseRP())
    | st.builds(pdu.Abort, octets, octets)
)


@given(pdus)
def test_decode_of_encode_is_the_identity(value: pdu.PDU) -> None:
    assert pdu.decode(value.encode()) == value


def decoded(raw: bytearray) -> pdu.PDU | RemoteProtocolError:
    try:
        return pdu.decode(raw)
    except RemoteProtocolError as error:
        return error


@given(pdus, st.data())
def test_damage_is_read_or_refused_and_nothing_else(value: pdu.PDU, data: st.DataObject) -> None:
    raw = bytearray(value.encode())
    for position, octet in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), octets), min_size=1, max_size=4)):
        raw[position] = octet
    read = decoded(raw)
    if isinstance(read, RemoteProtocolError):
        assert read.source == 2
        assert read.reason in (1, 6)
    else:
        assert pdu.decode(read.encode()) == read


def merged(events: list[Event]) -> list[object]:
    """Events with the slices of one fragment joined."""
    out: list[object] = []
    for event in events:
        if isinstance(event, PData):
            key = (event.context_id, event.is_command)
            last = out[-1] if out else None
            if isinstance(last, tuple) and last[:2] == key and not last[2]:
                out[-1] = (*key, event.is_last, last[3] + bytes(event.data))
            else:
                out.append((*key, event.is_last, bytes(event.data)))
        else:
            out.append(event)
    return out


def observed(ul: UpperLayer) -> tuple[object, ...]:
    error = None if ul.error is None else str(ul.error)
    return (ul.state, joined(ul), ul.artim_running, ul.wants_close, error)


# Real PDUs, some bytes out of place between them, and the end of the transport.
streams = st.lists(pdus.map(lambda value: value.encode()) | st.binary(max_size=12), max_size=6).map(b"".join)


@given(
    streams,
    st.sampled_from(["associated", "fresh", "requestor", "aborted"]),
    st.lists(st.integers(1, 40), max_size=200),
)
def test_cuts_never_change_the_events(stream: bytes, start: str, sizes: list[int]) -> None:
    def machine() -> UpperLayer:
        ul = UpperLayer("requestor" if start == "requestor" else "acceptor")
        if start == "requestor":
            ul.associate(RQ)
        elif start != "fresh":
            ul.receive(RQ.encode())
            ul.accept(AC)
        if start == "aborted":
            ul.abort()
        ul.take_output()
        return ul

    whole, cut = machine(), machine()
    expected = whole.receive(stream) if stream else []
    events: list[Event] = []
    position = 0
    for size in [*sizes, len(stream)]:
        if position < len(stream):
            # A buffer that is reused: what is kept of it must be a copy.
            buffer = bytearray(stream[position : position + size])
            part = cut.receive(memoryview(buffer))
            events += [
                PData(event.context_id, event.is_command, event.is_last, memoryview(bytes(event.data)))
                if isinstance(event, PData)
                else event
                for event in part
            ]
            buffer[:] = b"\xaa" * len(buffer)
            position += size
    assert merged(events) == merged(expected)
    assert observed(cut) == observed(whole)
    assert whole.receive(b"") == cut.receive(b"")
    assert not whole.artim_running


policies = st.builds(
    Policy,
    st.dictionaries(
        uids | st.sampled_from([CT, VERIFICATION]), st.lists(uids | st.just(IMPLICIT), max_size=3), max_size=5
    ),
    requestor_order=flags,
    roles=st.dictionaries(uids, st.tuples(flags, flags), max_size=2),
)


@given(requests(), policies)
def test_what_is_agreed_was_proposed_and_allowed(request: pdu.AssociateRQ, policy: Policy) -> None:
    answer = negotiate(request, policy)
    if isinstance(answer, pdu.AssociateRJ):
        assert pdu.decode(answer.encode()) == answer
        return
    # The answer survives the wire and answers every context once, in order.
    assert pdu.decode(answer.encode()) == answer
    assert [context.id for context in answer.contexts] == [context.id for context in request.contexts]
    agreed = accepted(request, answer)
    offers = {context.id: context for context in request.contexts}
    proposed = {role.sop_class_uid: (role.scu, role.scp) for role in request.user.roles}
    for number, context in agreed.items():
        assert context.transfer_syntax_uid in offers[number].transfer_syntaxes
        scu, scp = proposed.get(context.abstract_syntax, (True, False))
        assert scu or not context.as_scu
        assert scp or not context.as_scp
    assert {context.id for context in answer.contexts if context.result == 0} == set(agreed)
