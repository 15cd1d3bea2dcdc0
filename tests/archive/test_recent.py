"""The newest blobs are held open, within bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kerma.archive import Archive
from kerma.archive.blobs.recent import Recent

from .conftest import Make, Store


def opened(folder: Path, number: int) -> int:
    return os.open(folder / str(number), os.O_CREAT | os.O_RDWR)


def is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("size", "count", "each", "kept"),
    [(100, 10, 30, 3), (10_000, 4, 30, 4), (100, 10, 101, 0)],
    ids=["bytes", "count", "huge"],
)
def test_bounds(tmp_path: Path, size: int, count: int, each: int, kept: int) -> None:
    recent = Recent(size, count)
    handles = [opened(tmp_path, number) for number in range(6)]
    still: list[int] = []
    for handle in handles:
        recent.add(handle, each)
        still = [one for one in [*still, handle] if is_open(one)]
    assert still == handles[len(handles) - kept :]
    recent.close()
    assert not any(is_open(handle) for handle in still)
    recent.close()


def test_what_is_deleted_is_let_go(archive: Archive, make: Make, store: Store) -> None:
    for number in (1, 2):
        store(archive, make(number))
    held = [handle for handle, _, _ in archive._blobs.recent._held]
    assert len(held) == 2
    archive.delete("image", "1.2.3.1.1.1")
    assert [is_open(handle) for handle in held] == [False, True]
