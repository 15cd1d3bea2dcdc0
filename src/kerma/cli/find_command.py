"""``kerma find PEER KEY=VALUE...``: a query (PS3.4 C.4.1)."""

from __future__ import annotations

from typing import Any

import click

from kerma.cli.connecting import keys_argument, open_peer, peer_argument
from kerma.cli.matches import columns_of, show
from kerma.cli.options import (
    Command,
    json_option,
    level_option,
    network_options,
    parse_keys,
    parse_returns,
    return_option,
)


@click.command("find", cls=Command, short_help="Query a peer (C-FIND).")
@peer_argument
@keys_argument
@level_option
@return_option
@json_option
@network_options
def command(
    peer: str, keys: tuple[str, ...], level: str, returns: tuple[str, ...], as_json: bool, **network: Any
) -> int:
    """Query a peer (C-FIND).

    Keys match as in PS3.4 C.2.2.2: wildcards * and ?, ranges 20260101-20260131, several UIDs with a backslash between
    them.
    """
    asked = parse_keys(keys)
    columns = columns_of(level, asked, parse_returns(returns))
    with open_peer(peer, **network) as connection:
        matches = connection.find(level, return_keys=columns, **asked)
        show(matches, columns, as_json=as_json)
    return 0
