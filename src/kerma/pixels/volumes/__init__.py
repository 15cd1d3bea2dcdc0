"""Volumes: series as 3-D and 4-D arrays with their place in the patient, and what is made of them.

``volume`` and ``volumes`` build them from data sets; ``to_nifti``, ``to_seg`` and ``from_seg``, ``suv``, ``dose`` and
``Slide`` are beside them. The names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kerma.errors import KermaError

if TYPE_CHECKING:
    from kerma.pixels.volumes.building import geometry, volume, volumes
    from kerma.pixels.volumes.grid import Volume
    from kerma.pixels.volumes.nifti import to_nifti, to_npy
    from kerma.pixels.volumes.rt_dose import dose
    from kerma.pixels.volumes.segmenting import to_seg
    from kerma.pixels.volumes.segments import Masks, Segment, from_seg
    from kerma.pixels.volumes.slides import Level, Slide
    from kerma.pixels.volumes.uptake import suv, suv_factor

__all__ = [
    "Level",
    "Masks",
    "Segment",
    "Slide",
    "Volume",
    "dose",
    "from_seg",
    "geometry",
    "suv",
    "suv_factor",
    "to_nifti",
    "to_npy",
    "to_seg",
    "volume",
    "volumes",
]

_HOME = {
    "Level": "slides",
    "Masks": "segments",
    "Segment": "segments",
    "Slide": "slides",
    "Volume": "grid",
    "dose": "rt_dose",
    "from_seg": "segments",
    "geometry": "building",
    "suv": "uptake",
    "suv_factor": "uptake",
    "to_nifti": "nifti",
    "to_npy": "nifti",
    "to_seg": "segmenting",
    "volume": "building",
    "volumes": "building",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kerma.pixels.volumes' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"kerma.pixels.volumes.{_HOME[name]}"), name)
    except ImportError as error:
        if error.name != "numpy":
            raise
        raise KermaError("volumes need numpy, which is not installed", hint="pip install 'kerma[pixels]'") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
