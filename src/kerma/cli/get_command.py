"""``kerma get PEER KEY=VALUE... -o DIR``: retrieval over the same association (PS3.4 C.4.3)."""

from __future__ import annotations

from typing import Any

import click

from kerma.app.lookup import unique_keys
from kerma.cli.connecting import open_peer, peer_argument, some_keys_argument
from kerma.cli.options import (
    Command,
    json_option,
    network_options,
    output_folder,
    output_option,
    parse_keys,
    retrieve_level_option,
)
from kerma.cli.retrieving import Tally
from kerma.net.folder import FolderProvider


@click.command("get", cls=Command, short_help="Fetch instances from a peer (C-GET).")
@peer_argument
@some_keys_argument
@output_option
@retrieve_level_option
@json_option
@network_options
def command(peer: str, keys: tuple[str, ...], output: str, level: str | None, as_json: bool, **network: Any) -> int:
    """Fetch instances from a peer (C-GET).

    Each becomes a file of the folder, named by its SOP Instance UID, and is written as it arrives. Keys other than UIDs
    are looked up with C-FIND first.
    """
    asked = parse_keys(keys)
    with open_peer(peer, **network) as connection:
        tally = Tally("fetched", as_json)
        into = FolderProvider(output_folder(output))
        for where in unique_keys(connection.find, asked, level):
            tally.take(connection.get(into=into, progress=tally.counts, **where), where)
        return tally.finish()
