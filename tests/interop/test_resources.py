"""When the archive cannot keep: full disk, unwritable folder, locked database.

The peer gets a failure status of the A7xx kind, nothing that was acknowledged is lost, the server lives on, and works
again when the cause is gone. The full disk and the read-only folder are mounts, so they need root; elsewhere exactly
these are skipped.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import peers, studies
from .conftest import Start
from .processes import Peer, run
from .scu import DcmtkScu

VERBOSE = DcmtkScu(options=["-v"], store_options=["-R", "-nh"])
_ANSWER = re.compile(r"Received Store Response \((.+)\)")


def answers(peer: Peer, folder: Path) -> list[str]:
    """What DCMTK's storescu calls the statuses that it got."""
    done = VERBOSE.store(peer, folder)
    return _ANSWER.findall(done.stdout + done.stderr)


@contextlib.contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    """A mount for the time of a test; who may not mount skips exactly that test."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    done = run(["mount", *arguments])
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        run(["umount", "--lazy", arguments[-1]])


def fetched(peer: Peer, study: str, out: Path) -> dict[str, str]:
    assert DcmtkScu().get(peer, out, "study", {"StudyInstanceUID": study}).returncode == 0
    return studies.received(out)


def check_is_clean(peer: Peer) -> None:
    done = run([peers.kerma_program(), "check", "--data", peer.extra["data"]])
    assert done.returncode == 0, done.stdout + done.stderr


def test_full_disk(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "small"
    data.mkdir()
    made = studies.make_series(tmp_path / "send", 40, rows=512, columns=512)
    with mounted("-t", "tmpfs", "-o", "size=12m", "tmpfs", data):
        server = start(peers.kerma_serve, data=data)
        said = answers(server, tmp_path / "send")
        kept = said.count("Success")
        assert 0 < kept < len(made)
        assert {one for one in said if one != "Success"} == {"Refused: OutOfResources"}
        assert len(said) == len(made)
        assert DcmtkScu().echo(server).returncode == 0
        whole = studies.digests(made)
        back = fetched(server, made[0].study_uid, tmp_path / "a")
        assert len(back) == kept
        assert back.items() <= whole.items()
        run(["mount", "-o", "remount,size=128m", data])
        assert answers(server, tmp_path / "send") == ["Success"] * len(made)
        assert fetched(server, made[0].study_uid, tmp_path / "b") == whole
        check_is_clean(server)
        assert server.stop() == 0


def test_read_only_folders(start: Start, tmp_path: Path, ct_series: list[studies.Made]) -> None:
    """Everything below the data folder but the index becomes read-only for new files."""
    server = start(peers.kerma_serve)
    first = studies.make_series(tmp_path / "first", 2, study=21)
    assert answers(server, tmp_path / "first") == ["Success"] * 2
    folders = [path for path in server.extra["data"].iterdir() if path.is_dir()]
    with contextlib.ExitStack() as stack:
        for folder in folders:
            stack.enter_context(mounted("--bind", folder, folder))
            assert run(["mount", "-o", "remount,bind,ro", folder]).returncode == 0
        said = answers(server, ct_series[0].path.parent)
        assert said == ["Refused: OutOfResources"] * len(ct_series)
        assert DcmtkScu().echo(server).returncode == 0
        assert fetched(server, first[0].study_uid, tmp_path / "a") == studies.digests(first)
    assert answers(server, ct_series[0].path.parent) == ["Success"] * len(ct_series)
    assert fetched(server, ct_series[0].study_uid, tmp_path / "b") == studies.digests(ct_series)
    check_is_clean(server)


def index_file(data: Path) -> Path:
    """The SQLite file of the archive, found by what it is."""
    found = [one for one in data.rglob("*") if one.is_file() and one.read_bytes()[:15] == b"SQLite format 3"]
    assert len(found) == 1, found
    return found[0]


def test_locked_database(start: Start, tmp_path: Path, ct_series: list[studies.Made]) -> None:
    server = start(peers.kerma_serve)
    first = studies.make_series(tmp_path / "first", 2, study=22)
    assert answers(server, tmp_path / "first") == ["Success"] * 2
    locker = sqlite3.connect(index_file(server.extra["data"]), isolation_level=None)
    try:
        locker.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        said = answers(server, ct_series[0].path.parent)
        assert said == ["Refused: OutOfResources"] * len(ct_series)
        assert time.monotonic() - began < 100  # it gives up in bounded time
        assert DcmtkScu().echo(server).returncode == 0
        assert fetched(server, first[0].study_uid, tmp_path / "a") == studies.digests(first)
    finally:
        locker.execute("ROLLBACK")
        locker.close()
    assert answers(server, ct_series[0].path.parent) == ["Success"] * len(ct_series)
    assert fetched(server, ct_series[0].study_uid, tmp_path / "b") == studies.digests(ct_series)
    check_is_clean(server)


def test_killed_and_restarted_archive_still_has_what_was_acknowledged(
    start: Start, tmp_path: Path, ct_series: list[studies.Made]
) -> None:
    data = tmp_path / "data"
    server = start(peers.kerma_serve, data=data)
    assert answers(server, ct_series[0].path.parent) == ["Success"] * len(ct_series)
    server.kill()
    again = start(peers.kerma_serve, data=data)
    assert fetched(again, ct_series[0].study_uid, tmp_path / "a") == studies.digests(ct_series)
    assert again.stop() == 0
    check_is_clean(again)
