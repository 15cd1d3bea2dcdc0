"""``kerma convert``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kerma as library

from .conftest import Run, write_instance


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("implicit", "1.2.840.10008.1.2"),
        ("ExplicitVRLittleEndian", "1.2.840.10008.1.2.1"),
        ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.2"),
        ("deflated", "1.2.840.10008.1.2.1.99"),
    ],
)
def test_syntaxes_by_every_name(kerma: Run, tmp_path: Path, name: str, uid: str) -> None:
    path = write_instance(tmp_path / "a.dcm", rows=64)
    result = kerma("convert", path, "b.dcm", "--to", name)
    assert (result.status, result.out, result.err) == (0, "", "")
    ds = library.read(tmp_path / "b.dcm")
    assert ds.meta is not None
    assert ds.transfer_syntax_uid == ds.meta.TransferSyntaxUID == uid
    assert ds == library.read(path)


def test_nothing_is_written_over(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    before = path.read_bytes()
    (tmp_path / "link.dcm").symlink_to(path)
    for target in ("a.dcm", "link.dcm"):
        result = kerma("convert", path, target, "--to", "implicit")
        assert result.status == 1
        assert "over the input" in result.err
    assert path.read_bytes() == before
    assert kerma("convert", "a.dcm", "a.dcm", "--to", "implicit", "--force").status == 0
    assert library.read(path).transfer_syntax_uid == "1.2.840.10008.1.2"
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["a.dcm", "link.dcm"], "no part of a file stays"


def test_a_folder_keeps_its_names(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write_instance(tmp_path / "in" / "a.dcm")
    write_instance(tmp_path / "in" / "deep" / "b")
    (tmp_path / "in" / "notes.txt").write_text("nothing")
    result = kerma("convert", "in", "out", "--to", "big", "--json")
    assert result.status == 0
    found = [json.loads(line) for line in result.out.splitlines()]
    assert [(entry["in"], entry["out"], entry["error"]) for entry in found] == [
        ("in/a.dcm", "out/a.dcm", None),
        ("in/deep/b", "out/deep/b", None),
    ]
    assert kerma("diff", "in", "out").status == 0
    assert kerma("convert", "in", "forms", "--to", "json").status == 0
    assert sorted(path.name for path in (tmp_path / "forms").rglob("*.json")) == ["a.json", "b.json"]


def test_forms_there_and_back(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm", PatientName="Doe^Jane=山田^太郎", SpecificCharacterSet="ISO_IR 192")
    for form in ("json", "xml", "dcmtk-xml"):
        assert kerma("convert", path, f"{form}.txt", "--to", form).status == 0
        assert kerma("convert", f"{form}.txt", f"{form}.dcm").status == 0
        back = library.read(tmp_path / f"{form}.dcm")
        assert back == library.read(path)
        assert back.meta is not None
        assert back.meta.MediaStorageSOPInstanceUID == back.SOPInstanceUID


def test_what_cannot_be_is_said(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    compressed = kerma("convert", path, "b.dcm", "--to", "1.2.840.10008.1.2.4.50")
    assert compressed.status == 1
    assert "the data set has no BitsAllocated" in compressed.err
    assert not (tmp_path / "b.dcm").exists()
    wrong = kerma("convert", path, "b.dcm", "--to", "implcit")
    assert wrong.status == 2
    assert "implicit, explicit, deflated, big" in wrong.err
    assert kerma("convert", tmp_path, "b", "--json").status == 2
    assert kerma("convert", "gone", "b", "--to", "big").status in {1, 2}


def test_a_name_with_a_slash_behind_it_is_a_folder(kerma: Run, tmp_path: Path) -> None:
    path = write_instance(tmp_path / "a.dcm")
    assert kerma("convert", path, "out/", "--to", "implicit").status == 0
    assert library.read(tmp_path / "out" / "a.dcm") == library.read(path)


def test_standard_output_is_no_file(kerma: Run, tmp_path: Path) -> None:
    result = kerma("convert", write_instance(tmp_path / "a.dcm"), "-", "--to", "json")
    assert result.status == 2
    assert "kerma dump" in result.err
    assert not (tmp_path / "-").exists()


def test_acr_nema_does_without_sequences_where_it_is_told(kerma: Run, tmp_path: Path) -> None:
    source = write_instance(tmp_path / "in.dcm")
    nested = library.read(source)
    nested.ReferencedStudySequence = [library.Dataset()]
    library.write(nested, source)
    refused = kerma("convert", str(source), str(tmp_path / "out.ima"), "--to", "acr-nema")
    assert refused.status == 1
    assert "--leave-out" in refused.err
    assert kerma("convert", str(source), str(tmp_path / "out.ima"), "--to", "acr-nema", "--leave-out").status == 0
    assert "ReferencedStudySequence" not in library.read(tmp_path / "out.ima")
    assert kerma("convert", str(source), str(tmp_path / "x.dcm"), "--to", "explicit", "--leave-out").status == 2
