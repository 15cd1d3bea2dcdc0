"""Answers with long bodies: ranges, conditions, HEAD, and a client that goes away (RFC 9110 8.8, 13, 14).

Rules:

- Made in a worker thread with its first chunk at hand: whatever goes wrong there is a problem with a status, and a
  small body costs one hand-over between threads.
- One range is answered by 206. Of several the whole is sent, as a server may; a client that wants parts asks for them
  one by one.
- The entity tag is strong and follows from what is stored and from the form that is given: the same range of the same
  form is the same bytes, in every process.
- Servers do not always tell a send that nobody listens any more. A body of several chunks looks for the disconnect.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from itertools import islice

from anyio import to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kerma._version import __version__
from kerma.dicomweb.problems import HTTPProblem
from kerma.web.bodies import SMALL, Body
from kerma.web.context import context_of

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})[ \t]*-[ \t]*(\d{0,19})[ \t]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[^"]{0,256}"')
_MAX_CONDITION = 8_192
_AT_ONCE = 8
"""Chunks that are read in one go, at most."""
_FAST = 0.02
"""Seconds in which a client that is not slow takes a chunk."""


def digest_of(*parts: str) -> str:
    """32 characters that stand for a representation: of what blobs, in what form. Also its multipart boundary: a key of
    a blob has 48 random bits and a checksum of its bytes, so nobody can have put the boundary into them.
    """
    return hashlib.blake2b("\n".join((__version__, *parts)).encode(), digest_size=16).hexdigest()


class Answer(Response):
    """An answer that is sent as it is read."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        *,
        first: bytes = b"",
        rest: Generator[bytes] | None = None,
    ) -> None:
        super().__init__(b"", status)
        self.first = first
        """What was read already."""
        self.rest = rest
        """The chunks after it; None where there are none."""
        self.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.first, "more_body": self.rest is not None})
        if self.rest is not None:
            await self._send_rest(self.rest, receive, send)

    async def _send_rest(self, rest: Generator[bytes], receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_gone(receive))
        count = 1
        try:
            while not gone.done():
                chunks = await run_in_threadpool(lambda wanted: [*islice(rest, wanted)], count)
                if not chunks:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    return
                begun = time.monotonic()
                for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                # A hand-over between threads costs as much as a chunk. Who takes chunks at once gets more of them for
                # each; for a slow client one is in memory.
                count = min(2 * count, _AT_ONCE) if time.monotonic() - begun < _FAST * count else 1
        finally:
            gone.cancel()
            rest.close()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def answer(
    request: Request,
    body: Body,
    content_type: str,
    digest: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a GET or HEAD for ``body``, by its conditions and its range. Called in a worker thread."""
    tag = f'"{digest}"'
    said = {
        "Content-Type": content_type,
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    if _matches(request.headers.get("if-none-match"), tag):
        del said["Content-Type"]
        return Answer(304, said)
    if "if-match" in request.headers and not _matches(request.headers["if-match"], tag):
        raise HTTPProblem(412, "what is there is not what If-Match names", hint="retrieve it anew")
    start, stop = 0, body.length
    if body.length is not None:
        said["Accept-Ranges"] = "bytes"
        wanted = _range(request, tag, body.length) if status == 200 else None
        if wanted is not None:
            start, stop = wanted
            status = 206
            said["Content-Range"] = f"bytes {start}-{stop - 1}/{body.length}"
        assert stop is not None  # a length is known
        said["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        return Answer(status, said)
    return _begun(status, said, body, start, stop)


def _begun(status: int, headers: Mapping[str, str], body: Body, start: int, stop: int | None) -> Answer:
    chunks = body.chunks(start, stop)
    try:
        if stop is not None and stop - start <= SMALL:
            return Answer(status, headers, first=b"".join(chunks))
        return Answer(status, headers, first=next(chunks, b""), rest=chunks)
    except BaseException:
        chunks.close()
        raise


def _matches(header: str | None, tag: str) -> bool:
    """Whether an If-Match or If-None-Match names ``tag``; weakly, as that is all a GET needs (RFC 9110 13.1)."""
    if header is None or len(header) > _MAX_CONDITION:
        return False
    return header.strip() == "*" or any(found.removeprefix("W/") == tag for found in _TAG.findall(header))


def _range(request: Request, tag: str, length: int) -> tuple[int, int] | None:
    """The range that is to be sent, None for the whole; HTTPProblem 416 where none of it is there."""
    header = request.headers.get("range")
    condition = request.headers.get("if-range")
    if header is None or (condition is not None and condition.strip() != tag):
        return None
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None  # RFC 9110 14.2: what cannot be understood is ignored, and so may several ranges be
    first, last = found.groups()
    if first == "":
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), min(length, int(last) + 1) if last else length
        if last and int(last) < start:
            return None
    if start >= stop:
        raise HTTPProblem(
            416,
            f"the range begins behind the end; there are {length} bytes",
            hint="ask for less",
            headers={"Content-Range": f"bytes */{length}"},
        )
    return start, stop


def in_thread(handler: Callable[[Request], Response], *, short: bool = False) -> Callable[[Request], object]:
    """A handler that works in a worker thread: it opens and reads files. ``short`` ones share a few threads, as many
    would only take turns on the interpreter's lock: 32 frames at once cost a third less so.
    """

    async def endpoint(request: Request) -> Response:
        if short:
            return await to_thread.run_sync(handler, request, limiter=context_of(request).readers)
        return await run_in_threadpool(handler, request)

    return endpoint


def digest_of_many(names: Iterable[str], *parts: str) -> str:
    """``digest_of`` for the keys of any number of blobs."""
    return digest_of(*parts, *names)
