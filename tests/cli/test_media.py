"""``kerma media``."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from .conftest import Run, write_instance


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder of four instances in two series, with what a file-set needs, and a file that is no DICOM."""
    for series in (1, 2):
        for number in (1, 2):
            path = tmp_path / "study" / f"{series}-{number}.dcm"
            write_instance(path, series=series, number=number, Modality="CT", StudyID="S1")
    (tmp_path / "study" / "notes.txt").write_text("nothing")
    return tmp_path / "study"


def test_a_medium_from_making_to_removing(kerma: Run, study: Path, tmp_path: Path) -> None:
    made = kerma("media", "disc", "--create", study, "--id", "demo")
    assert (made.status, made.out, made.err) == (0, "", "4 added, 0 failed; the file-set has 4 files\n")

    shown = kerma("media", "disc")
    assert (shown.status, shown.err) == (0, "file-set 'DEMO': 4 files, 0 errors, 0 warnings\n")
    assert shown.out.splitlines()[:4] == [
        "PATIENT  P1  Doe^Jane",
        "  STUDY  20260131  Test of the command line  1.2.3",
        "    SERIES  CT  1  1.2.3.1",
        "      IMAGE  1  PT000000/ST000000/SE000000/IM000000",
    ]
    assert kerma("media", "disc/DICOMDIR").out == shown.out

    lines = [json.loads(line) for line in kerma("media", "disc", "--json").out.splitlines()]
    assert len(lines) == 4
    assert lines[0]["00100020"]["Value"] == ["P1"]
    assert lines[0]["00041500"]["Value"] == ["PT000000", "ST000000", "SE000000", "IM000000"]

    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(write_instance(tmp_path / "new.dcm", number=3, StudyID="S1"), "new.dcm")
    assert kerma("media", "disc", "--add", archive).err == "1 added, 0 failed; the file-set has 5 files\n"
    assert kerma("media", "disc", "--add", study).err == "0 added, 0 failed; the file-set has 5 files\n"

    removed = kerma("media", "disc", "--remove", "1.2.3.2", "PT000000/ST000000/SE000000/IM000000")
    assert (removed.status, removed.err) == (0, "3 removed, 0 failed; the file-set has 2 files\n")
    assert not (tmp_path / "disc/PT000000/ST000000/SE000001").exists()
    assert kerma("media", "disc").status == 0


def test_a_folder_that_has_file_ids_is_listed_in_place(kerma: Run, tmp_path: Path) -> None:
    write_instance(tmp_path / "disc" / "IMAGES" / "IM1", StudyID="S1")
    write_instance(tmp_path / "disc" / "IMAGES" / "image-2.dcm", number=2, StudyID="S1")
    (tmp_path / "disc" / "README.TXT").write_text("a disc")
    made = kerma("media", "disc", "--create")
    assert made.status == 1
    assert "image-2.dcm: it does not lie on the medium under a File ID" in made.err
    assert made.err.endswith("1 added, 1 failed; the file-set has 1 file\n")
    shown = kerma("media", "disc")
    assert (shown.status, "IMAGES/IM1" in shown.out) == (0, True)
    assert "warning: IMAGES/image-2.dcm: a DICOM file that no record refers to" in shown.err


def test_what_is_wrong_is_a_line_each(kerma: Run, study: Path, tmp_path: Path) -> None:
    kerma("media", "disc", "--create", study)
    (tmp_path / "disc/PT000000/ST000000/SE000000/IM000000").unlink()
    result = kerma("media", "disc")
    assert result.status == 1
    assert result.err.splitlines() == [
        "kerma: PT000000/ST000000/SE000000/IM000000: the file is not on the medium",
        "file-set: 4 files, 1 error, 0 warnings",
    ]
    assert kerma("media", "disc", "--no-files").status == 0


def test_missing_keys_and_profiles(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    refused = kerma("media", "disc", "--create", path)
    assert refused.status == 1
    assert "a.dcm: no StudyID, which a STUDY record needs (PS3.3 F.5.2)" in refused.err
    assert "--invent" in refused.err
    assert not (tmp_path / "disc" / "DICOMDIR").exists()
    assert kerma("media", "disc", "--create", path, "--invent", "--profile", "std-ctmr-cd").status == 0
    assert kerma("media", "disc", "--profile", "STD-CTMR-CD").status == 0
    wrong = kerma("media", "disc", "--profile", "STD-DEN-CD")
    assert wrong.status == 1
    assert "STD-DEN-CD has no place for CT Image Storage (PS3.11 K)" in wrong.err


CANNOT_BE = [
    (("disc", "x"), 2, "what to do with the names behind DIR?"),
    (("disc", "--add"), 2, "nothing to add is named"),
    (("disc", "--create", "--add", "x"), 2, "exclude each other"),
    (("disc", "--create", "x"), 2, "there is a DICOMDIR already"),
    (("disc", "--remove", "9.9"), 1, "9.9: no record of the file-set"),
    (("nowhere",), 1, "No such file or directory"),
    (("disc", "--profile", "STD-GEN-TAPE"), 2, "no application profile"),
    (("new", "--create", "--id", "much too long for an id"), 2, "a File-set ID is up to 16"),
]


def test_what_cannot_be_meant(kerma: Run, study: Path) -> None:
    kerma("media", "disc", "--create", study)
    for words, status, said in CANNOT_BE:
        result = kerma("media", *words)
        assert (result.status, said in result.err) == (status, True), result.err
        assert len(result.err.splitlines()) <= 2


def test_a_dicomdir_in_a_folder_is_passed_over_in_silence(kerma: Run, study: Path) -> None:
    kerma("media", "disc", "--create", study)
    result = kerma("import", "disc", "--data", "archive")
    assert (result.status, result.err) == (0, "4 stored, 0 failed, 1 passed over\n")
