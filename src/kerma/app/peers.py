"""Peers by name: what the configuration and the command line call them becomes ``kerma.net.peer.Peer``.

May touch nothing but its arguments. TLS is that of ``[tls]`` for every peer that wants it.
"""

from __future__ import annotations

import difflib

from kerma.app.settings import Config, PeerSection
from kerma.errors import UsageError
from kerma.limits import NetworkLimits
from kerma.net.peer import Peer
from kerma.net.tls import TLSConfig


def tls_of(config: Config) -> TLSConfig:
    """The files and checks of ``[tls]``."""
    tls = config.tls
    return TLSConfig(cert=tls.cert, key=tls.key, ca=tls.ca, verify=tls.verify, check_hostname=tls.check_hostname)


def peer_of(config: Config, section: PeerSection) -> Peer:
    """One ``[[peer]]`` as somebody to connect to."""
    return Peer(section.aet, section.host, section.port, tls_of(config) if section.tls else None)


def find_peer(config: Config, text: str, *, tls: bool = False) -> Peer:
    """The peer that ``text`` means: a name of the configuration, or ``AET@HOST:PORT``. ``UsageError`` suggests near
    names."""
    for section in config.peers:
        if section.name == text:
            peer = peer_of(config, section)
            return peer.secured(tls_of(config)) if tls else peer
    if "@" in text:
        return Peer.parse(text, tls=tls_of(config) if tls else None)
    names = [section.name for section in config.peers]
    near = difflib.get_close_matches(text, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "write AET@HOST:PORT, or name it as [[peer]] in the configuration"
    raise UsageError("no peer of this name", where=text[:64], hint=hint)


def destinations(config: Config) -> dict[str, Peer]:
    """Where C-MOVE may send to, by AE title; of two peers with one title the first."""
    table: dict[str, Peer] = {}
    for section in config.peers:
        table.setdefault(section.aet, peer_of(config, section))
    return table


def network_limits(config: Config) -> NetworkLimits:
    """``[limits]`` as the network rooms take them."""
    section = config.limits
    return NetworkLimits(**{name: getattr(section, name) for name in section.__slots__})
