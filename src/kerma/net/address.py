"""Addresses of what lies elsewhere, as URLs (RFC 3986): taken apart, and shown without what is secret in them.

Rule: whatever a server or a user writes, what comes out is parts or a ``NetworkError``, never a bare ``ValueError``.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from kerma.errors import NetworkError

_MOST = 8192
_HINT = "write https://host/path"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads: ``host`` in ASCII (RFC 5891), ``port`` None for the scheme's own."""

    scheme: str
    host: str
    port: int | None
    parts: SplitResult


def place_of(url: str, name: str) -> Place:
    """The parts of ``url``; ``NetworkError`` with ``name`` as its place where it is no address."""
    try:
        if len(url) > _MOST:
            raise ValueError
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host and not host.isascii():
            host = host.encode("idna").decode("ascii")
        if not host or any(not "!" <= char <= "~" for char in host):
            raise ValueError
        return Place(parts.scheme, host, parts.port, parts)
    except ValueError:  # UnicodeError is one
        raise NetworkError("this is no address", where=name, hint=_HINT) from None


def joined(base: str, location: str, name: str) -> str:
    """Where a redirect leads."""
    try:
        return urljoin(base, location)
    except ValueError:
        raise NetworkError("the server sends us to no address", where=name) from None


def named(url: str) -> str:
    """A URL without user, password, query and fragment: what to call the file there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def shown(url: str) -> str:
    """A URL without what is secret in it, for people."""
    return named(url) + ("?..." if "?" in url else "")
