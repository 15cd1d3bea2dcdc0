"""What no peer should send: the server answers as PS3.8 says, keeps nothing, and goes on."""

from __future__ import annotations

import struct

import pytest

from kerma.dimse import Command, CommandField
from kerma.net.client import connect
from kerma.ul.negotiation import Need
from kerma.ul.pdu import AssociateAC

from .conftest import Running, Start
from .memory import CT, EXPLICIT_LE, make
from .wire import VERIFICATION, Wire, echo_rq, pdata, store_rq

ABORT = 7


def abort_codes(data: bytes) -> tuple[int, int]:
    """Source and reason of the A-ABORT at the end of ``data``."""
    assert data[-10:-6] == bytes((ABORT, 0, 0, 0)), data[-20:]
    return data[-2], data[-1]


def still_serves(running: Running) -> None:
    with connect(running.peer, aet="AFTER") as peer:
        assert peer.echo() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
        b"\x09\x00\x00\x00\x00\x04abcd",
        b"\x00" * 100,
        struct.pack(">BxI", 1, 0xFFFFFFFF),
        struct.pack(">BxI", 1, 10) + bytes(10),
        struct.pack(">BxI", 5, 4) + bytes(4),
        struct.pack(">BxI", 4, 100) + bytes(100),
        struct.pack(">BxI", 2, 200) + bytes(200),
    ],
    ids=["http", "tls", "type-9", "zeros", "huge-rq", "short-rq", "release", "data", "ac"],
)
def test_a_stranger_is_aborted(start: Start, data: bytes) -> None:
    running = start(limits={"artim": 0.3})
    with Wire(running.peer) as wire:
        wire.send(data)
        abort_codes(wire.rest())
    assert running.end().end in ("aborted", "artim")
    still_serves(running)
    assert not running.errors


def test_silence_is_ended_by_artim(start: Start) -> None:
    running = start(limits={"artim": 0.2})
    with Wire(running.peer) as wire:
        assert wire.rest() == b""
    end = running.end()
    assert (end.end, end.bytes_received) == ("artim", 0)
    still_serves(running)


def test_half_a_request_is_ended_by_artim(start: Start) -> None:
    running = start(limits={"artim": 0.3})
    with Wire(running.peer) as wire:
        wire.send(struct.pack(">BxI", 1, 200) + bytes(60))
        assert wire.rest() == b""
    assert running.end().end == "artim"


def test_an_association_that_falls_silent_is_aborted(start: Start) -> None:
    running = start(limits={"idle": 0.3})
    with Wire(running.peer) as wire:
        wire.associate()
        abort_codes(wire.rest())
    assert running.end().end == "idle"


def test_a_byte_at_a_time_in_a_message_is_no_sign_of_life(start: Start) -> None:
    running = start(limits={"idle": 0.4})
    message = pdata(3, 3, store_rq().encode(has_data=True)) + struct.pack(">BxIIBB", 4, 5006, 5002, 3, 2)
    with Wire(running.peer) as wire:
        wire.associate()
        wire.send(message)
        wire.sock.settimeout(0.01)
        answer = b""
        for _ in range(1000):
            try:
                wire.send(b"x")
                answer += wire.sock.recv(100)
            except TimeoutError:
                continue
            except OSError:
                break
            break
        assert abort_codes(answer) == (0, 0)
    assert running.end().end == "idle"
    assert running.store.aborted == 1
    assert not running.store.kept


def test_a_peer_that_stops_in_the_middle_leaves_nothing(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(store_rq(), 3, has_data=True)
        wire.send(pdata(3, 0, b"abcdefgh"))
        wire.send(struct.pack(">BxIIBB", 4, 1006, 1002, 3, 2) + bytes(10))
    assert running.end().end == "lost"
    assert running.store.aborted == 1
    assert not running.store.kept
    still_serves(running)


def test_a_release_in_the_middle_of_a_message_keeps_nothing(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(store_rq(), 3, has_data=True)
        wire.send(pdata(3, 0, b"abcdefgh"))
        wire.send(struct.pack(">BxI", 5, 4) + bytes(4))
        assert wire.read()[0] == 6
    running.end()
    running.store.wait_for(lambda: running.store.aborted == 1)
    assert not running.store.kept


def test_a_pdu_that_is_longer_than_announced_is_aborted(start: Start) -> None:
    running = start(limits={"max_pdu": 4096})
    with Wire(running.peer) as wire:
        wire.associate()
        wire.send(struct.pack(">BxI", 4, 4097))
        assert abort_codes(wire.rest()) == (2, 6)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">BxIIBB", 4, 10, 1000, 1, 3) + bytes(4),
        pdata(9, 3, echo_rq().encode()),
        pdata(1, 2, b"a data set first"),
        pdata(1, 3, b"\x00\x00\x00\x01\xff\xff\xff\xff"),
        pdata(1, 3, b"no command"),
        pdata(1, 3, echo_rq().encode().replace(b"\x30\x00", b"\x31\x00", 1)),
    ],
    ids=["pdv-too-long", "context", "data-first", "length", "garbage", "field"],
)
def test_broken_messages_are_aborted(running: Running, data: bytes) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.send(data)
        abort_codes(wire.rest())
    assert running.end().end == "aborted"
    still_serves(running)


