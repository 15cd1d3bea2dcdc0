"""Converting one file: what is large and deflated, and where it may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

import kerma
from kerma.app import converting
from kerma.app.converting import Conversion, convert
from kerma.dataset import Dataset
from kerma.errors import KermaError, UsageError

DEFLATED, IMPLICIT = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2"


@pytest.fixture
def deflated(tmp_path: Path) -> Path:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.PatientName = "1.2.840.10008.5.1.4.1.1.7", "1.2.3", "Doe^Jane"
    ds.preamble = b"\7" * 128
    kerma.write(ds, tmp_path / "in.dcm", transfer_syntax_uid=DEFLATED)
    return tmp_path / "in.dcm"


def test_a_large_deflated_file_is_the_same_as_a_small_one(
    deflated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(deflated, tmp_path / "small.dcm", Conversion(IMPLICIT))
    monkeypatch.setattr(converting, "_LARGE", 1)
    convert(deflated, tmp_path / "large.dcm", Conversion(IMPLICIT))
    assert (tmp_path / "large.dcm").read_bytes() == (tmp_path / "small.dcm").read_bytes()
    convert(deflated, tmp_path / "same.dcm", Conversion())
    assert (tmp_path / "same.dcm").read_bytes() == deflated.read_bytes()


def test_names_do_not_lead_out_of_the_folder(deflated: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KermaError, match="leads out"):
        convert(deflated, out / ".." / "elsewhere.dcm", Conversion(IMPLICIT), within=out)
    assert not (tmp_path / "elsewhere.dcm").exists()
    with pytest.raises(UsageError, match="over the input"):
        convert(deflated, deflated, Conversion(IMPLICIT))
