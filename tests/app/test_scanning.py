"""``kerma.scan``: rows of files, whoever reads them, and the tables that are made of them."""

from __future__ import annotations

import csv
import json
import os
import pickle
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

import kerma
from kerma.app import scanning
from kerma.app.scan_columns import DEFAULT_KEYS, columns_of
from kerma.app.scan_groups import Groups
from kerma.app.scan_reading import RowReader
from kerma.app.scanning import Problem, Scan, scan
from kerma.dataset import Dataset, Sequence
from kerma.errors import KermaError, UsageError
from kerma.formats.part10 import write


def image(path: Path, **changes: object) -> Path:
    """A small image as a file."""
    item = Dataset()
    item.ScheduledProcedureStepID = "S1"
    ds = Dataset()
    values: dict[str, object] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": f"1.2.{path.stem}",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.1",
        "Modality": "CT",
        "PatientID": "P1",
        "PatientName": "Müller^Jörg",
        "SpecificCharacterSet": "ISO_IR 192",
        "InstanceNumber": path.stem,
        "SliceThickness": "1.50",
        "PixelSpacing": [0.5, 0.25],
        "Rows": 8,
        "RequestAttributesSequence": Sequence([item]),
        **changes,
    }
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.add("PixelData", "OW", bytes(64))
    ds.add(0x00291010, "LO", "ours")
    ds.add(0x00290010, "LO", "KERMA TEST")
    path.parent.mkdir(parents=True, exist_ok=True)
    write(ds, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders of images, and what else lies in folders."""
    top = tmp_path / "top"
    for number in (2, 1):
        image(top / "b" / f"{number}.dcm")
    image(top / "a" / "3.dcm", SeriesInstanceUID="1.2.3.2", Modality="SR", Rows=9)
    (top / "a" / "notes.txt").write_text("no DICOM")
    (top / "empty").mkdir()
    (top / "empty" / "nothing").touch()
    return top


def rows_of(found: Scan | Groups) -> list[tuple[object, ...]]:
    return [tuple(row) for row in found]


def test_rows_are_typed_and_in_the_order_of_names(folder: Path) -> None:
    found = kerma.scan(folder, ["PatientName", "InstanceNumber", "SliceThickness", "PixelSpacing", "ImageType", "size"])
    assert [column.name for column in found.columns][:2] == ["path", "PatientName"]
    assert [(column.kind, column.many) for column in found.columns[2:5]] == [
        ("integer", False),
        ("number", False),
        ("number", True),
    ]
    rows = list(found)
    assert [Path(row.path).name for row in rows] == ["3.dcm", "1.dcm", "2.dcm"]
    first = rows[0]
    assert first[1:6] == ("Müller^Jörg", 3, 1.5, (0.5, 0.25), ("ORIGINAL", "PRIMARY"))
    assert [type(cell) for cell in first[1:4]] == [str, int, float]
    assert first.size == (folder / "a" / "3.dcm").stat().st_size
    assert first.named()["PatientName"] == first.PatientName
    assert (found.counts.rows, found.counts.foreign, found.counts.failed) == (3, 2, 0)
    with pytest.raises(AttributeError, match="it has path, PatientName"):
        _ = first.PatientID
    assert pickle.loads(pickle.dumps(first)) == tuple(first)


def test_paths_through_sequences_tags_and_meta(folder: Path) -> None:
    keys = "RequestAttributesSequence.ScheduledProcedureStepID,TransferSyntaxUID,MediaStorageSOPClassUID,00291010"
    row = next(iter(scan(folder / "b", keys)))
    assert tuple(row[1:]) == ("S1", "1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.2", "ours")
    assert row.RequestAttributesSequence_ScheduledProcedureStepID == "S1"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("PatientNme", "did you mean PatientName"),
        ("PixelData", "bulk data"),
        ("RequestAttributesSequence", "a sequence"),
        ("PatientID.Modality", "PatientID is no sequence"),
    ],
)
def test_keys_that_no_table_holds(key: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        scan(".", [key])


def test_other_arguments_are_checked() -> None:
    with pytest.raises(UsageError, match="one process or more"):
        scan(".", workers=0)
    with pytest.raises(UsageError, match="'instance'"):
        scan(".", by="instance")


def test_broken_files_are_problems(folder: Path) -> None:
    whole = (folder / "b" / "1.dcm").read_bytes()
    (folder / "b" / "cut.dcm").write_bytes(whole[:-100])
    (folder / "b" / "odd.dcm").write_bytes(whole.replace(b"DS\x04\x001.50", b"DS\x04\x00a.50"))
    problems: list[Problem] = []
    found = scan(folder, ["InstanceNumber", "SliceThickness"], on_problem=problems.append)
    assert [tuple(row)[1:] for row in found] == [(3, 1.5), (1, 1.5), (2, 1.5), (1, None)]
    assert (found.counts.rows, found.counts.failed, found.counts.odd) == (4, 1, 1)
    cut, odd = problems
    assert cut.path.endswith("cut.dcm")
    assert "missing" in cut.text
    assert str(odd).startswith(f"{odd.path}: SliceThickness: ")


def test_named_files_must_be_dicom(folder: Path) -> None:
    problems: list[Problem] = []
    paths = [folder / "a" / "notes.txt", folder / "a" / "3.dcm", folder / "absent"]
    found = scan(paths, ["Rows"], on_problem=problems.append)
    assert rows_of(found) == [(str(folder / "a" / "3.dcm"), 9)]
    assert [Path(problem.path).name for problem in problems] == ["notes.txt", "absent"]


def many(folder: Path, count: int) -> Path:
    """``count`` files, a broken one and a foreign one among them."""
    source = image(folder / "0000.dcm").read_bytes()
    for number in range(1, count):
        data = source.replace(b"1.2.0000", f"1.2.{number:04d}".encode())
        (folder / f"{number:04d}.dcm").write_bytes(data[:-70] if number == 300 else data)
    (folder / "0100.txt").write_text("no DICOM")
    return folder


def test_an_address_is_none_of_our_paths() -> None:
    problems: list[Problem] = []
    assert list(scan(["ftp://host//a.dcm"], on_problem=problems.append)) == []
    assert [problem.path for problem in problems] == ["ftp://host//a.dcm"]
    assert "https" in problems[0].text


def test_processes_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "WORTH_PROCESSES", 64)
    monkeypatch.setattr(scanning, "BATCH", 32)
    folder = many(tmp_path / "many", 400)
    told: dict[int, list[str]] = {}
    results = []
    for workers in (1, 2, 3):
        problems: list[Problem] = []
        found = scan(folder, ["SOPInstanceUID", "size"], workers=workers, on_problem=problems.append)
        results.append(rows_of(found))
        told[workers] = list(map(str, problems))
        assert (found.counts.rows, found.counts.foreign, found.counts.failed) == (399, 1, 1)
    assert results[0] == results[1] == results[2]
    assert told[1] == told[2] == told[3]
    assert [row[1] for row in results[0]][:3] == ["1.2.0000", "1.2.0001", "1.2.0002"]


def test_slow_files_are_worth_processes_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few to start with processes; but each takes a tenth of a second, as the clock says."""
    clock = count()
    monkeypatch.setattr(scanning, "perf_counter", lambda: next(clock) / 10)
    monkeypatch.setattr(scanning, "BATCH", 32)
    read = []
    plain = RowReader.outcome

    def outcome(self: RowReader, path: str, *, named: bool = False) -> Any:
        read.append(path)
        return plain(self, path, named=named)

    monkeypatch.setattr(RowReader, "outcome", outcome)
    folder = many(tmp_path / "many", 400)
    by_several = rows_of(scan(folder, ["SOPInstanceUID"], workers=2))
    assert len(read) == 32
    assert by_several == rows_of(scan(folder, ["SOPInstanceUID"], workers=1))
    assert len(read) == 32 + 401


def test_a_scan_that_is_left_ends_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "WORTH_PROCESSES", 16)
    monkeypatch.setattr(scanning, "BATCH", 8)
    started = []
    plain: Any = subprocess.Popen

    def popen(*args: object, **settings: object) -> object:
        started.append(plain(*args, **settings))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    rows = iter(scan(many(tmp_path / "many", 120), ["SOPInstanceUID"], workers=2))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_a_process_that_dies_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "WORTH_PROCESSES", 16)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(KermaError, match="--workers 1"):
        list(scan(many(tmp_path / "many", 60), ["SOPInstanceUID"], workers=2))


