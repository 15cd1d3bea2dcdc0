"""An HTTP resource as a ``ByteSource``: byte ranges over one kept connection (RFC 9110 14, 13.1.1).

Rules:

- Only GET with a Range. A server that answers with the whole is taken up to ``MAX_WHOLE``; beyond that it is an error
  that says so.
- The resource must stay what it was: its strong ETag goes along as If-Match, and ETag, date and size of each answer are
  compared with the first. Anything else is ``FormatError``.
- A host is asked with what the URL, else ``.netrc``, has for it; proxies are those of the environment. What is secret
  in a URL (user, password, query) is in no message.
- Redirects are followed a few times, never from https to http, and credentials do not go along to another host.
"""

from __future__ import annotations

import base64
import http.client
import netrc
import re
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import unquote, urlunsplit
from urllib.request import getproxies, proxy_bypass

from kerma._version import __version__
from kerma.errors import ConnectError, FormatError, LimitError, NetworkError, TimeoutExpiredError, TruncatedError
from kerma.limits import NetworkLimits
from kerma.net.address import joined, place_of, shown
from kerma.net.remote_source import RemoteSource

MAX_WHOLE = 256 << 20
"""Bytes that are taken from a server that knows no ranges."""
_REDIRECTS = 5
_PIECE = 1 << 20
_FIRST = 1 << 16
_LIMITS = NetworkLimits()
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one version of a resource from another."""

    etag: str
    date: str
    size: int


class HTTPSource(RemoteSource):
    """Random access to the resource at a URL. Reads may run in several threads; they take turns."""

    def __init__(self, url: str, *, limits: NetworkLimits = _LIMITS, max_whole: int = MAX_WHOLE) -> None:
        """Asks for the first kilobytes. ``NetworkError`` and its kinds where they do not come."""
        self._connection: http.client.HTTPConnection | None = None
        self.name = shown(url)
        self._limits = limits
        self._max_whole = max_whole
        self._lock = threading.Lock()
        self._go_to(url)
        self._stamp: _Stamp | None = None
        self._whole: bytes | None = None
        self._closed = False
        self._first = b""
        try:
            self._first = self._get(0, _FIRST)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        assert self._stamp is not None
        return self._stamp.size

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; ``TruncatedError`` where they are not there."""
        missing = max(0, offset + length - self.size)
        if offset < 0 or length < 0 or missing:
            raise TruncatedError(f"{length} bytes wanted, {missing} are missing", missing=missing, offset=offset)
        held = self._first if self._whole is None else self._whole
        if offset + length <= len(held):
            return held[offset : offset + length]
        with self._lock:
            if self._closed:
                raise FormatError("the source is closed", where=self.name)
            return self._get(offset, length)

    def close(self) -> None:
        self._closed = True
        self.forget()

    def __del__(self) -> None:
        self.forget()

    # -- one request ---------------------------------------------------------------------------------------------------

    def _get(self, offset: int, length: int) -> bytes:
        if not length:
            return b""
        headers = {"Range": f"bytes={offset}-{offset + length - 1}", "Accept-Encoding": "identity"}
        stamp = self._stamp
        if stamp is not None and stamp.etag and not stamp.etag.startswith("W/"):
            headers["If-Match"] = stamp.etag
        for _ in range(_REDIRECTS + 1):
            response = self._ask(headers)
            if response.status not in {301, 302, 303, 307, 308}:
                return self._take(response, offset, length)
            self._redirect(response.getheader("Location") or "")
        raise NetworkError("too many redirects", where=self.name)

    def _ask(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        """The answer, on the kept connection or, where the server let that go, on a new one."""
        while True:
            kept = self._connection is not None
            connection = self._connection or self._connect()
            self._connection = connection
            try:
                connection.request("GET", self._target, headers={**self._headers, **headers})
                return connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                connection.close()
                if not kept or isinstance(error, TimeoutError):
                    raise self._failure(error) from None

    def _take(self, response: http.client.HTTPResponse, offset: int, length: int) -> bytes:
        status = response.status
        if status == 206:
            start, size = self._range(response)
            self._compare(response, size)
            wanted = min(length, size - offset)
            if start != offset:
                raise self._drop("the server gave another range than it was asked for")
            data = self._body(response, wanted)
            if len(data) != wanted:
                raise self._drop("the server gave fewer bytes than it was asked for")
            return data
        if status == 416 and self._stamp is None:
            self._compare(response, 0)  # an empty resource has no first byte
            response.read(_PIECE)
            return b""
        if status == 200:
            return self._take_whole(response, offset, length)
        raise self._refusal(response)

    def _take_whole(self, response: http.client.HTTPResponse, offset: int, length: int) -> bytes:
        """A server without ranges: all of it, once."""
        announced = response.getheader("Content-Length") or ""
        if _LENGTH.fullmatch(announced):
            self._compare(response, int(announced))
            if int(announced) > self._max_whole:
                raise self._too_much()
        data = self._body(response, self._max_whole + 1)
        if len(data) > self._max_whole:
            raise self._too_much()
        self._compare(response, len(data))
        self._whole = data
        return data[offset : offset + length]

    def _range(self, response: http.client.HTTPResponse) -> tuple[int, int]:
        found = _RANGE.fullmatch(response.getheader("Content-Range") or "")
        if found is None:
            raise self._drop("the server does not say how long the resource is")
        return int(found[1]), int(found[2])

    def _compare(self, response: http.client.HTTPResponse, size: int) -> None:
        found = _Stamp(response.getheader("ETag") or "", response.getheader("Last-Modified") or "", size)
        if self._stamp is None:
            self._stamp = found
        elif found != self._stamp:
            raise self._changed()

    def _body(self, response: http.client.HTTPResponse, most: int) -> bytes:
        parts: list[bytes] = []
        left = most
        try:
            while left and (part := response.read(min(left, _PIECE))):
                parts.append(part)
                left -= len(part)
            if not left and response.read(1):
                self.forget()
        except (OSError, http.client.HTTPException) as error:
            self.forget()
            raise self._failure(error) from None
        return b"".join(parts)

    # -- errors --------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Let go of the connection; the next read makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _drop(self, text: str) -> NetworkError:
        self.forget()
        return NetworkError(text, where=self.name, hint="download it first")

    def _too_much(self) -> LimitError:
        self.forget()
        return LimitError(
            f"the server knows no byte ranges, and the whole is more than {self._max_whole:,} bytes",
            where=self.name,
            hint="download it first",
        )

    def _changed(self) -> FormatError:
        self.forget()
        return FormatError("the resource was changed since its head was read", where=self.name, hint="read it again")

    def _failure(self, error: Exception) -> NetworkError:
        if isinstance(error, TimeoutError):
            return TimeoutExpiredError(f"no answer in {self._limits.response:g} seconds", where=self.name)
        text = str(error) or type(error).__name__
        return ConnectError(f"cannot be reached: {text[:200]}", where=self.name, hint="check host, port and network")

    def _refusal(self, response: http.client.HTTPResponse) -> FormatError | NetworkError:
        status, reason = response.status, response.reason[:60]
        self.forget()
        if status == 412:
            return self._changed()
        hints = {
            401: "give credentials in the URL or in .netrc",
            403: "its credentials are not enough, or it has expired",
            404: "check the address",
            410: "check the address",
        }
        return NetworkError(f"the server answers {status} {reason}", where=self.name, hint=hints.get(status))

    # -- where to ask --------------------------------------------------------------------------------------------------

    def _redirect(self, location: str) -> None:
        self.forget()
        there = joined(self._url, location, self.name)
        old, new = place_of(self._url, self.name), place_of(there, self.name)
        if not location or new.scheme not in {"http", "https"} or (old.scheme == "https" and new.scheme == "http"):
            raise NetworkError("the server sends us to no place that is safe", where=self.name)
        keep = self._headers.get("Authorization") if new.parts.netloc == old.parts.netloc else None
        self._go_to(there, keep)

    def _go_to(self, url: str, authorization: str | None = None) -> None:
        self._url = url
        place = place_of(url, self.name)
        self._host, self._port, parts = place.host, place.port, place.parts
        if place.scheme not in {"http", "https"}:
            raise NetworkError("this is no address", where=self.name, hint="write https://host/path")
        self._secure = place.scheme == "https"
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            # A path of two slashes would be taken for a host; what is no ASCII goes as UTF-8 in percent signs.
            self._target = "".join(c if " " < c < "\x7f" else "".join(f"%{b:02X}" for b in c.encode()) for c in path)
        except UnicodeEncodeError:
            raise NetworkError("this is no address", where=self.name, hint="write https://host/path") from None
        self._headers = {"User-Agent": f"kerma/{__version__}"}
        found = authorization or _basic(parts.username, parts.password) or _from_netrc(self._host)
        if found:
            self._headers["Authorization"] = found

    def _connect(self) -> http.client.HTTPConnection:
        proxy = None if proxy_bypass(self._host) else getproxies().get("https" if self._secure else "http")
        host, port = self._host, self._port
        if proxy:
            there = place_of(proxy if "://" in proxy else f"http://{proxy}", "the proxy of the environment")
            host, port = there.host, there.port or 80
        timeout = self._limits.response
        if not self._secure:
            if proxy and self._target.startswith("/"):
                place = self._host if self._port is None else f"{self._host}:{self._port}"
                self._target = f"http://{place}{self._target}"
            return http.client.HTTPConnection(host, port, timeout=timeout)
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        if proxy:
            connection.set_tunnel(self._host, self._port or 443)
        return connection


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")


def _from_netrc(host: str) -> str:
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return ""
    return "" if found is None else _basic(found[0], found[2])
