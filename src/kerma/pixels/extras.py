"""Packages that are there only when somebody wants pictures, loaded when they are used; a missing one says what to
install.
"""

from __future__ import annotations

import importlib
from typing import Any

from kerma.errors import KermaError


def pillow(module: str) -> Any:
    """A module of Pillow: ``Image``, ``ImageDraw``, ``ImageCms``, ..."""
    return _loaded(f"PIL.{module}", "pictures need Pillow", "kerma[pixels]")


def av() -> Any:
    """PyAV, for films."""
    return _loaded("av", "films need PyAV", "kerma[video]")


def _loaded(name: str, what: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise KermaError(f"{what}, which is not installed", hint=f"pip install '{extra}'") from None