def test_by_series_study_and_patient(folder: Path) -> None:
    series = scan(folder, by="series")
    assert isinstance(series, Groups)
    rows = list(series)
    assert [(row.Modality, row.SeriesInstanceUID, row.files) for row in rows] == [
        ("SR", "1.2.3.2", 1),
        ("CT", "1.2.3.1", 2),
    ]
    assert rows[1].bytes == sum(path.stat().st_size for path in (folder / "b").iterdir())
    assert rows[1].folder == str(folder / "b")
    (study,) = list(scan(folder, ["Modality", "Rows", "PixelSpacing"], by="study"))
    assert tuple(study)[:4] == ("SR\\CT", None, (0.5, 0.25), 3)
    (patient,) = list(scan(folder, by="patient"))
    assert (patient.PatientName, patient.files) == ("Müller^Jörg", 3)


def test_tables_in_files(folder: Path, tmp_path: Path) -> None:
    image(folder / "c" / "4.dcm", PatientName='Doe, "J"', SliceThickness=None, PixelSpacing=None)
    os.rename(folder / "c" / "4.dcm", os.fsencode(folder / "c") + b"/\xff4.dcm")
    found = scan(folder, ["PatientName", "InstanceNumber", "SliceThickness", "PixelSpacing"])
    rows = rows_of(found)
    assert found.to_csv(tmp_path / "t.csv") == 4
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["path", "PatientName", "InstanceNumber", "SliceThickness", "PixelSpacing"]
    assert lines[0][1:] == ["Müller^Jörg", "3", "1.5", "0.5\\0.25"]
    assert lines[3][1:] == ['Doe, "J"', "4", "", ""]
    assert found.to_json(tmp_path / "t.jsonl") == 4
    objects = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert objects[0]["PixelSpacing"] == [0.5, 0.25]
    assert objects[3]["path"] == rows[3][0]
    assert found.to_parquet(tmp_path / "t.parquet") == 4
    table = parquet.read_table(tmp_path / "t.parquet")
    assert [str(kind) for kind in table.schema.types] == [
        "string",
        "string",
        "int64",
        "double",
        "list<element: double>",
    ]
    assert table.column("PixelSpacing").to_pylist() == [[0.5, 0.25], [0.5, 0.25], [0.5, 0.25], None]
    assert table.column("InstanceNumber").to_pylist() == [3, 1, 2, 4]
    assert table.column("path").to_pylist()[3].endswith("\\udcff4.dcm")


