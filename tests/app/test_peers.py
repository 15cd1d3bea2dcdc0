"""Peers by name."""

from __future__ import annotations

import pytest

from kerma.app.peers import destinations, find_peer
from kerma.app.settings import Config, PeerSection, TLSSection
from kerma.errors import UsageError
from kerma.net.peer import Peer
from kerma.net.tls import TLSConfig

CONFIG = Config(
    tls=TLSSection(ca="/ca.pem"),
    peers=(
        PeerSection(name="pacs", aet="PACS", host="10.0.0.2", port=104),
        PeerSection(name="safe", aet="SAFE", host="::1", port=2762, tls=True),
        PeerSection(name="twin", aet="PACS", host="10.0.0.3", port=104),
    ),
)


def test_a_name_of_the_configuration() -> None:
    assert find_peer(CONFIG, "pacs") == Peer("PACS", "10.0.0.2", 104)
    assert find_peer(CONFIG, "safe") == Peer("SAFE", "::1", 2762, TLSConfig(ca="/ca.pem"))
    assert find_peer(CONFIG, "pacs", tls=True).tls == TLSConfig(ca="/ca.pem")


def test_an_address() -> None:
    assert find_peer(CONFIG, "X@[::1]:104") == Peer("X", "::1", 104)
    assert find_peer(CONFIG, "X@h:104", tls=True) == Peer("X", "h", 104, TLSConfig(ca="/ca.pem"))


@pytest.mark.parametrize(
    ("text", "message"),
    [("pasc", "did you mean pacs?"), ("nobody", "write AET@HOST:PORT"), ("X@h", "no port"), ("X@h:0", "no port")],
)
def test_what_is_neither(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_peer(CONFIG, text)
    assert message in str(caught.value)


def test_move_destinations_by_title() -> None:
    assert destinations(CONFIG) == {"PACS": find_peer(CONFIG, "pacs"), "SAFE": find_peer(CONFIG, "safe")}
