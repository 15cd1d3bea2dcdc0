"""Volumes: series as 3-D and 4-D arrays with their place in the patient, and what is made of them.

``volume`` and ``volumes`` build them from data sets; ``to_nifti``, ``to_seg`` and ``from_seg``, ``suv``, ``dose`` and
``Slide`` are beside them. The names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerma.pixels.volumes.building import volume, volumes
    from kerma.pixels.volumes.nifti import save_nifti, to_nifti
    from kerma.pixels.volumes.volume import Volume

__all__ = ["Volume", "save_nifti", "to_nifti", "volume", "volumes"]

_HOME = {
    "Volume": "volume",
    "save_nifti": "nifti",
    "to_nifti": "nifti",
    "volume": "building",
    "volumes": "building",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kerma.pixels.volumes' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"kerma.pixels.volumes.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
