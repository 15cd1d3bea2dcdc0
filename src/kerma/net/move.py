"""Where C-MOVE sends to: known peers, reached with the client's own code (PS3.4 C.4.2.3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kerma.limits import NetworkLimits
from kerma.net.client import Client
from kerma.net.peer import Peer
from kerma.services.sendable import Sendable
from kerma.services.storage_scu import Originator, StoreResult


class PeerDestination:
    """One peer as a move destination. Each ``store`` has associations of its own, which end with it."""

    def __init__(self, peer: Peer, aet: str, limits: NetworkLimits) -> None:
        self._peer = peer
        self._aet = aet
        self._limits = limits

    def store(self, items: Sequence[Sendable], originator: Originator) -> Iterator[StoreResult]:
        """See ``kerma.services.retrieve_scp.Destination``."""
        with Client(self._peer, aet=self._aet, limits=self._limits) as client:
            yield from client.send(items, originator)


class PeerDestinations:
    """Move destinations by AE title; ``lookup`` gives the peer, None for a title that is not known."""

    def __init__(
        self, lookup: Callable[[str], Peer | None], *, aet: str = "KERMA", limits: NetworkLimits | None = None
    ) -> None:
        self._lookup = lookup
        self._aet = aet
        self._limits = limits or NetworkLimits()

    def __call__(self, aet: str, /) -> PeerDestination | None:
        peer = self._lookup(aet)
        return None if peer is None else PeerDestination(peer, self._aet, self._limits)
