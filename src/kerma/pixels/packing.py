"""Samples back to the bytes of native pixel data (PS3.5 8.1.1): the other way of ``native``."""

from __future__ import annotations

import numpy as np

from kerma.encoding.source import Buffer
from kerma.pixels.layout import Layout
from kerma.pixels.native import Array, dtype_of


class Packer:
    """Turns frames into little endian bytes, one after the other. Single bits go on where the last frame ended."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._dtype = dtype_of(layout).newbyteorder("<")
        self._left = np.zeros(0, "u1")

    def pack(self, samples: Array) -> Buffer:
        """The whole bytes that one more frame completes."""
        if self._layout.bits_allocated != 1:
            return memoryview(np.ascontiguousarray(samples, self._dtype).data).cast("B")
        bits = np.concatenate([self._left, samples.reshape(-1).astype("u1", copy=False)])
        whole = len(bits) // 8 * 8
        self._left = bits[whole:]
        return np.packbits(bits[:whole], bitorder="little").tobytes()

    def rest(self) -> bytes:
        """The last byte, where it is not full."""
        return np.packbits(self._left, bitorder="little").tobytes()
