"""Palette colour: tables of red, green and blue, whole or in segments (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.6.19,
C.7.9).

May touch data sets and numpy. Rules: tables of 16 bits that hold 8-bit numbers only are taken for what they hold, as
writers got that wrong from the start; segments are followed once and never in a circle, and never make more entries
than the descriptor says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import PixelError
from kerma.pixels.attributes import text
from kerma.pixels.tables import Table, descriptor_of, made, raw_bytes, table_data

Array = NDArray[Any]

COLOURS = ("Red", "Green", "Blue")
_MOST_SEGMENTS = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Three tables of the same indices. ``first`` is the lowest index that has a colour."""

    tables: tuple[Table, Table, Table]

    @property
    def first(self) -> int:
        return self.tables[0].first

    def apply(self, indices: Array) -> Array:
        """8-bit RGB, the colours last; indices outside have the colours of the ends."""
        return np.stack([eight_bits(table).apply(indices) for table in self.tables], axis=-1)

    def scaled(self) -> Array:
        """The palette over 256 even steps, as an array (256, 3) of 8 bits: a colour map."""
        size = len(self.tables[0].outputs)
        steps = np.rint(np.linspace(0, size - 1, 256)).astype("i8") + self.first
        return self.apply(steps)


def eight_bits(table: Table) -> Table:
    """The table with outputs of 8 bits."""
    if table.bits <= 8:
        outputs = table.outputs << (8 - table.bits) if table.bits < 8 else table.outputs
    else:
        outputs = table.outputs >> (table.bits - 8)
    return Table(table.first, outputs.astype("u1"), 8)


def has_palette(ds: Dataset) -> bool:
    """Whether there are palette tables."""
    return "RedPaletteColorLookupTableDescriptor" in ds


def palette_of(ds: Dataset, *, signed: bool = False) -> Palette:
    """The palette of an image or of a Color Palette object. ``PixelError`` names the table that is missing or wrong."""
    red, green, blue = (_table(ds, colour, signed) for colour in COLOURS)
    tables = (red, green, blue)
    if max(table.bits for table in tables) == 16 and all(table.outputs.max() < 256 for table in tables):
        tables = (_narrow(red), _narrow(green), _narrow(blue))
    return Palette(tables)


def _narrow(table: Table) -> Table:
    return Table(table.first, table.outputs, 8)


def supplemental(ds: Dataset, photometric: str) -> bool:
    """Whether the upper stored values of a grey image have colours (PS3.3 C.7.6.19)."""
    presentation = text(ds, "PixelPresentation").upper()
    return photometric == "MONOCHROME2" and presentation in {"COLOR", "MIXED"} and has_palette(ds)


def _table(ds: Dataset, colour: str, signed: bool) -> Table:
    entries, first, bits = descriptor_of(ds, f"{colour}PaletteColorLookupTableDescriptor", signed=signed)
    whole = f"{colour}PaletteColorLookupTableData"
    segmented = f"Segmented{whole}"
    if whole not in ds and segmented in ds:
        return made(first, _expanded(ds, segmented, entries, bits), bits)
    return made(first, table_data(ds, whole, entries), bits)


# -- segments ----------------------------------------------------------------------------------------------------------


def _expanded(ds: Dataset, keyword: str, entries: int, bits: int) -> Array:
    raw, little_endian = raw_bytes(ds, keyword)
    words = np.frombuffer(raw, "<u2" if little_endian else ">u2", len(raw) // 2)
    if bits <= 8 and len(words) and words.max() > 255:  # packed: opcode, length and values are bytes
        words = np.frombuffer(raw, "u1")
    out = _Expansion(words.astype("u2"), entries, wide=bits > 8)
    out.segments(0, None)
    if len(out.values) != entries:
        raise PixelError(f"{keyword} makes {len(out.values)} entries, its descriptor says {entries}")
    return np.array(out.values, "u2")


class _Expansion:
    """Follows segments and gathers the entries that they stand for."""

    def __init__(self, words: Array, entries: int, *, wide: bool) -> None:
        self.words = words
        self.entries = entries
        self.wide = wide
        self.values: list[int] = []
        self.steps = 0

    def segments(self, at: int, count: int | None, *, inside: bool = False) -> None:
        """``count`` segments from word ``at`` on; None is all."""
        while count is None or count > 0:
            if at >= len(self.words) - 1 and count is None:
                return
            opcode, length = self._take(at, 2)
            at += 2
            self.steps += 1
            if self.steps > _MOST_SEGMENTS:
                raise PixelError(f"a palette of more than {_MOST_SEGMENTS} segments")
            if opcode == 0:
                self._room(length)
                self.values += self._take(at, length)
                at += length
            elif opcode == 1:
                self._line(length, self._take(at, 1)[0])
                at += 1
            elif opcode == 2 and inside:
                raise PixelError("a palette segment leads to one that leads on")
            elif opcode == 2:
                offset = self._take(at, 2)
                self.segments(offset[0] | offset[1] << (16 if self.wide else 8), length, inside=True)
                at += 2
            else:
                raise PixelError(f"a palette segment has the opcode {opcode}", hint="0, 1 and 2 are known")
            count = None if count is None else count - 1

    def _take(self, at: int, count: int) -> list[int]:
        if at + count > len(self.words):
            raise PixelError("a palette segment goes beyond the end of its data")
        found: list[int] = self.words[at : at + count].tolist()
        return found

    def _room(self, count: int) -> None:
        if len(self.values) + count > self.entries:
            raise PixelError(f"palette segments make more than the {self.entries} entries of the descriptor")

    def _line(self, length: int, end: int) -> None:
        """Even steps from the last value to ``end``, which is the last of ``length`` entries."""
        if not self.values:
            raise PixelError("a palette begins with a line that has no start")
        self._room(length)
        start = self.values[-1]
        steps = np.arange(1, length + 1)
        self.values += np.rint(start + (end - start) * steps / max(length, 1)).astype("i8").tolist()
