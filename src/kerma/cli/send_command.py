"""``kerma send PEER PATH...``: storage (PS3.4 B)."""

from __future__ import annotations

from typing import Any

import click

from kerma.app.collect import Collector
from kerma.app.gather import Passed, Probed, probe_all
from kerma.cli.connecting import open_peer, peer_argument
from kerma.cli.options import Command, json_option, network_options
from kerma.cli.report import Progress, fail_line, json_line, note
from kerma.cli.showing import progress
from kerma.formats.instance import Instance


@click.command("send", cls=Command, short_help="Send files, folders and archives to a peer (C-STORE).")
@peer_argument
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@json_option
@network_options
def command(peer: str, paths: tuple[str, ...], as_json: bool, **network: Any) -> int:
    """Send files, folders and archives to a peer (C-STORE).

    Folders are walked to their ends; archives are zip and tar, compressed or not. All files are looked at first, so
    that the peer is asked for exactly what they need.
    """
    connection = open_peer(peer, **network)
    with Collector() as collector:
        gathered = Gathered()
        with progress("Looking at files") as bar:
            for item in probe_all(collector.walk(paths)):
                gathered.take(item, bar)
        sent = 0
        if gathered.instances:
            with connection, progress("Sending", len(gathered.instances)) as bar:
                for outcome in connection.store(gathered.instances):
                    bar.advance()
                    sent += outcome.ok
                    if outcome.error:
                        bar.fail(f"{outcome.name}: {'stored with a warning: ' if outcome.ok else ''}{outcome.error}")
                    if as_json:
                        json_line(outcome_json(outcome))
    failed = gathered.failed + len(gathered.instances) - sent
    if not gathered.instances and not failed:
        fail_line("nothing to send: no DICOM instance was found (check the paths)")
        failed = 1
    if not as_json:
        note(f"{sent} sent, {failed} failed, {gathered.passed} passed over")
    return 1 if failed else 0


def outcome_json(outcome: Any) -> dict[str, Any]:
    """One outcome as an object for ``--json``."""
    return {
        "name": outcome.name,
        "SOPClassUID": outcome.sop_class_uid,
        "SOPInstanceUID": outcome.sop_instance_uid,
        "status": None if outcome.status is None else f"{outcome.status:04X}",
        "ok": outcome.ok,
        "error": outcome.error,
    }


class Gathered:
    """The instances among the files that were looked at, and how many were none."""

    def __init__(self) -> None:
        self.instances: list[Instance] = []
        self.failed = 0
        self.passed = 0

    def take(self, item: Any, bar: Progress) -> None:
        """Sort one probed file in."""
        bar.advance()
        if isinstance(item, Probed):
            self.instances.append(item.instance)
        elif isinstance(item, Passed):
            self.passed += 1
            if item.reason:
                bar.note(f"{item.name}: {item.reason}, passed over")
        else:
            self.failed += 1
            bar.fail(str(item.error))
