"""``python -m kerma.app.serving_web``: a process of ``kerma serve`` that answers HTTP. Not for people.

Its parent (``kerma.web.process``) tells it on standard input what to serve, on which sockets; see there.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import msgspec

from kerma.app.access_rules import gate
from kerma.app.archives import archive_settings
from kerma.app.logs import Log, open_log
from kerma.app.peers import tls_of
from kerma.app.reporting import Reporter
from kerma.app.settings import Config
from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.errors import KermaError
from kerma.web import child
from kerma.web.access.gate import Gate
from kerma.web.access_log import Request
from kerma.web.audit import Deed
from kerma.web.context import Context, WebConfig
from kerma.web.limits import RequestLimits
from kerma.web.metrics import AskNumbers, Metrics
from kerma.web.server import ServerSettings


def main() -> int:
    """Serve as the parent says, until it says no more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a service manager may signal the whole group; the parent decides
    start = child.first_line()
    if start is None:
        child.clear()
        return 0
    config = msgspec.convert(start["config"], Config)
    log = open_log(config.log, sys.stderr)
    try:
        with (
            Archive.open(config.server.data, config=archive_settings(config), beside=True) as archive,
            Access(archive.root) as access,
        ):
            passing = gate(config, access)
            child.run(
                lambda ask: _context(archive, passing, config, log, ask), start["listeners"], server_settings(config)
            )
    except KermaError as error:
        child.say({"failed": str(error)})
        return 1
    return 0


def web_config(config: Config) -> WebConfig:
    """The part of the configuration that the application takes."""
    web = config.web
    limits = RequestLimits(body_idle=web.body_idle, concurrent=web.max_requests)
    return WebConfig(origins=web.origins, limits=limits, session=config.access.session)


def server_settings(config: Config) -> ServerSettings:
    """The part of the configuration that the server takes."""
    web = config.web
    tls = tls_of(config) if config.server.http_tls else None
    return ServerSettings(
        tls=tls,
        client_certificates=web.client_certificates,
        max_connections=web.max_connections,
        header_time=web.header_time,
    )


def _context(archive: Archive, passing: Gate, config: Config, log: Log, ask: AskNumbers) -> Context:
    context = Context(archive, web_config(config), metrics=Metrics(ask), gate=passing)
    context.on_error = Reporter(log).failed
    context.on_deed = _auditor(log)
    if config.web.access_log:
        context.on_request = _logger(log)
    return context


def _auditor(log: Log) -> Any:
    def told(deed: Deed) -> None:
        log.warning(
            "audit",
            action=deed.action,
            principal=deed.principal,
            client=deed.client,
            level=deed.level,
            uid=deed.uid,
            instances=deed.instances,
        )

    return told


def _logger(log: Log) -> Any:
    def told(request: Request) -> None:
        line = log.error if request.status >= 500 else log.info
        line(
            "request",
            method=request.method,
            route=request.route,
            status=request.status,
            received=request.received or None,
            sent=request.sent,
            seconds=round(request.seconds, 4),
            protocol=request.protocol,
            client=request.client,
            principal=request.principal or None,
            cut=None if request.whole else True,
        )

    return told


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed. The interpreter is not taken apart: a thread of granian that still calls into it would make
    # the process abort, with the trace of a panic on the operator's terminal.
    os._exit(status)
