"""Encapsulated pixel data to be written: an offset table and fragments (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Self

from kerma.encoding.source import Buffer


class Fragments(tuple[Buffer, ...]):
    """The value to assign to PixelData in an encapsulated syntax: first the basic offset table (may be empty), then
    the fragments.

    Fragments of odd length are padded with a null byte when they are written.
    """

    __slots__ = ()

    def __new__(cls, fragments: Iterable[Buffer], offset_table: Buffer = b"") -> Fragments:
        return super().__new__(cls, (offset_table, *fragments))

    @classmethod
    def of_frames(cls, frames: Sequence[Buffer]) -> Self:
        """A fragment for each frame, and the basic offset table that finds them; it stays empty where an offset
        would not fit its 32 bits.
        """
        offsets: list[int] = []
        total = 0
        for frame in frames:
            offsets.append(total)
            total += 8 + len(frame) + (len(frame) & 1)
        table = struct.pack(f"<{len(offsets)}I", *offsets) if not offsets or offsets[-1] <= 0xFFFFFFFF else b""
        return cls(frames, table)
