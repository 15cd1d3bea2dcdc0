"""The power goes while four threads store: what was acknowledged is on the disk, with or without a journal."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kerma.archive import Archive
from kerma.archive.blobs.filesystem import names_follow_files, syncs_meet

from . import power
from .test_crash import CHILD, Ledger, load_child

pytestmark = pytest.mark.skipif(power.reason_why_not() is not None, reason=str(power.reason_why_not()))


@pytest.fixture(params=sorted(power.MAKERS))
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    image = tmp_path / f"{request.param.replace(' ', '-')}.img"
    power.make_disk(image, request.param)
    return image


def test_a_synced_file_has_its_new_name(disk: Path, tmp_path: Path) -> None:
    """What ``names_follow_files`` says of ext4; a file that was not synced shows that the cut is one."""
    with power.mounted(disk, tmp_path / "mounted") as place:
        assert names_follow_files(place)
        assert syncs_meet(place) is ("without" in disk.name)
        (place / "from").mkdir()
        (place / "to" / "bucket").mkdir(parents=True)
        os.sync()
        for number, synced in enumerate((True, False, True, False)):
            data = bytes([number]) * 100_000
            handle = os.open(place / "from" / str(number), os.O_CREAT | os.O_WRONLY)
            os.write(handle, data)
            os.rename(place / "from" / str(number), place / "to" / "bucket" / str(number))
            if synced:
                os.fsync(handle)
            os.close(handle)
            power.cut(disk, tmp_path / "copy.img")
            with power.mounted(tmp_path / "copy.img", tmp_path / "after") as after:
                name = after / "to" / "bucket" / str(number)
                assert (name.exists() and name.read_bytes() == data) is synced


def cut_while_storing(disk: Path, tmp_path: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    make = load_child().instance_bytes
    copy = tmp_path / "copy.img"
    for run in range(rounds):
        ledger = Ledger(make)
        with power.mounted(disk, tmp_path / "mounted") as place:
            argv = [sys.executable, str(CHILD), str(place / "archive"), str(run)]
            with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                lines = [child.stdout.readline() for _ in range(chance.randrange(2, 120))]
                child.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                power.cut(disk, copy)
                child.kill()
                lines += child.stdout.readlines()
                child.wait(60)
        ledger.note([line.decode().strip() for line in lines if line.endswith(b"\n")])
        with power.mounted(copy, tmp_path / "after") as after:
            with Archive.open(after / "archive") as archive:
                assert archive.check().clean
                ledger.verify(archive, run)
                archive.delete("patient", f"P{run}")
            assert not os.listdir(after / "archive" / "incoming")
        copy.replace(disk)


@pytest.mark.timeout(300)
def test_cut_while_four_threads_store(disk: Path, tmp_path: Path) -> None:
    cut_while_storing(disk, tmp_path, 3, seed=20261125)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_cut_a_hundred_times_while_four_threads_store(disk: Path, tmp_path: Path) -> None:
    cut_while_storing(disk, tmp_path, 100, seed=5)
