"""How rendered resources are answered: one body, parts that are made as they are taken, films (PS3.18 8.3.5, 8.6.1).

Rules:

- What came from outside runs no script in a browser.
- The first part is made before the answer begins, so that an error is still an answer; the others in threads, each when
  the one before has been taken.
- Films are made in a file, a few at a time; it is gone when the film has been sent, or could not be made.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

import anyio
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kerma.dicomweb.multipart import Writer
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.rendered import GIF, MP4
from kerma.errors import FormatError, KermaError, LimitError, UnsupportedSyntaxError, UsageError
from kerma.web.thumbnails import Kept

if TYPE_CHECKING:
    from kerma.dicomweb.rendering import Rendering, Rendition

P = ParamSpec("P")
T = TypeVar("T")

Part: TypeAlias = "tuple[Rendition, str | None]"
"""What a part is, and where it is to be had by itself."""
_NOTHING: Mapping[str, str] = {}
_CORES = os.cpu_count() or 1
_FILMS = max(_CORES // 2, 1)


@dataclass(slots=True)
class Desk:
    """What the requests of one application share. Films take long: there is always room for pictures beside them."""

    limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(max(_CORES, 2) + _FILMS))
    films: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(_FILMS))
    kept: Kept = field(default_factory=Kept)


def attempt(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What comes of it; errors of what is stored are told as such: the parameters were checked before."""
    try:
        return work(*args, **kwargs)
    except (UnsupportedSyntaxError, LimitError):
        raise
    except (FormatError, UsageError) as error:
        raise HTTPProblem(422, f"the stored instance cannot be rendered: {error.message}", hint=error.hint) from None
    except KermaError as error:
        if type(error) is not KermaError:
            raise
        # A package that is not installed, or a film that it cannot write.
        raise HTTPProblem(406, error.message, hint=error.hint) from None


def whole(rendition: Rendition, multipart: bool) -> Response:
    headers = {}
    if rendition.media_type.startswith("text/"):
        # What came from outside runs no script and loads nothing here.
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    headers["X-Content-Type-Options"] = "nosniff"
    if not multipart:
        return Response(rendition.body, 200, {**headers, "Content-Type": rendition.media_type})
    writer = Writer()
    body = writer.part(rendition.media_type, length=len(rendition.body)) + rendition.body + writer.end()
    return Response(body, 200, {**headers, "Content-Type": writer.content_type(rendition.media_type)})


def parts_of(parts: Iterator[Part], desk: Desk, method: str, told: Mapping[str, str] = _NOTHING) -> Response:
    """multipart/related, made as it is taken. The first part is made at once: an error is still an answer then."""
    first = next(parts, None)
    if first is None:
        raise HTTPProblem(406, "nothing here can be rendered", hint="ask for an instance, or its thumbnail")
    writer = Writer()
    headers = {"Content-Type": writer.content_type(first[0].media_type), **told}
    if method == "HEAD":
        parts.close()  # type: ignore[attr-defined]
        return Response(status_code=200, headers=headers)

    async def body() -> Any:
        part: Part | None = first
        try:
            while part is not None:
                rendition, location = part
                yield writer.part(rendition.media_type, length=len(rendition.body), location=location)
                yield rendition.body
                part = await anyio.to_thread.run_sync(next, parts, None, limiter=desk.limiter)
            yield writer.end()
        finally:
            parts.close()  # type: ignore[attr-defined]

    return StreamingResponse(body(), 200, headers)


class _Film(FileResponse):
    """A film from a temporary file, which is gone when it has been sent; takes Range."""

    folder: tempfile.TemporaryDirectory[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Not handed to the server by its path (pathsend): it opens the file later, when it may be gone.
        offered = scope.get("extensions") or {}
        plain = {name: value for name, value in offered.items() if name != "http.response.pathsend"}
        try:
            await super().__call__({**scope, "extensions": plain}, receive, send)
        finally:
            self.folder.cleanup()


def film_of(rendering: Rendering, media_type: str, frames: tuple[int, ...] | None, desk: Desk) -> Response:
    folder = tempfile.TemporaryDirectory(prefix="kerma-film-")
    try:
        path = written_film(rendering, media_type, frames, folder.name, desk)
        answer = _Film(path, media_type=media_type, stat_result=os.stat(path))
    except BaseException:
        folder.cleanup()
        raise
    answer.folder = folder
    return answer


def written_film(
    rendering: Rendering,
    media_type: str,
    frames: tuple[int, ...] | None,
    folder: str,
    desk: Desk,
    *,
    waiting: bool = False,
) -> str:
    """A film in a file of a folder; its path. 503 where as many films as may be are being made, unless ``waiting``."""
    path = os.path.join(folder, "film.gif" if media_type == GIF else "film.mp4")
    if not desk.films.acquire(blocking=waiting):
        raise HTTPProblem(503, "other films are being made", hint="ask again later", headers={"Retry-After": "5"})
    try:
        if media_type == MP4 and frames is None and rendering.as_stored():
            attempt(rendering.stored_film, path)
        else:
            attempt(rendering.film, path, frames)
    finally:
        desk.films.release()
    return path
