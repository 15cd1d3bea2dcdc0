"""The asyncio client: ``async with kerma.aio.connect("KERMA@127.0.0.1:11112") as peer: await peer.echo()``."""

from __future__ import annotations

from kerma.net.aclient import AsyncClient, connect

__all__ = ["AsyncClient", "connect"]
