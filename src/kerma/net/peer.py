"""Whom to talk to: an application entity at an address, written ``AET@HOST:PORT``.

Touches nothing. AE titles: PS3.5 6.2 (VR AE) and PS3.8 9.3.2: up to 16 characters of the default repertoire, no
backslash, no control characters, not only spaces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kerma.errors import UsageError
from kerma.net.tls import TLSConfig

_FORM = "write it as AET@HOST:PORT, for example KERMA@127.0.0.1:11112"


def check_aet(title: str, *, where: str | None = None) -> str:
    """``title`` without leading and trailing spaces; ``UsageError`` where it is no AE title."""
    stripped = title.strip(" ")
    if not 1 <= len(stripped) <= 16:
        raise UsageError(f"an AE title has 1 to 16 characters, not {len(stripped)}", where=where)
    if any(not " " <= character <= "~" or character == "\\" for character in stripped):
        raise UsageError("an AE title has only printable ASCII characters and no backslash", where=where)
    return stripped


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity, where it listens, and how to secure the connection (None: not at all)."""

    aet: str
    host: str
    port: int
    tls: TLSConfig | None = None

    @classmethod
    def parse(cls, text: str, *, tls: TLSConfig | None = None) -> Peer:
        """``AET@HOST:PORT``, an IPv6 address in brackets; ``UsageError`` says what is wrong with it."""
        title, at, address = text.rpartition("@")
        if not at:
            raise UsageError("no @ in the peer", where=text, hint=_FORM)
        if address.startswith("["):
            host, bracket, port_text = address[1:].partition("]")
            if not bracket or not port_text.startswith(":"):
                raise UsageError("the address is not [IPv6]:PORT", where=text, hint=_FORM)
            port_text = port_text[1:]
        else:
            host, colon, port_text = address.rpartition(":")
            if not colon:
                raise UsageError("no port in the peer", where=text, hint=_FORM)
            if ":" in host:
                raise UsageError("an IPv6 address stands in brackets", where=text, hint="for example KERMA@[::1]:11112")
        if not host:
            raise UsageError("no host in the peer", where=text, hint=_FORM)
        if not (port_text.isascii() and port_text.isdigit() and 1 <= int(port_text[:6]) <= 65535):
            raise UsageError(f"{port_text or 'nothing'} is no port", where=text, hint="a port is 1 to 65535")
        return cls(check_aet(title, where=text), host, int(port_text), tls)

    def secured(self, tls: TLSConfig | None) -> Peer:
        """The same peer over TLS (or, with None, plain)."""
        return replace(self, tls=tls)

    @property
    def address(self) -> str:
        """``HOST:PORT``, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.aet}@{self.address}"
