"""From the YBR colour spaces to RGB (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FULL = np.array([[1.0, 1.0, 1.0], [0.0, -0.344136286, 1.772], [1.402, -0.714136286, 0.0]], "f4")
_ROWS = 1 << 18  # pixels at a time: the floats between are three times as large as the image


def ybr_full_to_rgb(samples: Array, bits: int) -> Array:
    """YBR_FULL (full range) to RGB, of unsigned samples of ``bits`` bits with the colour last."""
    return _by_parts(samples, bits, _FULL, (0.0, 1 << (bits - 1), 1 << (bits - 1)))


def ybr_partial_to_rgb(samples: Array, bits: int) -> Array:
    """YBR_PARTIAL (luma 16 to 235, chroma 16 to 240 of 256) to RGB."""
    scale = 1 << (bits - 8) if bits > 8 else 1
    matrix = _FULL * np.array([[255 / 219], [255 / 224], [255 / 224]], "f4")
    return _by_parts(samples, bits, matrix, (16.0 * scale, 128.0 * scale, 128.0 * scale))


def _by_parts(samples: Array, bits: int, matrix: Array, zero: tuple[float, float, float]) -> Array:
    flat = samples.reshape(-1, 3)
    out = np.empty(flat.shape, samples.dtype)
    origin, top = np.array(zero, "f4"), float((1 << bits) - 1)
    for start in range(0, len(flat), _ROWS):
        part = (flat[start : start + _ROWS].astype("f4") - origin) @ matrix
        np.clip(np.rint(part, out=part), 0, top, out=part)
        out[start : start + _ROWS] = part
    return out.reshape(samples.shape)
