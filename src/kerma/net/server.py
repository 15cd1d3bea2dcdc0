"""The server: listeners, a selector for the quiet, workers for the busy.

Rules:

- The selector thread never blocks and never decodes: it accepts, notices bytes and deadlines, and hands connections to
  workers. A parked connection is owned by the selector, any other by exactly one worker.
- Back-pressure is that nobody reads: at most ``max_busy`` connections are worked on, the others' bytes wait in the
  kernel.
- A handler's exception ends an operation, at worst an association.

Sources: PS3.8 9 (listener side), PS3.4 for what is offered. See docs/decisions/0002-receive-path.md for why threads.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kerma.errors import ConfigError, NetworkError
from kerma.limits import NetworkLimits
from kerma.net.connection import Connection, Expiry, Verdict
from kerma.net.link import Buffers
from kerma.net.summary import AssociationSummary
from kerma.net.tls import TLSConfig
from kerma.net.transport import address_text, canonical_address
from kerma.net.workers import Workers
from kerma.services.acceptance import policy
from kerma.services.dispatch import Dispatcher, Party, Providers
from kerma.ul.codes import (
    PresentationRejectReason,
    RejectResult,
    RejectSource,
    UserRejectReason,
)
from kerma.ul.negotiation import negotiate
from kerma.ul.pdu import AssociateAC, AssociateRJ, AssociateRQ

if TYPE_CHECKING:
    import ssl

_SPARE = 64
"""Connections beyond ``max_associations`` that are taken only to be told so (PS3.8 9.3.4: local-limit-exceeded)."""
_BACKLOG = 512
_LISTEN_HINTS = {
    errno.EADDRINUSE: "another program has the port: stop it, or take another port",
    errno.EACCES: "ports below 1024 are the system's: take another port, or give this program the right to it",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}
_PAUSE = 0.5
"""Seconds without accepting after the system refused one (no more descriptors)."""


@dataclass(frozen=True, slots=True)
class KnownPeer:
    """A caller that may associate: its AE title, and the one IP address it may come from (None: any)."""

    aet: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How to listen, to whom, and how much at once. A port 0 is any free one: ``Server.addresses`` says which."""

    aet: str = "KERMA"
    listen: tuple[tuple[str, int], ...] = (("127.0.0.1", 11112),)
    listen_tls: tuple[tuple[str, int], ...] = ()
    tls: TLSConfig | None = None
    any_called_aet: bool = True
    known_peers: tuple[KnownPeer, ...] | None = None
    """None takes every caller."""
    limits: NetworkLimits = field(default_factory=NetworkLimits)
    private_storage_classes: tuple[str, ...] = ()
    transfer_syntaxes: tuple[str, ...] = ()
    """For stored instances; empty takes all that the standard knows."""
    quiet: float = 0.1
    """Seconds without bytes after which an association gives its worker back."""


