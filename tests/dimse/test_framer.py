"""The framer: PDUs laid out in a reused buffer, payload filled by the caller."""

from __future__ import annotations

import pytest

from kerma.dimse import Framer
from kerma.dimse.framer import LARGEST_PDU, MAX_SLOTS, fragment_size
from kerma.encoding.source import BytesSource
from kerma.errors import LocalProtocolError, RemoteProtocolError


def read(wire: bytes, max_pdu: int, context_id: int = 3) -> bytes:
    """Payload of a stream of P-DATA-TF PDUs, with everything checked about their headers."""
    payload = bytearray()
    position = 0
    while position < len(wire):
        assert wire[position : position + 2] == b"\4\0"
        length = int.from_bytes(wire[position + 2 : position + 6])
        assert not max_pdu or length <= max_pdu
        assert int.from_bytes(wire[position + 6 : position + 10]) == length - 4
        assert wire[position + 10] == context_id
        stop = position + 6 + length
        assert wire[position + 11] == (2 if stop == len(wire) else 0)
        part = wire[position + 12 : stop]
        assert stop == len(wire) or len(part) % 2 == 0 or max_pdu == 7
        payload += part
        position = stop
    assert position == len(wire)
    return bytes(payload)


def by_source(data: bytes, max_pdu: int, buffer: bytearray) -> tuple[bytes, list[int]]:
    framer = Framer(3, buffer, max_pdu)
    source = BytesSource(data)
    out, offset, counts = bytearray(), 0, []
    for slots, wire in framer.batches(len(data)):
        source.readinto(offset, slots)
        offset += sum(map(len, slots))
        counts.append(len(slots))
        out += wire
    assert offset == len(data)
    return bytes(out), counts


@pytest.mark.parametrize("max_pdu", [0, 7, 8, 16, 17, 18, 100, 101, 16_382, 131_072, 1 << 31])
@pytest.mark.parametrize("buffer", [14, 15, 40, 1_000, 70_000])
def test_all_ways_give_the_same_payload(max_pdu: int, buffer: int) -> None:
    framer = Framer(3, bytearray(buffer), max_pdu)
    for size in {0, 1, framer.capacity - 1, framer.capacity, framer.capacity + 1, 3 * framer.capacity, 1_234}:
        data = bytes(index % 253 for index in range(size))
        wire, counts = by_source(data, max_pdu, bytearray(buffer))
        assert read(wire, max_pdu) == data
        assert max(counts) <= MAX_SLOTS
        for step in (7 if size < 5_000 else 999, 4_096, size or 1):
            chunks = [data[start : start + step] for start in range(0, size, step)]
            assert b"".join(bytes(part) for part in framer.stream(chunks)) == wire


def test_about_a_megabyte_a_batch() -> None:
    framer = Framer(3, bytearray(1 << 20), 16_382)
    first = next(framer.batches(10 << 20))
    assert len(first.slots) == 63
    assert len(first.wire) > 1_000_000
    again = framer.layout(framer.capacity, last=False)
    assert again is framer.layout(framer.capacity, last=False)
    assert Framer(3, bytearray(1 << 20), 0).capacity == LARGEST_PDU - 12
    assert len(next(Framer(3, bytearray(1 << 20), 16).batches(1 << 20)).slots) == MAX_SLOTS


def test_headers_are_right_after_a_last_batch_was_laid_over_a_full_one() -> None:
    framer = Framer(3, bytearray(100), 30)
    data = bytes(range(250)) * 2
    for _ in range(3):
        assert read(b"".join(bytes(part) for part in framer.stream([data])), 30) == data


def test_empty_chunks_change_nothing() -> None:
    framer = Framer(3, bytearray(100), 30)
    assert read(b"".join(bytes(part) for part in framer.stream([b"", b"abc", b"", memoryview(b"d")])), 30) == b"abcd"
    assert bytes(framer.finish()) == b"\4\0\0\0\0\6\0\0\0\2\3\2"


def test_what_cannot_be_laid_out() -> None:
    with pytest.raises(LocalProtocolError, match="too small"):
        Framer(3, bytearray(12), 100)
    framer = Framer(3, bytearray(100), 30)
    with pytest.raises(LocalProtocolError, match="do not fit"):
        framer.layout(framer.capacity + 1, last=True)
    with pytest.raises(RemoteProtocolError, match="no room"):
        Framer(3, bytearray(100), 6)
    assert [fragment_size(size) for size in (0, 7, 8, 9, 16_382, 1 << 32)] == [
        LARGEST_PDU - 6,
        1,
        2,
        2,
        16_376,
        LARGEST_PDU - 6,
    ]