def test_a_table_that_fails_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("stop")

    monkeypatch.setattr(RowReader, "outcome", fail)
    with pytest.raises(RuntimeError):
        scan(folder).to_csv(tmp_path / "t.csv")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    found = scan(tmp_path, ["Rows"])
    assert found.to_parquet(tmp_path / "t.parquet") == 0
    assert parquet.read_table(tmp_path / "t.parquet").num_rows == 0
    assert found.to_csv(tmp_path / "t.csv") == 0
    assert (tmp_path / "t.csv").read_bytes() == b"path,Rows\r\n"


def test_without_pyarrow_it_says_what_to_install(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(KermaError, match=r"pip install 'kerma\[parquet\]'"):
        scan(folder).to_parquet(tmp_path / "t.parquet")


@pytest.mark.corpus
def test_the_corpus_is_scanned_with_the_values_that_reading_gives(corpus: Path) -> None:
    keys = [column.name for column in columns_of(DEFAULT_KEYS)]
    found = scan(corpus, keys, workers=2)
    seen = 0
    for number, row in enumerate(found):
        seen += 1
        if number % 29:
            continue
        ds = kerma.read(row.path)
        assert row.PatientID == (None if ds.get("PatientID") is None else str(ds.get("PatientID")))
        assert row.Rows == ds.get("Rows")
        assert row.SOPInstanceUID == ds.get("SOPInstanceUID")
    assert seen == found.counts.rows > 1_500
