"""TLS as PS3.15 B.9/B.10 wants it (BCP 195): version 1.2 or later, forward secrecy, authenticated encryption.

Touches only ``ssl`` and the files that it is told. ``ssl`` is loaded when a context is made: plain associations do not
pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kerma.errors import ConfigError

if TYPE_CHECKING:
    import ssl

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """Files and checks for one side. All files are PEM.

    ``cert`` (with its chain) and ``key`` are what we show: a server must, a client may (mutual authentication).
    ``key`` may be left out where it is in the same file. ``ca`` is whom we trust: of a client, servers (the system's
    authorities where it is None); of a server, callers, who must then show a certificate. ``verify=False`` takes any
    certificate. ``check_hostname`` compares a server's certificate with the host that was asked for.
    """

    cert: str | None = None
    key: str | None = None
    ca: str | None = None
    verify: bool = True
    check_hostname: bool = True

    def client_context(self) -> ssl.SSLContext:
        """For connecting; ``ConfigError`` where a file cannot be used."""
        import ssl  # noqa: PLC0415 - 20 ms of start-up that plain associations do not need

        context = self._prepare(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context.check_hostname = self.check_hostname
            if self.ca is None:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context

    def server_context(self) -> ssl.SSLContext:
        """For listening; ``ConfigError`` where there is no certificate or a file cannot be used."""
        import ssl  # noqa: PLC0415 - as above

        if self.cert is None:
            raise ConfigError("a TLS server needs a certificate", hint="name its PEM file as `cert`")
        context = self._prepare(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        if self.ca is not None and self.verify:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _prepare(self, context: ssl.SSLContext) -> ssl.SSLContext:
        import ssl  # noqa: PLC0415 - as above

        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_ciphers(_CIPHERS)
        if self.cert is not None:
            self._load(lambda: context.load_cert_chain(self.cert or "", self.key), self.cert, "certificate or key")
        if self.ca is not None:
            self._load(lambda: context.load_verify_locations(self.ca), self.ca, "authorities")
        return context

    @staticmethod
    def _load(action: Callable[[], None], path: str, what: str) -> None:
        try:
            action()
        except OSError as error:  # ssl.SSLError is one
            hint = "check the path" if isinstance(error, FileNotFoundError) else "PEM is wanted, and a key that fits"
            if isinstance(error, PermissionError):
                hint = "let the user that runs Kerma read it"
            message = f"TLS {what} cannot be used: {error.strerror or error}"
            raise ConfigError(message, where=path, hint=hint) from error
