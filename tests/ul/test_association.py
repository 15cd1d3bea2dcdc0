"""Two machines as a pair in memory, and one machine against bytes that are cut, late or no DICOM at all."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from tests.ul.samples import AC, RQ, established, joined, pump

from kerma.errors import LocalProtocolError
from kerma.limits import NetworkLimits
from kerma.ul import pdu
from kerma.ul.association import Closed, Event, PData, UpperLayer
from kerma.ul.reader import Reader
from kerma.ul.states import State


def data_pdu(*values: tuple[int, bool, bool, bytes]) -> bytes:
    return pdu.PDataTF(tuple(pdu.PresentationDataValue(*value) for value in values)).encode()


def test_associate_data_release() -> None:
    requestor, acceptor = UpperLayer("requestor"), UpperLayer("acceptor")
    assert acceptor.artim_running
    requestor.associate(RQ)
    assert pump(requestor, acceptor) == [RQ]
    assert not acceptor.artim_running
    assert acceptor.peer_max_pdu == 16382
    acceptor.accept(AC)
    assert pump(acceptor, requestor) == [AC]
    assert requestor.peer_max_pdu == 131_072
    assert requestor.max_receive == 16382
    assert acceptor.max_receive == 131_072
    assert requestor.state is acceptor.state is State.Sta6

    events = acceptor.receive(data_pdu((1, True, True, b"command"), (1, False, True, b"data")))
    assert events == [PData(1, True, True, memoryview(b"command")), PData(1, False, True, memoryview(b"data"))]

    requestor.release()
    assert pump(requestor, acceptor) == [pdu.ReleaseRQ()]
    assert acceptor.may_send_data
    acceptor.release_reply()
    assert acceptor.artim_running
    assert pump(acceptor, requestor) == [pdu.ReleaseRP()]
    assert requestor.wants_close
    assert acceptor.receive(b"") == [Closed(True)]
    assert not acceptor.artim_running
    assert requestor.receive(b"") == [Closed(True)]


def test_reject() -> None:
    requestor, acceptor = UpperLayer("requestor"), UpperLayer("acceptor")
    requestor.associate(RQ)
    pump(requestor, acceptor)
    acceptor.reject(pdu.AssociateRJ(2, 3, 2))
    assert acceptor.artim_running
    assert pump(acceptor, requestor) == [pdu.AssociateRJ(2, 3, 2)]
    assert requestor.wants_close
    acceptor.artim_expired()
    assert acceptor.wants_close


def test_release_collision_in_both_roles() -> None:
    requestor, acceptor = established()
    requestor.release()
    acceptor.release()
    one, other = joined(requestor), joined(acceptor)
    assert acceptor.receive(one) == [pdu.ReleaseRQ()]
    assert requestor.receive(other) == [pdu.ReleaseRQ()]
    assert (requestor.state, acceptor.state) == (State.Sta9, State.Sta10)
    with pytest.raises(LocalProtocolError, match="Sta10"):
        acceptor.release_reply()
    requestor.release_reply()
    assert pump(requestor, acceptor) == [pdu.ReleaseRP()]
    assert acceptor.state is State.Sta12
    acceptor.release_reply()
    assert pump(acceptor, requestor) == [pdu.ReleaseRP()]
    assert requestor.wants_close
    assert acceptor.receive(b"") == [Closed(True)]


def test_data_still_comes_after_our_release_request() -> None:
    requestor, acceptor = established()
    acceptor.release()
    assert acceptor.receive(data_pdu((1, True, True, b"x")))[0] == PData(1, True, True, memoryview(b"x"))
    pump(acceptor, requestor)
    requestor.data_request()


def test_protocol_version_is_answered_by_the_provider() -> None:
    acceptor = UpperLayer("acceptor")
    request = pdu.AssociateRQ("A", "B", RQ.contexts, RQ.user, protocol_version=2)
    rejection = pdu.AssociateRJ(1, 2, 2)
    assert acceptor.receive(request.encode()) == [rejection]
    assert joined(acceptor) == rejection.encode()
    assert acceptor.state is State.Sta13
    assert acceptor.artim_running
    # Only bit 0 is tested (PS3.8 table 9-11).
    assert UpperLayer("acceptor").receive(
        pdu.AssociateRQ("A", "B", RQ.contexts, RQ.user, protocol_version=3).encode()
    ) == [pdu.AssociateRQ("A", "B", RQ.contexts, RQ.user, protocol_version=3)]


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "an HTTP request"),
        (b"POST /dicomweb HTTP/1.1\r\n", "an HTTP request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "an HTTP/2 preface"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "a TLS hello"),
        (b"SSH-2.0-OpenSSH\r\n", "an SSH greeting"),
    ],
)
def test_other_protocols_are_named(data: bytes, looks: str) -> None:
    for chunks in ([data], [data[index : index + 1] for index in range(len(data))]):
        acceptor = UpperLayer("acceptor")
        events = [event for chunk in chunks for event in acceptor.receive(chunk)]
        [abort] = events
        assert isinstance(abort, pdu.Abort)
        assert abort.local
        assert f"looks like {looks}" in abort.detail
        assert acceptor.error is not None
        assert acceptor.state is State.Sta13
        assert joined(acceptor) == pdu.Abort(0, 0).encode()
        assert acceptor.receive(data * 100) == []


def test_tls_alert_from_an_acceptor_is_named() -> None:
    requestor = UpperLayer("requestor")
    requestor.associate(RQ)
    requestor.receive(b"\x15\x03\x03\x00\x02\x02\x46")
    assert requestor.error is not None
    assert "a TLS alert" in requestor.error.message
    assert (requestor.error.source, requestor.error.reason) == (2, 1)


@pytest.mark.parametrize(
    ("data", "says", "reason"),
    [
        (b"\4\0\0\2\0\1", "the maximum length is 131072", 6),
        (b"\4\0\xff\xff\xff\xff", "of 4294967295 bytes", 6),
        (b"\4\0\0\0\0\0", "holds no presentation data value", 6),
        (b"\4\0\0\0\0\5", "holds no presentation data value", 6),
        (b"\4\0\0\0\0\6\0\0\0\1\1\0", "value of 1 bytes", 6),
        (b"\4\0\0\0\0\6\0\0\0\3\1\0", "value of 3 bytes in a PDU that has 2 left", 6),
        (b"\4\0\0\0\0\x0b\0\0\0\4\1\0ab\0\0\0", "3 stray bytes", 6),
        (b"\5\0\0\0\0\5", "of 5 bytes instead of 4", 6),
        (b"\7\0\xff\xff\xff\xff", "instead of 4", 6),
        (b"\1\0\0\x10\0\1", "at most 1048576", 6),
        (b"\1\0\0\0\0\x43", "at least 68", 6),
        (b"\x08\0\0\0\0\4", "08H is not defined", 1),
    ],
)
def test_broken_pdus_end_the_association(data: bytes, says: str, reason: int) -> None:
    for chunks in ([data], [data[index : index + 1] for index in range(len(data))]):
        _, acceptor = established()
        events = [event for chunk in chunks for event in acceptor.receive(chunk) if type(event) is not PData]
        assert events == [pdu.Abort(2, reason)]
        assert acceptor.error is not None
        assert says in acceptor.error.message
        assert joined(acceptor) == pdu.Abort(2, reason).encode()
        assert acceptor.artim_running


def test_association_pdu_that_is_not_whole_is_bounded_and_freed() -> None:
    acceptor = UpperLayer("acceptor", NetworkLimits(max_associate_pdu=len(RQ.encode()) - 6))
    whole = RQ.encode()
    assert acceptor.receive(whole[:50]) == []
    assert acceptor.receive(whole[50:]) == [RQ]
    small = UpperLayer("acceptor", NetworkLimits(max_associate_pdu=len(whole) - 7))
    [abort] = small.receive(whole)
    assert isinstance(abort, pdu.Abort)
    assert "are taken" in abort.detail


def test_unlimited_maximum_length_takes_any_pdu() -> None:
    acceptor = UpperLayer("acceptor")
    acceptor.receive(RQ.encode())
    acceptor.accept(pdu.AssociateAC("A", "B", AC.contexts, pdu.UserInformation(0)))
    big = bytes(300_000)
    [event] = acceptor.receive(data_pdu((1, False, False, big)))
    assert isinstance(event, PData)
    assert len(event.data) == 300_000


def test_slices_are_views_into_the_callers_buffer() -> None:
    _, acceptor = established()
    buffer = bytearray(data_pdu((1, False, True, b"abcd")))
    [event] = acceptor.receive(memoryview(buffer))
    assert isinstance(event, PData)
    buffer[-4:] = b"wxyz"
    assert bytes(event.data) == b"wxyz"


def test_last_is_said_only_of_the_last_slice() -> None:
    _, acceptor = established()
    data = data_pdu((1, False, True, b"abcdef"), (3, False, False, b""), (5, True, True, b""))
    events = [*acceptor.receive(data[:14]), *acceptor.receive(data[14:])]
    assert events == [
        PData(1, False, False, memoryview(b"ab")),
        PData(1, False, True, memoryview(b"cdef")),
        PData(3, False, False, memoryview(b"")),
        PData(5, True, True, memoryview(b"")),
    ]


def merged(events: list[Event]) -> list[object]:
    """Events with the slices of one fragment joined: what must not depend on how the bytes were cut."""
    out: list[object] = []
    for event in events:
        if isinstance(event, PData):
            last = out[-1] if out else None
            key = (event.context_id, event.is_command)
            if isinstance(last, tuple) and last[:2] == key and not last[2]:
                out[-1] = (*key, event.is_last, last[3] + bytes(event.data))
            else:
                out.append((*key, event.is_last, bytes(event.data)))
        else:
            out.append(event)
    return out


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 11, 13])
def test_cuts_do_not_change_events(step: int) -> None:
    request = RQ.encode()
    stream = data_pdu((1, True, True, b"command"), (1, False, False, b"d" * 20)) + data_pdu((1, False, True, b"e"))
    stream += pdu.ReleaseRQ().encode()
    whole, cut = UpperLayer("acceptor"), UpperLayer("acceptor")
    events: list[Event] = []
    for part in (request, stream):
        for start, stop in pairwise([*range(0, len(part), step), len(part)]):
            events += cut.receive(part[start:stop])
        if part is request:
            assert events == whole.receive(request) == [RQ]
            cut.accept(AC)
            whole.accept(AC)
    assert merged(events[1:]) == merged(whole.receive(stream))
    assert cut.state is whole.state is State.Sta8
    assert joined(cut) == joined(whole)


def test_hostile_fragments_come_in_bounded_batches() -> None:
    _, acceptor = established()
    fragments = b"\0\0\0\2\1\1" * 10_000 + b"\0\0\0\3\1\1x" * 5_000
    stream = b"\4\0" + len(fragments).to_bytes(4) + fragments + data_pdu((1, True, True, b"end")) * 3_000
    batches = list(acceptor.batches(stream))
    assert max(map(len, batches)) <= 1024
    events = [event for batch in batches for event in batch]
    assert len(events) == 18_000
    assert events == established()[1].receive(stream)
    assert list(acceptor.batches(b"")) == [[Closed(False)]]


def test_state_changes_between_batches_are_seen() -> None:
    _, acceptor = established()
    stream = data_pdu((1, True, True, b"x")) * 2_000 + pdu.Abort(0, 0).encode()
    batches = acceptor.batches(stream)
    assert len(next(batches)) == 1024
    acceptor.abort()
    assert [event for batch in batches for event in batch] == []
    assert acceptor.wants_close


def test_abort_in_the_middle_of_a_pdu_skips_the_rest() -> None:
    requestor, acceptor = established()
    data = data_pdu((1, False, True, b"x" * 100))
    assert acceptor.receive(data[:50])
    acceptor.abort()
    assert acceptor.receive(data[50:70]) == []
    # After the rest the framing still holds: the peer's abort is understood.
    assert acceptor.receive(data[70:] + pdu.Abort(0, 0).encode()) == []
    assert acceptor.wants_close
    assert pump(acceptor, requestor) == [pdu.Abort(0, 0)]


def test_data_after_our_abort_is_ignored_without_being_looked_into() -> None:
    _, acceptor = established()
    acceptor.abort()
    acceptor.take_output()
    assert acceptor.receive(b"\4\0\0\0\0\x08\xff\xff\xff\xff\0\0\0\0" + data_pdu((1, True, True, b"x"))) == []
    assert acceptor.receive(b"\x50\0\0\0\0\0") == []
    assert joined(acceptor) == pdu.Abort(2, 1).encode()
    assert acceptor.error is None


def test_nothing_unencodable_is_sent_and_the_state_stays() -> None:
    acceptor = UpperLayer("acceptor")
    acceptor.receive(RQ.encode())
    with pytest.raises(LocalProtocolError, match="16 at most"):
        acceptor.accept(pdu.AssociateAC("X" * 17, "B", AC.contexts))
    assert acceptor.state is State.Sta3
    acceptor.accept(AC)
    requestor = UpperLayer("requestor")
    with pytest.raises(LocalProtocolError, match="16 at most"):
        requestor.associate(pdu.AssociateRQ("X" * 17, "B", RQ.contexts))
    assert requestor.state is State.Sta1


def test_an_idle_machine_is_small_and_keeps_no_buffer() -> None:
    _, acceptor = established()
    acceptor.receive(data_pdu((1, False, True, bytes(100_000))))
    acceptor.take_output()
    held = [getattr(acceptor, name) for name in (*UpperLayer.__slots__, *Reader.__slots__)]
    assert not any(isinstance(value, memoryview | bytearray) for value in held)
    assert sum(sys.getsizeof(value) for value in held if isinstance(value, bytes | list)) < 200
    assert sys.getsizeof(acceptor) < 400
