"""Instances as files in a folder: whole or not there, and no name from outside becomes a path."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import kerma
from kerma.errors import InvalidInstanceError, OutOfResourcesError
from kerma.net.client import connect
from kerma.net.folder import FolderProvider
from kerma.services.dispatch import Providers
from kerma.services.providers import StoreOutcome, StoreRequest

from .conftest import Start
from .memory import CT, EXPLICIT_LE, instance, make


def request(uid: str = "1.2.3") -> StoreRequest:
    return StoreRequest(CT, uid, EXPLICIT_LE, calling_aet="ME")


def test_a_stored_instance_is_a_file_that_reads(start: Start, tmp_path: Path) -> None:
    running = start(providers=Providers(storage=FolderProvider(tmp_path / "out")))
    with connect(running.peer, aet="ME") as peer:
        assert all(result.ok for result in peer.store([instance(1, size=2_000_000), make(2)]))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["1.2.3.1.1.1.dcm", "1.2.3.1.1.2.dcm"]
    ds = kerma.read(tmp_path / "out" / names[0])
    assert ds.InstanceNumber == 1
    assert ds.meta is not None
    assert ds.meta.SourceApplicationEntityTitle == "ME"
    assert len(ds.PixelData or b"") == 2_000_000


def test_replaced_and_identical(tmp_path: Path) -> None:
    provider = FolderProvider(tmp_path, sync=False)

    def store(data: bytes) -> StoreOutcome:
        sink = provider.begin(request())
        sink.write([memoryview(data[:2]), memoryview(data[2:])])
        return sink.commit()

    assert store(b"abcd") is StoreOutcome.STORED
    assert store(b"abcd") is StoreOutcome.IDENTICAL
    assert store(b"abce") is StoreOutcome.REPLACED
    assert [path.name for path in tmp_path.iterdir()] == ["1.2.3.dcm"]
    assert (tmp_path / "1.2.3.dcm").read_bytes().endswith(b"abce")


@pytest.mark.parametrize("uid", ["../../etc/passwd", "", "1" * 65, "1.2/3", "1.2\n", "..", ".1", "1.2.3\x00"])
def test_a_name_that_is_no_uid_is_refused(tmp_path: Path, uid: str) -> None:
    with pytest.raises(InvalidInstanceError):
        FolderProvider(tmp_path).begin(request(uid))
    assert not list(tmp_path.iterdir())


def test_an_abort_leaves_nothing(tmp_path: Path) -> None:
    sink = FolderProvider(tmp_path).begin(request())
    sink.write([memoryview(b"abcd")])
    sink.abort()
    sink.abort()
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = FolderProvider(tmp_path).begin(request())

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(OutOfResourcesError, match=r"No space left.*free some space"):
        sink.write([memoryview(b"abcd")])
    assert not list(tmp_path.iterdir())


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = FolderProvider(tmp_path, sync=False)
    sink = provider.begin(request())
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, chunks: real(fd, [chunks[0][:3]]))
    sink.write([memoryview(b"abcd"), memoryview(b""), memoryview(b"efgh")])
    assert sink.commit() is StoreOutcome.STORED
    assert (tmp_path / "1.2.3.dcm").read_bytes().endswith(b"abcdefgh")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutOfResourcesError, match="folder"):
        FolderProvider(tmp_path / "file" / "below")
