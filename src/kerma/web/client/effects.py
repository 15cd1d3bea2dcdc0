"""What the operations of the DICOMweb client ask of their driver: effects, as small frozen values.

An operation is a generator. It yields an effect, the driver does it and sends the result in; errors, which are ours,
are thrown in at the yield. So one flow serves the blocking and the asyncio client and is tested without either. Rules:

- ``Ask`` sends a request and gives its ``Reply``; the one before it is let go. ``Read`` gives the next bytes of the
  body, at last b"".
- What may block - files, decoding of much - is ``Do``; a driver may do it in a thread.
- ``Emit`` hands a result to whoever consumes the flow; a flow that is closed there ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Content:
    """A body to send: ``make`` gives its pieces, anew each time; ``length`` in bytes where it is known before."""

    make: Callable[[], Iterator[bytes]]
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. ``path`` is below the root of the service, or an absolute URL."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Content | None = None

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again though nobody knows what became of it (RFC 9110 9.2.2)."""
        return self.method in ("GET", "HEAD", "OPTIONS", "DELETE")


@dataclass(frozen=True, slots=True)
class Reply:
    """The start of an answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    url: str

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Read:
    """The next bytes of the body."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Do:
    """Work that may block."""

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """A result."""

    value: Any


Effect = Ask | Read | Pause | Do | Emit
Flow = Generator[Effect, Any, R]


def gathered(flow: Flow[Any]) -> Flow[list[Any]]:
    """What another flow emits, for a flow that wants to look at it itself."""
    found: list[Any] = []
    result: Any = None
    error: Exception | None = None
    while True:
        try:
            effect = flow.send(result) if error is None else flow.throw(error)
        except StopIteration:
            return found
        result = error = None
        if isinstance(effect, Emit):
            found.append(effect.value)
            continue
        try:
            result = yield effect
        except Exception as failure:  # noqa: BLE001 - it is the other flow's to handle
            error = failure
