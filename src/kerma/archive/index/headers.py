"""Headers small: each deflated with the first header of its series as dictionary (RFC 1951).

A CT header of 6 kB takes 2 kB by itself and some 100 bytes next to its neighbour's, at half the time.
"""

from __future__ import annotations

import zlib

from kerma.errors import ArchiveError

_WINDOW = 32_768


def pack(header: bytes, base: bytes) -> bytes:
    """``header`` deflated with ``base`` as dictionary."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, base[-_WINDOW:])
    return packer.compress(header) + packer.flush()


def unpack(packed: bytes, base: bytes, limit: int) -> bytes:
    """The header again; ``ArchiveError`` where it is damaged or larger than ``limit``."""
    try:
        unpacker = zlib.decompressobj(-15, zdict=base[-_WINDOW:])
        header = unpacker.decompress(packed, limit)
    except zlib.error as error:
        raise ArchiveError("a header in the index is damaged", hint="run kerma reindex") from error
    if not unpacker.eof:
        raise ArchiveError("a header in the index is damaged", hint="run kerma reindex")
    return header


def pack_base(header: bytes) -> bytes:
    return zlib.compress(header, 1)


def unpack_base(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error as error:
        raise ArchiveError("a header in the index is damaged", hint="run kerma reindex") from error
