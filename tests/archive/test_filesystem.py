"""Which file systems make a name durable with its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kerma.archive.blobs.filesystem import names_follow_files


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
