"""The scripts under examples/ run as they are, on what they make themselves and on real files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

import kerma

from .conftest import ROOT, Start, clean_environment

EXAMPLES = ROOT / "examples"


def run(name: str, *words: object, status: int = 0) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=90,
        env={**clean_environment(), "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return (done.stdout + done.stderr).splitlines()


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    assert run("make_study.py", folder)[0].startswith("24 images")
    return folder


def test_list_series(phantom: Path) -> None:
    (phantom / "notes.txt").write_text("no DICOM")
    lines = run("list_series.py", phantom)
    assert lines == [
        "CT  plain  12 images  1.0 mm",
        "CT  with contrast  12 images  1.0 mm",
        "1 other files",
    ]


def test_read_header(phantom: Path) -> None:
    real = get_testdata_file("CT_small.dcm")
    made, ct = run("read_header.py", phantom / "1-01.dcm", real)
    assert made.endswith("Water Phantom, 26 years; 2026-01-31 10:15:00; CT Image Storage; 128 x 128, 1 mm x 1 mm")
    assert "2004-01-19 07:27:30-05:00; CT Image Storage; 128 x 128, 0.661468 mm x 0.661468 mm" in ct
    assert "no-such-file" in run("read_header.py", "no-such-file", status=1)[0]


def test_names_and_dates(tmp_path: Path) -> None:
    lines = run("names_and_dates.py", tmp_path / "out.dcm")
    assert lines[0] == "Yamada, Tarou; 山田"
    assert lines[1] == "2026-01-31T10:15:30.250000+09:00 is 2026-01-31T01:15:30.250000+00:00"
    assert lines[2] == "71.50 kg, 180.00 cm, 046Y"
    ds = kerma.read(tmp_path / "out.dcm")
    raw = {keyword: bytes(ds[keyword].raw or b"") for keyword in ("StudyDate", "StudyTime", "AcquisitionDateTime")}
    assert raw == {
        "StudyDate": b"20260131",
        "StudyTime": b"101530.250000 ",
        "AcquisitionDateTime": b"20260131101530.250000+0900",
    }


def test_find_studies(phantom: Path, start: Start) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0")
    with kerma.connect(server.peer, aet="TEST") as peer:
        assert all(outcome.ok for outcome in peer.store([phantom / "1-01.dcm"]))
    (line,) = run("find_studies.py", server.peer, "PHANTOM*")
    assert line.startswith("20260131  Phantom, Water  CT  2.25.")
    assert server.stop().status == 0


def test_without_words_they_say_how() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert run(path.name, status=1)[0].startswith(f"usage: python examples/{path.name}")
