"""Start-up and shutdown of a server: from configuration to listening, from a signal to nothing left running.

May touch signals, the log and what it is told to start. Rules:

- Whoever starts it learns that it is ready from exactly one call of ``say``, after the archive has recovered and every
  address is bound.
- SIGTERM or SIGINT drains: no new association, what runs may end. A second one cuts.
- What a peer did is one log line at the end of its association; what went wrong inside is a line of its own.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable
from pathlib import Path

from kerma.app import config as configuration
from kerma.app.archives import archive_settings
from kerma.app.kinds import Address
from kerma.app.logs import Log
from kerma.app.peers import destinations, network_limits, tls_of
from kerma.app.settings import Config
from kerma.app.signals import StopSignals
from kerma.archive import Archive
from kerma.errors import KermaError
from kerma.net.folder import FolderProvider
from kerma.net.move import PeerDestinations
from kerma.net.server import KnownPeer, Server, ServerConfig
from kerma.net.summary import AssociationSummary
from kerma.services.dispatch import Providers

Say = Callable[[str], None]


def serve_archive(config: Config, log: Log, say: Say) -> int:
    """Run the archive until a signal; the exit status. ``say`` gets the line that says that all is ready."""
    configuration.check_listening(config)
    with Archive.open(config.server.data, config=archive_settings(config)) as archive:
        if archive.recovered is not None and any(dataclasses.astuple(archive.recovered)):
            log.warning("the last run was interrupted: mended", **dataclasses.asdict(archive.recovered))
        table = PeerDestinations(destinations(config).get, aet=config.server.aet, limits=network_limits(config))
        providers = Providers(storage=archive, find=archive, retrieve=archive, destinations=table)
        return _run(config, providers, log, say, f"data in {Path(config.server.data).resolve()}")


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


def _run(config: Config, providers: Providers, log: Log, say: Say, where: str) -> int:
    reporter = Reporter(log)
    server = Server(server_config(config), providers, on_end=reporter.ended, on_error=reporter.failed)
    with server.start(), StopSignals() as signals:
        say(f"kerma: ready: {config.server.aet} on {_places(config, server.addresses)}, {where}")
        signals.wait()
        log.info("stopping", associations=server.associations)
        if not signals.run_unless_stopped(lambda: reporter.drained(server.drain(config.server.drain))):
            log.warning("stopped at once, by a second signal")
            return 1
    log.info("stopped")
    return 0


def _places(config: Config, addresses: list[tuple[str, int]]) -> str:
    """The bound addresses. A free port is not in the configuration, so without a plain address all of them are TLS."""
    secured = {address.port for address in config.server.dicom_tls}
    marks = (" (TLS)" if port in secured or not config.server.dicom else "" for _, port in addresses)
    return ", ".join(f"{Address(*place)}{mark}" for place, mark in zip(addresses, marks, strict=True))


class Reporter:
    """Turns what the server reports into log lines."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def ended(self, summary: AssociationSummary) -> None:
        """One line for each association."""
        line = self._log.warning if summary.failures or summary.end not in {"released", "drained"} else self._log.info
        line(
            "association ended",
            peer=summary.peer,
            calling=summary.calling_aet,
            called=summary.called_aet,
            tls=summary.tls or None,
            operations=_counts(summary.operations),
            failures=_counts(summary.failures),
            received=summary.bytes_received,
            sent=summary.bytes_sent,
            seconds=round(summary.duration, 3),
            end=summary.end,
            detail=summary.detail or None,
        )

    def failed(self, what: str, error: BaseException) -> None:
        """Something that went wrong here. The text of a foreign error may hold data, so only its kind and place are
        written."""
        if isinstance(error, KermaError):
            self._log.warning(what, error=type(error).__name__, reason=str(error))
            return
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self._log.error(what, error=type(error).__name__, at=place)
        self._log.debug("traceback", frames="".join(traceback.format_list(frames)).replace("\n", " | "))

    def drained(self, clean: bool) -> None:
        """Whether all ended by themselves."""
        if not clean:
            self._log.warning("associations were cut", hint="[server] drain is the time that they have to end")


def _counts(counts: dict[str, int]) -> str | None:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or None
