"""Asking, and asking again: retries, statuses, bodies; what every operation of the client is made of.

Rules (RFC 9110 9.2.2, 10.2.3, 15.6.4; RFC 6585 4):

- GET and DELETE are repeated when the connection fails or the server is busy; a POST only where the server has said
  that it did not take it (429, 503), or was never reached.
- The wait doubles, with some chance in it; ``Retry-After`` is kept to, up to ``longest_wait``.
- A body that is read whole is bounded; an error tells the server's own words, cut.
"""

from __future__ import annotations

import email.utils
import json
import random
import time
from collections.abc import Container
from dataclasses import dataclass

from kerma.dicomweb.accept import MULTIPART_RELATED, MediaType
from kerma.dicomweb.accept import parse as parse_media
from kerma.dicomweb.multipart import MultipartLimits, Parser, boundary_of
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import AnswerError, ConnectError, LimitError, NetworkError
from kerma.web.client.effects import Ask, Flow, Pause, Read, Reply

_BUSY = frozenset({429, 502, 503, 504})
_NOT_TAKEN = frozenset({429, 503})
_TOLD = 8_192
_WORDS = 400

LIMITS = MultipartLimits(max_parts=1 << 30, max_total=1 << 50, max_epilogue=1 << 20)
"""Of answers: who asks for a study of 100,000 instances wants them all."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to ask. Times in seconds, sizes in bytes."""

    retries: int = 3
    first_wait: float = 0.5
    longest_wait: float = 60.0
    max_body: int = 2 << 30
    """Of a body that is held in memory whole."""


def ask(request: Ask, manner: Manner, expected: Container[int] = (200,)) -> Flow[Reply]:
    """The start of the answer, its status one of ``expected``; ``NetworkError`` and its kinds."""
    attempt = 0
    while True:
        try:
            reply: Reply = yield request
        except NetworkError as error:
            again = request.repeatable or isinstance(error, ConnectError)
            if not again or attempt >= manner.retries:
                raise
            wait = _wait(attempt, manner)
        else:
            busy = reply.status in (_BUSY if request.repeatable else _NOT_TAKEN)
            if not busy or reply.status in expected or attempt >= manner.retries:
                break
            wait = _asked_wait(reply.headers.get("retry-after", ""), manner) or _wait(attempt, manner)
        attempt += 1
        yield Pause(wait)
    if reply.status not in expected:
        raise (yield from _refusal(reply))
    return reply


def _wait(attempt: int, manner: Manner) -> float:
    wait = min(manner.first_wait * 2.0**attempt, manner.longest_wait)
    return wait * (0.75 + random.random() / 2)  # noqa: S311 - so that many clients do not come back together


def _asked_wait(text: str, manner: Manner) -> float:
    """Seconds of a Retry-After, 0 where it says nothing."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), manner.longest_wait)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    return min(max(when.timestamp() - time.time(), 0.0), manner.longest_wait)


def _refusal(reply: Reply) -> Flow[AnswerError]:
    """The error that a refusal is."""
    body = b""
    while len(body) < _TOLD:
        try:
            data: bytes = yield Read()
        except NetworkError:
            break
        if not data:
            break
        body += data
    return refusal_of(reply, body)


def refusal_of(reply: Reply, body: bytes) -> AnswerError:
    """The error that an answer with this body is."""
    return AnswerError(
        f"the server answered {reply.status}{_words(body[:_TOLD], reply.content_type)}", status=reply.status
    )


def _words(body: bytes, content_type: str) -> str:
    """What the server says of it: the detail of a problem (RFC 9457), or a short plain text."""
    text = ""
    if "json" in content_type:
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        if isinstance(told, dict):
            words = told.get("detail") or told.get("Details") or told.get("Message") or told.get("title") or ""
            text = words if isinstance(words, str) else ""
    elif content_type.startswith("text/plain"):
        text = body.decode("utf-8", "replace")
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f": {text[:_WORDS]}" if text else ""


def read_all(manner: Manner) -> Flow[bytes]:
    """The rest of the body."""
    pieces: list[bytes] = []
    size = 0
    while data := (yield Read()):
        size += len(data)
        if size > manner.max_body:
            raise LimitError(f"the answer is longer than {manner.max_body} bytes", hint="write it to a file")
        pieces.append(data)
    return b"".join(pieces)


def media_of(reply: Reply) -> MediaType:
    """The media type of an answer; ``AnswerError`` where it has none."""
    try:
        return parse_media(reply.content_type)
    except HTTPProblem as error:
        raise AnswerError(f"the answer has no usable Content-Type: {error.message}", status=reply.status) from error


def parser_of(media: MediaType) -> Parser | None:
    """The parser of a multipart answer, None for a single part."""
    if media.type != MULTIPART_RELATED:
        return None
    try:
        return Parser(boundary_of(media), LIMITS)
    except HTTPProblem as error:
        raise AnswerError(f"the answer is no multipart: {error.message}") from error
