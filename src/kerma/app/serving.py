"""Start-up and shutdown of a server: from configuration to listening, from a signal to nothing left running.

May touch signals, the log and what it is told to start. Rules:

- Whoever starts it learns that it is ready from exactly one call of ``say``, after the archive has recovered and every
  address is bound.
- SIGTERM or SIGINT drains: no new association, what runs may end. A second one cuts.
- What a peer did is one log line at the end of its association; what went wrong inside is a line of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

from kerma.app import config as configuration
from kerma.app.archives import archive_settings
from kerma.app.kinds import Address
from kerma.app.logs import Log
from kerma.app.peer_rights import providers_for
from kerma.app.peers import destinations, network_limits, tls_of
from kerma.app.reporting import Reporter
from kerma.app.serving_http import WebServing
from kerma.app.settings import Config
from kerma.app.signals import StopSignals
from kerma.archive import Archive
from kerma.errors import OutOfResourcesError
from kerma.net.folder import FolderProvider
from kerma.net.move import PeerDestinations
from kerma.net.server import KnownPeer, Server, ServerConfig
from kerma.net.summary import AssociationSummary
from kerma.services.dispatch import Party, Providers
from kerma.web.buckets import Tally

Say = Callable[[str], None]


def serve_archive(config: Config, log: Log, say: Say) -> int:
    """Run the archive until a signal; the exit status. ``say`` gets the line that says that all is ready."""
    configuration.check_listening(config)
    configuration.check_http(config)
    with WebServing(config, log) as web, Archive.open(config.server.data, config=archive_settings(config)) as archive:
        if archive.recovered is not None and any(dataclasses.astuple(archive.recovered)):
            log.warning("the last run was interrupted: mended", **dataclasses.asdict(archive.recovered))
        table = PeerDestinations(destinations(config).get, aet=config.server.aet, limits=network_limits(config))
        providers = Providers(storage=archive, find=archive, retrieve=archive, destinations=table)
        where = f"data in {Path(config.server.data).resolve()}"
        own = providers_for(config, archive, providers)
        return _run(config, providers, log, say, where, web, own, lambda status: _announce(archive, status))


def listen_into(folder: Path, config: Config, log: Log, say: Say) -> int:
    """Take instances into a folder until a signal; the exit status."""
    configuration.check_listening(config)
    providers = Providers(storage=FolderProvider(folder))
    return _run(config, providers, log, say, f"files go to {folder.resolve()}")


def server_config(config: Config) -> ServerConfig:
    """The part of the configuration that the server takes."""
    known = tuple(KnownPeer(peer.aet, peer.host if peer.check_host else None) for peer in config.peers)
    return ServerConfig(
        aet=config.server.aet,
        listen=tuple((address.host, address.port) for address in config.server.dicom),
        listen_tls=tuple((address.host, address.port) for address in config.server.dicom_tls),
        tls=tls_of(config),
        any_called_aet=config.server.accept_any_called_aet,
        known_peers=None if configuration.takes_anyone(config) else known,
        limits=network_limits(config),
        private_storage_classes=config.archive.private_sop_classes,
        transfer_syntaxes=config.archive.transfer_syntaxes,
    )


def _run(
    config: Config,
    providers: Providers,
    log: Log,
    say: Say,
    where: str,
    web: WebServing | None = None,
    own: Callable[[Party], Providers] | None = None,
    announce: Callable[[str], None] = lambda status: None,
) -> int:
    reporter, tally = Reporter(log), Tally()

    def ended(summary: AssociationSummary) -> None:
        tally.association(summary.end, summary.bytes_received, summary.bytes_sent)
        reporter.ended(summary)

    server = Server(
        server_config(config),
        providers,
        on_end=ended,
        on_error=reporter.failed,
        on_operation=tally.operation,
        providers_for=own,
    )
    with server.start(), StopSignals() as signals:
        places = _places(config, server.addresses)
        announce("RESTARTED")
        if web is not None:
            web.begin(lambda: {**tally.numbers(), "open": server.associations}, signals.stop)
            places = ", ".join((places, *web.urls))
        say(f"kerma: ready: {config.server.aet} on {places}, {where}")
        signals.wait()
        announce("GOING DOWN")
        log.info("stopping", associations=server.associations)
        if not signals.run_unless_stopped(lambda: _drain(config, server, web, reporter)):
            log.warning("stopped at once, by a second signal")
            if web is not None:
                web.close()  # before the archive, which is no longer theirs then
            return 1
    if web is not None and web.lost:
        return 1
    log.info("stopped")
    return 0


def _announce(archive: Archive, status: str) -> None:
    """Tell who is subscribed to the worklist (PS3.4 CC.2.4.3); steps and subscriptions are all still there."""
    with contextlib.suppress(OutOfResourcesError):
        archive.work.subscribers.announce(status, "WARM START", "WARM START")


def _drain(config: Config, server: Server, web: WebServing | None, reporter: Reporter) -> None:
    """Let what runs end, on both doors at the same time."""
    drained: list[bool] = []
    thread = None
    if web is not None:
        thread = threading.Thread(target=lambda: drained.append(web.stop(config.server.drain)), name="kerma-web-drain")
        thread.start()
    reporter.drained(server.drain(config.server.drain))
    if thread is not None:
        thread.join()
        if not all(drained):
            reporter.requests_cut()


def _places(config: Config, addresses: list[tuple[str, int]]) -> str:
    """The bound addresses. A free port is not in the configuration, so without a plain address all of them are TLS."""
    secured = {address.port for address in config.server.dicom_tls}
    marks = (" (TLS)" if port in secured or not config.server.dicom else "" for _, port in addresses)
    return ", ".join(f"{Address(*place)}{mark}" for place, mark in zip(addresses, marks, strict=True))
