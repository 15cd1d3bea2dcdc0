"""HTTP beside the associations: sockets bound here, answered by processes of their own (docs/decisions/0008).

May touch sockets only to bind them. Rules:

- The processes are started before the archive is opened: what they have to load they load meanwhile.
- Nothing of the web is loaded in this process.
"""

from __future__ import annotations

import errno
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from kerma.app.kinds import Address
from kerma.app.logs import Log
from kerma.app.settings import Config
from kerma.errors import NetworkError
from kerma.net.server import listening_sockets
from kerma.web.process import WebProcesses

if TYPE_CHECKING:
    import socket

_MODULE = "kerma.app.serving_web"
_GOING = 1.5


class WebServing:
    """The HTTP side of a server, or nothing where no address is configured. A context manager; leaving it cuts."""

    def __init__(self, config: Config, log: Log) -> None:
        self._config = config
        self._log = log
        self.lost = False
        """Whether the processes ended again and again, and were given up."""
        self.urls: tuple[str, ...] = ()
        """Where it listens."""
        self._sockets: list[tuple[socket.socket, bool]] = []
        self._processes: WebProcesses | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers: Callable[[], Mapping[str, Any]] = dict
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        try:
            self._bind()
            if self._sockets:
                self._spawn()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _bind(self) -> None:
        server = self._config.server
        for addresses, tls in ((server.http, False), (server.http_tls, True)):
            for address in addresses:
                self._sockets += [(bound, tls) for bound in _bound(address)]
        self.urls = tuple(
            f"{'https' if tls else 'http'}://{Address(*bound.getsockname()[:2])}" for bound, tls in self._sockets
        )

    def _spawn(self) -> None:
        # Files of counters that all processes add to; tmpfs where there is one, for they are memory.
        self._folder = tempfile.TemporaryDirectory(prefix="kerma-metrics-")
        self._processes = WebProcesses(
            _MODULE,
            self._config.web.processes,
            [bound.fileno() for bound, _ in self._sockets],
            env={"PROMETHEUS_MULTIPROC_DIR": self._folder.name},
            answer=self._told,
            tell=lambda what, fields: self._log.error(what, **fields),
            on_ended=self._forget,
            on_lost=self._given_up,
        )
        self._processes.spawn()

    def begin(self, numbers: Callable[[], Mapping[str, Any]], stop: Callable[[], None]) -> None:
        """Serve; returns when requests are answered. ``numbers`` are told in /metrics, ``stop`` is called where it
        cannot go on."""
        self._numbers, self._stop = numbers, stop
        if self._processes is not None:
            listeners = [{"descriptor": bound.fileno(), "tls": tls} for bound, tls in self._sockets]
            self._processes.begin({"config": msgspec.to_builtins(self._config), "listeners": listeners})

    def stop(self, timeout: float) -> bool:
        """Take nothing new, let requests end; True where all did in time."""
        return self._processes is None or self._processes.stop(timeout)

    def close(self) -> None:
        """Cut what runs and give the addresses back."""
        if self._processes is not None:
            self._processes.close()
        for bound, _ in self._sockets:
            bound.close()
        self._sockets = []
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _told(self) -> Mapping[str, Any]:
        return self._numbers()

    def _forget(self, pid: int) -> None:
        """What a process that is over was doing is not under way any more; what it counted stays."""
        if self._folder is not None:
            for path in Path(self._folder.name).glob(f"gauge_live*_{pid}.db"):
                path.unlink(missing_ok=True)

    def _given_up(self) -> None:
        self.lost = True
        self._stop()


def _bound(address: Address) -> list[socket.socket]:
    """Listening sockets. A port that is taken is tried again for a moment: the processes of a server that was killed
    may still be going."""
    deadline = time.monotonic() + _GOING
    while True:
        bound: list[socket.socket] = []
        try:
            bound.extend(listening_sockets(address.host, address.port))
        except NetworkError as error:
            for one in bound:
                one.close()
            cause = error.__cause__
            taken = isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE
            if not taken or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return bound
