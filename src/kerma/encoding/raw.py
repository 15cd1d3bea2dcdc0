"""How the typed loops touch bytes: in plain Python by ``struct``, in the compiled twin by the C of ``raw.pxd``.

Rules:

- The two files have the same names with the same meaning; the loops know no other way to a byte.
- Nothing here checks a bound. The loops do, before every call: an offset plus what is read lies inside the buffer.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

from kerma.encoding.source import Buffer

header = Struct("<IHH").unpack_from
"""(key, VR code, 16-bit length) of an explicit little endian header; 8 bytes are read."""
pair = Struct("<II").unpack_from
"""(key, length) of an implicit little endian header, an item or a delimiter; 8 bytes are read."""
_u32 = Struct("<I").unpack_from
_u64 = Struct("=Q")


def word(data: Any, at: int) -> int:
    """The little endian 32-bit number at an offset; 4 bytes are read."""
    number: int = _u32(data, at)[0]
    return number


def hold(buf: Buffer) -> Any:
    """A buffer, held until ``drop``, with room for the places that a loop finds in it."""
    return buf


def data_of(held: Any) -> Any:
    """What ``header``, ``pair`` and ``word`` read from."""
    return held


def data_in(buf: bytes) -> Any:
    """The same for bytes that nothing holds but their name."""
    return buf


def size_of(held: Any) -> int:
    """How many bytes a held buffer has."""
    return len(held)


def put(held: Any, count: int, key: int, pos: int) -> bool:
    """Keep a place as the one after ``count``; False where the room is full, a number too large, or the order wrong.

    Never in plain Python, whose loops fill dicts.
    """
    return False


def taken(held: Any, count: int) -> bytes:
    """The first ``count`` places."""
    return b""


def drop(held: Any) -> None:
    """A held buffer is not read any more."""


def record(places: bytes, number: int) -> int:
    """The place of a number that is less than the count of places."""
    found: int = _u64.unpack_from(places, 8 * number)[0]
    return found
