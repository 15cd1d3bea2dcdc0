"""What each peer of the configuration sees of the archive by DICOM, and may add to it.

Rules: a peer without ``rights`` has all that DICOM offers, as a caller that is no known peer has where anyone may call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kerma.app.settings import Config, PeerSection
from kerma.archive import Archive
from kerma.archive.access.guarded import Guarded
from kerma.archive.permissions import Principal, parse_grants
from kerma.net.transport import canonical_address
from kerma.services.dispatch import Party, Providers


def providers_for(config: Config, archive: Archive, providers: Providers) -> Callable[[Party], Providers] | None:
    """What stands behind the services for each peer; None where no peer has rights of its own."""
    limited = [peer for peer in config.peers if peer.rights]
    if not limited:
        return None

    def chosen(party: Party) -> Providers:
        peer = _peer_of(config, party)
        if peer is None or not peer.rights:
            return providers
        own = Guarded(archive, Principal.of(peer.name, parse_grants(peer.rights)))
        return replace(providers, storage=own, find=own, retrieve=own)

    return chosen


def _peer_of(config: Config, party: Party) -> PeerSection | None:
    """The peer that called: by its AE title, and its address where that is looked at."""
    host = canonical_address(party.peer.rpartition(":")[0].strip("[]"))
    for peer in config.peers:
        if peer.aet == party.calling_aet and (not peer.check_host or canonical_address(peer.host) == host):
            return peer
    return None
