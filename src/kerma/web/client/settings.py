"""How to reach a server: its address, who asks, time-outs, retries; the same for both clients."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urljoin, urlsplit

from kerma._version import __version__
from kerma.errors import UsageError
from kerma.net.tls import TLSConfig
from kerma.web.client.asking import Manner
from kerma.web.client.effects import Ask, Content

Token = str | Callable[[], str]
_PLAIN = "*?,:/"


@dataclass(frozen=True, slots=True)
class Settings:
    """``base`` is the root of the service, without a slash at its end."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    token: Token | None = None
    timeout: float = 60.0
    connect_timeout: float = 15.0
    http2: bool = False
    tls: TLSConfig = field(default_factory=TLSConfig)
    manner: Manner = field(default_factory=Manner)

    @classmethod
    def of(
        cls,
        base: str,
        *,
        token: Token | None = None,
        api_key: str | None = None,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        connect_timeout: float = 15.0,
        retries: int = 3,
        http2: bool = False,
        tls: TLSConfig | None = None,
    ) -> Settings:
        """Checked; ``UsageError``."""
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError("this is no root of a DICOMweb service", hint="write http://host:port/dicomweb")
        given = sum(one is not None for one in (token, api_key, auth))
        if given > 1:
            raise UsageError("one way to log in is enough", hint="give token, api_key or auth")
        every = {"User-Agent": f"kerma/{__version__}", **(headers or {})}
        if api_key is not None:
            every["X-API-Key"] = api_key
        if auth is not None:
            every["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode("utf-8")).decode("ascii")
        for name, value in every.items():
            if not name.isascii() or any(ord(char) < 32 for char in name + value):
                raise UsageError("a header is not one line of text")
        return cls(
            base.rstrip("/"),
            every,
            token,
            timeout,
            connect_timeout,
            http2,
            tls or TLSConfig(),
            Manner(retries=retries),
        )

    @property
    def host(self) -> str:
        """What to call the server in messages."""
        parts = urlsplit(self.base)
        return parts.netloc.rpartition("@")[2]

    def url(self, path: str, params: Sequence[tuple[str, str]] = ()) -> str:
        """The address of a path below the root, or of a URI that the server gave, with parameters.

        What a URI's query may hold as it is stays so (RFC 3986 3.4): Orthanc takes "%2A" for no wildcard.
        """
        url = self.base + path if path.startswith("/") else urljoin(self.base + "/", path)
        if not params:
            return url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(params, safe=_PLAIN, quote_via=quote)}"

    def is_ours(self, url: str) -> bool:
        """Whether an address is of this server: only then it hears who asks."""
        mine, other = urlsplit(self.base), urlsplit(url)
        return (mine.scheme, mine.netloc) == (other.scheme, other.netloc)

    def headers_of(self, request: Ask, url: str) -> dict[str, str]:
        """The headers of a request."""
        headers = {"User-Agent": self.headers["User-Agent"], **request.headers}
        if self.is_ours(url):
            headers = {**self.headers, **headers}
            if self.token is not None:
                headers["Authorization"] = f"Bearer {self.token() if callable(self.token) else self.token}"
        if isinstance(request.content, Content) and request.content.length is not None:
            headers["Content-Length"] = str(request.content.length)
        return headers
