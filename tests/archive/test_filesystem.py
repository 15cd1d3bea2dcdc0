"""Which file systems make a name durable with its file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from kerma.archive.blobs.filesystem import alone, names_follow_files, syncs_meet


def mountinfo(folder: Path, kind: str) -> str:
    device = os.stat(folder).st_dev
    return f"36 35 {os.major(device)}:{os.minor(device)} / /data rw,noatime shared:1 - {kind} /dev/sda1 rw\n"


@pytest.mark.parametrize(
    ("kind", "expected"), [("ext4", True), ("xfs", True), ("btrfs", False), ("nfs4", False), ("tmpfs", False)]
)
def test_by_the_kind_of_the_mount(tmp_path: Path, kind: str, expected: bool) -> None:
    table = tmp_path / "mountinfo"
    table.write_text("20 1 0:19 / /proc rw - proc proc rw\n" + mountinfo(tmp_path, kind))
    assert names_follow_files(tmp_path, table) is expected


def test_one_that_is_mounted_as_two_kinds_is_no(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(mountinfo(tmp_path, "ext4") + mountinfo(tmp_path, "overlay"))
    assert names_follow_files(tmp_path, table) is False


@pytest.mark.parametrize("text", ["", "nonsense\n", "36 35 0:0 / /data rw - \n"])
def test_unknown_is_no(tmp_path: Path, text: str) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(text)
    assert names_follow_files(tmp_path, table) is False


def test_no_table_is_no(tmp_path: Path) -> None:
    assert names_follow_files(tmp_path, tmp_path / "absent") is False


@pytest.mark.parametrize(
    ("kind", "journal", "expected"),
    [("ext4", True, False), ("ext4", False, True), ("ext2", False, True), ("vfat", False, True), ("xfs", False, False)],
)
def test_syncs_take_turns_where_there_is_no_journal(tmp_path: Path, kind: str, journal: bool, expected: bool) -> None:
    table, journals = tmp_path / "mountinfo", tmp_path / "jbd2"
    table.write_text(mountinfo(tmp_path, kind))
    device = os.stat(tmp_path).st_dev
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
    (journals / (f"{name}-8" if journal else "other-8")).mkdir(parents=True)
    assert syncs_meet(tmp_path, table, journals) is expected
    assert syncs_meet(tmp_path, table, tmp_path / "none") is (expected or kind == "ext4")


def test_who_is_alone_keeps_others_out(tmp_path: Path) -> None:
    inside, order = threading.Event(), []

    def second() -> None:
        inside.wait(10)
        with alone(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with alone(tmp_path):
        inside.set()
        thread.join(0.05)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
