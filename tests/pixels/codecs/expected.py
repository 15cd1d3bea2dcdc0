"""The samples that every codec has to give back, in one place, and how they are said to lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.pixels.layout import PIXEL_DATA, Layout
from kerma.pixels.native import dtype_of

Array = NDArray[Any]
ROOT = "1.2.840.10008.1.2."


@dataclass(frozen=True)
class Case:
    """One kind of image."""

    allocated: int
    stored: int
    signed: bool = False
    photometric: str = "MONOCHROME2"

    @property
    def colour(self) -> bool:
        return self.photometric in {"RGB", "YBR_FULL"}

    @property
    def name(self) -> str:
        return f"{self.photometric.split()[0]}-{'i' if self.signed else 'u'}{self.stored}in{self.allocated}"

    def layout(self, rows: int, columns: int) -> Layout:
        """The native layout."""
        return Layout(
            tag=PIXEL_DATA,
            rows=rows,
            columns=columns,
            samples=3 if self.colour else 1,
            frames=1,
            bits_allocated=self.allocated,
            bits_stored=self.stored,
            high_bit=self.stored - 1,
            signed=self.signed,
            planar=False,
            photometric=self.photometric,
            transfer_syntax_uid=f"{ROOT}1",
        )

    def extent(self) -> tuple[int, int]:
        half = 1 << (self.stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    def noise(self, rows: int, columns: int) -> Array:
        """Samples of all sizes, the least and the greatest among them."""
        layout = self.layout(rows, columns)
        low, high = self.extent()
        shape = (rows, columns, 3) if self.colour else (rows, columns)
        kind: Any = "i8" if self.signed else "u8"
        found = np.random.default_rng(rows * 1000 + columns).integers(low, high, shape, dtype=kind, endpoint=True)
        found.reshape(-1)[:1] = low
        found.reshape(-1)[-1:] = high
        return found.astype(dtype_of(layout))

    def smooth(self, rows: int, columns: int) -> Array:
        """A picture as a scanner makes it: soft, with a little noise, from the least to the greatest sample."""
        low, high = self.extent()
        down, right = np.mgrid[0:rows, 0:columns]
        soft = (np.sin(down / 9) + np.cos(right / 11) + 2) / 4
        planes = np.stack([soft, 1 - soft, soft * soft], -1) if self.colour else soft
        noise = np.random.default_rng(5).normal(0, 1 / 400, planes.shape)
        found = np.rint(low + (high - low) * np.clip(planes + noise, 0, 1))
        return np.clip(found, low, high).astype(dtype_of(self.layout(rows, columns)))


CASES = [
    Case(1, 1),
    Case(8, 1),
    Case(8, 8),
    Case(8, 8, True),
    Case(8, 7, True),
    Case(8, 8, photometric="RGB"),
    Case(8, 8, photometric="YBR_FULL"),
    Case(8, 8, photometric="PALETTE COLOR"),
    Case(8, 8, photometric="MONOCHROME1"),
    Case(16, 10),
    Case(16, 12),
    Case(16, 12, True),
    Case(16, 12, photometric="RGB"),
    Case(16, 16),
    Case(16, 16, True),
    Case(16, 16, photometric="RGB"),
    Case(16, 16, photometric="PALETTE COLOR"),
    Case(32, 20),
    Case(32, 24, True),
    Case(32, 32),
    Case(32, 32, True),
    Case(32, 32, photometric="RGB"),
    Case(64, 64),
]
SHAPES = [(1, 1), (33, 47), (300, 7)]
