"""Answers in gzip where the asker takes it and the answer is text (RFC 9110 8.4).

Rules:

- Text only: JSON, XML, plain text. Pixels and files are compressed already, or are asked for by range.
- An answer with an entity tag is left alone: whoever made it keeps its compressed form too, under its own tag.
- Pieces are compressed as they come; long ones in a thread.
"""

from __future__ import annotations

import zlib
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TEXT = (b"application/dicom+json", b"application/json", b"application/problem+json", b"application/xml", b"text/")
_LEVEL = 4
_LEAST = 1000
_LONG = 64 << 10
_LEFT_ALONE = {b"content-encoding", b"etag", b"content-range"}


def takes_gzip(accept_encoding: str) -> bool:
    """Whether ``Accept-Encoding`` takes gzip."""
    for item in accept_encoding[:1000].lower().split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip() in {"gzip", "x-gzip", "*"}:
            weight = parameters.replace(" ", "").partition("q=")[2]
            return weight.strip("0.") != "" if weight else True
    return False


class Compression:
    """Middleware that compresses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "HEAD":
            await self.app(scope, receive, send)
            return
        accepted = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
        if not takes_gzip(accepted.decode("latin-1")):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Compressor(send).send)


class _Compressor:
    """One answer. Its start is held back until the first piece says whether compressing is worth it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._zip: Any = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            if not _is_for_us(message):
                await self._pass_start()
            return
        if message["type"] != "http.response.body":
            await self._pass_start()
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._start is not None:
            if more or len(body) >= _LEAST:
                self._zip = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
            await self._pass_start()
        if self._zip is not None:
            if len(body) > _LONG:
                body = await run_in_threadpool(self._zip.compress, body)
            else:
                body = self._zip.compress(body)
            if not more:
                body += self._zip.flush()
            elif not body:
                return
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _pass_start(self) -> None:
        start, self._start = self._start, None
        if start is None:
            return
        if _is_text(start):
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"vary"]
            vary = [value for name, value in start["headers"] if name.lower() == b"vary"]
            headers.append((b"vary", b", ".join([*vary, b"Accept-Encoding"])))
            if self._zip is not None:
                headers = [(name, value) for name, value in headers if name.lower() != b"content-length"]
                headers.append((b"content-encoding", b"gzip"))
            start = {**start, "headers": headers}
        await self._send(start)


def _is_text(start: Message) -> bool:
    kinds = [value.lower() for name, value in start.get("headers", ()) if name.lower() == b"content-type"]
    return any(kind.startswith(_TEXT) for kind in kinds)


def _is_for_us(start: Message) -> bool:
    names = {name.lower() for name, _ in start.get("headers", ())}
    return _is_text(start) and not names & _LEFT_ALONE and start["status"] not in {204, 206, 304}
