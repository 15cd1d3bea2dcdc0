"""SUV and dose: formulas, decay, what is refused; dose beside pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import PixelError
from kerma.pixels import volumes

from .series import stack, values


def pet(**more: Any) -> list[Any]:
    """A PET series of 80 kg and 160 cm, one half-life after 100 MBq were given."""
    drug = Dataset()
    drug.RadiopharmaceuticalStartTime = more.pop("given", "100000")
    drug.RadionuclideTotalDose = more.pop("dose", "1e8")
    drug.RadionuclideHalfLife = "3600"
    said: dict[str, Any] = {
        "Modality": "PT",
        "Units": "BQML",
        "CorrectedImage": ["DECY", "ATTN"],
        "DecayCorrection": "START",
        "SeriesDate": "20260101",
        "SeriesTime": "110000",
        "AcquisitionDate": "20260101",
        "AcquisitionTime": "110500",
        "PatientWeight": "80",
        "PatientSize": "1.6",
        "PatientSex": "F",
        "RadiopharmaceuticalInformationSequence": [drug],
        **more,
    }
    return stack(2, **said)


def factor(kind: str = "BW", **more: Any) -> float:
    return float(volumes.suv_factor(pet(**more)[0], kind))


def test_by_body_weight() -> None:
    series = pet()
    volume = volumes.suv(volumes.volume(series))
    assert volume.unit == "g/ml{SUVbw}"
    assert np.allclose(volume.array[1], values(1) * 80_000 / 5e7)


def test_other_kinds() -> None:
    slender = (80 / 160) ** 2
    assert factor("LBM") == pytest.approx((1.07 * 80 - 148 * slender) * 1000 / 5e7)
    assert factor("LBM", PatientSex="M") == pytest.approx((1.10 * 80 - 120 * slender) * 1000 / 5e7)
    assert factor("LBMJAMES128", PatientSex="M") == pytest.approx((1.10 * 80 - 128 * slender) * 1000 / 5e7)
    assert factor("LBMJANMA") == pytest.approx(9270 * 80 / (8780 + 244 * 31.25) * 1000 / 5e7)
    assert factor("IBW") == pytest.approx((45.5 + 0.91 * 8) * 1000 / 5e7)
    assert factor("BSA") == pytest.approx(0.007184 * 80**0.425 * 160**0.725 * 1e4 / 5e7)


def test_decay() -> None:
    assert factor(DecayCorrection="ADMIN") == pytest.approx(80_000 / 1e8)
    assert factor(SeriesTime="003000", AcquisitionTime="003000", given="233000") == pytest.approx(80_000 / 5e7)
    with pytest.raises(PixelError, match="100 Bq cannot be"):  # megabecquerels, against the standard
        factor(dose="100")
    # A series that was made after its acquisition: the first acquisition counts.
    late = volumes.suv(volumes.volume(pet(SeriesTime="190000", AcquisitionTime="110000")))
    assert [finding.code for finding in late.findings] == ["series-time"]
    assert np.allclose(late.array[0], values(0) * 80_000 / 5e7)


def test_factors_of_makers() -> None:
    series = pet(Units="CNTS")
    for ds in series:
        block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add(0x00, "DS", "0.25")
    assert volumes.suv_factor(series[0]) == 0.25
    for ds in series:
        block = ds.private_block(0x7053, "Philips PET Private Group")
        block.add(0x00, "DS", "0")
        block.add(0x09, "DS", "3")
    assert volumes.suv_factor(series[0]) == pytest.approx(3 * 80_000 / 5e7)
    ge = pet(SeriesTime="190000", AcquisitionTime="113000")
    ge[0].private_block(0x0009, "GEMS_PETD_01", create=True).add(0x0D, "DT", "20260101110000")
    assert volumes.suv_factor(ge[0]) == pytest.approx(80_000 / 5e7)
    assert factor(Units="GML") == 1


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("BW", {"PatientWeight": None}),
        ("LBM", {"PatientSize": None}),
        ("LBM", {"PatientSex": "O"}),
        ("BW", {"CorrectedImage": "ATTN", "DecayCorrection": "NONE"}),
        ("BW", {"DecayCorrection": "NONE"}),
        ("BW", {"Units": "PROPCPS"}),
        ("BW", {"Units": "CNTS"}),
        ("BW", {"dose": "0"}),
        ("BW", {"given": None}),
        ("BW", {"RadiopharmaceuticalInformationSequence": []}),
        ("BW", {"Modality": "MR"}),
    ],
)
def test_what_is_missing_is_told(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(PixelError):
        factor(kind, **more)


@pytest.mark.corpus
def test_suv_of_a_real_series(corpus: Path) -> None:
    """Siemens, FDG: 69.7344 kg, 178.34 MBq, 3976.921 seconds before the scan, half-life 6586.2."""
    path = corpus / "suyashkumar+dicom/testdata/1.dcm"
    volume = volumes.volume(kerma.read(path))
    dose = 178340011.59668 * 2 ** (-3976.921 / 6586.2)
    assert np.allclose(volumes.suv(volume).array, volume.array * (69734.4 / dose), rtol=1e-5)


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name",
    [
        "pydicom+pydicom/src/pydicom/data/test_files/rtdose.dcm",
        "pydicom+pydicom/src/pydicom/data/test_files/rtdose_rle.dcm",
        "gacou54+pyorthanc/tests/data/orthanc_1_test_data/RTDOSE.dcm",
    ],
)
def test_dose(name: str, corpus: Path) -> None:
    theirs: Any = pydicom.dcmread(corpus / name)
    dose = volumes.dose(kerma.read(corpus / name))
    scaled = theirs.pixel_array * float(theirs.DoseGridScaling)
    assert np.allclose(dose.array, scaled, rtol=1e-12)
    assert dose.unit == theirs.DoseUnits
    offsets = [float(each) for each in theirs.GridFrameOffsetVector]
    assert dose.spacing[0] == pytest.approx(offsets[1] - offsets[0])
    assert np.allclose(dose.affine_lps[:3, 3], [float(each) for each in theirs.ImagePositionPatient])


def test_a_dose_without_its_grid_is_refused() -> None:
    ds = stack(1)[0]
    ds.Modality = "RTDOSE"
    with pytest.raises(PixelError, match="Dose Grid Scaling"):
        volumes.dose(ds)
