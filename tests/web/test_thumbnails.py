"""What is kept of thumbnails is bounded, the latest stay."""

from __future__ import annotations

from kerma.web.thumbnails import MAX_ONE, Kept


def test_the_ones_asked_for_last_stay() -> None:
    kept = Kept(max_bytes=30)
    for name in "abc":
        kept.put(name, b"0123456789")
    assert kept.get("a") is not None
    kept.put("d", b"0123456789")
    assert [name for name in "abcd" if kept.get(name) is not None] == ["a", "c", "d"]
    assert kept.size == 30


def test_a_picture_that_is_put_twice_counts_once() -> None:
    kept = Kept(max_bytes=30)
    kept.put("a", b"1234")
    kept.put("a", b"12")
    assert kept.size == 2


def test_a_large_picture_is_not_kept() -> None:
    kept = Kept()
    kept.put("a", bytes(MAX_ONE + 1))
    assert kept.get("a") is None
    assert kept.size == 0
