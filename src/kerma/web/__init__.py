"""The archive over HTTP: the ASGI application, its server, the DICOMweb client (PS3.18).

Translates requests to one call of the core and back; knows no SQL and no path of a blob. What can be decided without a
socket is decided in ``kerma.dicomweb``. ``Client`` and ``AsyncClient`` are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerma.web.client.aclient import AsyncClient
    from kerma.web.client.client import Client

__all__ = ["AsyncClient", "Client"]

_HOME = {"AsyncClient": "kerma.web.client.aclient", "Client": "kerma.web.client.client"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kerma.web' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
