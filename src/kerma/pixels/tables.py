"""Look-up tables as the standard writes them: a descriptor of three numbers and data (PS3.3 C.11.1.1, C.7.6.3.1.5).

May touch data sets and numpy. Rules: 0 entries are 65,536; the first mapped value is signed where the values looked up
are; data may be of 8 bits in 16-bit words or packed. A table with fewer data than entries ends where its data ends; one
whose data need more bits than it says has those bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.errors import KermaError, PixelError
from kerma.pixels.attributes import numbers
from kerma.pixels.places import place_of
from kerma.standard import elements

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """``outputs[value - first]``, the ends going on outside; outputs are unsigned numbers of ``bits`` bits."""

    first: int
    outputs: Array
    bits: int

    @property
    def top(self) -> int:
        """The largest output that the bits allow."""
        return (1 << self.bits) - 1

    def apply(self, values: Array) -> Array:
        """The outputs for values of any number type; fractions are rounded."""
        whole = np.rint(values) if values.dtype.kind == "f" else values.astype("i8", copy=False)
        last = self.first + len(self.outputs) - 1
        found: Array = self.outputs[(np.clip(whole, self.first, last) - self.first).astype("i8")]
        return found


def descriptor_of(ds: Dataset, keyword: str, *, signed: bool) -> tuple[int, int, int]:
    """(entries, first mapped value, bits) with the sign set right; ``PixelError`` where it is no descriptor."""
    found = numbers(ds, keyword)
    if len(found) != 3:
        raise PixelError(f"{keyword} has {len(found)} values, not 3", path=(elements.KEYWORD_TO_TAG[keyword],))
    entries, first, bits = (int(each) for each in found)
    first &= 0xFFFF  # US and SS are told apart by the values looked up, whatever was written
    if signed and first >= 0x8000:
        first -= 0x10000
    return (entries & 0xFFFF) or 0x10000, first, bits


def table_of(ds: Dataset, *, signed: bool) -> Table:
    """The table of an item of a Modality, VOI or Presentation LUT Sequence. ``PixelError`` where it has no data."""
    entries, first, bits = descriptor_of(ds, "LUTDescriptor", signed=signed)
    return made(first, table_data(ds, "LUTData", entries), bits)


def made(first: int, outputs: Array, bits: int) -> Table:
    """A table whose bits are enough for its data."""
    needed = int(outputs.max()).bit_length()
    return Table(first, outputs, max(bits if 1 <= bits <= 16 else 16, needed))


def table_data(ds: Dataset, keyword: str, entries: int) -> Array:
    """The data of a table as unsigned numbers: one word an entry, or one byte where there are only so many."""
    raw, little_endian = raw_bytes(ds, keyword)
    if len(raw) >= 2 * entries or len(raw) not in (entries, entries + 1):
        words: Array = np.frombuffer(raw, "<u2" if little_endian else ">u2", len(raw) // 2).astype("u2")
    else:
        octets = np.frombuffer(raw, "u1")
        if not little_endian and not len(octets) % 2:
            octets = octets.reshape(-1, 2)[:, ::-1].reshape(-1)  # packed in words, the words turned (PS3.5 7.3)
        words = octets.astype("u2")
    if not len(words):
        raise PixelError(f"{keyword} is empty", path=(elements.KEYWORD_TO_TAG[keyword],))
    return words[:entries]


def raw_bytes(ds: Dataset, key: str | int) -> tuple[bytes, bool]:
    """The bytes of a value and whether their words are little endian. ``PixelError`` where they are not there."""
    tag = elements.KEYWORD_TO_TAG[key] if isinstance(key, str) else key
    if tag not in ds:
        raise PixelError(f"there is no {elements.keyword_of(tag) or 'value'}", path=(tag,))
    try:
        place = place_of(ds, tag)
        if not isinstance(place, Fragments):
            return bytes(place.range(place.start, place.size)), place.little_endian
    except (KermaError, TypeError) as error:
        # A value that was assigned as numbers has no place yet.
        if isinstance(error, KermaError) and not isinstance(error, PixelError):
            raise PixelError(f"{elements.keyword_of(tag)} cannot be read: {error.message}", path=(tag,)) from None
    return _assigned(ds, tag), True


def _assigned(ds: Dataset, tag: int) -> bytes:
    value = ds.get(tag)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    values = value if isinstance(value, tuple) else (value,)
    try:
        return np.array([int(each) & 0xFFFF for each in values], "<u2").tobytes()
    except (TypeError, ValueError):
        raise PixelError(f"{elements.keyword_of(tag)} holds no numbers", path=(tag,)) from None
