"""TLS: both sides verified, one side verified, and what goes wrong says why."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from kerma.errors import ConfigError, ConnectError, NetworkError
from kerma.limits import NetworkLimits
from kerma.net.aclient import connect as aconnect
from kerma.net.client import connect
from kerma.net.peer import Peer
from kerma.net.tls import TLSConfig

from .conftest import Running, Start
from .memory import STUDY, instance


@dataclass
class Files:
    ca: str
    server: str
    client: str
    other_ca: str


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    ca, other = trustme.CA(), trustme.CA()
    paths = [folder / name for name in ("ca.pem", "server.pem", "client.pem", "other.pem")]
    ca.cert_pem.write_to_path(str(paths[0]))
    ca.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(paths[1]))
    ca.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(str(paths[2]))
    other.cert_pem.write_to_path(str(paths[3]))
    return Files(*map(str, paths))


@pytest.fixture
def secure(start: Start, files: Files) -> Running:
    return start(listen=(), listen_tls=(("127.0.0.1", 0),), tls=TLSConfig(cert=files.server), limits={"artim": 1.0})


def test_everything_goes_over_tls(secure: Running, files: Files) -> None:
    secure.store.holds = [instance(1, size=3_000_000)]
    with connect(secure.peer, tls=TLSConfig(ca=files.ca)) as peer:
        assert peer.echo() == 0
        assert next(peer.store([instance(2, size=3_000_000)])).ok
        (ds,) = peer.get(StudyInstanceUID=STUDY)
        assert len(ds["PixelData"].raw) == 3_000_000
    assert secure.end().tls


async def _async_calls(peer: Peer, tls: TLSConfig) -> None:
    async with aconnect(peer, tls=tls) as client:
        assert await client.echo() == 0
        assert [result.ok async for result in client.store([instance(2, size=3_000_000)])] == [True]
        assert [len(ds["PixelData"].raw) async for ds in client.get(StudyInstanceUID=STUDY)] == [3_000_000]


def test_asyncio_over_tls(secure: Running, files: Files) -> None:
    import asyncio

    secure.store.holds = [instance(1, size=3_000_000)]
    asyncio.run(_async_calls(secure.peer, TLSConfig(ca=files.ca)))


def test_a_server_that_wants_certificates(start: Start, files: Files) -> None:
    config = TLSConfig(cert=files.server, ca=files.ca)
    running = start(listen=(), listen_tls=(("127.0.0.1", 0),), tls=config, limits={"artim": 1.0})
    with connect(running.peer, tls=TLSConfig(ca=files.ca, cert=files.client)) as peer:
        assert peer.echo() == 0
    with connect(running.peer, tls=TLSConfig(ca=files.ca)) as peer, pytest.raises(NetworkError):
        peer.echo()
    ends = {running.end().end for _ in range(2)}
    assert "refused" in ends


def test_a_server_of_unknown_authority_is_not_trusted(secure: Running, files: Files) -> None:
    with (
        connect(secure.peer, tls=TLSConfig(ca=files.other_ca)) as peer,
        pytest.raises(ConnectError, match="TLS") as caught,
    ):
        peer.echo()
    assert "certificate" in str(caught.value)
    with connect(secure.peer, tls=TLSConfig(verify=False)) as peer:
        assert peer.echo() == 0


def test_plain_to_tls_and_tls_to_plain(secure: Running, running: Running, files: Files) -> None:
    short = NetworkLimits(connect=2.0, response=5.0)
    with connect(secure.peer, limits=short) as peer, pytest.raises(NetworkError):
        peer.echo()
    with connect(running.peer, tls=TLSConfig(ca=files.ca), limits=short) as peer, pytest.raises(ConnectError):
        peer.echo()


def test_a_frozen_hand_shake_holds_nobody_up(secure: Running, files: Files) -> None:
    frozen = [socket.create_connection((secure.peer.host, secure.peer.port), 10) for _ in range(80)]
    for sock in frozen:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
    with connect(secure.peer, tls=TLSConfig(ca=files.ca)) as peer:
        assert peer.echo() == 0
    for sock in frozen:
        sock.settimeout(10)
        assert sock.recv(100) == b""
        sock.close()
    assert secure.end().operations == {"C-ECHO": 1}
    assert secure.end().detail == "the TLS hand-shake took too long"


def test_old_versions_are_refused(secure: Running) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("AES128-SHA")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((secure.peer.host, secure.peer.port), 10) as sock,
        pytest.raises(OSError, match=r"(?i)handshake|reset|eof"),
    ):
        context.wrap_socket(sock)


def test_files_that_are_not_there(tmp_path: Path, files: Files) -> None:
    with pytest.raises(ConfigError, match="certificate"):
        TLSConfig().server_context()
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        TLSConfig(cert=str(tmp_path / "absent.pem")).server_context()
    with pytest.raises(ConfigError, match="authorities"):
        TLSConfig(ca=__file__).client_context()
    assert TLSConfig(ca=files.ca, check_hostname=False).client_context().check_hostname is False
