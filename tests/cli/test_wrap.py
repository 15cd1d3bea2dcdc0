"""``kerma wrap`` and ``kerma unwrap``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.formats.building_samples import PDF, colour, picture

import kerma as package

from .conftest import ROOT, Run, clean_environment, write_instance


def test_a_picture_with_attributes(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(colour(), "JPEG"))
    words = ("PatientName=Müller^Jörg", "Modality=XC", "SeriesNumber=4", "ImageType=DERIVED\\SECONDARY")
    result = kerma("wrap", "a.jpg", "-o", "a.dcm", *words, "PatientWeight=70.5")
    assert (result.status, result.err) == (0, "")
    ds = package.read(tmp_path / "a.dcm")
    assert result.out.strip() == ds.SOPInstanceUID
    assert (ds.PatientName, ds.Modality, ds.SeriesNumber, ds.PatientWeight) == ("Müller^Jörg", "XC", 4, 70.5)
    assert ds.ImageType == ("DERIVED", "SECONDARY")


def test_a_report_in_a_study_and_out_again(kerma: Run, tmp_path: Path) -> None:
    write_instance(tmp_path / "ct.dcm")
    (tmp_path / "r.pdf").write_bytes(PDF)
    concept = "18748-4,LN,Diagnostic imaging study"
    made = kerma("wrap", "r.pdf", "-o", "r.dcm", "--study-from", "ct.dcm", "--title", "Report", "--concept", concept)
    assert (made.status, made.err) == (0, "")
    ds = package.read(tmp_path / "r.dcm")
    assert (ds.PatientName, ds.StudyInstanceUID, ds.DocumentTitle) == ("Doe^Jane", "1.2.3", "Report")
    assert ds.ConceptNameCodeSequence[0].CodeMeaning == "Diagnostic imaging study"
    out = kerma("unwrap", "r.dcm", "-o", "again.pdf", "--json")
    assert json.loads(out.out) == {"path": "again.pdf", "type": "application/pdf", "title": "Report", "bytes": len(PDF)}
    assert (tmp_path / "again.pdf").read_bytes() == PDF
    assert kerma("unwrap", "r.dcm", "-o", "folder/").out == "folder/r.pdf\n"
    assert (tmp_path / "folder" / "r.pdf").read_bytes() == PDF


def test_what_is_there_stays(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(PDF)
    assert kerma("wrap", "r.pdf", "-o", "r.dcm").status == 0
    before = (tmp_path / "r.dcm").read_bytes()
    again = kerma("wrap", "r.pdf", "-o", "r.dcm")
    assert (again.status, (tmp_path / "r.dcm").read_bytes()) == (2, before)
    assert "--force" in again.err
    refused = kerma("unwrap", "r.dcm")
    assert refused.status == 1
    assert refused.err == "kerma: r.dcm: r.pdf: the file is there already (--force writes over it)\n"
    assert kerma("unwrap", "r.dcm", "--force").status == 0


def test_the_root_of_the_configuration(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(PDF)
    (tmp_path / "k.toml").write_text('[uids]\nroot = "1.2.826.0.1.3680043.2.9"\n')
    assert kerma("wrap", "r.pdf", "-o", "a.dcm", "--config", "k.toml").out.startswith("1.2.826.0.1.3680043.2.9.")
    assert kerma("wrap", "r.pdf", "-o", "b.dcm", env={"KERMA_UIDS_ROOT": "1.2.9"}).out.startswith("1.2.9.")
    assert kerma("wrap", "r.pdf", "-o", "c.dcm", "--uid-root", "1.2.8").out.startswith("1.2.8.")
    wrong = kerma("wrap", "r.pdf", "-o", "d.dcm", env={"KERMA_UIDS_ROOT": "1.02"})
    assert wrong.status == 2
    assert "KERMA_UIDS_ROOT" in wrong.err
    assert not (tmp_path / "d.dcm").exists()


def test_mistakes_are_one_line(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(PDF)
    (tmp_path / "text").write_text("words")
    cases = [
        (("wrap", "text", "-o", "x"), 1, "text: this is no picture"),
        (("wrap", "gone.png", "-o", "x"), 1, "gone.png: No such file"),
        (("wrap", "PatientID=1", "-o", "x"), 2, "no file to wrap"),
        (("wrap", "r.pdf", "-o", "x", "PatientNam=1"), 2, "PatientName"),
        (("wrap", "r.pdf", "-o", "x", "SeriesNumber=one"), 1, "SeriesNumber"),
        (("wrap", "r.pdf", "-o", "x", "InstanceNumber=1", "--concept", "a,b"), 2, "is no code"),
        (("wrap", "r.pdf", "-o", "x", "--patient-from", "r.pdf", "--study-from", "r.pdf"), 2, "only one of"),
        (("wrap", "r.pdf", "-o", "x", "--study-from", "text"), 1, "text"),
        (("wrap", "r.pdf", "-o", "no/such/folder/x"), 1, "no/such/folder"),
        (("unwrap", "text"), 1, "text"),
    ]
    for words, status, part in cases:
        result = kerma(*words)
        assert (result.status, len(result.err.splitlines())) == (status, 1), (words, result.err)
        assert part in result.err, words
        assert result.out == ""
    assert not (tmp_path / "x").exists()


GUIDE = ROOT / "docs" / "guide" / "building.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_guide_runs(tmp_path: Path) -> None:
    write_instance(tmp_path / "ct.dcm")
    (tmp_path / "photo.jpg").write_bytes(picture(colour(), "JPEG"))
    (tmp_path / "report.pdf").write_bytes(PDF)
    for number in (1, 2):
        (tmp_path / f"page{number}.png").write_bytes(picture(colour(), "PNG"))
    (console,) = blocks("console")
    environment = clean_environment()
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for line in console.splitlines():
        done = subprocess.run(
            ["bash", "-c", line.removeprefix("$ ")], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b""), line
    assert (tmp_path / "report-again.pdf").read_bytes() == PDF
    (snippet,) = blocks("python")
    script = f"{snippet}\nimport sys\nsys.stdout.buffer.write(document.data)"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, b"", PDF)
