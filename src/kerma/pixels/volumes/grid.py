"""A volume: its array, where it lies in the patient, and what was noticed.

May touch numpy. Rules: ``array`` is [slice, row, column], with the fourth axis in front and colour behind where there
are such. An affine takes (column, row, slice) indices, in this order, with 1 behind, to millimetres; LPS and RAS are
always named. What is resampled is a new volume; the affine of a tilted series is sheared, and right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.findings import Finding
from kerma.pixels.volumes.slices import Slice

Array = NDArray[Any]

_LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """``array[slice, row, column]``, or ``array[time, slice, row, column]``; colour behind.

    ``affine_lps`` leads from (column, row, slice, 1) to millimetres in DICOM's axes. ``axis`` says what the fourth
    axis is ("" in 3-D), ``coordinates`` its values. ``slope`` and ``intercept`` are what is still to be applied to the
    values; ``unit`` is that of the values after it. ``positions`` are those of the slices along the normal.
    ``datasets`` and ``slices[time][slice]`` tell where each slice came from; a resampled volume has no slices.
    """

    array: Array
    affine_lps: Array
    axis: str = ""
    coordinates: tuple[float, ...] = ()
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    positions: tuple[float, ...] = ()
    tilted: bool = False
    even: bool = True
    colour: bool = False
    findings: list[Finding] = field(default_factory=list)
    datasets: tuple[Dataset, ...] = ()
    slices: tuple[tuple[Slice, ...], ...] = ()

    @property
    def affine_ras(self) -> Array:
        """The affine in the axes of NIfTI: x to the right, y to the front, z to the head."""
        return np.asarray(_LPS_TO_RAS @ self.affine_lps)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        sizes = self.array.shape[1:4] if self.axis else self.array.shape[:3]
        return int(sizes[0]), int(sizes[1]), int(sizes[2])

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from slice to slice, row to row, column to column."""
        lengths = np.sqrt((self.affine_lps[:3, :3] ** 2).sum(axis=0))
        return float(lengths[2]), float(lengths[1]), float(lengths[0])

    def at(self, millimetres_lps: tuple[float, float, float]) -> tuple[float, float, float]:
        """Where a point of the patient lies: (slice, row, column), with fractions."""
        index = np.linalg.solve(self.affine_lps, (*millimetres_lps, 1.0))
        return float(index[2]), float(index[1]), float(index[0])

    def values(self) -> Array:
        """The array with slope and intercept applied, as floating point numbers where there is something to apply."""
        if self.slope == 1 and self.intercept == 0:
            return self.array
        return np.asarray(self.array * np.float32(self.slope) + np.float32(self.intercept))

    def straight(self, fill: float | None = None) -> Volume:
        """Without the shear of a tilted gantry: each slice is moved within its plane, linearly interpolated.

        The image grows by what the slices are shifted; ``fill`` stands where nothing was seen (default: the smallest
        value). The volume itself where it is not tilted.
        """
        if not self.tilted:
            return self
        if self.colour:
            raise UsageError("only volumes of one sample a pixel are resampled")
        normal = np.cross(self.affine_lps[:3, 0], self.affine_lps[:3, 1])
        normal /= np.linalg.norm(normal)
        step = self.affine_lps[:3, 2]
        upright = normal * float(step @ normal)
        # A shift in pixels for each slice: along columns, along rows.
        unit = np.linalg.solve(self.affine_lps[:3, :3] @ np.diag((1, 1, 0)) + np.outer(normal, (0, 0, 1)), step)[:2]
        count, rows, columns = self.shape
        shifts = np.arange(count)[:, None] * unit[None, :]
        low, high = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
        grown = (rows + int(high[1] - low[1]), columns + int(high[0] - low[0]))
        lead = self.array.shape[:1] if self.axis else ()
        ground = float(self.array.min()) if fill is None else fill
        if self.array.dtype.kind in "iu":
            bounds = np.iinfo(self.array.dtype)
            if not bounds.min <= ground <= bounds.max:
                raise UsageError(f"{ground:g} is no value of {self.array.dtype}, which the volume has")
        out = np.full((*lead, count, *grown), ground, self.array.dtype)
        for number in range(count):
            right, down = shifts[number] - low
            moved = _moved(self.array[..., number, :, :], float(down), float(right), grown, ground)
            out[..., number, :, :] = _as(moved, out.dtype)
        affine = self.affine_lps.copy()
        affine[:3, 2] = upright
        affine[:3, 3] += affine[:3, 0] * low[0] + affine[:3, 1] * low[1]
        return replace(self, array=out, affine_lps=affine, tilted=False, slices=())

    def evened(self, spacing: float | None = None) -> Volume:
        """Resampled to slices of one spacing (default: the usual one), linearly between neighbours.

        Gaps are bridged. The volume itself where it is even and no other spacing is asked for.
        """
        count = self.shape[0]
        if count < 2 or (self.even and spacing is None):
            return self
        if self.colour:
            raise UsageError("only volumes of one sample a pixel are resampled")
        have = np.abs(np.array(self.positions) - self.positions[0])
        wanted = float(np.median(np.diff(have))) if spacing is None else float(spacing)
        if not wanted > 0:
            raise UsageError(f"slices cannot be {wanted:g} mm apart")
        places = np.arange(round(have[-1] / wanted) + 1) * wanted
        if len(places) > 100 * count:
            raise UsageError(f"a spacing of {wanted:g} mm makes {len(places)} slices of {count}")
        places = places[places <= have[-1] + wanted / 2]
        lead = self.array.shape[:1] if self.axis else ()
        out = np.empty((*lead, len(places), *self.shape[1:]), self.array.dtype)
        for number, place in enumerate(places):
            upper = min(max(int(np.searchsorted(have, place)), 1), count - 1)
            share = float(np.clip((place - have[upper - 1]) / (have[upper] - have[upper - 1]), 0, 1))
            below, above = self.array[..., upper - 1, :, :], self.array[..., upper, :, :]
            mixed = below if share == 0 else above if share == 1 else below * (1 - share) + above * share
            out[..., number, :, :] = _as(np.asarray(mixed), out.dtype)
        affine = self.affine_lps.copy()
        affine[:3, 2] *= wanted * (count - 1) / have[-1]
        at = tuple(self.positions[0] + places * np.sign(self.positions[-1] - self.positions[0]))
        return replace(self, array=out, affine_lps=affine, even=True, positions=at, slices=())


def _moved(plane: Array, down: float, right: float, grown: tuple[int, int], ground: float) -> Array:
    """A plane, or several, moved by fractions of pixels into larger ones."""
    whole_down, whole_right = int(np.floor(down)), int(np.floor(right))
    part_down, part_right = down - whole_down, right - whole_right
    rows, columns = plane.shape[-2:]
    out = np.zeros((*plane.shape[:-2], *grown), "f8")
    weight = np.zeros(grown, "f8")
    for row, row_share in ((whole_down, 1 - part_down), (whole_down + 1, part_down)):
        for column, column_share in ((whole_right, 1 - part_right), (whole_right + 1, part_right)):
            share = row_share * column_share
            if share > 1e-12:
                tall, wide = min(rows, grown[0] - row), min(columns, grown[1] - column)
                out[..., row : row + tall, column : column + wide] += plane[..., :tall, :wide] * share
                weight[row : row + tall, column : column + wide] += share
    return np.asarray(out + (1 - weight) * ground)


def _as(values: Array, dtype: np.dtype[Any]) -> Array:
    """Values of another type, rounded where it has no fractions."""
    return values if values.dtype == dtype or dtype.kind == "f" else np.rint(values).astype(dtype)
