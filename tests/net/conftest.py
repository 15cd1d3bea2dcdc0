"""A server on a free loopback port for each test, with providers in memory."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kerma.limits import NetworkLimits
from kerma.net.peer import Peer
from kerma.net.server import Server, ServerConfig
from kerma.net.summary import AssociationSummary
from kerma.services.dispatch import Providers

from .memory import MemoryStore


@dataclass
class Running:
    """A server that runs, what stands behind it, and what it told."""

    server: Server
    store: MemoryStore
    ends: queue.SimpleQueue[AssociationSummary]
    errors: list[tuple[str, BaseException]] = field(default_factory=list)

    @property
    def peer(self) -> Peer:
        host, port = self.server.addresses[0]
        return Peer("KERMA", host, port)

    def end(self) -> AssociationSummary:
        """The next association that ended."""
        return self.ends.get(timeout=10)


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers: ``start(limits={...}, providers=..., known_peers=...)``."""
    running: list[Running] = []

    def begin(
        *,
        limits: dict[str, Any] | None = None,
        destinations: Any = None,
        providers: Providers | None = None,
        **config: Any,
    ) -> Running:
        store = MemoryStore()
        ends: queue.SimpleQueue[AssociationSummary] = queue.SimpleQueue()
        errors: list[tuple[str, BaseException]] = []
        config.setdefault("listen", (("127.0.0.1", 0),))
        config.setdefault("quiet", 0.02)
        server = Server(
            ServerConfig(limits=NetworkLimits(**(limits or {})), **config),
            providers or Providers(store, store, store, destinations),
            on_end=ends.put,
            on_error=lambda what, error: errors.append((what, error)),
        )
        server.start()
        running.append(Running(server, store, ends, errors))
        return running[-1]

    yield begin
    for each in running:
        each.server.close()


@pytest.fixture
def running(start: Start) -> Running:
    """A server with the usual limits."""
    return start()
