"""``kerma diff``."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import kerma as library

from .conftest import Run, write_instance


def test_the_same_in_another_syntax_is_the_same(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    for name, uid in {"implicit": "1.2.840.10008.1.2", "big": "1.2.840.10008.1.2.2"}.items():
        library.write(library.read(path), tmp_path / name, transfer_syntax_uid=uid)
        result = kerma("diff", path, name)
        assert (result.status, result.out, result.err) == (0, "", "")
    strict = kerma("diff", "--strict", path, "big")
    assert strict.status == 1
    assert "TransferSyntaxUID" in strict.out


def test_what_differs_is_shown_from_both_sides(kerma: Run, tmp_path: Path) -> None:
    item, other = library.Dataset(), library.Dataset()
    item.CodeValue, other.CodeValue = "1", "2"
    write_instance(tmp_path / "a.dcm", PatientID="P1", ConceptNameCodeSequence=[item], PatientComments="only here")
    write_instance(tmp_path / "b.dcm", PatientID="P2", ConceptNameCodeSequence=[other])
    result = kerma("diff", "a.dcm", "b.dcm", "--no-uids")
    assert result.status == 1
    lines = result.out.splitlines()
    assert lines[:2] == ["--- a.dcm", "+++ b.dcm"]
    assert [line.split(" [")[0] for line in lines[2:]] == [
        "- (0010,0020) LO",
        "+ (0010,0020) LO",
        "- (0010,4000) LT",
        "- (0040,A043)[0].(0008,0100) SH",
        "+ (0040,A043)[0].(0008,0100) SH",
    ]
    found = [json.loads(line) for line in kerma("diff", "--json", "--no-uids", "a.dcm", "b.dcm").out.splitlines()]
    assert found[0]["a"] == {"vr": "LO", "Value": ["P1"]}
    assert [entry["kind"] for entry in found] == ["value", "first", "value"]
    assert found[2]["path"] == ["0040A043", 0, "00080100"]
    ignored = kerma("diff", "--no-uids", "--ignore", "PatientID,CodeValue,PatientComments", "a.dcm", "b.dcm")
    assert (ignored.status, ignored.out) == (0, "")
    assert kerma("diff", "-q", "--no-uids", "a.dcm", "b.dcm").out == "a.dcm and b.dcm differ\n"


def test_folders_are_paired_by_instance_or_by_name(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    write_instance(tmp_path / "one" / "x.dcm", SOPInstanceUID="1.2.1")
    write_instance(tmp_path / "one" / "y.dcm", SOPInstanceUID="1.2.2")
    write_instance(tmp_path / "two" / "z.dcm", SOPInstanceUID="1.2.1")
    write_instance(tmp_path / "two" / "w.dcm", SOPInstanceUID="1.2.3")
    (tmp_path / "two" / "notes").write_text("nothing")
    result = kerma("diff", "one", "two", "--ignore", "StudyInstanceUID,SeriesInstanceUID")
    assert result.status == 1
    assert result.out.splitlines() == ["only in the first: one/y.dcm", "only in the second: two/w.dcm"]
    (tmp_path / "two" / "z.dcm").rename(tmp_path / "two" / "x.dcm")
    by_name = kerma("diff", "--by", "name", "--no-uids", "one", "two")
    assert by_name.out.splitlines() == ["only in the first: one/y.dcm", "only in the second: two/w.dcm"]
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        for name in ("x.dcm", "y.dcm"):
            archive.write(tmp_path / "one" / name, name)
    assert kerma("diff", "one", "one.zip").status == 0


def test_trouble_is_said(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    gone = kerma("diff", path, "gone.dcm")
    assert gone.status == 1
    assert "gone.dcm: No such file" in gone.err
    (tmp_path / "text").write_text("not DICOM")
    assert "text" in kerma("diff", path, "text").err
    mixed = kerma("diff", path, tmp_path)
    assert mixed.status == 2
    assert "two files or two folders" in mixed.err


def test_forms_are_compared_with_files(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", PatientName="Müller^Jürgen", SpecificCharacterSet="ISO_IR 100")
    ds = library.read(path)
    (tmp_path / "a.json").write_text(library.to_json(ds), encoding="utf-8")
    (tmp_path / "a.xml").write_text(library.to_xml(ds), encoding="utf-8")
    (tmp_path / "d.xml").write_text(library.to_xml(ds, dialect="dcmtk"), encoding="utf-8")
    for name in ("a.json", "a.xml", "d.xml"):
        assert kerma("diff", path, name).status == 0
