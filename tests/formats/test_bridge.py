"""To pydicom and back."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pydicom
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, UsageError

FOLDER = "pydicom+pydicom/src/pydicom/data/test_files"
NAMES = [
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "image_dfl.dcm",
    "reportsi.dcm",
    "rtdose_1frame.dcm",
]


@pytest.mark.parametrize("name", NAMES)
def test_files_cross_as_they_are(corpus: Path, name: str) -> None:
    path = corpus / FOLDER / name
    ds = kerma.read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = kerma.to_pydicom(ds)
        assert theirs == pydicom.dcmread(path)
        back = kerma.from_pydicom(pydicom.dcmread(path))
    assert back.transfer_syntax_uid == ds.transfer_syntax_uid
    assert back.preamble == ds.preamble
    assert list(kerma.differences(ds, back)) == []


def test_data_sets_that_were_built_cross() -> None:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Müller^Jürgen"
    ds.ConceptNameCodeSequence = [Dataset()]
    theirs = kerma.to_pydicom(ds)
    assert str(theirs.PatientName) == "Müller^Jürgen"
    theirs = pydicom.Dataset()
    theirs.PatientID = "X"
    theirs.Rows = 7
    back = kerma.from_pydicom(theirs)
    assert (back.PatientID, back.Rows, back.transfer_syntax_uid) == ("X", 7, "1.2.840.10008.1.2.1")


def test_what_cannot_cross_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError):
        kerma.from_pydicom({"PatientID": "X"})
    theirs: Any = pydicom.Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.add_new(0x00280010, "US", "no number")
        with pytest.raises(FormatError, match="pydicom cannot write"):
            kerma.from_pydicom(theirs)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(KermaError, match="not installed"):
        kerma.to_pydicom(Dataset())
