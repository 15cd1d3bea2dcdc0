"""A full disk, a folder that cannot be written, a locked index: an error that says so, nothing lost, and on it goes."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kerma.archive import Archive, ArchiveConfig
from kerma.archive.blobs import files
from kerma.dataset import Dataset
from kerma.errors import OutOfResourcesError
from kerma.services.providers import StoreOutcome

Make = Callable[..., Dataset]
Store = Callable[..., StoreOutcome]


def files_below(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / name).rglob("*") if path.is_file()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB of its own; only root can make one."""
    where = tmp_path / "disk"
    where.mkdir()
    made = os.geteuid() == 0 and shutil.which("mount")
    if (
        not made
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(where)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a small file system is not allowed here; the simulated full disk is tested without it")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def test_a_full_disk(small_disk: Path, make: Make, store: Store) -> None:
    with Archive.open(small_disk / "data") as archive:
        stored = 0
        with pytest.raises(OutOfResourcesError):  # noqa: PT012 (some number of them fits)
            for number in range(1, 100):
                store(archive, make(number, pixels=200_000))
                stored = number
        assert stored >= 1
        assert not files_below(small_disk / "data", "incoming")
        assert len(files_below(small_disk / "data", "blobs")) == stored
        with pytest.raises(OutOfResourcesError):
            store(archive, make(98, pixels=400_000))
        assert archive.stats().instances == stored
        assert archive.delete("image", "1.2.3.1.1.1") == 1
        assert store(archive, make(99, pixels=100_000)) is StoreOutcome.STORED
        assert archive.check().clean
    with Archive.open(small_disk / "data") as archive:
        assert archive.check().clean


def test_a_read_only_disk(small_disk: Path, make: Make, store: Store) -> None:
    with Archive.open(small_disk / "data") as archive:
        store(archive, make(1))
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=False, capture_output=True)
        read_only = os.statvfs(small_disk).f_flag & os.ST_RDONLY
        if not read_only:  # open files for writing forbid it on some kernels: then writing goes on as before
            assert store(archive, make(2)) is StoreOutcome.STORED
            return
        with pytest.raises(OutOfResourcesError):
            store(archive, make(2))
        assert len(list(archive.find())) == 1
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True, capture_output=True)
        assert store(archive, make(2)) is StoreOutcome.STORED


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["writev", "fsync", "rename", "open"])
def test_every_call_that_can_fail(
    archive: Archive, folder: Path, make: Make, store: Store, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    store(archive, make(1))

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    failing = Failing()

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    setattr(failing, call, fail)
    with monkeypatch.context() as patched:
        patched.setattr(files, "os", failing)
        with pytest.raises(OutOfResourcesError) as caught:
            store(archive, make(2))
        assert os.strerror(code) in str(caught.value)
    assert not files_below(folder, "incoming")
    assert len(files_below(folder, "blobs")) == 1
    assert store(archive, make(2)) is StoreOutcome.STORED
    assert archive.check().clean


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(OutOfResourcesError):
        Archive.open(tmp_path / "data")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(folder / "index.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_a_locked_database(folder: Path, make: Make, store: Store) -> None:
    with Archive.open(folder, config=ArchiveConfig(busy_timeout=0.05)) as archive:
        store(archive, make(1))
        with locked(folder):
            with pytest.raises(OutOfResourcesError, match="locked"):
                store(archive, make(2))
            with pytest.raises(OutOfResourcesError):
                archive.delete("image", "1.2.3.1.1.1")
            assert len(list(archive.find(level="image"))) == 1
        assert len(files_below(folder, "blobs")) == 1
        assert not files_below(folder, "incoming")
        assert store(archive, make(2)) is StoreOutcome.STORED
        assert archive.check().clean


def test_many_who_wait_for_a_locked_database_all_hear_of_it(folder: Path, make: Make, store: Store) -> None:
    with Archive.open(folder, config=ArchiveConfig(busy_timeout=0.05)) as archive:
        failed: list[int] = []

        def run(number: int) -> None:
            try:
                store(archive, make(number))
            except OutOfResourcesError:
                failed.append(number)

        with locked(folder):
            threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        assert sorted(failed) == list(range(6))
        assert archive.stats().instances == 0
        for number in range(6):
            store(archive, make(number))
        assert archive.check().clean
