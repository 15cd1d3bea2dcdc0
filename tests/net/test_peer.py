"""Peers as they are written."""

from __future__ import annotations

import pytest

from kerma.errors import UsageError
from kerma.net.peer import Peer, check_aet
from kerma.net.tls import TLSConfig
from kerma.net.transport import canonical_address


@pytest.mark.parametrize(
    ("text", "aet", "host", "port"),
    [
        ("KERMA@127.0.0.1:11112", "KERMA", "127.0.0.1", 11112),
        ("A B@pacs.example:104", "A B", "pacs.example", 104),
        ("KERMA@[::1]:11112", "KERMA", "::1", 11112),
        ("A@B@host:1", "A@B", "host", 1),
    ],
)
def test_parse_and_print(text: str, aet: str, host: str, port: int) -> None:
    peer = Peer.parse(text)
    assert (peer.aet, peer.host, peer.port, peer.tls) == (aet, host, port, None)
    assert str(peer) == text


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("127.0.0.1:104", "no @"),
        ("KERMA@host", "no port"),
        ("KERMA@:104", "no host"),
        ("KERMA@host:", "no port"),
        ("KERMA@host:x", "no port"),
        ("KERMA@host:0", "no port"),
        ("KERMA@host:65536", "no port"),
        ("KERMA@host:99999999999999999999", "no port"),
        ("KERMA@host:١", "no port"),
        ("KERMA@::1:104", "brackets"),
        ("KERMA@[::1]", "IPv6"),
        ("@host:104", "1 to 16"),
        ("ABCDEFGHIJKLMNOPQ@host:104", "1 to 16"),
        ("A\\B@host:104", "backslash"),
        ("Ä@host:104", "ASCII"),
    ],
)
def test_what_is_wrong_is_said(text: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        Peer.parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("host", "host"),
    ],
)
def test_addresses_compare_in_one_spelling(one: str, other: str) -> None:
    assert canonical_address(one) == canonical_address(other) == other


def test_secured_and_stripped() -> None:
    config = TLSConfig(ca="ca.pem")
    assert Peer.parse("A@h:1").secured(config).tls == config
    assert Peer.parse("A@h:1", tls=config).tls == config
    assert check_aet(" ME ") == "ME"
