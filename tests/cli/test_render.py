"""``kerma render`` and ``kerma show`` as commands."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import kerma as library
from kerma.dataset import Dataset

from .conftest import Run

ROWS, COLUMNS = 24, 32


def write_image(path: Path, *, frames: int = 1, number: int = 1, pixels: bool = True) -> None:
    """A small image: a ramp, with a frame number in its first pixel."""
    ds: Any = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7.2", f"1.2.3.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.0"
    ds.PatientID, ds.SeriesNumber, ds.InstanceNumber = "P", "7", str(number)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.NumberOfFrames, ds.FrameTime = str(frames), "50"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if pixels:
        stored = np.stack([np.arange(ROWS * COLUMNS) % 200 + each for each in range(frames)]).astype("u1")
        ds.add("PixelData", "OB", stored.tobytes())
    library.write(ds, path)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.dcm"
    write_image(path, frames=4)
    return path


def test_a_picture_is_what_the_library_renders(kerma: Run, film: Path, tmp_path: Path) -> None:
    done = kerma("render", film, "a.png")
    assert (done.status, done.out, done.err) == (0, "", "")
    ds = library.read(film)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), library.pixels.render(ds))
    assert kerma("render", film, "b.png", "--frame", 3, "--window", "40,100,SIGMOID").status == 0
    wanted = library.pixels.render(ds, 2, window=(40, 100), function="SIGMOID")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png")), wanted)
    assert kerma("render", film, "c.jpg", "--colormap", "hot-iron", "--size", "16", "--quality", 50).status == 0
    with Image.open(tmp_path / "c.jpg") as found:
        assert (found.mode, found.size) == ("RGB", (16, 12))


def test_films_and_sheets(kerma: Run, film: Path, tmp_path: Path) -> None:
    for name in ("a.gif", "a.webp", "a.mp4"):
        assert kerma("render", film, name).status == 0
    with Image.open(tmp_path / "a.gif") as found:
        assert (found.n_frames, found.info["duration"]) == (4, 50)
    assert kerma("render", film, "b.gif", "--frame", "2-3", "--rate", 10).status == 0
    with Image.open(tmp_path / "b.gif") as found:
        assert (found.n_frames, found.info["duration"]) == (2, 100)
    assert kerma("render", film, "sheet.png", "--frame", "all", "--columns", 2, "--no-labels").status == 0
    with Image.open(tmp_path / "sheet.png") as found:
        assert found.size == (2 * 52 + 4, 2 * 52 + 4)


def test_the_images_of_a_folder_become_a_sheet(kerma: Run, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    for number in (3, 1, 2):
        write_image(folder / f"{number}.dcm", number=number)
    write_image(folder / "report.dcm", number=4, pixels=False)
    (folder / "notes.txt").write_text("no DICOM")
    done = kerma("render", folder, "sheet.png")
    assert (done.status, done.err) == (0, "")
    with zipfile.ZipFile(tmp_path / "series.zip", "w") as packed:
        for path in folder.iterdir():
            packed.write(path, path.name)
    assert kerma("render", "series.zip", "packed.png").status == 0
    assert (tmp_path / "packed.png").read_bytes() == (tmp_path / "sheet.png").read_bytes()
    assert kerma("render", folder, "through.gif").status == 0
    cut = folder / "cut.dcm"
    cut.write_bytes((folder / "1.dcm").read_bytes()[:-100])
    done = kerma("render", folder, "rest.png")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "cut.dcm" in done.err
    assert (tmp_path / "rest.png").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["film.dcm", "a.xyz"], 2, "one of .png"),
        (["film.dcm", "film.dcm"], 2, "no picture is called .dcm"),
        (["film.dcm", "a.png", "--frame", "5"], 2, "the image has 1 to 4"),
        (["film.dcm", "a.png", "--frame", "0"], 2, "there is no frame 0"),
        (["film.dcm", "a.png", "--frame", "x"], 2, "write 3, 2-5"),
        (["film.dcm", "a.png", "--window", "1,x"], 2, "write center,width"),
        (["film.dcm", "a.png", "--window", "lungs"], 2, "did you mean lung"),
        (["film.dcm", "a.png", "--window", "1", "--preset", "lung"], 2, "exclude each other"),
        (["film.dcm", "a.png", "--preset", "lunge"], 2, "no preset"),
        (["film.dcm", "a.png", "--colormap", "hot"], 2, "there is no colour map"),
        (["film.dcm", "a.png", "--presentation", "film.dcm"], 2, "no presentation state"),
        (["film.dcm", "a.png", "--size", "0"], 2, "1 to 32768"),
        (["film.dcm", "a.png", "--size", "big"], 2, "write 512"),
        (["nothing.dcm", "a.png"], 1, "nothing.dcm"),
        (["report.dcm", "a.png"], 1, "no image in it"),
    ],
)
def test_what_is_wrong_is_one_line(
    kerma: Run, film: Path, tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    write_image(tmp_path / "report.dcm", pixels=False)
    done = kerma("render", *words)
    assert done.status == status
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()
    assert film.read_bytes()[128:132] == b"DICM"


def test_nothing_is_written_over_without_force(kerma: Run, film: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    done = kerma("render", film, "a.png")
    assert done.status == 2
    assert "--force" in done.err
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    assert kerma("render", film, "a.png", "--force").status == 0
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_show_draws_half_blocks_in_a_pipe(kerma: Run, film: Path) -> None:
    done = kerma("show", film, "--width", 20, "--height", 10, "--colors", "24bit")
    assert done.status == 0
    lines = done.out.splitlines()
    assert 1 <= len(lines) <= 10
    assert all(line.count("\u2580") == 20 and line.endswith("\x1b[0m") for line in lines)
    assert kerma("show", film, "--as", "sixel").out.startswith("\x1bP0;1;0q")
    assert kerma("show", film, "--as", "kitty").out.startswith("\x1b_Ga=T,f=100")
    two = kerma("show", film, "--frame", "1,4", "--width", 20, "--height", 10)
    assert len(two.out.splitlines()) == 2 * len(lines)
    assert kerma("show", film, "--frame", "9").status == 2
    assert kerma("show", "nothing.dcm").status == 1


@pytest.mark.parametrize("words", [["render", "film.dcm", "a.png"], ["show", "film.dcm"]])
def test_without_numpy_it_says_what_to_install(film: Path, words: list[str]) -> None:
    code = f"import sys; sys.modules['numpy'] = None; from kerma.cli.main import run; sys.exit(run({words!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=film.parent, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "kerma: arrays need numpy, which is not installed (pip install 'kerma[pixels]')\n"
