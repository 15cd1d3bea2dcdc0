"""What every handler is given: the archive, and how the application was told to behave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
from starlette.requests import HTTPConnection

from kerma.archive import Archive
from kerma.archive.access.users import SESSION
from kerma.archive.permissions import EVERYTHING, Principal
from kerma.web.access.gate import Gate
from kerma.web.access_log import Request
from kerma.web.audit import Deed
from kerma.web.cors import LOOPBACK
from kerma.web.images import Images
from kerma.web.limits import RequestLimits
from kerma.web.metrics import Metrics
from kerma.web.readiness import Readiness

_READERS = 2
"""Of a frame's cost in a thread a third is that threads take turns: measured with 32 requests at once, 1 thread takes
0.68 ms of processor time for each, 4 take 0.85 and 40 more than 1. Two are never both stopped by one slow disk."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the application behaves; ``root`` is where DICOMweb starts."""

    root: str = "/dicomweb"
    origins: tuple[str, ...] = (LOOPBACK,)
    """Origins that a browser may call from: ``https://viewer.example.org``, ``*`` for all, ``loopback`` for those of
    this machine."""
    limits: RequestLimits = field(default_factory=RequestLimits)
    session: int = SESSION
    """Seconds that a login lasts."""


def _nothing(*ignored: object) -> None:
    """Whoever embeds the application need not listen."""


@dataclass(slots=True)
class Context:
    """The archive behind the application, and who is told of what happens."""

    archive: Archive
    config: WebConfig = field(default_factory=WebConfig)
    metrics: Metrics = field(default_factory=Metrics)
    on_request: Callable[[Request], None] = _nothing
    """Told of each request when it is over."""
    on_error: Callable[[str, BaseException], None] = _nothing
    """Told of errors that no request explains."""
    on_deed: Callable[[Deed], None] = _nothing
    """Told of what an audit trail has to hold."""
    gate: Gate | None = None
    """Who may pass; None lets everyone do everything, for whoever embeds the application behind a gate of their own."""
    images: Images = field(default_factory=Images)
    """The images that were asked for last."""
    readers: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_READERS))
    """Threads for short reads, of a frame or of a value."""
    readiness: Readiness = field(init=False)

    def __post_init__(self) -> None:
        self.readiness = Readiness(self.archive)


def context_of(request: HTTPConnection) -> Context:
    """The context of the application that a request came to."""
    context: Context = request.app.state.context
    return context


def principal_of(request: HTTPConnection) -> Principal:
    """Who asks. Set by the access layer; an application without one lets everyone do everything."""
    principal: Principal | None = request.scope.get("kerma.principal")
    return EVERYTHING if principal is None else principal
