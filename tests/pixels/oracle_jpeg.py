"""Lossless JPEG decoded in plain Python, an oracle that shares nothing with libjpeg (ISO 10918-1 C, F, H).

One scan, no restarts; a stream that ends early or has a code of no table is a ``PixelError``.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import Array
from kerma.pixels.layout import Layout

_SOF3, _DHT, _SOS, _DRI = 0xC3, 0xC4, 0xDA, 0xDD
_LONGEST = 16
_NO_CODE = -1


@dataclass(slots=True)
class _Head:
    """What the markers say, and where the entropy-coded bytes begin."""

    precision: int = 0
    shape: tuple[int, int, int] = (0, 0, 0)
    tables: dict[int, bytes] = field(default_factory=dict)
    of_component: list[int] = field(default_factory=list)
    predictor: int = 0
    shift: int = 0
    start: int = 0


def decode_lossless(data: Buffer, layout: Layout) -> Array:
    """The samples, of shape (rows, columns, samples)."""
    view = memoryview(data)
    head = _head(view)
    wanted = (layout.rows, layout.columns, layout.samples)
    if head.shape != wanted or len(head.of_component) != layout.samples or not 2 <= head.precision <= _LONGEST:
        raise PixelError(f"the JPEG stream has frames of {head.shape}, the data set says {wanted}")
    if not 1 <= head.predictor <= 7 or head.shift >= head.precision:
        raise PixelError(f"the JPEG stream has the predictor {head.predictor}, which is none")
    lookups = []
    for number in head.of_component:
        if number not in head.tables:
            raise PixelError(f"the JPEG stream has no Huffman table {number}")
        lookups.append(_lookup(head.tables[number]))
    coded = bytes(view[head.start :])
    end = coded.rfind(b"\xff\xd9")
    coded = coded[: end if end >= 0 else len(coded)].replace(b"\xff\0", b"\xff")
    found = _differences(coded, lookups, layout.pixels * layout.samples)
    samples = _added(np.array(found, "i4").reshape(wanted), head.predictor, 1 << (head.precision - head.shift - 1))
    return (samples << head.shift).astype("u1" if head.precision <= 8 else "u2")


def _head(view: memoryview) -> _Head:
    head, pos = _Head(), 2
    while pos + 4 <= len(view):
        marker, length = view[pos + 1], int.from_bytes(view[pos + 2 : pos + 4], "big")
        if view[pos] != 0xFF or length < 2 or pos + 2 + length > len(view):
            break
        body = bytes(view[pos + 4 : pos + 2 + length])
        pos += 2 + length
        if marker == _SOF3 and len(body) >= 6 and len(body) >= 6 + 3 * body[5]:
            if any(body[7 + 3 * number] != 0x11 for number in range(body[5])):
                raise PixelError("the lossless JPEG has components of several sizes")
            head.precision = body[0]
            head.shape = (int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5])
        elif marker == _DHT:
            _take_tables(body, head.tables)
        elif marker == _DRI and any(body):
            raise PixelError("restart intervals are not read here")
        elif marker == _SOS and body and len(body) >= 4 + 2 * body[0]:
            head.of_component = [body[2 + 2 * number] >> 4 for number in range(body[0])]
            head.predictor, head.shift = body[1 + 2 * body[0]], body[3 + 2 * body[0]] & 15
            head.start = pos
            return head
    raise PixelError("the headers of the JPEG stream are broken")


def _take_tables(body: bytes, tables: dict[int, bytes]) -> None:
    """Tables of a segment: the 16 counts of codes by length, and their values (B.2.4.2)."""
    pos = 0
    while pos < len(body):
        end = pos + 17 + sum(body[pos + 1 : pos + 17])
        if end > len(body):
            raise PixelError("a Huffman table of the JPEG stream is cut")
        tables[body[pos]] = body[pos + 1 : end]
        pos = end


def _lookup(table: bytes) -> list[int]:
    """For each 16 bits the length of the code that they begin with, times 32, and its category (C.2, F.2.2.3)."""
    out: list[int] = []
    values = iter(table[16:])
    for length, count in enumerate(table[:16], 1):
        for value in itertools.islice(values, count):
            if value > _LONGEST:
                raise PixelError(f"a Huffman table of the JPEG stream has the category {value}")
            out += [length << 5 | value] * (1 << (_LONGEST - length))
            if len(out) > 1 << _LONGEST:
                raise PixelError("a Huffman table of the JPEG stream has more codes than there are")
    return out + [_NO_CODE] * ((1 << _LONGEST) - len(out))


def _differences(coded: bytes, lookups: Sequence[list[int]], count: int) -> list[int]:
    """The difference of each sample from its prediction (H.1.2.2)."""
    words = struct.unpack(f">{len(coded) // 4 + 2}I", coded + b"\xff" * (8 - len(coded) % 4))
    out = [0] * count
    held = bits = at = 0
    for number, lookup in zip(range(count), itertools.cycle(lookups), strict=False):
        if bits < 32:
            if at == len(words):
                break
            held = held << 32 | words[at]
            at += 1
            bits += 32
        found = lookup[held >> (bits - 16) & 0xFFFF]
        if found < 0:
            raise PixelError(f"the JPEG stream has a code of no table for sample {number}")
        bits -= found >> 5
        category = found & 31
        if category == _LONGEST:
            out[number] = 32768
        elif category:
            bits -= category
            value = held >> bits & (1 << category) - 1
            out[number] = value if value >> (category - 1) else value - (1 << category) + 1
        held &= (1 << bits) - 1
    if at * 32 - bits > len(coded) * 8 or number + 1 < count:
        raise PixelError(f"the JPEG stream ends before its {count} samples do")
    return out


def _added(samples: Array, predictor: int, middle: int) -> Array:
    """Differences to samples: the first from the middle, its row from the left, the first column from above, all others
    by the predictor (table H.1).
    """
    samples[0, 0] += middle
    samples[0] = np.cumsum(samples[0], axis=0) & 0xFFFF
    samples[:, 0] = np.cumsum(samples[:, 0], axis=0) & 0xFFFF
    for above, row in itertools.pairwise(samples):
        if predictor in {1, 4, 5}:
            step = above[1:] - above[:-1]
            row[1:] += 0 if predictor == 1 else step if predictor == 4 else step >> 1
            np.bitwise_and(np.cumsum(row, axis=0), 0xFFFF, out=row)
        elif predictor in {2, 3}:
            row[1:] = (row[1:] + (above[1:] if predictor == 2 else above[:-1])) & 0xFFFF
        else:
            for at in range(1, len(row)):
                left, up = row[at - 1], above[at]
                row[at] = (
                    row[at] + ((left + up) >> 1 if predictor == 7 else up + ((left - above[at - 1]) >> 1))
                ) & 0xFFFF
    return samples
