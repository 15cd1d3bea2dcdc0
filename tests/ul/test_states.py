"""The state table: literally the standard's, and every field of it taken by a real machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pynetdicom import fsm as oracle
from tests.ul.samples import AC, RQ, joined

from kerma.errors import LocalProtocolError
from kerma.ul import pdu
from kerma.ul.association import Closed, Event, PData, UpperLayer
from kerma.ul.states import ACTION_TEXT, STATE_TEXT, TABLE, Action, Evt, State

DATA = pdu.PDataTF((pdu.PresentationDataValue(1, True, True, b"ab"),)).encode()


def test_table_is_the_one_that_pynetdicom_has() -> None:
    ours = {
        (f"Evt{event.value}", state.name): action.value
        for event, row in TABLE.items()
        for state, (action, _) in row.items()
    }
    theirs = {key: action.replace("_", "-") for key, action in oracle.TRANSITION_TABLE.items()}
    assert ours == theirs


def test_every_action_has_one_way_to_go_on() -> None:
    following: dict[Action, set[tuple[State, ...]]] = {}
    for row in TABLE.values():
        for action, states in row.values():
            following.setdefault(action, set()).add(states)
    assert set(following) == set(Action)
    assert all(len(states) == 1 for states in following.values())
    assert set(ACTION_TEXT) == set(Action)
    assert set(STATE_TEXT) == set(State)


def fresh(state: State) -> UpperLayer:
    """A machine that came to ``state`` in the ordinary way; the requestor where both sides can."""
    if state in (State.Sta2, State.Sta3, State.Sta10, State.Sta12):
        ul = UpperLayer("acceptor")
        if state is not State.Sta2:
            ul.receive(RQ.encode())
        if state in (State.Sta10, State.Sta12):
            ul.accept(AC)
            ul.release()
            ul.receive(pdu.ReleaseRQ().encode())
        if state is State.Sta12:
            ul.receive(pdu.ReleaseRP().encode())
    else:
        ul = UpperLayer("requestor")
        if state is State.Sta1:
            return ul
        ul.associate(RQ, connected=state is not State.Sta4)
        if state >= State.Sta6:
            ul.receive(AC.encode())
        if state in (State.Sta7, State.Sta9, State.Sta11):
            ul.release()
        if state in (State.Sta8, State.Sta9, State.Sta11):
            ul.receive(pdu.ReleaseRQ().encode())
        if state is State.Sta11:
            ul.release_reply()
        if state is State.Sta13:
            ul.abort()
    ul.take_output()
    assert ul.state is state
    return ul


LOCAL: dict[Evt, Callable[[UpperLayer], object]] = {
    Evt.A_ASSOCIATE_REQUEST: lambda ul: ul.associate(RQ, connected=False),
    Evt.TRANSPORT_CONNECTED: lambda ul: ul.transport_connected(),
    Evt.A_ASSOCIATE_ACCEPT: lambda ul: ul.accept(AC),
    Evt.A_ASSOCIATE_REJECT: lambda ul: ul.reject(pdu.AssociateRJ(1, 1, 1)),
    Evt.P_DATA_REQUEST: lambda ul: ul.data_request(),
    Evt.A_RELEASE_REQUEST: lambda ul: ul.release(),
    Evt.A_RELEASE_RESPONSE: lambda ul: ul.release_reply(),
}
REMOTE: dict[Evt, bytes] = {
    Evt.A_ASSOCIATE_AC_PDU: AC.encode(),
    Evt.A_ASSOCIATE_RJ_PDU: pdu.AssociateRJ(1, 1, 1).encode(),
    Evt.A_ASSOCIATE_RQ_PDU: RQ.encode(),
    Evt.P_DATA_TF_PDU: DATA,
    Evt.A_RELEASE_RQ_PDU: pdu.ReleaseRQ().encode(),
    Evt.A_RELEASE_RP_PDU: pdu.ReleaseRP().encode(),
    Evt.A_ABORT_PDU: pdu.Abort(0, 0).encode(),
    Evt.TRANSPORT_CLOSED: b"",
    Evt.INVALID_PDU: b"\x42\0\0\0\0\0",
}

# What an action sends, which events it gives (by class), whether ARTIM runs then (None: as before), whether
# the transport is to be closed.
Effect = tuple[bytes, tuple[type, ...], bool | None, bool]
USER_ABORT = pdu.Abort(0, 0).encode()
EFFECTS: dict[Action, Effect] = {
    Action.AE_1: (b"", (), None, False),
    Action.AE_2: (RQ.encode(), (), None, False),
    Action.AE_3: (b"", (pdu.AssociateAC,), None, False),
    Action.AE_4: (b"", (pdu.AssociateRJ,), None, True),
    Action.AE_6: (b"", (pdu.AssociateRQ,), False, False),
    Action.AE_7: (AC.encode(), (), None, False),
    Action.AE_8: (pdu.AssociateRJ(1, 1, 1).encode(), (), True, False),
    Action.DT_1: (b"", (), None, False),
    Action.DT_2: (b"", (PData,), None, False),
    Action.AR_1: (pdu.ReleaseRQ().encode(), (), None, False),
    Action.AR_2: (b"", (pdu.ReleaseRQ,), None, False),
    Action.AR_3: (b"", (pdu.ReleaseRP,), None, True),
    Action.AR_4: (pdu.ReleaseRP().encode(), (), True, False),
    Action.AR_5: (b"", (Closed,), False, False),
    Action.AR_6: (b"", (PData,), None, False),
    Action.AR_7: (b"", (), None, False),
    Action.AR_8: (b"", (pdu.ReleaseRQ,), None, False),
    Action.AR_9: (pdu.ReleaseRP().encode(), (), None, False),
    Action.AR_10: (b"", (pdu.ReleaseRP,), None, False),
    Action.AA_1: (USER_ABORT, (pdu.Abort,), True, False),
    Action.AA_2: (b"", (), False, True),
    Action.AA_3: (b"", (pdu.Abort,), None, True),
    Action.AA_4: (b"", (Closed,), None, False),
    Action.AA_5: (b"", (Closed,), False, False),
    Action.AA_6: (b"", (), None, False),
    Action.AA_7: (b"", (), None, False),
    Action.AA_8: (b"", (pdu.Abort,), True, False),
}


def expected_abort(action: Action, event: Evt) -> bytes:
    if action in (Action.AA_7, Action.AA_8):
        return pdu.Abort(2, 1 if event is Evt.INVALID_PDU else 2).encode()
    return EFFECTS[action][0]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", [*REMOTE])
def test_what_a_peer_sends_in_every_state(event: Evt, state: State) -> None:
    if state in (State.Sta1, State.Sta4) and event is not Evt.TRANSPORT_CLOSED:
        assert state not in TABLE[event]  # no transport connection, so no PDU
        return
    ul = fresh(state)
    before = ul.artim_running
    events: list[Event] = ul.receive(REMOTE[event])
    if state is State.Sta1:
        assert events == [Closed(True)]
        return
    action, following = TABLE[event][state]
    sent, classes, artim, closes = EFFECTS[action]
    assert joined(ul) == (expected_abort(action, event) if action.value.startswith("AA") else sent)
    assert tuple(type(item) for item in events) == classes
    assert ul.artim_running is (before if artim is None else artim)
    assert ul.wants_close is closes
    assert ul.state is (following[1] if action is Action.AR_8 and ul.role == "acceptor" else following[0])
    if event is Evt.TRANSPORT_CLOSED:
        assert events == [Closed(state in (State.Sta2, State.Sta13))]
    if action in (Action.AA_1, Action.AA_8):
        [abort] = events
        assert isinstance(abort, pdu.Abort)
        assert abort.local
        assert ul.error is not None
        assert ul.error.message == abort.detail


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", [*LOCAL])
def test_what_the_user_asks_in_every_state(event: Evt, state: State) -> None:
    ul = fresh(state)
    if state not in TABLE[event]:
        with pytest.raises(LocalProtocolError, match=r"acceptor does not|not allowed in Sta"):
            LOCAL[event](ul)
        assert ul.state is state
        assert joined(ul) == b""
        return
    action, following = TABLE[event][state]
    sent, _, artim, closes = EFFECTS[action]
    before = ul.artim_running
    LOCAL[event](ul)
    assert joined(ul) == sent
    assert ul.artim_running is (before if artim is None else artim)
    assert ul.wants_close is closes
    assert ul.state is following[0]


@pytest.mark.parametrize("state", State)
def test_abort_is_harmless_in_every_state(state: State) -> None:
    ul = fresh(state)
    ul.abort(2, 5)
    if state in TABLE[Evt.A_ABORT_REQUEST] and state is not State.Sta4:
        assert ul.state is State.Sta13
        assert joined(ul) == pdu.Abort(2, 5).encode()
        assert ul.artim_running
        assert ul.error is None
    else:
        assert joined(ul) == b""
        assert ul.wants_close is (state in (State.Sta2, State.Sta4))
        assert not (ul.artim_running and state is State.Sta2)


@pytest.mark.parametrize("state", State)
def test_artim_in_every_state(state: State) -> None:
    ul = fresh(state)
    assert ul.artim_running is (state in (State.Sta2, State.Sta13))
    ul.artim_expired()
    assert not ul.artim_running
    assert ul.wants_close is (state in (State.Sta2, State.Sta13))
    assert ul.state is (State.Sta1 if state in (State.Sta2, State.Sta13) else state)


def test_a_second_release_request_collides_on_the_acceptor_side_too() -> None:
    ul = UpperLayer("acceptor")
    ul.receive(RQ.encode())
    ul.accept(AC)
    ul.release()
    ul.receive(pdu.ReleaseRQ().encode())
    assert ul.state is State.Sta10
