"""The head of a JPEG stream (ISO/IEC 10918-1 B): size, bits, sampling and colour, without decoding anything."""

from __future__ import annotations

import struct
from typing import NamedTuple

from kerma.encoding.source import Buffer
from kerma.errors import FormatError

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})


class JpegHead(NamedTuple):
    """``sampling`` is (horizontal, vertical) of each component; ``ycbcr`` None where the stream itself does not say."""

    rows: int
    columns: int
    bits: int
    sequential: bool
    sampling: tuple[tuple[int, int], ...]
    ycbcr: bool | None


def read_jpeg_head(data: Buffer) -> JpegHead:
    """The head of the stream that ``data`` begins with; ``FormatError`` where it is none."""
    if bytes(data[:2]) != b"\xff\xd8":
        raise FormatError("no JPEG stream where one must be")
    pos, size = 2, len(data)
    ycbcr: bool | None = None
    while pos + 4 <= size:
        if data[pos] != 0xFF:
            break
        marker = data[pos + 1]
        if marker == 0xFF:
            pos += 1
            continue
        if marker in _ALONE:
            pos += 2
            continue
        length = struct.unpack_from(">H", data, pos + 2)[0]
        body = bytes(data[pos + 4 : pos + 2 + length])
        if marker == 0xE0 and body.startswith(b"JFIF\0"):
            ycbcr = True
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            ycbcr = body[11] == 1
        elif marker in _FRAMES:
            return _frame(marker, body, ycbcr)
        pos += 2 + max(length, 2)
    raise FormatError("a JPEG stream without a frame header")


def _frame(marker: int, body: bytes, ycbcr: bool | None) -> JpegHead:
    if len(body) < 6 or len(body) < 6 + 3 * body[5] or not body[5]:
        raise FormatError("the frame header of the JPEG stream is cut")
    bits, rows, columns, count = struct.unpack_from(">BHHB", body)
    sampling = tuple((body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, 6 + 3 * count, 3))
    if not all(1 <= step <= 4 for pair in sampling for step in pair):
        raise FormatError("the frame header of the JPEG stream has no sampling that there is")
    if bytes(body[at] for at in range(6, 6 + 3 * count, 3)) == b"RGB":
        ycbcr = False
    return JpegHead(rows, columns, bits, marker in _SEQUENTIAL, sampling, ycbcr)
