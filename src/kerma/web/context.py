"""What every handler is given: the archive, and how the application was told to behave."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from kerma.archive import Archive
from kerma.archive.permissions import EVERYTHING, Principal


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the application behaves; ``root`` is where DICOMweb starts."""

    root: str = "/dicomweb"
    origins: tuple[str, ...] = ("*",)
    """Origins that a browser may call from."""


@dataclass(slots=True)
class Context:
    """The archive behind the application."""

    archive: Archive
    config: WebConfig = field(default_factory=WebConfig)


def context_of(request: HTTPConnection) -> Context:
    """The context of the application that a request came to."""
    context: Context = request.app.state.context
    return context


def principal_of(request: HTTPConnection) -> Principal:
    """Who asks. Set by the access layer; an application without one lets everyone do everything."""
    principal: Principal | None = request.scope.get("kerma.principal")
    return EVERYTHING if principal is None else principal
