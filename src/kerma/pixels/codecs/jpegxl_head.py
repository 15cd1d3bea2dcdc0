"""The size that a JPEG XL stream says of itself, read before anything is decoded (ISO 18181-1 A.3, 18181-2)."""

from __future__ import annotations

from kerma.encoding.source import Buffer
from kerma.errors import PixelError

_BARE = b"\xff\x0a"
_BOXED = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = ((0, 0), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_WIDTHS = (9, 13, 18, 30)


class _Bits:
    """Bits from the lowest of each byte up."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise PixelError("the JPEG XL stream is cut in its header")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value


def size_of(data: Buffer) -> tuple[int, int]:
    """(rows, columns) of the picture as it is stored. ``PixelError`` where this is no JPEG XL."""
    bits = _Bits(_codestream(memoryview(data)))
    small = bits.take(1)
    rows = 8 * (bits.take(5) + 1) if small else _side(bits)
    ratio = bits.take(3)
    if ratio:
        over, under = _RATIOS[ratio]
        return rows, rows * over // under
    return rows, 8 * (bits.take(5) + 1) if small else _side(bits)


def _side(bits: _Bits) -> int:
    return bits.take(_WIDTHS[bits.take(2)]) + 1


def _codestream(view: memoryview) -> bytes:
    """The first bytes of the code stream, behind its signature."""
    if bytes(view[:2]) == _BARE:
        return bytes(view[2:18])
    if bytes(view[:12]) != _BOXED:
        raise PixelError("this is no JPEG XL stream")
    pos = 12
    while pos + 8 <= len(view):
        length, kind, start = int.from_bytes(view[pos : pos + 4], "big"), bytes(view[pos + 4 : pos + 8]), pos + 8
        if length == 1:
            length, start = int.from_bytes(view[pos + 8 : pos + 16], "big"), pos + 16
        if kind in {b"jxlc", b"jxlp"}:
            start += 4 if kind == b"jxlp" else 0
            if bytes(view[start : start + 2]) == _BARE:
                return bytes(view[start + 2 : start + 18])
            break
        if length < start - pos:
            break
        pos += length
    raise PixelError("the JPEG XL file holds no code stream")
