"""``kerma echo PEER``: verification (PS3.4 A)."""

from __future__ import annotations

import time
from typing import Any

import click

from kerma.cli.connecting import open_peer, peer_argument
from kerma.cli.options import Command, json_option, network_options
from kerma.cli.report import json_line, note


@click.command("echo", cls=Command, short_help="Ask a peer whether it is there (C-ECHO).")
@peer_argument
@json_option
@network_options
def command(peer: str, as_json: bool, **network: Any) -> int:
    """Ask a peer whether it is there (C-ECHO)."""
    with open_peer(peer, **network) as connection:
        begin = time.perf_counter()
        connection.echo()
        seconds = time.perf_counter() - begin
    if as_json:
        json_line({"peer": peer, "seconds": round(seconds, 6)})
    else:
        note(f"{peer} answers, {seconds * 1000:.0f} ms")
    return 0
