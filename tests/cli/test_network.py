"""The commands of the network against ``kerma serve`` and ``kerma listen``, as processes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from kerma.formats.part10 import read

from .conftest import Run, Start, write_instance

SERVE = ("serve", "--dicom", "127.0.0.1:0")


def test_send_find_get_give_back_the_same_bytes(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    server = start(*SERVE)
    sent = kerma("send", server.peer, study)
    assert (sent.status, sent.out) == (0, "")
    assert sent.err == "4 sent, 0 failed, 0 passed over\n"
    found = kerma("find", server.peer, "PatientName=doe*", "StudyDate=20260101-20260131")
    header, row = found.out.splitlines()
    fields = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert fields["PatientName"] == "Doe^Jane"
    assert fields["StudyInstanceUID"] == "1.2.3"
    assert fields["NumberOfStudyRelatedInstances"] == "4"
    assert sorted(fields["ModalitiesInStudy"].split("\\")) == ["CT", "SR"]
    got = kerma("get", server.peer, "PatientID=P1", "-o", "out")
    assert (got.status, got.err) == (0, "4 fetched, 0 failed\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"1.2.3.{series}.{number}.dcm" for series in (1, 2) for number in (1, 2)
    ]
    for path in study.iterdir():
        ours = read(path)
        assert read(tmp_path / "out" / f"{ours.SOPInstanceUID}.dcm").to_bytes() == ours.to_bytes()


def test_find_at_each_level_and_as_json(start: Start, kerma: Run, study: Path) -> None:
    server = start(*SERVE)
    assert kerma("send", server.peer, study).status == 0
    series = kerma("find", server.peer, "--level", "series", "StudyInstanceUID=1.2.3", "--return", "SeriesDescription")
    assert series.out == "SeriesDescription\tStudyInstanceUID\nseries 1\t1.2.3\nseries 2\t1.2.3\n"
    images = kerma("find", server.peer, "--level", "image", "PatientID=P1", "Modality=SR", "--json")
    answers = [json.loads(line) for line in images.out.splitlines()]
    assert sorted(answer["00080018"]["Value"][0] for answer in answers) == ["1.2.3.2.1", "1.2.3.2.2"]
    patients = kerma("find", server.peer, "--level", "patient", "PatientName=Doe*", "--json")
    assert json.loads(patients.out)["00100020"] == {"vr": "LO", "Value": ["P1"]}
    nothing = kerma("find", server.peer, "PatientID=NOBODY", "--json")
    assert (nothing.status, nothing.out, nothing.err) == (0, "", "")


def test_send_says_of_each_failure_what_it_is(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    server = start(*SERVE)
    (study / "notes.txt").write_text("not DICOM")
    (tmp_path / "named.txt").write_text("not DICOM")
    result = kerma("send", server.peer, study, "named.txt", "gone.dcm", "--json")
    assert result.status == 1
    lines = result.err.splitlines()
    assert len(lines) == 2
    assert "named.txt" in lines[0]
    assert "gone.dcm" in lines[1]
    assert "No such file" in lines[1]
    outcomes = [json.loads(line) for line in result.out.splitlines()]
    assert len(outcomes) == 4
    assert {(outcome["ok"], outcome["status"]) for outcome in outcomes} == {(True, "0000")}


def test_send_takes_archives_and_leaves_nothing_behind(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    server = start(*SERVE)
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in study.iterdir():
            archive.write(path, f"../../{path.name}")
        archive.writestr("readme.txt", "not DICOM")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    result = kerma("send", server.peer, "study.zip", env={"TMPDIR": str(temporary)})
    assert (result.status, result.err) == (0, "4 sent, 0 failed, 1 passed over\n")
    assert list(temporary.iterdir()) == []


def test_nothing_to_send_is_a_failure(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = kerma("send", "KERMA@127.0.0.1:9", "empty")
    assert result.status == 1
    assert result.err.startswith("kerma: nothing to send")


def test_a_conflict_is_told_by_its_line(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    server = start(*SERVE)
    assert kerma("send", server.peer, study).status == 0
    other = write_instance(tmp_path / "other.dcm", PatientComments="not the same")
    result = kerma("send", server.peer, other)
    assert result.status == 1
    first, last = result.err.splitlines()
    assert first.startswith(f"kerma: {other}: ")
    assert "SOP Instance" in first
    assert last == "0 sent, 1 failed, 0 passed over"


def test_get_of_a_series_by_what_is_known_of_it(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    server = start(*SERVE)
    assert kerma("send", server.peer, study).status == 0
    result = kerma("get", server.peer, "PatientID=P1", "Modality=SR", "-o", "out", "--json")
    assert result.status == 0
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert sorted(line["SOPInstanceUID"] for line in lines if line.get("ok")) == ["1.2.3.2.1", "1.2.3.2.2"]
    assert lines[-1]["completed"] == 2
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_nothing_that_matches_is_a_failure(start: Start, kerma: Run) -> None:
    server = start(*SERVE)
    result = kerma("get", server.peer, "PatientID=NOBODY", "-o", "out")
    assert result.status == 1
    assert result.err == "kerma: nothing matches (check the keys with `kerma find`)\n"


def test_move_goes_to_a_known_peer(start: Start, kerma: Run, study: Path, tmp_path: Path) -> None:
    target = start("listen", "--dicom", "127.0.0.1:0", "--aet", "TARGET", "-o", "received")
    assert "files go to" in target.ready
    peers = f"target=TARGET@127.0.0.1:{target.port}"
    server = start(*SERVE, env={"KERMA_PEERS": peers})
    assert kerma("send", server.peer, study).status == 0
    result = kerma("move", server.peer, "--to", "TARGET", "PatientID=P1")
    assert (result.status, result.err) == (0, "4 moved, 0 failed\n")
    assert len(list((tmp_path / "received").glob("*.dcm"))) == 4
    unknown = kerma("move", server.peer, "--to", "NOBODY", "StudyInstanceUID=1.2.3")
    assert unknown.status == 1
    assert "A801" in unknown.err
    # The name of the configuration is a peer for the command line as well.
    assert kerma("echo", "target", env={"KERMA_PEERS": peers}).status == 0
    assert target.stop().status == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["find", "KERMA@127.0.0.1:9", "PatentName=X"], "did you mean PatientName"),
        (["find", "nobody"], "no peer of this name"),
        (["find", "KERMA@127.0.0.1", "PatientID=1"], "no port"),
        (["find", "KERMA@127.0.0.1:9", "--level", "stack"], "is not one of"),
        (["get", "KERMA@127.0.0.1:9", "PatientID=1"], "-o"),
        (["get", "KERMA@127.0.0.1:9", "-o", "out"], "KEY=VALUE"),
        (["get", "KERMA@127.0.0.1:9", "PatientID=", "-o", "out"], "no key has a value"),
        (["move", "KERMA@127.0.0.1:9", "PatientID=1"], "--to"),
        (["send", "KERMA@127.0.0.1:9"], "PATH"),
    ],
)
def test_usage_errors(kerma: Run, words: list[str], message: str) -> None:
    result = kerma(*words)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [["echo"], ["find", "PatientID=1"], ["get", "PatientID=1", "-o", "out"], ["move", "--to", "X", "PatientID=1"]],
)
def test_nobody_there_is_one_line(kerma: Run, words: list[str]) -> None:
    command, *rest = words
    result = kerma(command, "KERMA@127.0.0.1:9", *rest)
    assert result.status == 1
    assert "127.0.0.1:9" in result.err
    assert result.err.count("\n") == 1