def test_a_command_in_the_middle_of_a_data_set_is_aborted(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(store_rq(), 3, has_data=True)
        wire.send(pdata(3, 0, b"abcd"))
        wire.command(echo_rq())
        abort_codes(wire.rest())
    running.store.wait_for(lambda: running.store.aborted == 1)


def test_a_response_that_nobody_waits_for_is_aborted(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(echo_rq().response(0))
        abort_codes(wire.rest())
    assert running.end().end == "aborted"


def test_a_late_cancel_means_nothing(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(Command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=7))
        wire.command(echo_rq(8))
        answer = wire.response()
        assert (answer.MessageIDBeingRespondedTo, answer.Status) == (8, 0)


def test_an_operation_that_is_not_offered_gets_a_status(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(
            Command(CommandField.N_DELETE_RQ, MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.2.3")
        )
        assert wire.response().Status == 0x0211
        wire.command(echo_rq(2))
        assert wire.response().Status == 0


def test_unknown_classes_and_syntaxes_are_refused_context_by_context(running: Running) -> None:
    needs = (
        Need(VERIFICATION, (EXPLICIT_LE,)),
        Need("1.2.3.4.5", (EXPLICIT_LE,)),
        Need(CT, ("1.2.3.4.6",)),
        Need("x" * 64, ("../../etc/passwd",)),
    )
    with Wire(running.peer) as wire:
        answer = wire.associate(needs=needs)
        assert isinstance(answer, AssociateAC)
        assert [context.result for context in answer.contexts] == [0, 3, 4, 3]


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1" * 10_000, "", "1.2\x00.3", "a b"])
def test_strange_uids_only_reach_the_provider(running: Running, uid: str) -> None:
    data = make(1).to_bytes(EXPLICIT_LE)
    with Wire(running.peer) as wire:
        wire.associate()
        wire.send(pdata(3, 3, _store_with(uid.encode())))
        wire.send(pdata(3, 2, data))
        pdu = wire.read()
        assert pdu[0] in (4, ABORT)
    assert all(len(kept) == len(data) for _, kept in running.store.kept.values())
    still_serves(running)


def test_a_class_other_than_the_contexts_is_refused(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(store_rq(sop_class="1.2.840.10008.5.1.4.1.1.4"), 3, has_data=True)
        wire.send(pdata(3, 2, make(1).to_bytes(EXPLICIT_LE)))
        assert wire.response().Status == 0x0122
    assert not running.store.kept


def test_an_identifier_that_is_too_long_is_aborted(start: Start) -> None:
    running = start(limits={"max_identifier": 1000})
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    with Wire(running.peer) as wire:
        wire.associate(needs=(Need(find, (EXPLICIT_LE,)),))
        wire.command(Command(CommandField.C_FIND_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=find), has_data=True)
        wire.send(pdata(1, 0, bytes(600)))
        wire.send(pdata(1, 0, bytes(600)))
        abort_codes(wire.rest())


@pytest.mark.parametrize("identifier", [b"garbage that is no data set", b"\x08\x00\x52\x00CS\xff\xff", b""])
def test_an_identifier_that_cannot_be_read_gets_a_status(running: Running, identifier: bytes) -> None:
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    with Wire(running.peer) as wire:
        wire.associate(needs=(Need(find, (EXPLICIT_LE,)),))
        wire.command(Command(CommandField.C_FIND_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=find), has_data=True)
        wire.send(pdata(1, 2, identifier))
        assert wire.response().Status in (0xA900, 0xC000)


def test_another_request_while_one_is_served_is_aborted(running: Running) -> None:
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    running.store.found = [make(number) for number in range(1, 3000)]
    from kerma.query import from_keys, to_identifier

    identifier = to_identifier(from_keys("study", {"PatientID": "P1"})).to_bytes(EXPLICIT_LE)
    with Wire(running.peer) as wire:
        wire.associate(needs=(Need(find, (EXPLICIT_LE,)),))
        command = Command(CommandField.C_FIND_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=find)
        both = pdata(1, 3, command.encode(has_data=True)) + pdata(1, 2, identifier)
        wire.send(both + both)
        abort_codes(wire.rest())
    assert running.end().end == "aborted"


def _store_with(uid: bytes) -> bytes:
    """A C-STORE-RQ with these bytes as Affected SOP Instance UID."""
    uid += b"\0" * (len(uid) % 2)
    plain = store_rq("1.2.3").encode(has_data=True)
    at = plain.index(b"\x00\x00\x00\x10")
    body = plain[12:at] + plain[at : at + 4] + len(uid).to_bytes(4, "little") + uid + plain[at + 8 + 6 :]
    return plain[:8] + len(body).to_bytes(4, "little") + body
