"""The examples of the guides to scans and to large objects run as they are printed."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest
from pyarrow import parquet
from tests.bench import large

from kerma.dataset import Dataset

from .conftest import ROOT, Run

GUIDE = ROOT / "docs" / "guide"


def blocks(name: str, language: str) -> list[str]:
    text = (GUIDE / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_guide_to_scans(kerma: Run, study: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(study, data)
    lines = [line for block in blocks("scan.md", "") for line in block.splitlines() if line.startswith("kerma scan /")]
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        done = kerma(*[str(data) if word == "/data" else word for word in words])
        assert done.status == 0, f"{line}\n{done.err}"
    with (tmp_path / "all.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    table = parquet.read_table(tmp_path / "all.parquet")
    assert table.column_names == ["path", "PatientID", "StudyDate", "Modality", "KVP", "PixelSpacing", "size"]
    assert table.num_rows == 4


def test_the_example_of_the_guide_to_scans(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("scan.md", "python")
    found: dict[str, list[object]] = {"row": []}
    code = example.replace('"/data"', repr(str(study)))
    code = code.replace(
        "    row.path, row.PatientID", "    seen.append((row.path, row.PatientID, row.Rows)); row.path, row.PatientID"
    )
    exec(compile(code, "scan.md", "exec"), {"seen": found["row"]})
    assert len(found["row"]) == 4
    with (tmp_path / "all.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["path", "PatientID", "PixelSpacing", "Rows"]
    assert parquet.read_table(tmp_path / "series.parquet").num_rows == 2


def test_the_example_of_the_guide_to_large_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = 10_000
    large.write_slide(tmp_path / "slide.dcm", defined=False, frames=frames, frame_size=10)
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("large.md", "python")
    lines = [line.partition("  #")[0].rstrip() for line in example.splitlines()]
    values = [line for line in lines if line and " = " not in line and "import" not in line]
    assert len(values) == 3
    names: dict[str, object] = {}
    exec(compile("\n".join(line for line in lines if line not in values), "large.md", "exec"), names)
    (count, item), positions, indices = (eval(line, names) for line in values)
    assert count == frames
    assert isinstance(item, Dataset)
    assert item.DimensionIndexValues == indices[9_000]
    assert (len(positions), positions[9_000]) == (frames, large.column_of(9_000))


def test_the_readme_leads_to_every_guide() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in GUIDE.glob("*.md"):
        assert f"](docs/guide/{page.name})" in text, page.name
