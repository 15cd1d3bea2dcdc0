"""The asyncio client against our server: the same calls and the same outcomes as the blocking one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

import kerma
from kerma.errors import ConnectError, RejectedError, StatusError, TimeoutExpiredError
from kerma.limits import NetworkLimits
from kerma.net.move import PeerDestinations
from kerma.net.peer import Peer
from kerma.net.server import KnownPeer
from kerma.services.retrieve_scu import Progress

from .conftest import Running, Start
from .memory import SERIES, STUDY, MemoryStore, instance, make


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60), debug=True)


def test_all_calls(start: Start) -> None:
    target = start()
    running = start(destinations=PeerDestinations({"SINK": target.peer}.get))
    running.store.found = [make(1), make(2)]
    running.store.holds = [instance(1), instance(2, size=4_000_000)]

    async def calls() -> None:
        async with kerma.aio.connect(running.peer, aet="ME") as peer:
            assert await peer.echo() == 0
            assert [result.ok async for result in peer.store([make(5), instance(6, size=4_000_000)])] == [True, True]
            assert [ds.InstanceNumber async for ds in peer.find(level="study")] == [1, 2]
            told: list[Progress] = []
            got = [ds async for ds in peer.get(StudyInstanceUID=STUDY, progress=told.append)]
            assert [ds.InstanceNumber for ds in got] == [1, 2]
            assert told[-1].completed == 2
            mine = MemoryStore()
            assert [each.ok async for each in peer.get(StudyInstanceUID=STUDY, into=mine)] == [True, True]
            assert set(mine.kept) == {f"{SERIES}.1", f"{SERIES}.2"}
            moved = [each async for each in peer.move(to="SINK", StudyInstanceUID=STUDY)]
            assert moved[-1].ok
            assert len(target.store.kept) == 2
            peer.store([make(7)])

    run(calls())
    assert f"{SERIES}.7" in running.store.kept


def test_calls_that_are_left_are_cancelled(running: Running) -> None:
    running.store.found = [make(number) for number in range(1, 1000)]
    running.store.holds = [instance(number) for number in range(1, 300)]

    async def calls() -> None:
        async with kerma.aio.connect(running.peer) as peer:
            async for _ in peer.find(level="study"):
                break
            async for _ in peer.get(StudyInstanceUID=STUDY):
                break
            async for _ in peer.store([make(number) for number in range(1, 10)]):
                break
            assert await peer.echo() == 0
        assert running.store.searches_closed == 1
        assert 1 <= len(running.store.kept) < 9

    run(calls())


def test_errors_are_the_same(start: Start) -> None:
    running = start(known_peers=(KnownPeer("ME"),))

    async def calls() -> None:
        async with kerma.aio.connect(running.peer, aet="STRANGER") as peer:
            with pytest.raises(RejectedError):
                await peer.echo()
        async with kerma.aio.connect(running.peer, aet="ME") as peer:
            with pytest.raises(StatusError):
                async for _ in peer.move(to="NOBODY", StudyInstanceUID=STUDY):
                    pass
            assert await peer.echo() == 0
        running.server.close()
        async with kerma.aio.connect(running.peer, aet="ME") as peer:
            with pytest.raises(ConnectError, match="refused"):
                await peer.echo()

    run(calls())


def test_a_call_that_is_cancelled_aborts_its_association(start: Start) -> None:
    import threading

    running = start()
    entered, go_on = threading.Event(), threading.Event()

    def block(sink: object) -> Any:
        entered.set()
        assert go_on.wait(10)
        from kerma.services.providers import StoreOutcome

        return StoreOutcome.STORED

    running.store.on_commit = block

    async def calls() -> None:
        async with kerma.aio.connect(running.peer) as peer:

            async def send() -> None:
                async for _ in peer.store([make(1)]):
                    pass

            task = asyncio.create_task(send())
            await asyncio.to_thread(entered.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go_on.set()
            running.store.on_commit = None
            assert await peer.echo() == 0

    run(calls())


def test_a_peer_that_never_answers(running: Running) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await reader.read()
        writer.close()

    async def calls() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            client = kerma.aio.connect(Peer("X", "127.0.0.1", port), limits=NetworkLimits(response=0.2))
            with pytest.raises(TimeoutExpiredError):
                await client.echo()
            await client.close()

    run(calls())
