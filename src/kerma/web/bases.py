"""The absolute URL that a request came by, below which all our resources lie (RFC 9110 7.1, PS3.18 8.3.1).

Rules: made from the Host header, or from what a proxy in front says of it (X-Forwarded-Proto, X-Forwarded-Host), which
changes nothing but the URLs in the answer to the one who says so. A host that cannot be one is not repeated: then the
URLs are absolute paths. A client that names the very address it reached and forgets the port (dicomweb-client for
Python does) is given the port of that address.
"""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection

from kerma.web.context import context_of

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_DEFAULT = {"http": 80, "https": 443}


def base_of(request: HTTPConnection) -> str:
    """The root of DICOMweb without a slash at its end: "https://pacs.example.org/dicomweb"."""
    root = context_of(request).config.root.rstrip("/")
    headers = request.headers
    forwarded = _first(headers.get("x-forwarded-host"))
    host = forwarded or headers.get("host", "")
    scheme = _first(headers.get("x-forwarded-proto")).lower()
    if scheme not in ("http", "https"):
        scheme = "https" if request.url.scheme == "https" else "http"
        if not forwarded:
            host = _with_port(host, scheme, request.scope.get("server"))
    return f"{scheme}://{host}{root}" if _HOST.fullmatch(host) else root


def _with_port(host: str, scheme: str, server: tuple[str, int | None] | None) -> str:
    """The host with the port of the socket, where the host is the socket's address without one."""
    if server is None or host.strip("[]") != server[0] or server[1] in (None, _DEFAULT[scheme]):
        return host
    return f"{host}:{server[1]}"


def _first(header: str | None) -> str:
    return "" if header is None else header.split(",", 1)[0].strip()
