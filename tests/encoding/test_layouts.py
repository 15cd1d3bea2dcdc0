"""A recalled head is what a scan finds, byte for byte, whatever the bytes are."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.encoding import layouts
from kerma.encoding.layouts import Layouts
from kerma.encoding.marks import Marks
from kerma.encoding.scan import careful
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, Encoding, key_of
from kerma.errors import FormatError
from kerma.limits import Limits, Strictness

PIXELS = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 6) + b"pixels"


def marks() -> Marks:
    return Marks(Limits(), Strictness.LENIENT)


def element(tag: int, vr: bytes, value: bytes, encoding: Encoding = EXPLICIT_LE) -> bytes:
    if not encoding.explicit:
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value
    if vr in {b"OB", b"SQ", b"UN"}:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def head(values: list[bytes], encoding: Encoding = EXPLICIT_LE) -> bytes:
    return b"".join(element(0x00100000 + number, b"LO", value, encoding) for number, value in enumerate(values, 1))


UNDEFINED = struct.pack("<HH2sHI", 0x0010, 0x5000, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 8)
UNDEFINED += element(0x00080100, b"SH", b"") + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def taught(data: bytes, start: int = 0, encoding: Encoding = EXPLICIT_LE) -> Layouts:
    known = Layouts(encoding)
    for _ in range(2):
        notes = marks()
        known.note(data, careful(data, start, len(data), encoding, notes), notes)
    return known


@pytest.mark.parametrize("encoding", [EXPLICIT_LE, IMPLICIT_LE])
@pytest.mark.parametrize("start", [0, 336])
def test_a_head_is_learnt_the_second_time(encoding: Encoding, start: int) -> None:
    data = bytes(start) + head([b"abcd"] * 40, encoding)
    known = Layouts(encoding)
    notes = marks()
    index = careful(data, start, len(data), encoding, notes)
    for _ in range(2):
        assert known.recall(data, start, len(data), notes) is None
        known.note(data, index, notes)
    assert known.recall(data, start, len(data), notes) == (index, len(data))


def test_values_may_differ_and_headers_may_not() -> None:
    data = head([b"abcd"] * 40) + PIXELS
    known = taught(data)
    other = head([b"wxyz"] * 40) + PIXELS
    found = known.recall(other, 0, len(other), marks())
    assert found is not None
    assert found[1] == len(data) - len(PIXELS)
    assert len(found[0]) == 40
    for position in range(40 * 12):
        changed = bytearray(other)
        changed[position] ^= 0x02
        recalled = known.recall(changed, 0, len(changed), marks())
        assert (recalled is None) == (position % 12 < 8), position


def pieces(known: Layouts) -> int:
    found = known._known[0].pieces
    return -1 if found is None else len(found)


def test_values_that_differ_are_left_out_of_the_comparison() -> None:
    values = [b"abcd"] * 200
    data = element(0x00080005, b"CS", b"ISO_IR 100") + element(0x00200010, b"SH", b"") + head(values)
    known = taught(data)
    # An empty value, and the values of group 0010, which are never kept.
    assert pieces(known) == -1
    assert known.recall(data, 0, len(data), marks()) is not None
    values = [b"abcd"] * 100
    data = b"".join(element(0x00200000 + number, b"SH", value) for number, value in enumerate(values, 1))
    known = taught(data)
    assert pieces(known) == 1
    changed = bytearray(data)
    for number in range(0, 100, 2):
        changed[number * 12 + 9] ^= 1
        assert known.recall(bytes(changed), 0, len(data), marks()) is not None
        assert known.recall(data, 0, len(data), marks()) is not None
        expected = number // 2 + 2
        assert pieces(known) == (expected if expected <= layouts.PIECES else -1)
    for position in range(len(data)):
        other = bytearray(changed)
        other[position] ^= 0x02
        assert (known.recall(other, 0, len(data), marks()) is None) == (position % 12 < 8), position


def test_what_is_the_patients_is_not_kept() -> None:
    data = element(0x00080005, b"CS", b"ISO_IR 100") + head([b"Secret^Name"]) + element(0x00200010, b"SH", b"abcd") * 1
    data += b"".join(element(0x00210000 + number, b"SH", b"ab") for number in range(0x10, 0x40))
    known = taught(data)
    assert pieces(known) == 2
    assert known.recall(data, 0, len(data), marks()) is not None
    layout = known._known[0]
    held = b"".join(piece for _, _, piece in layout.pieces or ()) + layout.bits.to_bytes(layout.size, "little")
    assert b"abcd" in held
    assert b"Secret" not in held


def test_the_index_is_its_takers_own() -> None:
    data = head([b"abcd"] * 40)
    known = taught(data)
    first = known.recall(data, 0, len(data), marks())
    assert first is not None
    first[0].clear()
    second = known.recall(data, 0, len(data), marks())
    assert second is not None
    assert len(second[0]) == 40


def test_another_offset_or_a_shorter_buffer_is_not_the_same() -> None:
    data = head([b"abcd"] * 40)
    known = taught(data)
    assert known.recall(b"12" + data, 2, len(data) + 2, marks()) is None
    assert known.recall(data, 0, len(data) - 1, marks()) is None
    assert known.recall(data[:-1], 0, len(data) - 1, marks()) is None
    assert known.recall(b"", 0, 0, marks()) is None


def test_an_undefined_length_counts_with_all_its_bytes() -> None:
    data = head([b"abcd"] * 40) + UNDEFINED + PIXELS
    known = taught(data)
    notes = marks()
    found = known.recall(data, 0, len(data), notes)
    assert found is not None
    assert found[1] == len(data) - len(PIXELS)
    value = 40 * 12 + 12
    assert notes.ends == {value: len(data) - len(PIXELS) - 8}
    for position in range(40 * 12, len(data) - len(PIXELS)):
        changed = bytearray(data)
        changed[position] ^= 0x02
        assert known.recall(changed, 0, len(changed), marks()) is None


def test_pixel_data_is_never_part_of_a_head() -> None:
    data = head([b"abcd"] * 40) + PIXELS
    longer = data[:-10] + struct.pack("<I", 60) + bytes(60)
    found = taught(data).recall(longer, 0, len(longer), marks())
    assert found is not None
    assert key_of(0x7FE00010) not in found[0]


def test_what_was_understood_with_a_finding_is_not_learnt() -> None:
    data = head([b"abcd"] * 40)
    index = careful(data, 0, len(data), EXPLICIT_LE, marks())
    notes = marks()
    notes.note("some", "thing", offset=0)
    known = Layouts(EXPLICIT_LE)
    for _ in range(3):
        known.note(data, index, notes)
    assert known.recall(data, 0, len(data), marks()) is None


def test_an_element_that_occurs_twice_is_not_learnt() -> None:
    data = head([b"abcd"] * 40) + element(0x00100003, b"LO", b"efgh") + element(0x00200010, b"SH", b"ab")
    index: dict[int, int] = {}
    for number in range(41):
        index[struct.unpack_from("<I", data, number * 12)[0]] = number * 12
    index[key_of(0x00200010)] = 41 * 12
    known = Layouts(EXPLICIT_LE)
    for _ in range(3):
        known.note(data, index, marks())
    assert known.recall(data, 0, len(data), marks()) is None


def test_what_is_kept_is_bounded_and_must_pay() -> None:
    known = Layouts(EXPLICIT_LE)
    for size in range(24, 24 + 3 * layouts.KEEP):
        data = head([b"abcd"] * size)
        index = careful(data, 0, len(data), EXPLICIT_LE, marks())
        for _ in range(2):
            known.note(data, index, marks())
    assert len(known._known) == layouts.KEEP
    assert len(known._seen) <= 4 * layouts.KEEP + 1
    assert len(known._known[0].index) == 24 + layouts.KEEP - 1  # the later ones were not paid for


def test_small_and_large_heads_are_left_to_the_scan() -> None:
    small = head([b"abcd"] * (layouts.SMALLEST - 1))
    large = head([bytes(1000)] * 40)
    for data in (small, large):
        assert taught(data).recall(data, 0, len(data), marks()) is None


def walked(data: bytearray, end: int, until: int) -> dict[int, int]:
    try:
        index = careful(data, 0, end, EXPLICIT_LE, marks())
    except FormatError:
        index = careful(data, 0, until, EXPLICIT_LE, marks())
    return {key: pos for key, pos in index.items() if pos < until}


lengths = st.integers(0, 3).map(lambda half: 2 * half)


@given(st.lists(lengths, min_size=24, max_size=40), st.data())
def test_a_recalled_head_is_what_a_scan_finds(sizes: list[int], data: st.DataObject) -> None:
    first = head([b"abcdef"[:size] for size in sizes]) + PIXELS
    known = taught(first)
    for _ in range(3):  # what was recalled before narrows what is compared
        other = bytearray(first)
        for _ in range(data.draw(st.integers(0, 3))):
            other[data.draw(st.integers(0, len(other) - 1))] = data.draw(st.integers(0, 255))
        found = known.recall(other, 0, len(other), marks())
        if found is None:
            assert other != first
        else:
            # A fault that is left can only be after the head.
            assert walked(other, len(other), found[1]) == found[0]
