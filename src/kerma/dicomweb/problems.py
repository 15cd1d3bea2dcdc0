"""What is wrong with a request, as HTTP says it: problem details (RFC 9457) and the status of each of our errors.

PS3.18 8.5 (status codes), 8.6 (payloads). Rules:

- A problem is JSON, whatever was asked for; it names what, where and what to do, and no patient's data.
- Code that understands a request raises ``HTTPProblem``; every other error of ours has one status, in ``_STATUS``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from kerma import errors

MEDIA_TYPE = "application/problem+json"


class HTTPProblem(errors.KermaError):
    """A request that gets an answer other than success; ``status`` is the code, ``headers`` go with it."""

    def __init__(
        self, status: int, message: str, *, hint: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that tells a problem."""

    status: int
    title: str
    detail: str
    headers: dict[str, str]

    def body(self) -> bytes:
        members = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        return json.dumps(members, ensure_ascii=False).encode("utf-8")


_STATUS: tuple[tuple[type[errors.KermaError], int], ...] = (
    (errors.AccessError, 403),
    (errors.NotFoundError, 404),
    (errors.InvalidInstanceError, 409),
    (errors.OutOfResourcesError, 507),
    (errors.LimitError, 413),
    (errors.UnsupportedSyntaxError, 406),
    (errors.UsageError, 400),
    (errors.PixelError, 422),
    (errors.FormatError, 422),
    (errors.StatusError, 400),
)
"""The first row that fits; what is in none of them is ours to answer for: 500."""


def problem_of(error: BaseException) -> Problem:
    """The problem that tells an error. A foreign error says nothing of itself: its text may hold data."""
    if isinstance(error, HTTPProblem):
        return Problem(error.status, _title(error.status), _detail(error), dict(error.headers))
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return Problem(status, _title(status), _detail(error), {})
    if isinstance(error, errors.KermaError):
        return Problem(500, _title(500), _detail(error), {})
    return Problem(500, _title(500), "an error of the server; its log has more", {})


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _detail(error: errors.KermaError) -> str:
    return str(error)
