"""``kerma dump``."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

from kerma.dataset import Dataset

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
    assert gone == "kerma: gone.dcm: cannot be read: No such file or directory (check the path and its rights)"
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


def test_xml_keys_depth_width_and_meta(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", PatientComments="x" * 100)
    native = kerma("dump", path, "--xml", "--key", "PatientName").out
    assert "<FamilyName>Doe</FamilyName>" in native
    assert "PatientID" not in native
    assert "<file-format>" in kerma("dump", path, "--xml", "--dialect", "dcmtk").out
    lines = kerma("dump", path, "--key", "PatientName,(0010,4000)", "--width", "20").out.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["(0010,0010)", "(0010,4000)"]
    assert "[xxxxxxxxxxxxxxxxx...]" in lines[1]
    assert "00020010" in json.loads(kerma("dump", path, "--json", "--meta").out)
    indented = kerma("dump", path, "--json", "--indent").out
    assert '\n  "00100010": {"vr": "PN"' in indented
    assert kerma("dump", path, "--json", "--xml").status == 2
    assert kerma("dump", path, "--key", "PatientNmae").status == 2


def test_items_are_shown_as_deep_as_wanted(kerma: Run, tmp_path: Path) -> None:
    inner = Dataset()
    inner.CodeValue = "1"
    outer = Dataset()
    outer.ConceptNameCodeSequence = [inner]
    path = write_instance(tmp_path / "a.dcm", ContentSequence=[outer, outer])
    whole = kerma("dump", path).out
    assert whole.count("- item") == 4
    assert whole.count("CodeValue") == 2
    assert kerma("dump", path, "--depth", "1").out.count("- item") == 2
    assert "- item" not in kerma("dump", path, "--depth", "0").out
    found = kerma("dump", path, "--key", "CodeValue").out.splitlines()
    assert [line.split(" ")[0] for line in found] == [
        f"(0040,A730)[{number}].(0040,A043)[0].(0008,0100)" for number in (0, 1)
    ]


def test_colour_is_asked_for_and_can_be_forbidden(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    plain = kerma("dump", path).out
    assert "\x1b" not in plain
    painted = kerma("dump", path, "--color", "always").out
    assert "\x1b[36m(0010,0010)\x1b[0m \x1b[33mPN\x1b[0m [Doe^Jane]" in painted
    assert re.sub("\x1b\\[[0-9]*m", "", painted) == plain


def test_a_folder_shows_its_instances_and_a_form_its_data_set(kerma: Run, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    write_instance(folder / "a.dcm")
    write_instance(folder / "b.dcm")
    (folder / "notes.txt").write_text("nothing")
    result = kerma("dump", folder, "--key", "PatientName")
    assert (result.status, result.err) == (0, "")
    assert result.out.count("Doe^Jane") == 2
    assert result.out.startswith(f"# {folder}/a.dcm\n")
    (tmp_path / "a.json").write_text(kerma("dump", folder / "a.dcm", "--json").out)
    (tmp_path / "a.xml").write_text(kerma("dump", folder / "a.dcm", "--xml").out)
    for name in ("a.json", "a.xml"):
        assert "PN [Doe^Jane]" in kerma("dump", name).out


def test_of_a_damaged_file_what_is_whole_is_shown(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-10])
    result = kerma("dump", path)
    assert result.status == 1
    assert "PN [Doe^Jane]" in result.out
    assert "10 of them are missing" in result.err
