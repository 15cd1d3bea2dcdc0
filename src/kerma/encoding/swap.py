"""Byte order of values (PS3.5 7.3): which VRs are made of words of what size, and swapping them in bulk."""

from __future__ import annotations

import array
from typing import Final

from kerma.encoding.source import Buffer
from kerma.standard import vrs

WORD_SIZES: Final = {code: 2 if code == "AT" else row.size for code, row in vrs.ALL.items() if row.size > 1}
"""VR -> bytes of the words that its values are made of, where byte order concerns them. AT is two 16-bit numbers."""

_CODES: Final = {2: "H", 4: "I", 8: "Q"}


def swapped(data: Buffer, size: int) -> bytes:
    """``data`` with the bytes of each word of ``size`` reversed; bytes after the last whole word stay as they are."""
    whole = len(data) - len(data) % size
    words = array.array(_CODES[size])
    words.frombytes(data[:whole])
    words.byteswap()
    return words.tobytes() if whole == len(data) else words.tobytes() + bytes(data[whole:])
