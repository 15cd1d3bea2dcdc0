"""``kerma move PEER --to AET KEY=VALUE...``: retrieval to somewhere else (PS3.4 C.4.2)."""

from __future__ import annotations

from typing import Any

import click

from kerma.app.lookup import unique_keys
from kerma.cli.connecting import open_peer, peer_argument, some_keys_argument
from kerma.cli.options import Command, json_option, network_options, parse_keys, retrieve_level_option
from kerma.cli.retrieving import Tally


@click.command("move", cls=Command, short_help="Have a peer send instances elsewhere (C-MOVE).")
@peer_argument
@click.option(
    "--to", "destination", metavar="AET", required=True, help="The AE title to send to; the peer must know it."
)
@some_keys_argument
@retrieve_level_option
@json_option
@network_options
def command(
    peer: str, destination: str, keys: tuple[str, ...], level: str | None, as_json: bool, **network: Any
) -> int:
    """Have a peer send instances elsewhere (C-MOVE).

    Keys other than UIDs are looked up with C-FIND first.
    """
    asked = parse_keys(keys)
    with open_peer(peer, **network) as connection:
        tally = Tally("moved", as_json)
        for where in unique_keys(connection.find, asked, level):
            tally.take(connection.move(to=destination, **where), where)
        return tally.finish()
