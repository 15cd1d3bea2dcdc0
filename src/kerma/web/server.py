"""The HTTP server: granian over the application, on sockets that listen already.

PS3.18 8.1 (HTTP/1.1 and 2), 8.8 (security: TLS). Rules:

- Sockets are bound by whoever starts the server, so that a port 0 is known, a taken one is an error of ours, and
  several processes share one; here they only come as descriptors.
- One port speaks HTTP/1.0, 1.1 and 2: in cleartext by prior knowledge, over TLS by ALPN.
- A private key never touches the disk again: one that granian cannot read as it is goes through anonymous memory.
- Connections cost a descriptor and some kilobytes until something is asked; how many requests are worked on is held by
  ``kerma.web.limits``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.types import ASGIApp

from kerma.errors import ConfigError
from kerma.net.tls import TLSConfig

_TLS_MINIMUM = "tls1.2"
_BACKLOG = 1024
_MAX_KEY_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket by its descriptor."""

    descriptor: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server treats connections. Times in seconds, sizes in bytes."""

    tls: TLSConfig | None = None
    client_certificates: bool = False
    """Whether callers over TLS must show a certificate of ``tls.ca``."""
    max_connections: int = 10_000
    """At one time, for each address and process; more wait in the kernel."""
    header_time: float = 30.0
    """How long a request may take to arrive up to its body, and a kept connection may be idle."""
    max_header: int = 64 << 10
    streams: int = 200
    """HTTP/2 requests at one time on a connection."""


async def serve(
    app: Starlette,
    listeners: Sequence[Listener],
    settings: ServerSettings,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until ``stop`` is set and what runs has ended; ``ready`` is called when requests are taken.

    ``ConfigError`` where a certificate cannot be used.
    """
    servers = [_Granian(app, listener, settings) for listener in listeners]
    async with app.router.lifespan_context(app):  # once, however many addresses there are
        running = [asyncio.create_task(server.serve()) for server in servers]
        stopping = asyncio.create_task(stop.wait())
        ready()
        try:
            await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
            for server in servers:
                server.stop()  # type: ignore[no-untyped-call]
            await asyncio.gather(*running)
        finally:
            stopping.cancel()


class _Granian(Server):
    """granian's server inside a running loop, over a socket of ours.

    It would bind by itself and wants files for keys; both are replaced here, and nothing else.
    """

    def __init__(self, app: ASGIApp, listener: Listener, settings: ServerSettings) -> None:
        self._descriptor = listener.descriptor
        self._settings = settings
        self._secure = listener.tls
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.auto,
            log_enabled=False,
            backlog=_BACKLOG,
            backpressure=settings.max_connections,
            http1_settings=HTTP1Settings(header_read_timeout=int(settings.header_time * 1000)),
            http2_settings=HTTP2Settings(
                max_headers_size=settings.max_header,
                max_concurrent_streams=settings.streams,
                keep_alive_interval=int(settings.header_time * 1000),
            ),
        )

    def _init_shared_socket(self) -> None:
        self._ssp = None
        self._shd: Any = SocketHolder(self._descriptor, False, _BACKLOG)  # type: ignore[call-arg]

    def build_ssl_context(self, *ignored: Any) -> None:
        """What the worker is given for TLS."""
        self.ssl_ctx: Any = tls_arguments(self._settings) if self._secure else _PLAIN


_PLAIN: tuple[Any, ...] = (False, None, None, None, _TLS_MINIMUM, None, [], False)


def tls_arguments(settings: ServerSettings) -> tuple[Any, ...]:
    """(on, certificate, key, password, least version, authorities, revoked, callers must show one), as granian takes
    them."""
    tls = settings.tls
    if tls is None or tls.cert is None:
        raise ConfigError("listening over HTTPS needs a certificate", hint="set `cert` of [tls]")
    tls.server_context()  # names the file that cannot be used, better than granian does
    if settings.client_certificates and tls.ca is None:
        raise ConfigError("callers cannot be asked for certificates without authorities", hint="set `ca` of [tls]")
    authorities = tls.ca if settings.client_certificates else None
    key = _readable_key(tls.key or tls.cert)
    return (True, tls.cert, key, None, _TLS_MINIMUM, authorities, [], settings.client_certificates)


def _readable_key(path: str) -> str:
    """The path of the key as PKCS#8; of anonymous memory, where the file has another form or holds more than a key."""
    with Path(path).open("rb") as file:
        text = file.read(_MAX_KEY_FILE)
    if text.lstrip().startswith(b"-----BEGIN PRIVATE KEY-----") and text.count(b"-----BEGIN") == 1:
        return path
    start = text.find(b"-----BEGIN", _key_start(text))
    try:
        key = load_pem_private_key(text[start:], None)
    except (ValueError, TypeError) as error:
        hint = "keys behind a password are not taken: write the key as PKCS#8 without one"
        raise ConfigError("TLS key cannot be used", where=path, hint=hint) from error
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle = os.memfd_create("kerma-key")
    os.write(handle, plain)
    return f"/proc/self/fd/{handle}"


def _key_start(text: bytes) -> int:
    """Where the block of a private key begins, in a file that may begin with certificates."""
    at = text.find(b"PRIVATE KEY-----")
    return max(0, text.rfind(b"-----BEGIN", 0, max(at, 0)))
