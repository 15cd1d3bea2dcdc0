"""Headers, plans of pieces, byte order, deflate (PS3.5 7.1, 7.3, A.5)."""

from __future__ import annotations

import zlib

import pytest

from kerma.encoding.inflate import deflate, inflate
from kerma.encoding.swap import swapped
from kerma.encoding.syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from kerma.encoding.writer import PIECE, Plan, Swap, element_header, render
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.limits import Limits


def test_headers_as_printed() -> None:
    assert element_header(IMPLICIT_LE, 0x00100020, "LO", 4) == b"\x10\0\x20\0\4\0\0\0"
    assert element_header(EXPLICIT_LE, 0x00100020, "LO", 4) == b"\x10\0\x20\0LO\4\0"
    assert element_header(EXPLICIT_LE, 0x7FE00010, "OW", 4) == b"\xe0\x7f\x10\0OW\0\0\4\0\0\0"
    assert element_header(EXPLICIT_BE, 0x7FE00010, "OW", 4) == b"\x7f\xe0\0\x10OW\0\0\0\0\0\4"


def test_a_value_too_long_for_its_vr_is_written_as_un() -> None:
    assert element_header(EXPLICIT_LE, 0x00080018, "UI", 0xFFFE)[4:6] == b"UI"
    assert element_header(EXPLICIT_LE, 0x00080018, "UI", 0x10000)[4:8] == b"UN\0\0"


def test_touching_slices_become_one_piece() -> None:
    plan = Plan()
    data = bytes(range(100))
    plan.copy(data, 0, 10)
    plan.copy(data, 10, 30)
    slot = plan.reserve(2)
    plan.copy(data, 40, 50)
    plan.fill(slot, b"ab")
    pieces = plan.finish()
    assert len(pieces) == 3
    assert plan.total == 42
    assert b"".join(render(pieces)) == data[:30] + b"ab" + data[40:50]


@pytest.mark.parametrize("size", [2, 4, 8])
def test_swapping_is_its_own_inverse_and_bounded(size: int) -> None:
    data = bytes(range(256)) * 9000
    pieces = list(render([b"head", Swap(memoryview(data), size)]))
    assert max(map(len, pieces)) <= PIECE
    out = b"".join(pieces)[4:]
    assert out[:size] == data[:size][::-1]
    assert swapped(out, size) == data


def test_bytes_after_the_last_word_stay() -> None:
    assert swapped(b"\1\2\3", 2) == b"\2\1\3"


def test_deflated_is_even_and_comes_back() -> None:
    for length in range(0, 400, 7):
        data = bytes(length) + bytes(range(length % 256))
        packed = b"".join(deflate([data]))
        assert len(packed) % 2 == 0
        assert inflate(packed, Limits()) == data


def test_a_zlib_header_is_understood() -> None:
    assert inflate(zlib.compress(b"some elements" * 50), Limits()) == b"some elements" * 50


def test_a_deflate_bomb_a_cut_and_nonsense_are_refused() -> None:
    bomb = b"".join(deflate([bytes(1 << 20)] * 50))
    with pytest.raises(LimitError):
        inflate(bomb, Limits(max_inflated=8 << 20))
    with pytest.raises(TruncatedError):
        inflate(bomb[:-40], Limits())
    with pytest.raises(FormatError):
        inflate(b"\xff\xff\xff\xff nonsense", Limits())
    assert inflate(b"", Limits()) == b""
