"""Limits, many associations, back-pressure, draining, and what the server survives."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

import pytest

from kerma.dimse import Command, CommandField
from kerma.errors import NetworkError, RejectedError
from kerma.net.client import Client, connect
from kerma.net.peer import Peer
from kerma.net.server import Server, ServerConfig
from kerma.query import to_identifier
from kerma.query.identifier import unique_query
from kerma.query.model import Level
from kerma.services.dispatch import Providers
from kerma.services.providers import StoreOutcome
from kerma.ul.negotiation import Need

from .conftest import Running, Start
from .memory import CT, EXPLICIT_LE, STUDY, Sink, instance, make
from .wire import Wire, echo_rq, pdata, store_rq


def test_too_many_associations_are_rejected_for_now(start: Start) -> None:
    running = start(limits={"max_associations": 3})
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(running.peer, aet=f"ME{number}")) for number in range(4)]
        for client in clients[:3]:
            client.echo()
        assert running.server.associations == 3
        with pytest.raises(RejectedError) as caught:
            clients[3].echo()
        assert (caught.value.result, caught.value.source, caught.value.reason) == (2, 3, 2)
        clients[0].close()
        running.end()
        running.end()
        assert clients[3].echo() == 0
    assert running.server.associations <= 3


def test_too_many_associations_of_one_peer_are_rejected_for_now(start: Start) -> None:
    running = start(limits={"max_associations_per_peer": 1})
    with connect(running.peer, aet="ONE") as one, connect(running.peer, aet="ONE") as again:
        with connect(running.peer, aet="TWO") as two:
            assert one.echo() == two.echo() == 0
        with pytest.raises(RejectedError) as caught:
            again.echo()
        assert (caught.value.source, caught.value.reason) == (3, 2)


def test_idle_associations_have_no_thread(start: Start) -> None:
    running = start(limits={"max_busy": 4})
    before = threading.active_count()
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(running.peer)) for _ in range(50)]
        for client in clients:
            assert client.echo() == 0
        assert threading.active_count() - before <= 4
        for client in clients:
            assert client.echo() == 0
        assert running.server.associations == 50


def test_more_busy_ones_than_workers_all_complete(start: Start) -> None:
    running = start(limits={"max_busy": 2})
    failures: list[object] = []

    def send(number: int) -> None:
        with connect(running.peer, aet=f"S{number}") as peer:
            items = [instance(number * 100 + index, size=200_000) for index in range(10)]
            failures.extend(result for result in peer.store(items) if not result.ok)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert len(running.store.kept) == 160


def test_half_messages_do_not_hold_the_workers(start: Start) -> None:
    running = start(limits={"max_busy": 2})
    with ExitStack() as stack:
        for _ in range(8):
            wire = stack.enter_context(Wire(running.peer))
            wire.associate()
            wire.command(store_rq(), 3, has_data=True)
            wire.send(pdata(3, 0, b"abcd"))
        with connect(running.peer) as peer:
            assert peer.echo() == 0


def test_a_worker_that_blocks_holds_only_its_association(start: Start) -> None:
    running = start(limits={"max_busy": 4})
    entered, go_on = threading.Event(), threading.Event()

    def block(sink: Sink) -> StoreOutcome:
        entered.set()
        assert go_on.wait(10)
        return StoreOutcome.STORED

    running.store.on_commit = block
    results: list[bool] = []
    with connect(running.peer) as slow, connect(running.peer) as quick:
        thread = threading.Thread(target=lambda: results.extend(result.ok for result in slow.store([make(1)])))
        thread.start()
        assert entered.wait(10)
        assert quick.echo() == 0
        go_on.set()
        thread.join(10)
    assert results == [True]


def test_drain_lets_operations_end_and_sends_the_idle_away(start: Start) -> None:
    running = start()
    entered, go_on = threading.Event(), threading.Event()

    def block(sink: Sink) -> StoreOutcome:
        entered.set()
        assert go_on.wait(10)
        return StoreOutcome.STORED

    running.store.on_commit = block
    results: list[bool] = []
    drained: list[bool] = []
    busy, idle = Client(running.peer, aet="BUSY"), Client(running.peer, aet="IDLE")
    assert idle.echo() == 0
    sender = threading.Thread(target=lambda: results.extend(result.ok for result in busy.store([make(1)])))
    sender.start()
    assert entered.wait(10)
    drainer = threading.Thread(target=lambda: drained.append(running.server.drain(10)))
    drainer.start()
    first = running.end()
    assert (first.calling_aet, first.end) == ("IDLE", "drained")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((running.peer.host, running.peer.port), 10)
    assert not drained
    go_on.set()
    sender.join(10)
    drainer.join(10)
    assert results == [True]
    assert drained == [True]
    assert len(running.store.kept) == 1
    second = running.end()
    assert (second.calling_aet, second.end, second.operations) == ("BUSY", "drained", {"C-STORE": 1})
    # Both sides of these are over: what they are told now is that, and nothing hangs.
    idle.abort()
    busy.abort()


def test_drain_cuts_what_does_not_end(start: Start) -> None:
    running = start()
    entered, go_on = threading.Event(), threading.Event()

    def block(sink: Sink) -> StoreOutcome:
        entered.set()
        assert go_on.wait(20)
        return StoreOutcome.STORED

    running.store.on_commit = block
    with Wire(running.peer) as wire:
        wire.associate()
        wire.command(store_rq(), 3, has_data=True)
        wire.send(pdata(3, 2, make(1).to_bytes("1.2.840.10008.1.2.1")))
        assert entered.wait(10)
        drained: list[bool] = []
        drainer = threading.Thread(target=lambda: drained.append(running.server.drain(0.1)))
        drainer.start()
        assert wire.rest() == b""  # the connection is cut while the handler still blocks
        go_on.set()
        drainer.join(20)
    assert drained == [False]


def test_a_listener_of_ends_that_fails_is_reported(start: Start) -> None:
    running = start()
    problem = ValueError("log is full")

    def fail(_: object) -> None:
        raise problem

    running.server._on_end = fail
    with connect(running.peer) as peer:
        assert peer.echo() == 0
    with connect(running.peer) as peer:
        assert peer.echo() == 0
    running.server.close()
    assert [error for _, error in running.errors] == [problem, problem]


def test_a_port_that_is_in_use_says_so(running: Running) -> None:
    host, port = running.server.addresses[0]
    with pytest.raises(NetworkError, match="in use"):
        Server(ServerConfig(listen=((host, port),)), Providers()).start()


def test_a_peer_that_does_not_read_is_left(start: Start) -> None:
    running = start(limits={"response": 0.3})
    running.store.holds = [instance(1, size=64 << 20)]
    get = "1.2.840.10008.5.1.4.1.2.2.3"
    identifier = to_identifier(unique_query(Level.STUDY, [STUDY])).to_bytes(EXPLICIT_LE)
    needs = (Need(get, (EXPLICIT_LE,)), Need(CT, (EXPLICIT_LE,), as_scu=False, as_scp=True))
    with Wire(running.peer) as wire:
        wire.associate(needs=needs)
        wire.command(Command(CommandField.C_GET_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=get), has_data=True)
        wire.send(pdata(1, 2, identifier))
        end = running.end()
    assert end.end == "lost"
    assert "takes no more" in end.detail
    with connect(running.peer) as peer:
        assert peer.echo() == 0


def test_a_peer_that_does_not_answer_is_left(start: Start) -> None:
    running = start(limits={"response": 0.3})
    running.store.holds = [instance(1), instance(2)]
    get = "1.2.840.10008.5.1.4.1.2.2.3"
    identifier = to_identifier(unique_query(Level.STUDY, [STUDY])).to_bytes(EXPLICIT_LE)
    needs = (Need(get, (EXPLICIT_LE,)), Need(CT, (EXPLICIT_LE,), as_scu=False, as_scp=True))
    with Wire(running.peer) as wire:
        wire.associate(needs=needs)
        wire.command(Command(CommandField.C_GET_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=get), has_data=True)
        wire.send(pdata(1, 2, identifier))
        assert wire.rest()[-10] == 7  # the C-STORE-RQ, and then the abort
    assert running.end().detail == "no response within 0.3 s"


def test_accepting_pauses_when_the_system_has_no_descriptors_left(running: Running) -> None:
    server = running.server
    server._call(lambda: server._pause(OSError(24, "Too many open files")))
    with connect(running.peer) as peer:  # waits in the backlog until the server accepts again
        assert peer.echo() == 0
    assert [what for what, _ in running.errors] == ["connections cannot be accepted for now"]


def test_a_failing_call_does_not_stop_the_selector(running: Running) -> None:
    server = running.server
    server._call(lambda: server._park(None))  # type: ignore[arg-type]
    with connect(running.peer) as peer:
        assert peer.echo() == 0
    assert [what for what, _ in running.errors] == ["the selector failed"]


def test_several_addresses_and_both_families(start: Start) -> None:
    running = start(listen=(("127.0.0.1", 0), ("::1", 0)))
    assert len(running.server.addresses) == 2
    for host, port in running.server.addresses:
        with connect(Peer("KERMA", host, port)) as peer:
            assert peer.echo() == 0
            assert next(peer.store([make(1)])).ok
    assert {running.end().peer.rpartition(":")[0] for _ in range(4)} == {"127.0.0.1", "[::1]"}


def test_messages_that_arrive_together_are_all_answered(running: Running) -> None:
    with Wire(running.peer) as wire:
        wire.associate()
        wire.send(b"".join(pdata(1, 3, echo_rq(number).encode()) for number in range(1, 21)))
        assert [wire.response().MessageIDBeingRespondedTo for _ in range(20)] == list(range(1, 21))


def test_a_message_cut_into_bytes_is_understood(running: Running) -> None:
    data = make(1, size=300).to_bytes("1.2.840.10008.1.2.1")
    message = pdata(3, 1, store_rq().encode(has_data=True)[:20]) + pdata(3, 3, store_rq().encode(has_data=True)[20:])
    message += b"".join(pdata(3, 0, data[at : at + 7]) for at in range(0, len(data), 7)) + pdata(3, 2, b"")
    with Wire(running.peer) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.associate()
        for at in range(0, len(message), 3):
            wire.send(message[at : at + 3])
        assert wire.response().Status == 0
    assert running.store.kept["1.2.3"][1] == data
