"""``kerma volume``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from tests.pixels.volumes.series import one, stack, values

import kerma as package

from .conftest import Run


def write_series(folder: Path, series: list[Any]) -> None:
    folder.mkdir(exist_ok=True)
    for number, ds in enumerate(series):
        package.write(ds, folder / f"{number}.dcm")


def test_list_and_write(kerma: Run, tmp_path: Path) -> None:
    write_series(tmp_path / "ct", stack(4, SeriesNumber="3", SeriesDescription="Head: thin/soft"))
    (tmp_path / "ct" / "notes.txt").write_text("no DICOM")
    listed = kerma("volume", "ct", "--json")
    assert listed.status == 0
    row = json.loads(listed.out)
    assert (row["series"], row["size"], row["spacing"], row["unit"]) == (3, "7 x 5 x 4", "0.5 x 2 x 3", "HU")
    made = kerma("volume", "ct", "-o", "ct.nii.gz")
    assert (made.status, made.err) == (0, "")
    image: Any = nibabel.load(tmp_path / "ct.nii.gz")
    assert np.array_equal(np.asarray(image.dataobj)[:, ::-1, 1].T, values(1))
    again = kerma("volume", "ct", "-o", "ct.nii.gz")
    assert again.status == 2
    assert "there is a file already" in again.err
    assert kerma("volume", "ct", "-o", "ct.npy").status == 0
    assert np.load(tmp_path / "ct.npy").shape == (4, 5, 7)
    assert kerma("volume", "ct", "-o", "out/").status == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["3_Head_thin_soft.nii.gz"]


def test_several_volumes_want_a_folder(kerma: Run, tmp_path: Path) -> None:
    scout = one((0, 0, 0), values(0), 50, ImageOrientationPatient=["0", "1", "0", "0", "0", "-1"])
    write_series(tmp_path / "ct", [*stack(3), scout])
    refused = kerma("volume", "ct", "-o", "ct.nii")
    assert refused.status == 2
    assert "name a folder as OUT" in refused.err
    assert not (tmp_path / "ct.nii").exists()
    assert kerma("volume", "ct", "-o", "out/").status == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_failures_are_lines(kerma: Run, tmp_path: Path) -> None:
    series = stack(6)
    del series[2]
    write_series(tmp_path / "ct", series)
    refused = kerma("volume", "ct", "-o", "ct.nii")
    assert refused.status == 1
    assert "--even" in refused.err
    assert kerma("volume", "ct", "-o", "ct.nii", "--even").status == 0
    assert kerma("volume", "ct", "--suv", "BW", "-o", "suv.nii").status == 1
    assert kerma("volume", "ct", "-o", "ct.png").status == 2
    assert kerma("volume", "nowhere").status == 1
    (tmp_path / "empty").mkdir()
    nothing = kerma("volume", "empty")
    assert nothing.status == 1
    assert "no images" in nothing.err
    assert "Traceback" not in refused.err + nothing.err
