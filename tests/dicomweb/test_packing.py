"""gzip bodies out of deflated parts (RFC 1951, RFC 1952)."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.dicomweb.packing import Part, combined, gzipped, literal, unpacked


def part(data: bytes) -> Part:
    packer = zlib.compressobj(3, zlib.DEFLATED, -15)
    return Part(packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH), zlib.crc32(data), len(data))


pieces = st.lists(st.tuples(st.booleans(), st.binary(max_size=2000)), max_size=6)


@given(pieces)
def test_parts_are_one_file(given: list[tuple[bool, bytes]]) -> None:
    parts = [part(data) if deflated else literal(data) for deflated, data in given]
    whole = b"".join(data for _, data in given)
    assert gzip.decompress(b"".join(gzipped(parts))) == whole
    assert b"".join(unpacked(parts)) == whole


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_of_stretches_are_combined(one: bytes, other: bytes) -> None:
    assert combined(zlib.crc32(one), zlib.crc32(other), len(other)) == zlib.crc32(one + other)


def test_large_parts_come_in_bounded_pieces() -> None:
    data = bytes(10 << 20)
    sizes = [len(piece) for piece in unpacked([part(data)])]
    assert sum(sizes) == len(data)
    assert max(sizes) <= 1 << 18


def test_a_literal_is_short() -> None:
    with pytest.raises(ValueError, match="65,535"):
        literal(bytes(65_536))
