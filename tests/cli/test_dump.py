"""``kerma dump``."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from .conftest import KERMA, Run, clean_environment, write_instance


def test_text_is_an_element_a_line(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    result = kerma("dump", path)
    assert (result.status, result.err) == (0, "")
    (line,) = [line for line in result.out.splitlines() if line.startswith("(0010,0010)")]
    assert "PN [Doe^Jane]" in line
    assert "PatientName" in line
    assert "1.2.840.10008.1.2.1" in result.out, "the meta information is shown as well"


def test_several_files_are_headed_and_failures_are_lines(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    (tmp_path / "text").write_text("not DICOM at all")
    (tmp_path / "cut.dcm").write_bytes(path.read_bytes()[:-10])
    result = kerma("dump", "a.dcm", "gone.dcm", "text", "cut.dcm")
    assert result.status == 1
    assert result.out.startswith("# a.dcm\n")
    gone, text, cut = result.err.splitlines()
    assert gone == "kerma: gone.dcm: No such file or directory (check the path, its rights and the space there)"
    assert text.startswith("kerma: text: ")
    assert cut.startswith("kerma: cut.dcm: ")
    assert "7FE0,0010" in cut


def test_json_is_a_file_a_line_and_large_values_are_named(kerma: Run, tmp_path: Path) -> None:
    small = write_instance(
        tmp_path / "small.dcm", rows=8, PatientName="Müller^Jürgen", SpecificCharacterSet="ISO_IR 192"
    )
    large = write_instance(tmp_path / "large.dcm", rows=512)
    lines = kerma("dump", small, large, "--json").out.splitlines()
    first, second = map(json.loads, lines)
    assert first["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jürgen"}]}
    assert len(base64.b64decode(first["7FE00010"]["InlineBinary"])) == 256
    assert second["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{large.as_uri()}#7FE00010"}
    whole = json.loads(kerma("dump", large, "--json", "--bulk").out)
    assert len(base64.b64decode(whole["7FE00010"]["InlineBinary"])) == 8448


def test_values_cannot_command_the_terminal(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", PatientComments="a[2Jb")
    path.write_bytes(path.read_bytes().replace(b"a[2Jb", b"\x07\x1b[2J"))
    result = kerma("dump", path)
    assert result.status == 0
    assert "PatientComments" in result.out
    assert not {"\x1b", "\x07"} & set(result.out)


def test_a_reader_that_goes_away_gets_no_traceback(tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    process = subprocess.Popen(
        [*KERMA, "dump", *[str(path)] * 200],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.wait(60) == 1
