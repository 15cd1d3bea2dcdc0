"""A large file: its head is read, its pixels when somebody asks, and nothing is held open in between."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, TruncatedError
from kerma.formats import late, part10
from kerma.limits import Strictness

IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
PIXELS = bytes(range(256)) * 1024


def image(*, after: int = 0, item: bool = False) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = "1.2.3.4"
    ds.PatientName = "Müller^Jörg"
    for number in range(40):
        ds.add(0x00210010 if not number else 0x00211000 + number, "LO", "PRIVATE" if not number else f"value {number}")
    if item:
        code = Dataset()
        code.CodeValue = "T-1"
        ds.AnatomicRegionSequence = [code]
    ds.Rows, ds.Columns = 512, 256
    ds.add("PixelData", "OW", PIXELS)
    if after:
        ds.DataSetTrailingPadding = bytes(after)
    return ds


def late_of(ds: Dataset) -> bool:
    return ds._body.full is None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "image.dcm"
    kerma.write(image(), target)
    return target


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
@pytest.mark.parametrize("after", [0, 100, 4000])
@pytest.mark.parametrize("item", [False, True])
def test_the_head_is_read_and_pixels_when_they_are_asked_for(
    tmp_path: Path, syntax: str, after: int, item: bool
) -> None:
    path = tmp_path / "image.dcm"
    kerma.write(image(after=after, item=item), path, transfer_syntax_uid=syntax)
    for _ in range(3):  # the third time its layout is known
        ds = kerma.read(path)
        assert late_of(ds)
        assert ds.PatientName == "Müller^Jörg"
        assert ds.Rows == 512
        assert ds.get(0x00211005) in {"value 5", b"value 5 "}
        assert "PixelData" in ds
        assert list(ds) == sorted(ds)
        assert ds.meta is not None
        assert ds.meta.TransferSyntaxUID == syntax
        if item:
            assert ds.AnatomicRegionSequence[0].CodeValue == "T-1"
        assert late_of(ds)
        assert bytes(ds.PixelData or b"") == PIXELS
        assert not late_of(ds)
        assert ds.PatientName == "Müller^Jörg"
        if after:
            assert len(ds.DataSetTrailingPadding or b"") == after
        assert ds == kerma.read(path.read_bytes())


def test_an_element_behind_the_pixels_may_be_asked_for_first(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    kerma.write(image(after=10), path)
    ds = kerma.read(path)
    assert late_of(ds)
    assert bytes(ds["DataSetTrailingPadding"].raw or b"") == bytes(10)


def test_what_is_written_is_what_was_read(path: Path, tmp_path: Path) -> None:
    ds = kerma.read(path)
    kerma.write(ds, tmp_path / "copy.dcm")
    assert (tmp_path / "copy.dcm").read_bytes() == path.read_bytes()
    assert kerma.read(path).to_bytes() == kerma.read(path.read_bytes()).to_bytes()


def test_a_file_may_be_changed_in_its_place(path: Path) -> None:
    ds = kerma.read(path)
    ds.PatientName = "Doe^Jane"
    kerma.write(ds, path)
    assert bytes(ds.PixelData or b"") == PIXELS
    assert kerma.read(path).PatientName == "Doe^Jane"


def test_ten_thousand_data_sets_hold_nothing_open(path: Path) -> None:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("this system does not tell what is open")
    before = len(list(folder.iterdir()))
    kept = [kerma.read(path) for _ in range(2000)]
    assert len(list(folder.iterdir())) <= before + 1
    assert bytes(kept[-1].PixelData or b"") == PIXELS
    assert len(list(folder.iterdir())) <= before + 1


def test_a_file_that_was_changed_is_not_read_as_what_it_was(path: Path) -> None:
    ds = kerma.read(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    with pytest.raises(FormatError, match="changed") as caught:
        _ = ds.PixelData
    assert caught.value.where == str(path)
    assert caught.value.hint
    assert ds.Rows == 512


def test_a_file_that_is_gone(path: Path) -> None:
    ds = kerma.read(path)
    path.unlink()
    assert ds.Rows == 512
    with pytest.raises((KermaError, OSError)):
        _ = ds.PixelData


def test_closing(path: Path) -> None:
    with kerma.open(path) as ds:
        assert ds.Rows == 512
    with pytest.raises(KermaError, match="closed"):
        _ = ds.PixelData
    with kerma.open(path) as ds:
        pixels = ds.PixelData
    assert bytes(pixels or b"") == PIXELS


def test_the_working_folder_may_change(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(path.parent)
    ds = kerma.read(path.name)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert bytes(ds.PixelData or b"") == PIXELS


def test_very_large_ones_are_mapped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "_MAPPED", 1000)
    ds = kerma.read(path)
    view = ds.PixelData
    assert bytes(view or b"") == PIXELS
    ds.close()
    assert bytes(view or b"") == PIXELS


@pytest.mark.parametrize("cut", [1, 4, 100_000])
def test_cut_files_are_cut(path: Path, cut: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    for _ in range(3):
        with pytest.raises(TruncatedError) as caught:
            kerma.read(path)
        assert caught.value.missing == cut
        assert caught.value.where == str(path)


def test_deflated_strict_and_odd_ones_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "deflated.dcm"
    noise = image()
    noise.add("PixelData", "OW", os.urandom(100_000))
    kerma.write(noise, path, transfer_syntax_uid=DEFLATED)
    assert kerma.read(path).Rows == 512
    kerma.write(noise, path)
    strict = kerma.read(path, strictness=Strictness.STRICT)
    assert not late_of(strict)
    assert strict == kerma.read(path)
    headless = tmp_path / "headless.dcm"
    headless.write_bytes(noise.to_bytes(EXPLICIT))
    ds = kerma.read(headless)
    assert not late_of(ds)
    assert ds.findings


def test_a_small_file_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "small.dcm"
    small = image()
    small.add("PixelData", "OW", bytes(100))
    kerma.write(small, path)
    ds = kerma.read(path)
    path.unlink()
    assert bytes(ds.PixelData or b"") == bytes(100)


def test_a_head_that_is_larger_than_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part10, "_SOON_READ", 0)
    path = tmp_path / "image.dcm"
    ds = image()
    ds.ImageComments = "x" * (2 * part10._WINDOW)
    kerma.write(ds, path)
    back = kerma.read(path)
    assert late_of(back), "its front is found in pieces"
    assert back.ImageComments == "x" * 10240 or len(back.ImageComments or "") == 2 * part10._WINDOW
    assert back.Rows == 512


def test_every_size_of_a_head_around_the_window(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    other = tmp_path / "other.dcm"
    for size in range(part10._WINDOW - 1800, part10._WINDOW + 40, 26):
        ds = image(item=True)
        ds.add(0x00111010, "UT", "x" * (size & ~1))
        kerma.write(ds, path)
        shutil.copy(path, other)
        assert list(kerma.read(path)) == list(kerma.read(path.read_bytes()))
        back = kerma.read(other)
        assert back.Rows == 512
        assert back.AnatomicRegionSequence[0].CodeValue == "T-1"
        assert bytes(back.PixelData or b"") == PIXELS
