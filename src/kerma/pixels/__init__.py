"""Pixels: frames by offset, codecs, arrays (PS3.5 8, A.4; PS3.3 C.7.6.3). The only room that knows numpy.

``array``, ``frame`` and ``frames`` give numpy arrays; ``index`` says where the frames lie, without numpy. The names are
loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kerma.errors import KermaError

if TYPE_CHECKING:
    from kerma.pixels import volumes
    from kerma.pixels.codecs.video import video
    from kerma.pixels.decoding import array, frame, frames, same_samples
    from kerma.pixels.encapsulation import encapsulate
    from kerma.pixels.frame_index import index
    from kerma.pixels.luts import modality_values
    from kerma.pixels.pictures import save_film, save_picture
    from kerma.pixels.real_world import real_world_values
    from kerma.pixels.rendering import Renderer, render
    from kerma.pixels.sheets import contact_sheet
    from kerma.pixels.transcoding import transcode, transcoded_chunks, transcoded_frame

__all__ = [
    "Renderer",
    "array",
    "contact_sheet",
    "encapsulate",
    "frame",
    "frames",
    "index",
    "modality_values",
    "real_world_values",
    "render",
    "same_samples",
    "save_film",
    "save_picture",
    "transcode",
    "transcoded_chunks",
    "transcoded_frame",
    "video",
    "volumes",
]

_HOME = {
    "Renderer": "rendering",
    "array": "decoding",
    "contact_sheet": "sheets",
    "encapsulate": "encapsulation",
    "frame": "decoding",
    "frames": "decoding",
    "index": "frame_index",
    "modality_values": "luts",
    "real_world_values": "real_world",
    "render": "rendering",
    "same_samples": "decoding",
    "save_film": "pictures",
    "save_picture": "pictures",
    "transcode": "transcoding",
    "transcoded_chunks": "transcoding",
    "transcoded_frame": "transcoding",
    "video": "codecs.video",
}


def __getattr__(name: str) -> Any:
    if name == "volumes":
        return importlib.import_module("kerma.pixels.volumes")
    if name not in _HOME:
        raise AttributeError(f"module 'kerma.pixels' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"kerma.pixels.{_HOME[name]}"), name)
    except ImportError as error:
        if error.name != "numpy":
            raise
        raise KermaError("arrays need numpy, which is not installed", hint="pip install 'kerma[pixels]'") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
