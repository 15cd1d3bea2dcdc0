"""What a collected file is: an instance, something to pass over, or a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerma.app.collect import Found, Unusable
from kerma.app.gather import Passed, Probed, probe
from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.formats.part10 import write


def instance(path: Path, sop_class: str = "1.2.840.10008.5.1.4.1.1.2") -> Path:
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = "1.2.3"
    write(ds, path)
    return path


def test_an_instance_is_called_by_the_name_that_the_user_knows(tmp_path: Path) -> None:
    path = instance(tmp_path / "1")
    found = probe(Found(path, "study.zip/a.dcm", named=False))
    assert isinstance(found, Probed)
    assert (found.instance.sop_instance_uid, found.instance.name) == ("1.2.3", "study.zip/a.dcm")


@pytest.mark.parametrize("data", [b"", b"plain text", bytes(4096)], ids=["empty", "text", "zeros"])
def test_no_dicom_is_a_failure_only_when_it_was_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    named = probe(Found(path, "file", named=True))
    assert isinstance(named, Unusable)
    assert named.error.where == "file"
    assert probe(Found(path, "file", named=False)) == Passed("file")


def test_a_dicomdir_is_passed_over(tmp_path: Path) -> None:
    path = instance(tmp_path / "DICOMDIR", "1.2.840.10008.1.3.10")
    found = probe(Found(path, "DICOMDIR", named=True))
    assert isinstance(found, Passed)
    assert found.reason


def test_broken_dicom_is_a_failure_wherever_it_lay(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(instance(tmp_path / "whole").read_bytes()[:150])
    found = probe(Found(path, "disk/broken", named=False))
    assert isinstance(found, Unusable)
    assert str(found.error).startswith("disk/broken")


def test_a_file_that_is_gone_and_one_that_was_unusable_already(tmp_path: Path) -> None:
    gone = probe(Found(tmp_path / "gone", "gone", named=True))
    assert isinstance(gone, Unusable)
    before = Unusable("x", KermaError("no"))
    assert probe(before) is before
