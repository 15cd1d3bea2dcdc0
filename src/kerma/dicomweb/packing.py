"""gzip bodies out of parts that were deflated before (RFC 1951, RFC 1952): nothing is packed a second time.

A part is raw deflate data that ends at a byte boundary and refers to nothing before it (``zlib.Z_FULL_FLUSH``), with
the CRC-32 and the size of what it unpacks to. Parts one behind the other are a stream; text between them goes in stored
blocks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_END = b"\x01\0\0\xff\xff"
_POLYNOMIAL = 0xEDB88320
_STEP = 1 << 18


@dataclass(frozen=True, slots=True)
class Part:
    """Deflated bytes, and CRC-32 and size of what they unpack to."""

    data: bytes
    crc: int
    size: int


def literal(text: bytes) -> Part:
    """A few bytes as they are."""
    if len(text) > 0xFFFF:
        raise ValueError("a stored block has at most 65,535 bytes")
    size = len(text)
    return Part(
        b"\0" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + text, zlib.crc32(text), size
    )


def gzipped(parts: Iterable[Part]) -> Iterator[bytes]:
    """The gzip file of all parts, in pieces."""
    yield _HEAD
    crc = size = 0
    for part in parts:
        yield part.data
        crc = combined(crc, part.crc, part.size)
        size += part.size
    yield _END + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def unpacked(parts: Iterable[Part]) -> Iterator[bytes]:
    """What all parts unpack to, in pieces of at most 256 KB."""
    for part in parts:
        unpacker = zlib.decompressobj(-15)
        data = part.data
        while data:
            piece = unpacker.decompress(data, _STEP)
            data = unpacker.unconsumed_tail
            if piece:
                yield piece
        if rest := unpacker.flush():
            yield rest


@lru_cache(maxsize=4096)
def combined(first: int, second: int, size: int) -> int:
    """The CRC-32 of two stretches one behind the other, ``size`` bytes in the second one."""
    return _product(_power(8 * size), first) ^ second


def _product(one: int, other: int) -> int:
    """The product of two polynomials over GF(2) modulo that of CRC-32, bits reflected."""
    found = 0
    bit = 1 << 31
    while bit:
        if one & bit:
            found ^= other
        other = (other >> 1) ^ _POLYNOMIAL if other & 1 else other >> 1
        bit >>= 1
    return found


def _power(exponent: int) -> int:
    """x to a power, modulo that polynomial."""
    found, square = 1 << 31, 1 << 30
    while exponent:
        if exponent & 1:
            found = _product(square, found)
        square = _product(square, square)
        exponent >>= 1
    return found
