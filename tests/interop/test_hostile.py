"""Bad input over the wire: the right abort or status, and the server alive and well after each.

Each test says something wrong by hand (``raw.py``) and then asks whether the server still answers an honest echo.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from . import peers, studies
from .conftest import starter
from .processes import Peer
from .raw import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    ASSOCIATE_RQ,
    IMPLICIT_LE,
    P_DATA,
    RELEASE_RP,
    VERIFICATION,
    Raw,
    associate_rq,
    command,
    echo_rq,
    element,
    p_data,
    pdu,
    pdv,
    store_rq,
    us,
)

CT_CONTEXT = ((studies.CT, (IMPLICIT_LE,)),)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    limits = {"artim": 1.0, "idle": 2.0}
    with starter(tmp_path_factory.mktemp("hostile")) as begin:
        yield begin(peers.kerma_serve, sections={"limits": limits})


@pytest.fixture(autouse=True)
def server_is_well(server: Peer) -> Iterator[None]:
    """After every test: alive, echoing, no tens of megabytes more, nothing kept."""
    memory = psutil.Process(server.pid).memory_info().rss
    incoming = server.extra["data"] / "incoming"
    yield
    echo(server)
    for _ in range(200):  # an association that was cut is cleaned up by its own thread; an echo is the wait
        if not any(incoming.iterdir()):
            break
        echo(server)
    assert psutil.Process(server.pid).memory_info().rss - memory < 64 << 20
    assert studies.received(server.extra["data"]) == {}


def echo(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate() == ASSOCIATE_AC
        assert raw.echo() == 0
        assert raw.release() == RELEASE_RP


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        bytes.fromhex("1603010200010001fc0303") + bytes(506),
        bytes(4096),
        b"\xff" * 4096,
        struct.pack(">BBI", 8, 0, 4) + bytes(4),
        struct.pack(">BBI", ASSOCIATE_RQ, 0, 0xFFFFFFFF),
        struct.pack(">BBI", ASSOCIATE_RQ, 0, 3) + bytes(3),
        pdu(P_DATA, pdv(1, echo_rq(), is_command=True, is_last=True)),
        pdu(RELEASE_RP, bytes(4)),
        pdu(ASSOCIATE_AC, bytes(68)),
    ],
    ids=["http", "tls", "zeros", "ones", "type-8", "4-GB", "short", "data-first", "release-first", "accept-first"],
)
def test_garbage_instead_of_a_request_is_aborted(server: Peer, garbage: bytes) -> None:
    with Raw.connect(server.host, server.port) as raw:
        raw.send_what_is_taken(garbage)
        assert raw.receive()[0] in (ABORT, ASSOCIATE_RJ, 0)


def test_a_request_of_the_wrong_application_context_or_version_is_rejected(server: Peer) -> None:
    for wrong in (
        associate_rq().replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.9"),
        associate_rq()[:6] + struct.pack(">H", 2) + associate_rq()[8:],
    ):
        with Raw.connect(server.host, server.port) as raw:
            raw.send(wrong)
            kind, body = raw.receive()
            assert kind == ASSOCIATE_RJ
            assert body[1] == 1  # rejected, permanent


def test_unknown_syntaxes_are_refused_by_context(server: Peer) -> None:
    contexts = ((VERIFICATION, ("1.2.3",)), ("1.2.3.4.5.6", (IMPLICIT_LE,)), (VERIFICATION, (IMPLICIT_LE,)))
    with Raw.connect(server.host, server.port) as raw:
        raw.send(associate_rq(contexts))
        kind, body = raw.receive()
        assert kind == ASSOCIATE_AC
        results = {}
        at = 68
        while at < len(body):
            one, _, length = struct.unpack_from(">BBH", body, at)
            if one == 0x21:
                results[body[at + 4]] = body[at + 6]
            at += 4 + length
        assert results == {1: 4, 3: 3, 5: 0}  # transfer syntaxes not supported, abstract syntax not supported, accepted
        assert raw.echo(context_id=5) == 0


def test_half_a_request_is_ended_by_the_artim_timer(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        raw.send(associate_rq()[:40])
        assert raw.receive()[0] in (ABORT, 0)


def test_a_connection_that_says_nothing_is_ended_by_the_artim_timer(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        assert raw.receive()[0] in (ABORT, 0)


def test_an_association_that_stops_in_the_middle_of_a_store_is_aborted(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate(CT_CONTEXT) == ASSOCIATE_AC
        raw.send(p_data(1, store_rq(studies.CT.encode(), b"1.2.3"), is_command=True))
        raw.send(p_data(1, bytes(1000), is_command=False, is_last=False)[:500])
        assert raw.receive()[0] in (ABORT, 0)


def test_an_association_that_vanishes_in_the_middle_of_a_store_leaves_nothing(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate(CT_CONTEXT) == ASSOCIATE_AC
        raw.send(p_data(1, store_rq(studies.CT.encode(), b"1.2.3"), is_command=True))
        raw.send(p_data(1, bytes(100_000), is_command=False, is_last=False))


def test_one_byte_at_a_time_is_taken(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        for byte in associate_rq():
            raw.send(bytes([byte]))
        assert raw.receive()[0] == ASSOCIATE_AC
        for byte in p_data(1, echo_rq(), is_command=True):
            raw.send(bytes([byte]))
        assert raw.status() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        pdu(9, bytes(10)),
        pdu(P_DATA, b""),
        pdu(P_DATA, struct.pack(">I", 0)),
        pdu(P_DATA, struct.pack(">IBB", 1, 1, 3)),
        pdu(P_DATA, struct.pack(">IBB", 0xFFFFFFFF, 1, 3) + bytes(10)),
        struct.pack(">BBI", P_DATA, 0, 0xFFFFFFF0) + struct.pack(">IBB", 0xFFFFFF00, 1, 3),
        pdu(P_DATA, pdv(99, echo_rq(), is_command=True, is_last=True)),
        pdu(P_DATA, pdv(2, echo_rq(), is_command=True, is_last=True)),
        p_data(1, b"\xff" * 64, is_command=True),
        p_data(1, echo_rq()[:-5], is_command=True),
        p_data(1, struct.pack("<HHI", 0, 0, 4) + struct.pack("<I", 0xFFFFFFF0), is_command=True),
        p_data(1, element(0, 0x0100, us(0x7777)), is_command=True),
        p_data(1, bytes(100), is_command=False),
        associate_rq(),
        pdu(ASSOCIATE_AC, bytes(68)),
        pdu(RELEASE_RP, bytes(4)),
    ],
    ids=[
        "type-9",
        "empty",
        "pdv-of-0",
        "pdv-of-1",
        "pdv-of-4-GB",
        "pdu-of-4-GB",
        "context-99",
        "context-2",
        "ones-command",
        "cut-command",
        "command-of-4-GB",
        "unknown-command",
        "data-first",
        "second-request",
        "accept",
        "release-reply",
    ],
)
def test_what_is_wrong_on_an_association_ends_it_or_gets_a_failure(server: Peer, wrong: bytes) -> None:
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate() == ASSOCIATE_AC
        raw.send_what_is_taken(wrong)
        kind, _ = raw.receive()
        # An abort, or the end; for a command that cannot be served also a response with a failure status.
        assert kind in (ABORT, 0, P_DATA)


def test_an_endless_command_is_aborted(server: Peer) -> None:
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate() == ASSOCIATE_AC
        piece = p_data(1, bytes(100_000), is_command=True, is_last=False)
        for _ in range(60):
            raw.send_what_is_taken(piece)
        assert raw.receive()[0] in (ABORT, 0)


@pytest.mark.parametrize(
    "uid",
    [b"../../etc/passwd", b"/etc/passwd", b"1.2.3/../../x", b"1" * 10_000, b"1.2.\0.3", b"", b"\xff\xfe", b"1.2.3\n4"],
    ids=["dots", "absolute", "mixed", "10000", "nul", "empty", "binary", "newline"],
)
def test_a_hostile_sop_instance_uid_is_refused(server: Peer, uid: bytes) -> None:
    dataset = element(0x0008, 0x0016, studies.CT.encode()) + element(0x0008, 0x0018, uid)
    dataset += element(0x0020, 0x000D, b"1.2.3") + element(0x0020, 0x000E, uid)
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate(CT_CONTEXT) == ASSOCIATE_AC
        raw.send(p_data(1, store_rq(studies.CT.encode(), uid), is_command=True))
        raw.send_what_is_taken(p_data(1, dataset, is_command=False))
        status = raw.status()
        assert status == -1 or status >> 12 in (0xA, 0xC) or status >> 8 == 0x01, hex(status)
    assert not Path(server.folder.parent / "etc").exists()


@pytest.mark.parametrize("cut", [1, 7, 100, 1000])
def test_a_data_set_that_ends_inside_an_element_is_refused(server: Peer, tmp_path: Path, cut: int) -> None:
    made = studies.make_series(tmp_path, 1, syntax=studies.IMPLICIT_LE)[0]
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate(CT_CONTEXT) == ASSOCIATE_AC
        status = raw.store(studies.CT, made.sop_instance_uid, studies.dataset_bytes(made.path)[:-cut])
        assert status >> 12 in (0xA, 0xC), hex(status)
        assert raw.release() == RELEASE_RP


def test_another_uid_in_the_data_set_than_in_the_command_is_refused(server: Peer, tmp_path: Path) -> None:
    made = studies.make_series(tmp_path, 1, syntax=studies.IMPLICIT_LE)[0]
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate(CT_CONTEXT) == ASSOCIATE_AC
        status = raw.store(studies.CT, "1.2.3.4", studies.dataset_bytes(made.path))
        assert status >> 12 in (0xA, 0xC), hex(status)
        assert raw.release() == RELEASE_RP


def test_100000_nested_items_are_answered_and_not_kept(server: Peer) -> None:
    depth = 100_000
    nested = struct.pack("<HHIHHI", 0x0040, 0xA730, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF) * depth
    dataset = element(0x0008, 0x0016, studies.CT.encode()) + element(0x0008, 0x0018, b"1.2.3.5") + nested
    with Raw.connect(server.host, server.port) as raw:
        assert raw.associate(CT_CONTEXT) == ASSOCIATE_AC
        status = raw.store(studies.CT, "1.2.3.5", dataset)
        assert status >> 12 in (0xA, 0xC), hex(status)


def test_an_identifier_of_nonsense_gets_a_status(server: Peer) -> None:
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    request = command(
        element(0, 0x0002, find.encode()),
        element(0, 0x0100, us(0x0020)),
        element(0, 0x0110, us(1)),
        element(0, 0x0700, us(0)),
        element(0, 0x0800, us(0x0001)),
    )
    for identifier in (b"", b"\xff" * 100, element(0x0008, 0x0052, b"NONSENSE"), element(0x0010, 0x0010, b"A" * 300)):
        with Raw.connect(server.host, server.port) as raw:
            assert raw.associate(((find, (IMPLICIT_LE,)),)) == ASSOCIATE_AC
            raw.send(p_data(1, request, is_command=True))
            raw.send(p_data(1, identifier, is_command=False))
            status = raw.status()
            assert status >> 12 in (0xA, 0xC), hex(status)


def test_many_strangers_at_once_do_not_keep_an_honest_one_out(server: Peer) -> None:
    silent = [Raw.connect(server.host, server.port) for _ in range(200)]
    try:
        for raw in silent[::2]:
            raw.send(associate_rq()[:30])
        with Raw.connect(server.host, server.port) as honest:
            assert honest.associate() == ASSOCIATE_AC
            assert honest.echo() == 0
    finally:
        for raw in silent:
            raw.sock.close()


def test_slow_readers_do_not_keep_an_honest_one_out(server: Peer) -> None:
    """Peers that ask without ever reading the answers: the server waits for them or sends them away, and works for the
    others.
    """
    slow = []
    for _ in range(8):
        raw = Raw.connect(server.host, server.port)
        assert raw.associate() == ASSOCIATE_AC
        raw.sock.setblocking(False)
        flood = p_data(1, echo_rq(), is_command=True) * 200
        try:
            while raw.sock.send(flood):
                pass
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        slow.append(raw)
    done = threading.Event()
    try:
        with Raw.connect(server.host, server.port) as honest:
            assert honest.associate() == ASSOCIATE_AC
            assert honest.echo() == 0
            done.set()
    finally:
        for raw in slow:
            raw.sock.close()
    assert done.is_set()
