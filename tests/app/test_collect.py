"""Paths, folders and archives become files to probe, and nothing in an archive gets out of its temporary folder."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from kerma.app.collect import Collector, Found, Unusable
from kerma.errors import LimitError
from kerma.formats.containers import archive_kind
from kerma.limits import ArchiveLimits

DICOM = bytes(128) + b"DICM" + bytes(20)


def names(found: Iterable[Found | Unusable]) -> list[str]:
    return [item.name for item in found]


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_a_named_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(DICOM)
    with Collector() as collector:
        assert list(collector.walk([file])) == [Found(file, str(file), named=True)]


def test_a_folder_is_walked_in_order_without_links_to_folders(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "c/d/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with Collector() as collector:
        found = list(collector.walk([tmp_path]))
    assert names(found) == [str(tmp_path / name) for name in ("a", "b/1", "b/2", "c/d/e")]
    assert not any(item.named for item in found if isinstance(item, Found))


def test_what_is_not_there_is_unusable_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(DICOM)
    os.mkfifo(tmp_path / "pipe")
    with Collector() as collector:
        first, second, third = collector.walk([tmp_path / "gone", tmp_path / "pipe", file])
    assert isinstance(first, Unusable)
    assert "No such file" in str(first.error)
    assert isinstance(second, Unusable)
    assert "neither a file nor a folder" in str(second.error)
    assert isinstance(third, Found)


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
def test_members_are_numbered_files_whatever_they_are_called(tmp_path: Path, kind: str) -> None:
    members = {"../../escape": b"one", "/etc/passwd": b"two", "deep/er/three.dcm": b"three", "empty": b""}
    path = tmp_path / f"study.{kind}"
    if kind == "zip":
        write_zip(path, members)
    else:
        write_tar(path, members, "w" if kind == "tar" else "w:gz")
    before = sorted(tmp_path.rglob("*"))
    with Collector() as collector:
        found = [item for item in collector.walk([path]) if isinstance(item, Found)]
        assert [item.path.read_bytes() for item in found] == list(members.values())
        assert [item.path.name for item in found] == ["1", "2", "3", "4"]
        assert [item.name.split(f".{kind}/")[1] for item in found] == list(members)
        folders = {item.path.parent for item in found}
        assert len(folders) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert not folders.pop().exists()


def test_links_and_devices_in_a_tar_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("real")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    with Collector() as collector:
        assert names(collector.walk([path])) == [f"{path}/real"]


@pytest.mark.parametrize(
    "limits",
    [
        ArchiveLimits(max_members=2),
        ArchiveLimits(max_member=99),
        ArchiveLimits(max_total=250),
        ArchiveLimits(max_ratio=2),
    ],
)
def test_a_bomb_is_an_error(tmp_path: Path, limits: ArchiveLimits) -> None:
    path = write_zip(tmp_path / "bomb.zip", {str(number): bytes(100) for number in range(3)})
    with Collector(limits) as collector:
        last = list(collector.walk([path]))[-1]
    assert isinstance(last, Unusable)
    assert isinstance(last.error, LimitError)


def test_a_tar_whose_long_name_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 4 << 30
    path = tmp_path / "name.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with Collector() as collector:
        (only,) = collector.walk([path])
    assert isinstance(only, Unusable)
    assert isinstance(only.error, LimitError)


@pytest.mark.parametrize("name", ["cut.zip", "cut.tar"])
def test_a_cut_archive_is_unusable(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    data = os.urandom(5000)
    whole = write_zip(path, {"a": data}) if name.endswith("zip") else write_tar(path, {"a": data}, "w")
    path.write_bytes(whole.read_bytes()[:3000])
    with Collector() as collector:
        last = list(collector.walk([path]))[-1]
    assert isinstance(last, Unusable)
    assert "archive" in str(last.error)


def test_dicom_with_a_preamble_that_looks_like_a_zip_is_dicom(tmp_path: Path) -> None:
    path = tmp_path / "dual.dcm"
    path.write_bytes(b"PK\x03\x04" + DICOM[4:])
    assert archive_kind(path) is None


def test_a_tar_of_a_folder_as_tar_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "all.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("./inner/IM1")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"xx"))
    with Collector() as collector:
        (item,) = collector.walk([f"{path}/inner/IM1"])
        assert isinstance(item, Found)
        assert (item.name, item.named) == (f"{path}/./inner/IM1", True)
        assert item.path.read_bytes() == b"xx"
