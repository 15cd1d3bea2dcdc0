"""Files inside zip, tar and compressed files: read where a path says so, bounded, hostile ones refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kerma
from kerma.errors import FormatError, KermaError, LimitError, NotDicomError, TruncatedError, UsageError
from kerma.formats import containers
from kerma.limits import ArchiveLimits, Limits


def dicom(patient: str = "A^B", extra: int = 0) -> bytes:
    ds = kerma.Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = patient
    if extra:
        ds.add("PixelData", "OB", os.urandom(1024) * (extra // 1024))
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


PACK: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda members: gzip.compress(tarred(members)),
    "tgz": lambda members: gzip.compress(tarred(members)),
    "tar.bz2": lambda members: bz2.compress(tarred(members)),
    "tar.xz": lambda members: lzma.compress(tarred(members)),
}


@pytest.fixture(params=sorted(PACK))
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    members = {"README": b"text", "inner/IM1": dicom("ONE"), "./inner/IM2": dicom("TWO"), "inner/deep/IM1": dicom("3")}
    path = tmp_path / f"study.{request.param}"
    path.write_bytes(PACK[request.param](members))
    return path


def test_a_path_goes_on_into_an_archive(study: Path) -> None:
    assert str(kerma.read(study / "inner" / "IM1").PatientName) == "ONE"
    assert str(kerma.read(f"{study}/inner/IM2").PatientName) == "TWO"
    assert str(kerma.read(f"{study}//inner/./deep/IM1").PatientName) == "3"
    with kerma.open(study / "inner/IM1") as ds:
        assert ds.SOPInstanceUID == "1.2.3"


def test_what_is_not_there_is_said_with_what_is_near(study: Path) -> None:
    with pytest.raises(UsageError, match=r"no file 'inner/IM3'.*did you mean .*inner/IM"):
        kerma.read(study / "inner/IM3")
    with pytest.raises(UsageError, match=r"'inner' is a folder of .* files.*name one of them"):
        kerma.read(study / "inner")
    with pytest.raises(UsageError, match="no archive, so nothing is in it"):
        kerma.read(study / "inner/IM1/more")
    with pytest.raises(NotDicomError, match=r"several files .*name one of them, as in .*/README"):
        kerma.read(study)
    with pytest.raises(NotDicomError, match=r"README.*neither|README.*nothing says"):
        kerma.read(study / "README")


def test_an_archive_of_one_file_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "one.zip").write_bytes(zipped({"a/b": dicom("ONE")}))
    assert str(kerma.read(tmp_path / "one.zip").PatientName) == "ONE"
    (tmp_path / "none.zip").write_bytes(zipped({}))
    with pytest.raises(UsageError, match="without a file"):
        kerma.read(tmp_path / "none.zip")


@pytest.mark.parametrize(("name", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_compressed_file_is_read_as_it_is(name: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / f"ct.dcm.{name}"
    path.write_bytes(pack(dicom("ONE")))
    assert str(kerma.read(path).PatientName) == "ONE"
    path.write_bytes(pack(dicom("ONE"))[:-30])
    with pytest.raises(FormatError, match=r"ct\.dcm"):
        kerma.read(path)


def test_gzip_streams_follow_each_other_and_zeros_them(tmp_path: Path) -> None:
    data = dicom("ONE", 4096)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(data[:100]) + gzip.compress(data[100:]) + bytes(512))
    assert len(kerma.read(path).PixelData or b"") == 4096


def test_archives_inside_archives_have_a_bound(tmp_path: Path) -> None:
    inner = tarred({"x/IM1": gzip.compress(dicom("DEEP"))})
    (tmp_path / "all.zip").write_bytes(zipped({"a/one.tar": inner}))
    assert str(kerma.read(tmp_path / "all.zip/a/one.tar/x/IM1").PatientName) == "DEEP"
    data = dicom()
    for _ in range(6):
        data = gzip.compress(data)
    (tmp_path / "nest.gz").write_bytes(data)
    with pytest.raises(LimitError, match="inside one another"):
        kerma.read(tmp_path / "nest.gz")


def test_a_large_member_is_in_no_memory_and_an_archive_in_it_is_found(tmp_path: Path) -> None:
    big = dicom("BIG", 20 << 20)
    (tmp_path / "big.zip").write_bytes(zipped({"IM1": big, "in.zip": zipped({"x": big}, zipfile.ZIP_STORED)}))
    ds = kerma.read(tmp_path / "big.zip/IM1")
    assert bytes(ds["PixelData"].raw or b"") == big[-(20 << 20) :]
    assert str(kerma.read(tmp_path / "big.zip/in.zip/x").PatientName) == "BIG"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.zip"]


def test_bombs_end_at_a_bound(tmp_path: Path) -> None:
    zeros = bytes(30 << 20)
    for name, data in {
        "gz": gzip.compress(zeros),
        "bz2": bz2.compress(zeros),
        "zip": zipped({"a": zeros}),
        "tar.gz": gzip.compress(tarred({"a": zeros})),
    }.items():
        path = tmp_path / f"bomb.{name}"
        path.write_bytes(data)
        with pytest.raises(LimitError):
            kerma.read(path, limits=Limits(max_inflated=1 << 20))
        with pytest.raises(LimitError):
            kerma.read(path, limits=Limits(archives=ArchiveLimits(max_ratio=10)))


def test_an_archive_that_hides_a_second_one_in_its_sizes(tmp_path: Path) -> None:
    data = bytearray(zipped({"IM1": dicom("ONE")}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (99).to_bytes(4, "little")
    (tmp_path / "lies.zip").write_bytes(data)
    with pytest.raises(FormatError):
        kerma.read(tmp_path / "lies.zip/IM1")


def test_an_encrypted_member_says_so(tmp_path: Path) -> None:
    data = bytearray(zipped({"IM1": dicom()}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    with pytest.raises(FormatError, match="encrypted"):
        kerma.read(tmp_path / "locked.zip/IM1")


def test_names_never_leave_the_archive(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(dicom("SECRET"))
    (tmp_path / "evil.zip").write_bytes(zipped({"../secret": dicom("EVIL"), "/etc/passwd": dicom("ROOT")}))
    assert str(kerma.read(f"{tmp_path}/evil.zip/../secret").PatientName) == "EVIL"
    assert str(kerma.read(f"{tmp_path}/evil.zip/etc/passwd").PatientName) == "ROOT"


def test_missing_files_are_what_they_always_were(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom())
    with pytest.raises(FileNotFoundError):
        kerma.read(tmp_path / "gone.zip/IM1")
    with pytest.raises(NotADirectoryError):
        kerma.read(tmp_path / "a.dcm/IM1")


def test_walk_lists_what_collecting_takes(study: Path) -> None:
    members = list(containers.walk(study))
    assert [member.name for member in members] == ["README", "inner/IM1", "./inner/IM2", "inner/deep/IM1"]
    with pytest.raises(NotDicomError, match="no archive"):
        list(containers.walk(__file__))


@pytest.mark.parametrize("kind", sorted(PACK))
@given(data=st.data())
def test_a_damaged_archive_gives_its_file_or_a_typed_error(kind: str, data: st.DataObject) -> None:
    whole = dicom("ONE")
    packed = bytearray(PACK[kind]({"README": b"text", "IM1": whole}))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    del packed[data.draw(st.integers(1, len(packed))) :]
    stream = io.BytesIO(bytes(packed))
    found = containers._kind(stream, len(packed))
    if found is None:
        return
    try:
        got = containers._descend(stream, found, len(packed), "x", "IM1", Limits(max_inflated=1 << 20), 1)
    except KermaError:
        return
    assert len(got) <= 1 << 20


def test_a_cut_tar_is_truncated(tmp_path: Path) -> None:
    data = gzip.compress(tarred({"IM1": dicom("ONE", 200 << 10)}))
    (tmp_path / "cut.tar.gz").write_bytes(data[:-50])
    with pytest.raises(TruncatedError):
        kerma.read(tmp_path / "cut.tar.gz/IM1")
