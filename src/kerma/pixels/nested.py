"""Pixels beside the image: icons inside sequences, and overlays in the unused bits of the image's words (PS3.3
C.7.6.1.1.6, C.9.2; PS3.5 A.4, 8.1.2).

Rules: an icon is left as it is unless it is compressed, because the one transfer syntax of the data set would say wrong
things of it; then it is decompressed. An overlay that codecs would drop gets overlay data of its own (60xx,3000).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kerma.dataset import Dataset
from kerma.dataset.dataset import FileState
from kerma.dataset.fragments import Fragments
from kerma.encoding.syntax import UNDEFINED, key_of
from kerma.errors import KermaError
from kerma.limits import Limits
from kerma.pixels.decoding import decode_data
from kerma.pixels.derivation import say_layout
from kerma.pixels.frame_index import FrameIndex, index
from kerma.pixels.layout import PIXEL_DATA
from kerma.pixels.native import dtype_of
from kerma.pixels.targets import native_layout

_PER_FRAME = 0x52009230
_GROUPS = range(0x6000, 0x6020, 2)


def decompress_nested(ds: Dataset, from_uid: str, to_uid: str, limits: Limits) -> None:
    """Decompress every pixel data inside the sequences of ``ds``, in place."""
    for item in _items_with_pixels(ds):
        _decompress(item, from_uid, to_uid, limits)


def _items_with_pixels(ds: Dataset) -> Iterator[Dataset]:
    """Items at any depth whose pixel data is compressed. What is said for each frame holds no images and is passed."""
    pending = [ds]
    while pending:
        current = pending.pop()
        for tag in current:
            if tag == _PER_FRAME or current.vr_of(tag) != "SQ":
                continue
            for number, item in enumerate(current.sequence_of(tag).transient()):
                if _holds_compressed(item):
                    yield current.sequence_of(tag)[number]
                elif _has_sequence(item):
                    pending.append(current.sequence_of(tag)[number])


def _has_sequence(item: Dataset) -> bool:
    return any(item.vr_of(tag) == "SQ" for tag in item)


def _holds_compressed(item: Dataset) -> bool:
    key = key_of(PIXEL_DATA)
    at = item._body.index.get(key)
    if at is None:
        return False
    if isinstance(at, str):
        return isinstance(item._body.cache[key], Fragments)
    return item._body.header(at).length == UNDEFINED


def _decompress(item: Dataset, from_uid: str, to_uid: str, limits: Limits) -> None:
    state = FileState()
    state.uid = from_uid
    found = index(Dataset.from_body(item._body, state))
    frames = []
    layout = found.layout
    for number in range(found.count):
        decoded = decode_data(found, number, found.read(number), limits=limits)
        layout = native_layout(found.layout, decoded.photometric, to_uid)
        frames.append(np.ascontiguousarray(decoded.samples, dtype_of(layout).newbyteorder("<")).tobytes())
    say_layout(item, layout)
    item.add("PixelData", "OW" if layout.bits_allocated > 8 else "OB", b"".join(frames))


def own_overlays(ds: Dataset, found: FrameIndex, limits: Limits) -> None:
    """Give each overlay of ``ds`` that lies in unused bits of the pixels data of its own."""
    layout = found.layout
    if layout.samples != 1 or layout.floating or layout.bits_allocated not in {8, 16, 32}:
        return
    low, high = layout.high_bit + 1 - layout.bits_stored, layout.high_bit
    for group in _GROUPS:
        base = group << 16
        if base | 0x0102 not in ds or base | 0x3000 in ds:
            continue
        try:
            position = ds.get(base | 0x0102)
        except KermaError:
            continue
        if not isinstance(position, int) or not 0 <= position < layout.bits_allocated or low <= position <= high:
            continue
        ds.add(base | 0x3000, "OW", _plane(found, position, limits))
        ds.add(base | 0x0100, "US", 1)
        ds.add(base | 0x0102, "US", 0)
        for element, value in ((0x0010, layout.rows), (0x0011, layout.columns)):
            ds.add(base | element, "US", value)
        if found.count > 1:
            ds.add(base | 0x0015, "IS", found.count)
            ds.add(base | 0x0051, "US", 1)


def _plane(found: FrameIndex, position: int, limits: Limits) -> bytes:
    """The bit ``position`` of every pixel's word, of all frames, packed."""
    words = copy.copy(found)
    bits = found.layout.bits_allocated
    words.layout = replace(found.layout, bits_stored=bits, high_bit=bits - 1, signed=False)
    planes = []
    for number in range(found.count):
        samples = decode_data(words, number, found.read(number), rgb=False, limits=limits).samples
        planes.append(((samples >> samples.dtype.type(position)) & 1).astype("u1").reshape(-1))
    return np.packbits(np.concatenate(planes), bitorder="little").tobytes()
