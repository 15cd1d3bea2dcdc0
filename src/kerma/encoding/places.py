"""What the loops over element headers give, and the tables that they go by.

A compiled loop gives ``Places``, which cost no object per element; a plain one the dict that is quickest in Python.
"""

from __future__ import annotations

from struct import Struct

Places = bytes
"""Tag and offset of each element as one 64-bit number in the machine's byte order, ascending."""
Index = dict[int, int]
"""Index key (``syntax.key_of``) -> offset."""

_records = Struct("=Q").iter_unpack
_NUMBER = {**dict.fromkeys(b"0123456789+-.eE", 1), **dict.fromkeys(b" \0", 2), 0x5C: 3}
DECIMAL = bytes([_NUMBER.get(at, 0) for at in range(256)])
"""For a byte of a DS: 1 of a number, 2 padding, 3 between two values, 0 anything else."""
CHARACTERS = bytes([32 <= at < 127 and at not in b'"\\~' for at in range(256)])
"""1 for a byte that is the same in JSON and in each character set."""


def unpack(places: Places) -> Index:
    """The dict that a plain loop would have given: index key -> offset, in the order of the tags."""
    index: Index = {}
    for (found,) in _records(places):
        tag = found >> 32
        index[(tag & 0xFFFF) << 16 | tag >> 16] = found & 0xFFFFFFFF
    return index
