"""Mistakes of protocol that a review found: data right behind an answer, peers without rest, flows with odd ends."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from tests.ul.samples import AC, CT, IMPLICIT, RQ, VERIFICATION

from kerma.dimse import Command, CommandField, Session
from kerma.encoding.source import BytesSource
from kerma.errors import LocalProtocolError, NoContextError
from kerma.formats.instance import Instance
from kerma.limits import NetworkLimits
from kerma.net.aclient import connect as aio_connect
from kerma.net.client import connect
from kerma.net.core import PROGRESS, Core, Patience
from kerma.net.folder import FolderProvider
from kerma.net.requestor import refuse_store
from kerma.net.server import Server, ServerConfig
from kerma.net.summary import AssociationSummary
from kerma.query import from_keys
from kerma.query.model import Level, Root
from kerma.services.dispatch import Providers
from kerma.services.flow import Associate, Effect, Emit, SendPayload
from kerma.services.get_scu import get
from kerma.services.sendable import Sendable
from kerma.services.storage_scu import StoreResult, store
from kerma.ul import pdu
from kerma.ul.negotiation import Context

PATIENCE = 20.0
"""Seconds after which a test gives up; nothing here takes more than one."""


def core() -> Core:
    one = Core("requestor", NetworkLimits(), refuse_store, "peer")
    one.associate(RQ)
    one.ul.take_output()
    return one


def test_data_in_the_same_breath_as_the_answer() -> None:
    report = Command(
        CommandField.N_EVENT_REPORT_RQ,
        MessageID=1,
        AffectedSOPClassUID="1.2.840.10008.1.20.1",
        AffectedSOPInstanceUID="1.2.840.10008.1.20.1.1",
        EventTypeID=1,
    )
    frames = Session({1: Context(1, VERIFICATION, IMPLICIT)}).frames(1, report)
    requestor = core()
    requestor.feed(AC.encode() + b"".join(frames))
    assert requestor.failure is None
    assert [message.command for message in requestor.messages] == [report]


def test_an_answer_that_leaves_no_room_for_data_is_an_abort() -> None:
    requestor = core()
    requestor.feed(pdu.AssociateAC("A", "B", AC.contexts, pdu.UserInformation(5)).encode())
    assert b"".join(requestor.ul.take_output()) == pdu.Abort(2, 6).encode()
    assert requestor.failure is not None
    assert "no room" in requestor.failure.message


def test_requests_without_end_are_not_gathered() -> None:
    acceptor = Core("acceptor", NetworkLimits(), refuse_store, "peer")
    acceptor.feed(RQ.encode())
    acceptor.ul.accept(AC)
    acceptor.establish(RQ, AC)
    acceptor.ul.take_output()
    echo = Command(CommandField.C_ECHO_RQ, MessageID=1, AffectedSOPClassUID=VERIFICATION)
    frames = b"".join(Session({1: Context(1, VERIFICATION, IMPLICIT)}).frames(1, echo))
    acceptor.feed(frames * 64)
    assert acceptor.failure is None
    acceptor.feed(frames * 5_000)
    assert len(acceptor.messages) == 64
    assert acceptor.failure is not None
    assert b"".join(acceptor.ul.take_output()) == pdu.Abort(0, 0).encode()


def test_a_peer_that_takes_storage_but_no_get() -> None:
    flow = get(from_keys(Level.STUDY, {"StudyInstanceUID": "1.2"}, (), root=Root.STUDY), ((),), refuse_store)
    assert isinstance(next(flow), Associate)
    with pytest.raises(NoContextError, match="does not offer"):
        flow.send({1: Context(1, CT, IMPLICIT, False, True)})


def test_an_instance_that_no_command_can_name_fails_alone() -> None:
    items = [Sendable.of_instance(Instance(CT, uid, IMPLICIT, 0, 0, lambda: BytesSource(b""))) for uid in ("€", "1.2")]
    flow = store(items)
    assert isinstance(next(flow), Associate)
    results: list[StoreResult] = []
    effect: Effect | None = flow.send({1: Context(1, CT, IMPLICIT)})
    while effect is not None:
        if isinstance(effect, Emit):
            results.append(effect.value)
            effect = next(flow, None)
        elif isinstance(effect, SendPayload) and not effect.command.AffectedSOPInstanceUID.isascii():
            effect = flow.throw(LocalProtocolError("no UI value"))
        else:
            effect = flow.throw(NoContextError("enough"))
    assert [result.error for result in results] == ["no UI value", "enough"]


@pytest.mark.parametrize("uid", ["../../etc/passwd", "\xff\xfe", "1" * 10_000, "1.2\n3", "C:\\x"])
def test_impossible_instance_uids_are_answered_with_a_status(uid: str, tmp_path: Path) -> None:
    request = Command(
        CommandField.C_STORE_RQ, MessageID=1, Priority=0, AffectedSOPClassUID=CT, AffectedSOPInstanceUID=uid
    )
    session = Session({3: Context(3, CT, IMPLICIT)}, 16_384)
    providers = Providers(storage=FolderProvider(tmp_path, sync=False))
    with (
        Server(ServerConfig(listen=(("127.0.0.1", 0),)), providers) as server,
        socket.create_connection(server.addresses[0], PATIENCE) as sock,
    ):
        requestor = Core("requestor", NetworkLimits(), refuse_store, "peer")
        requestor.associate(RQ)
        sock.sendall(b"".join(requestor.ul.take_output()))
        while not requestor.contexts:
            requestor.feed(sock.recv(65_536))
        sock.sendall(b"".join(session.frames(3, request, b"\x08\0\x16\0\0\0\0\0")))
        while not requestor.messages:
            requestor.feed(sock.recv(65_536))
            assert not requestor.over
        [message] = requestor.messages
    assert message.command.Status == 0xC000
    assert message.command.AffectedSOPInstanceUID == uid
    assert not list(tmp_path.iterdir())


def test_a_large_message_may_take_longer_than_a_response() -> None:
    requestor = core()
    requestor.feed(AC.encode())
    patience = Patience(requestor, 10.0, 100.0)
    assert patience.left(109.0) == 1.0
    requestor.feed(pdu.PDataTF((pdu.PresentationDataValue(1, True, False, bytes(PROGRESS - 100)),)).encode())
    assert patience.left(109.0) == 1.0
    requestor.feed(pdu.PDataTF((pdu.PresentationDataValue(1, True, False, bytes(100)),)).encode())
    assert patience.left(109.0) == 10.0
    assert patience.left(119.0) == 0.0


def test_a_generator_that_is_closed_releases_its_association() -> None:
    ends: list[AssociationSummary] = []
    with Server(ServerConfig(listen=(("127.0.0.1", 0),)), Providers(), on_end=ends.append) as server:
        host, port = server.addresses[0]

        def echoes() -> Generator[int, None, None]:
            with connect(f"KERMA@{host}:{port}") as peer:
                while True:
                    yield peer.echo()

        running = echoes()
        assert next(running) == 0
        running.close()
        assert server.drain(PATIENCE)
    assert [end.end for end in ends] == ["released"]


def trickled(
    first: bytes, limits: NetworkLimits, then: Callable[[socket.socket], None] | None = None
) -> tuple[bytes, str]:
    """What a server says, and how it ends, when ``first`` is followed by single bytes that never let it rest."""
    ends: list[AssociationSummary] = []
    config = ServerConfig(listen=(("127.0.0.1", 0),), limits=limits)
    said = bytearray()
    with Server(config, Providers(), on_end=ends.append) as server:
        with socket.create_connection(server.addresses[0], PATIENCE) as sock:
            if then is not None:
                then(sock)
            sock.sendall(first)
            stop = time.monotonic() + PATIENCE
            while time.monotonic() < stop:
                if select.select([sock], [], [], 0.02)[0]:
                    try:
                        part = sock.recv(4096)
                    except ConnectionResetError:
                        break
                    if not part:
                        break
                    said += part
                    continue
                try:
                    sock.send(b"\0")
                except OSError:
                    break
            else:
                pytest.fail("the server let it go on")
        assert server.drain(PATIENCE)
    return bytes(said), ends[0].end


def test_bytes_that_come_often_do_not_extend_artim() -> None:
    said, end = trickled(RQ.encode()[:20], NetworkLimits(artim=0.3))
    assert (said, end) == (b"", "artim")


def test_bytes_that_come_often_are_no_sign_of_life() -> None:
    def associate(sock: socket.socket) -> None:
        sock.sendall(RQ.encode())
        assert sock.recv(4096)[:1] == b"\2"

    # A command that is never whole.
    said, end = trickled(b"\4\0\0\0\x10\0\0\0\x0f\xfc\1\1", NetworkLimits(idle=0.3), associate)
    assert said == pdu.Abort(0, 0).encode()
    assert end == "idle"


def test_an_association_that_ended_while_the_loop_was_busy_is_not_used_again() -> None:
    limits = NetworkLimits(idle=0.2)
    ends: list[AssociationSummary] = []
    ended = threading.Event()

    def note(summary: AssociationSummary) -> None:
        ends.append(summary)
        ended.set()

    async def echoes(port: int) -> list[int]:
        async with aio_connect(f"KERMA@127.0.0.1:{port}") as peer:
            first = await peer.echo()
            # Blocks the loop on purpose: it has had no chance to see that the server hung up.
            assert ended.wait(PATIENCE)
            return [first, await peer.echo()]

    with Server(ServerConfig(listen=(("127.0.0.1", 0),), limits=limits), Providers(), on_end=note) as server:
        assert asyncio.run(echoes(server.addresses[0][1])) == [0, 0]
        assert server.drain(PATIENCE)
    assert [end.end for end in ends] == ["idle", "released"]
