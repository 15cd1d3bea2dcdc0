"""``kerma scan`` as a command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from pyarrow import parquet

from .conftest import Run


def test_a_pipe_gets_lines(kerma: Run, study: Path) -> None:
    (study / "readme.txt").write_text("no DICOM")
    done = kerma("scan", study, "--key", "Modality,InstanceNumber")
    assert done.status == 0
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert lines[0] == ["path", "Modality", "InstanceNumber"]
    assert [line[1:] for line in lines[1:]] == [["CT", "1"], ["CT", "2"], ["SR", "1"], ["SR", "2"]]
    assert done.err == "4 rows, 4 DICOM files, 1 others\n"


def test_by_series_as_json(kerma: Run, study: Path) -> None:
    done = kerma("scan", study, "--by", "series", "--json")
    assert done.status == 0
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert [(one["Modality"], one["SeriesNumber"], one["files"]) for one in objects] == [("CT", 1, 2), ("SR", 2, 2)]


def test_files_are_written(kerma: Run, study: Path, tmp_path: Path) -> None:
    assert kerma("scan", study, "--csv", "t.csv").status == 0
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["SOPInstanceUID"] for row in rows] == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1", "1.2.3.2.2"]
    assert kerma("scan", study, "--parquet", "t.parquet").status == 0
    assert parquet.read_table(tmp_path / "t.parquet").column("Rows").to_pylist() == [8] * 4
    out = kerma("scan", study, "--csv", "-", "--key", "PatientName")
    assert list(csv.reader(io.StringIO(out.out)))[1][1] == "Doe^Jane"


def test_a_broken_file_is_a_line_and_a_status(kerma: Run, study: Path) -> None:
    whole = (study / "1-1.dcm").read_bytes()
    (study / "1-1.dcm").write_bytes(whole[:-10])
    done = kerma("scan", study, "--key", "Modality")
    assert done.status == 1
    assert len(done.out.splitlines()) == 4
    problem, summary = done.err.splitlines()
    assert problem.startswith(f"kerma: {study / '1-1.dcm'}: ")
    assert "10 of them are missing" in problem
    assert summary == "3 rows, 3 DICOM files, 0 others, 1 broken"


def test_usage(kerma: Run, study: Path) -> None:
    for words, text in (
        (["--key", "PatientNme"], "did you mean PatientName"),
        (["--csv", "a", "--json"], "is enough"),
        (["--by", "image"], "is not one of"),
    ):
        done = kerma("scan", study, *words)
        assert done.status == 2, words
        assert text in done.err
    assert kerma("scan").status == 2
    gone = kerma("scan", study / "absent")
    assert gone.status == 1
    assert "check the path" in gone.err


def test_a_table_is_not_written_over_an_image(kerma: Run, study: Path) -> None:
    image = next(path for path in sorted(study.rglob("*")) if path.is_file())
    before = image.read_bytes()
    for form in ("--csv", "--parquet"):
        result = kerma("scan", study, form, image)
        assert (result.status, result.out) == (2, "")
        assert "over a DICOM file" in result.err
        assert kerma("scan", study, form, image, "--force").status == 2
    assert image.read_bytes() == before


def test_what_is_no_table_is_written_over_only_where_that_is_said(kerma: Run, study: Path, tmp_path: Path) -> None:
    target = tmp_path / "there"
    for form in ("--csv", "--parquet"):
        target.write_text("notes, of another kind\n")
        result = kerma("scan", study, form, target)
        assert (result.status, result.out) == (2, "")
        assert "is no table" in result.err
        assert "--force" in result.err
        assert target.read_text() == "notes, of another kind\n"
        assert kerma("scan", study, form, target, "--force").status == 0
        table = target.read_bytes()
        assert kerma("scan", study, form, target).status == 0  # a table may be written over
        assert target.read_bytes() == table
    for words in (
        ("--by", "patient"),
        ("--key", "size"),
        ("--by", "series", "--key", "Rows"),
        ("--key", "PatientName"),
    ):
        assert kerma("scan", study, "--csv", target, *words).status == 0, words
    target.write_bytes(b"")
    assert kerma("scan", study, "--csv", target).status == 0
