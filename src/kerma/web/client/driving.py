"""The blocking and the asyncio driver of the client's flows, over httpx. The only module of the client with sockets.

Rules:

- An error of httpx becomes one of ours here and nowhere else, and is thrown into the flow.
- An answer is let go when the next one is asked for, when its flow ends, and when its consumer has had enough.
- The asyncio driver does what may block in threads, and so are bodies made that are sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any

import httpx

from kerma.errors import ConnectError, ConnectionLostError, KermaError, NetworkError, TimeoutExpiredError
from kerma.web.client.effects import Ask, Content, Do, Emit, Flow, Pause, Read, Reply
from kerma.web.client.settings import Settings

_TEXT = 200


def mapped(error: Exception, host: str) -> NetworkError:
    """An error of httpx as ours. Its text may name an address, so only its kind and the system's words are told."""
    words = str(error)[:_TEXT] if isinstance(error, httpx.ConnectError) else type(error).__name__
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        hint = "check host, port, certificates and network"
        return ConnectError(f"cannot be reached: {words}", where=host, hint=hint)
    if isinstance(error, httpx.TimeoutException):
        return TimeoutExpiredError("the server did not go on in time", where=host, hint="give a longer timeout")
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.CookieConflict)):
        return NetworkError(f"the address cannot be used: {words}", where=host)
    if isinstance(error, httpx.DecodingError):
        return ConnectionLostError("the body of the answer cannot be decompressed", where=host)
    return ConnectionLostError(f"the connection broke: {words}", where=host)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "http2": settings.http2,
        "verify": settings.tls.client_context(),
        "timeout": httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
        "limits": httpx.Limits(max_connections=64, max_keepalive_connections=16),
        "trust_env": False,
    }


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, "")


class Driver:
    """Blocking."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._http = httpx.Client(**_options(settings), transport=transport)

    def close(self) -> None:
        self._http.close()

    def run(self, flow: Flow[Any]) -> Generator[Any]:
        """What the flow emits."""
        exchange = _Exchange(self._http, self._settings)
        result: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    effect = flow.send(result) if error is None else flow.throw(error)
                except StopIteration:
                    return
                result = error = None
                if isinstance(effect, Emit):
                    yield effect.value
                    continue
                try:
                    match effect:
                        case Read():
                            result = exchange.read()
                        case Do():
                            result = effect.work()
                        case Ask():
                            result = exchange.ask(effect)
                        case Pause():
                            time.sleep(effect.seconds)
                except (KermaError, OSError) as failure:
                    error = failure
        finally:
            flow.close()
            exchange.close()


class _Exchange:
    """One answer at a time."""

    def __init__(self, http: httpx.Client, settings: Settings) -> None:
        self._http, self._settings = http, settings
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def ask(self, effect: Ask) -> Reply:
        self.close()
        url = self._settings.url(effect.path, effect.params)
        content = effect.content.make() if isinstance(effect.content, Content) else effect.content
        try:
            request = self._http.build_request(
                effect.method,
                url,
                headers=self._settings.headers_of(effect, url),
                content=content,
            )
            response = self._http.send(request, stream=True, follow_redirects=effect.method == "GET")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise mapped(error, self._settings.host) from error
        self._response, self._chunks = response, response.iter_bytes()
        return _reply(response)

    def read(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise mapped(error, self._settings.host) from error

    def close(self) -> None:
        response, self._response, self._chunks = self._response, None, iter(())
        if response is not None:
            response.close()


class AsyncDriver:
    """Awaited."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(**_options(settings), transport=transport)

    async def close(self) -> None:
        await self._http.aclose()

    async def run(self, flow: Flow[Any]) -> AsyncGenerator[Any]:
        """What the flow emits."""
        exchange = _AsyncExchange(self._http, self._settings)
        result: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    effect = flow.send(result) if error is None else flow.throw(error)
                except StopIteration:
                    return
                result = error = None
                if isinstance(effect, Emit):
                    yield effect.value
                    continue
                try:
                    match effect:
                        case Read():
                            result = await exchange.read()
                        case Do():
                            result = await asyncio.to_thread(effect.work)
                        case Ask():
                            result = await exchange.ask(effect)
                        case Pause():
                            await asyncio.sleep(effect.seconds)
                except (KermaError, OSError) as failure:
                    error = failure
        finally:
            flow.close()
            await exchange.close()


class _AsyncExchange:
    """One answer at a time."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def ask(self, effect: Ask) -> Reply:
        await self.close()
        url = self._settings.url(effect.path, effect.params)
        content = _awaited(effect.content) if isinstance(effect.content, Content) else effect.content
        try:
            request = self._http.build_request(
                effect.method,
                url,
                headers=self._settings.headers_of(effect, url),
                content=content,
            )
            response = await self._http.send(request, stream=True, follow_redirects=effect.method == "GET")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise mapped(error, self._settings.host) from error
        self._response, self._chunks = response, response.aiter_bytes()
        return _reply(response)

    async def read(self) -> bytes:
        if self._chunks is None:
            return b""
        try:
            return await anext(self._chunks, b"")
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise mapped(error, self._settings.host) from error

    async def close(self) -> None:
        response, self._response, self._chunks = self._response, None, None
        if response is not None:
            await response.aclose()


async def _awaited(content: Content) -> AsyncIterator[bytes]:
    """A body whose pieces are made in threads."""
    pieces = content.make()
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
