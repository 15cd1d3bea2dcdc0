"""Writing encapsulated pixel data: fragments, and the tables that find the frames (PS3.5 A.4, PS3.3 C.7.6.3.1.8).

Rules: a frame is one fragment. The basic offset table is written while its 32 bits reach; beyond them, or where it is
asked for, the extended one is, and the basic one is empty (they exclude each other).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.encoding.source import Buffer
from kerma.errors import PixelError

_REACH = 0xFFFFFFFF
_LONGEST = 0xFFFFFFFE


def encapsulate(ds: Dataset, frames: Sequence[Buffer], *, extended: bool | None = None) -> None:
    """Give ``ds`` the code streams ``frames`` as its pixel data, with the offset table that fits.

    ``extended``: True for the extended offset table, False for never, None for where the basic one does not reach. The
    transfer syntax, Number of Frames and what the codec changed are for the caller to say.
    """
    if not frames:
        raise PixelError("an image without frames cannot be written")
    for number, frame in enumerate(frames):
        if not 0 < len(frame) <= _LONGEST:
            raise PixelError(f"a stream of {len(frame)} bytes fits in no fragment", frame=number)
    last = sum(8 + len(frame) + (len(frame) & 1) for frame in frames[:-1])
    wide = last > _REACH if extended is None else extended
    ds.pop("ExtendedOffsetTable")
    ds.pop("ExtendedOffsetTableLengths")
    if wide:
        offsets, lengths = extended_tables(frames)
        ds.add("ExtendedOffsetTable", "OV", offsets)
        ds.add("ExtendedOffsetTableLengths", "OV", lengths)
    ds.add("PixelData", "OB", Fragments(frames) if wide else Fragments.of_frames(frames))


def extended_tables(frames: Sequence[Buffer]) -> tuple[bytes, bytes]:
    """The extended offset table, and the lengths of the frames without padding."""
    offsets: list[int] = []
    total = 0
    for frame in frames:
        offsets.append(total)
        total += 8 + len(frame) + (len(frame) & 1)
    return struct.pack(f"<{len(offsets)}Q", *offsets), struct.pack(f"<{len(frames)}Q", *map(len, frames))