class Server:
    """A DICOM server. ``start`` it, ``drain`` or ``close`` it; as a context manager it does both."""

    def __init__(
        self,
        config: ServerConfig,
        providers: Providers,
        *,
        on_end: Callable[[AssociationSummary], None] | None = None,
        on_error: Callable[[str, BaseException], None] | None = None,
        on_operation: Callable[[str, str, float], None] | None = None,
        providers_for: Callable[[Party], Providers] | None = None,
    ) -> None:
        self.config = config
        self.on_operation = on_operation
        """Told of each operation that was answered: its printed name, how it ended (success, warning, failure, cancel),
        seconds."""
        self.draining = False
        self.addresses: list[tuple[str, int]] = []
        """Where it listens (or did), as (host, port), plain addresses first."""
        self._on_end = on_end
        self._on_error = on_error
        self.dispatcher = Dispatcher(providers, self.report, providers_for)
        self._policy = policy(
            providers,
            called_aets=() if config.any_called_aet else (config.aet,),
            private_storage=config.private_storage_classes,
            syntaxes=config.transfer_syntaxes,
            max_pdu=config.limits.max_pdu,
        )
        self._workers: Workers[Connection] = Workers(self._work, config.limits.max_busy, "kerma-worker", self.report)
        self._selector: selectors.BaseSelector
        self._wake_in: socket.socket
        self._wake_out: socket.socket
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._listeners: dict[socket.socket, ssl.SSLContext | None] = {}
        self._connections: set[Connection] = set()
        self._parked: set[Connection] = set()
        self._timers: list[tuple[float, int, Connection]] = []
        self._timer_count = 0
        self._accepted: dict[str, int] = {}
        self._accepted_total = 0
        self._lock = threading.Lock()
        self._empty = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._resume_at = 0.0

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Bind and listen; ``NetworkError`` where an address cannot be had. Returns at once."""
        contexts: list[tuple[tuple[str, int], ssl.SSLContext | None]] = [(at, None) for at in self.config.listen]
        if self.config.listen_tls:
            if self.config.tls is None:
                raise ConfigError("listening over TLS needs a certificate", hint="set the files of [tls]")
            secure = self.config.tls.server_context()
            contexts += [(at, secure) for at in self.config.listen_tls]
        try:
            for address, context in contexts:
                for listener in listening_sockets(*address):
                    self._listeners[listener] = context
        except NetworkError:
            for listener in self._listeners:
                listener.close()
            raise
        self.addresses = [listener.getsockname()[:2] for listener in self._listeners]
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        for listener in self._listeners:
            self._selector.register(listener, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="kerma-selector", daemon=True)
        self._thread.start()
        return self

    @property
    def associations(self) -> int:
        """Associations that are accepted and not over."""
        return self._accepted_total

    @property
    def others_wait(self) -> bool:
        """Whether a connection has bytes and no worker."""
        return self._workers.waiting > 0

    def drain(self, timeout: float = 30.0) -> bool:
        """No new associations; those under way go on until they fall quiet, idle ones are aborted. Then everything is
        closed.

        True where all ended by themselves within ``timeout`` seconds; the others were cut.
        """
        deadline = time.monotonic() + timeout
        self.draining = True
        self._call(self._begin_drain)
        with self._empty:
            clean = self._empty.wait_for(lambda: not self._connections, max(0.0, deadline - time.monotonic()))
        self.close()
        return clean

    def close(self) -> None:
        """Cut everything and stop; harmless when stopped."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.draining = True
        self._call(self._stop)
        thread.join(10)
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.shut_down()
        self._workers.close(10)
        for connection in list(self._connections):
            self._over(connection)
        for listener in self._listeners:
            listener.close()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def __enter__(self) -> Self:
        return self.start() if self._thread is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def report(self, what: str, error: BaseException) -> None:
        """Tell whoever runs the server of an error that no peer's mistake explains."""
        if self._on_error is not None:
            self._on_error(what, error)

    # -- admission ----------------------------------------------------------------------------------------------------

    def admit(self, connection: Connection, request: AssociateRQ) -> AssociateAC | AssociateRJ:
        """The answer to an association request; counts it where it is accepted."""
        limits, title = self.config.limits, request.calling_ae_title
        if self.draining:
            return AssociateRJ(
                RejectResult.REJECTED_TRANSIENT,
                RejectSource.SERVICE_PROVIDER_PRESENTATION,
                PresentationRejectReason.TEMPORARY_CONGESTION,
            )
        if not self._known(title, connection.summary.peer):
            return AssociateRJ(
                RejectResult.REJECTED_PERMANENT,
                RejectSource.SERVICE_USER,
                UserRejectReason.CALLING_AE_TITLE_NOT_RECOGNIZED,
            )
        answer = negotiate(request, self._policy)
        with self._lock:
            count = self._accepted.get(title, 0)
            if self._accepted_total >= limits.max_associations or count >= limits.max_associations_per_peer:
                return AssociateRJ(
                    RejectResult.REJECTED_TRANSIENT,
                    RejectSource.SERVICE_PROVIDER_PRESENTATION,
                    PresentationRejectReason.LOCAL_LIMIT_EXCEEDED,
                )
            if isinstance(answer, AssociateAC):
                self._accepted[title] = count + 1
                self._accepted_total += 1
                connection.counted = True
            return answer

    def _known(self, title: str, peer: str) -> bool:
        if self.config.known_peers is None:
            return True
        host = canonical_address(peer.rpartition(":")[0].strip("[]"))
        return any(
            known.aet == title and (known.address is None or canonical_address(known.address) == host)
            for known in self.config.known_peers
        )

    # -- workers ------------------------------------------------------------------------------------------------------

    def _work(self, connection: Connection, buffers: Buffers) -> None:
        verdict = Verdict.OVER
        try:
            verdict = connection.work(buffers)
        finally:
            if verdict is Verdict.AGAIN:
                self._workers.submit(connection)
            elif verdict is Verdict.PARK:
                self._call(lambda: self._park(connection))
            else:
                self._over(connection)

    def _over(self, connection: Connection) -> None:
        with self._lock:
            if connection not in self._connections:
                return
            self._connections.discard(connection)
            if connection.counted:
                connection.counted = False
                title = connection.summary.calling_aet
                self._accepted_total -= 1
                left = self._accepted[title] - 1
                if left:
                    self._accepted[title] = left
                else:
                    del self._accepted[title]
        summary = connection.finish()
        if self._on_end is not None:
            try:
                self._on_end(summary)
            except Exception as error:  # noqa: BLE001 - whoever listens may not stop the server
                self.report("the listener of association ends failed", error)
        with self._empty:
            if not self._connections:
                self._empty.notify_all()

    # -- the selector thread ------------------------------------------------------------------------------------------

    def _call(self, call: Callable[[], None]) -> None:
        """Have the selector thread do something."""
        self._calls.put(call)
        with contextlib.suppress(OSError):  # a full pipe wakes as well, a closed one has nobody to wake
            self._wake_out.send(b"\0")

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(self._next_timeout()):
                try:
                    self._ready(key)
                except Exception as error:  # noqa: BLE001 - one bad connection may not end the listener
                    self.report("the selector failed on a connection", error)
            self._expire()

    def _ready(self, key: selectors.SelectorKey) -> None:
        connection = key.data
        if connection is not None:
            self._hand_over(connection)
        elif key.fileobj is self._wake_in:
            with contextlib.suppress(BlockingIOError):
                self._wake_in.recv(4096)
            while not self._calls.empty():
                try:
                    self._calls.get()()
                except Exception as error:  # noqa: BLE001 - the calls behind it are still to be made
                    self.report("the selector failed", error)
        else:
            self._accept(key.fileobj)  # type: ignore[arg-type]

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_BACKLOG):
            try:
                sock, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            if len(self._connections) >= self.config.limits.max_associations + _SPARE:
                sock.close()
                continue
            try:
                connection = Connection(self, sock, address_text(address), self._listeners[listener])
            except (OSError, NetworkError):
                sock.close()
                continue
            with self._lock:
                self._connections.add(connection)
            self._park(connection)

    def _pause(self, error: OSError) -> None:
        """The system gives no more descriptors: listen again a little later instead of spinning."""
        self.report("connections cannot be accepted for now", error)
        self._resume_at = time.monotonic() + _PAUSE
        for listener in self._listeners:
            with contextlib.suppress(KeyError):
                self._selector.unregister(listener)

    def _park(self, connection: Connection) -> None:
        """Watch a quiet connection."""
        if self.draining and connection.accepted:
            connection.expiry = Expiry.DRAINED
            self._workers.submit(connection)
            return
        try:
            self._selector.register(connection.sock, selectors.EVENT_READ, connection)
        except (OSError, ValueError, KeyError) as error:
            self.report("a connection cannot be watched", error)
            self._over(connection)
            return
        self._parked.add(connection)
        if connection.deadline < connection.timer:
            self._set_timer(connection)

    def _set_timer(self, connection: Connection) -> None:
        self._timer_count += 1
        connection.timer = connection.deadline
        if connection.deadline != float("inf"):
            heapq.heappush(self._timers, (connection.deadline, self._timer_count, connection))

    def _hand_over(self, connection: Connection) -> None:
        self._selector.unregister(connection.sock)
        self._parked.discard(connection)
        self._workers.submit(connection)

    def _next_timeout(self) -> float | None:
        soonest = [self._timers[0][0]] if self._timers else []
        if self._resume_at:
            soonest.append(self._resume_at)
        return max(0.0, min(soonest) - time.monotonic()) if soonest else None

    def _expire(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            when, _, connection = heapq.heappop(self._timers)
            if connection not in self._connections or when != connection.timer:
                continue
            if connection.deadline > now or connection not in self._parked:
                # It has been alive since; or it is being worked on and sets its timer when it is parked.
                connection.timer = float("inf")
                if connection in self._parked:
                    self._set_timer(connection)
                continue
            connection.expiry = Expiry.ARTIM if connection.core.ul.artim_running else Expiry.IDLE
            self._hand_over(connection)
        if self._resume_at and self._resume_at <= now:
            self._resume_at = 0.0
            for listener in self._listeners:
                if not self.draining:
                    self._selector.register(listener, selectors.EVENT_READ, None)

    def _begin_drain(self) -> None:
        for listener in self._listeners:
            with contextlib.suppress(KeyError):
                self._selector.unregister(listener)
            listener.close()
        for connection in list(self._parked):
            connection.expiry = Expiry.DRAINED
            self._hand_over(connection)

    def _stop(self) -> None:
        self._stopping = True


def listening_sockets(host: str, port: int) -> Iterator[socket.socket]:
    """Listening sockets for ``host``: one for each address that the name has (an empty name is every interface, both
    families). ``NetworkError`` where there can be none."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE, proto=socket.IPPROTO_TCP
        )
    except OSError as error:
        raise NetworkError(f"no such address to listen on: {error.strerror}", where=f"{host}:{port}") from error
    for family, kind, protocol, _, address in dict.fromkeys(found):
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            hint = _LISTEN_HINTS.get(error.errno or 0, "check the address")
            raise NetworkError(f"cannot listen: {error.strerror}", where=address_text(address), hint=hint) from error
        yield listener
