"""Which file systems make a name durable with its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kerma.archive.blobs.filesystem import names_follow_files


def mountinfo(folder: Path, kind: str) -> str:
    device = os.stat(folder).st_dev
    return f"36 35 {os.major(device)}:{os.minor(device)} / /data rw,noatime shared:1 - {kind} /dev/sda1 rw\n"


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """What the kernel shows of an ext4 file system with a journal."""
    folder = tmp_path / "jbd2"
    (folder / "sda1-8").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("kind", "expected"), [("ext4", True), ("xfs", True), ("btrfs", False), ("nfs4", False), ("tmpfs", False)]
)
def test_by_the_kind_of_the_mount(tmp_path: Path, journals: Path, kind: str, expected: bool) -> None:
    table = tmp_path / "mountinfo"
    table.write_text("20 1 0:19 / /proc rw - proc proc rw\n" + mountinfo(tmp_path, kind))
    assert names_follow_files(tmp_path, table, journals) is expected


def test_ext4_without_a_journal_promises_nothing(tmp_path: Path, journals: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(mountinfo(tmp_path, "ext4"))
    (journals / "sda1-8").rename(journals / "sda11-8")
    assert names_follow_files(tmp_path, table, journals) is False
    assert names_follow_files(tmp_path, table, tmp_path / "absent") is False


@pytest.mark.parametrize("text", ["", "nonsense\n", "36 35 0:0 / /data rw - \n"])
def test_unknown_is_no(tmp_path: Path, journals: Path, text: str) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(text)
    assert names_follow_files(tmp_path, table, journals) is False


def test_no_table_is_no(tmp_path: Path, journals: Path) -> None:
    assert names_follow_files(tmp_path, tmp_path / "absent", journals) is False
