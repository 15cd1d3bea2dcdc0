"""Connecting to a peer, as all commands of the network do it. May touch the network through ``kerma.net.client``."""

from __future__ import annotations

from typing import Any

import click

from kerma.app.peers import find_peer, network_limits
from kerma.cli.options import load_config, tls_overrides, with_response
from kerma.net.client import Client, connect

peer_argument = click.argument("peer", metavar="PEER")
keys_argument = click.argument("keys", nargs=-1, metavar="[KEY=VALUE]...")
some_keys_argument = click.argument("keys", nargs=-1, required=True, metavar="KEY=VALUE...")


def open_peer(
    peer: str, *, aet: str | None, tls: bool, timeout: float | None, config_file: str | None, **tls_files: Any
) -> Client:
    """The client for ``peer``, as options and configuration say; associations are opened when they are needed."""
    config = with_response(load_config(config_file, server__aet=aet, **tls_overrides(**tls_files)), timeout)
    target = find_peer(config, peer, tls=tls)
    return connect(target, aet=config.server.aet, limits=network_limits(config))
