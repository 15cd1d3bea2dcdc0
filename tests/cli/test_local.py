"""The commands of a local archive, running or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run, Start, write_instance


def stats(kerma: Run) -> dict[str, int]:
    result = kerma("stats", "--json")
    assert result.status == 0, result.err
    counted: dict[str, int] = json.loads(result.out)
    return counted


def test_import_stats_export(kerma: Run, study: Path, tmp_path: Path) -> None:
    (study / "notes.txt").write_text("not DICOM")
    first = kerma("import", study)
    assert (first.status, first.out, first.err) == (0, "", "4 stored, 0 failed, 1 passed over\n")
    again = kerma("import", study / "1-1.dcm", "--json")
    assert json.loads(again.out)["outcome"] == "identical"
    counted = stats(kerma)
    assert (counted["patients"], counted["studies"], counted["series"], counted["instances"]) == (1, 1, 2, 4)
    assert "instances   4\n" in kerma("stats").out
    out = kerma("export", "PatientName=doe*", "Modality=SR", "-o", "out", "--json")
    assert out.status == 0
    paths = [Path(json.loads(line)["path"]) for line in out.out.splitlines()]
    assert sorted(path.name for path in paths) == ["1.2.3.2.1.dcm", "1.2.3.2.2.dcm"]
    assert (tmp_path / paths[0]).read_bytes() == (study / "2-1.dcm").read_bytes(), "byte for byte"


def test_all_of_it_while_the_archive_runs(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    server = start("serve", "--dicom", "127.0.0.1:0")
    assert kerma("import", study).status == 0
    assert kerma("find", server.peer, "PatientID=P1").out.count("P1") == 1
    assert stats(kerma)["instances"] == 4
    assert kerma("check").out.endswith(": clean\n")
    assert kerma("export", "PatientID=P1", "-o", "out").status == 0
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert server.stop().status == 0
    assert kerma("check").status == 0


def test_check_tells_and_mends(kerma: Run, study: Path, tmp_path: Path) -> None:
    assert kerma("import", study).status == 0
    blobs = sorted((tmp_path / "kerma-data" / "blobs").rglob("*.dcm"))
    assert len(blobs) == 4
    blobs[0].unlink()
    damaged = bytearray(blobs[1].read_bytes())
    damaged[-1] ^= 0xFF
    blobs[1].chmod(0o644)
    blobs[1].write_bytes(damaged)
    result = kerma("check")
    assert result.status == 1
    assert len(result.err.splitlines()) == 2
    assert "the file is gone" in result.err
    assert "not what it was" in result.err
    assert "not clean" in result.out
    mended = kerma("check", "--repair", "--json")
    assert mended.status == 1, "two images are lost"
    report = json.loads(mended.out)
    assert (len(report["missing"]), len(report["damaged"]), report["repaired"]) == (1, 1, True)
    assert kerma("check").status == 0
    assert stats(kerma)["instances"] == 2


def test_reindex_from_the_files_alone(kerma: Run, study: Path, tmp_path: Path) -> None:
    assert kerma("import", study).status == 0
    before = stats(kerma)
    for path in (tmp_path / "kerma-data").glob("index.db*"):
        path.unlink()
    result = kerma("reindex", "--json")
    assert json.loads(result.out) == {"instances": 4}
    after = stats(kerma)
    assert {**after, "index_size": 0} == {**before, "index_size": 0}


def test_a_damaged_index_is_built_anew(kerma: Run, study: Path, tmp_path: Path) -> None:
    assert kerma("import", study).status == 0
    for path in (tmp_path / "kerma-data").glob("index.db*"):
        path.write_bytes(b"not a database" * 1000)
    refused = kerma("stats")
    assert refused.status == 1
    assert refused.err.count("\n") == 1
    assert kerma("reindex").out == "4 instances indexed\n"
    assert stats(kerma)["instances"] == 4


def test_conflicts_are_failures_of_their_own(kerma: Run, study: Path, tmp_path: Path) -> None:
    assert kerma("import", study).status == 0
    other = write_instance(tmp_path / "other.dcm", PatientComments="not the same")
    result = kerma("import", other)
    assert result.status == 1
    assert "quarantine" in result.err
    assert stats(kerma)["quarantined"] == 1
    kept = kerma("import", other, env={"KERMA_ARCHIVE_DUPLICATES": "keep-first"})
    assert (kept.status, kept.err) == (0, "1 kept-first, 0 failed, 0 passed over\n")
    replaced = kerma("import", other, env={"KERMA_ARCHIVE_DUPLICATES": "replace"})
    assert (replaced.status, replaced.err) == (0, "1 replaced, 0 failed, 0 passed over\n")


@pytest.mark.parametrize("command", ["stats", "check", "reindex", "export"])
def test_an_archive_that_is_not_there(kerma: Run, tmp_path: Path, command: str) -> None:
    words = ["PatientID=1", "-o", "out"] if command == "export" else []
    result = kerma(command, *words, "--data", "nowhere")
    assert result.status == 2
    assert result.err == "kerma: nowhere: no archive is there (name its folder with --data)\n"
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_imported(kerma: Run, study: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.dcm").write_bytes((study / "1-1.dcm").read_bytes()[:-10])
    (tmp_path / "text").write_text("not DICOM")
    result = kerma("import", "cut.dcm", "text", "gone")
    assert result.status == 1
    lines = result.err.splitlines()
    assert [line.split(": ")[1].split(",")[0] for line in lines[:-1]] == ["cut.dcm", "text", "gone"]
    assert lines[-1] == "3 failed, 0 passed over"


def test_export_of_everything_is_refused(kerma: Run, study: Path) -> None:
    assert kerma("import", study).status == 0
    assert kerma("export", "PatientID=", "-o", "out").status == 2
    nothing = kerma("export", "PatientID=NOBODY", "-o", "out")
    assert (nothing.status, nothing.err) == (1, "kerma: nothing matches (check the keys)\n")
