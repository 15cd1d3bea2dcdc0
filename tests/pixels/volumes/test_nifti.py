"""NIfTI of corpus series beside dcm2niix: values and affine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

import kerma
from kerma.pixels import volumes

from .series import stack, values

SERIES = {
    "mosaic, axial": ("neurolabusc+dcm_qa/In/Orientation/ax/axdesc35", 1),
    "mosaic, sagittal": ("neurolabusc+dcm_qa/In/Orientation/sag/sagasc35", 1),
    "mosaic, coronal": ("neurolabusc+dcm_qa/In/Orientation/cor/corint35", 1),
    "mosaic, feet first": ("neurolabusc+dcm_qa_mosaic/In/ep2d_Asc_HF_10", 1),
    "mosaics of two times": ("neurolabusc+dcm_qa_nih/In/20180918Si/mr_0003", 1),
    "United Imaging": ("neurolabusc+dcm_qa_uih/In/DTI_134434/dti_tra_dir16_AP_SaveBySlc__140028", 1),
    "GE": ("neurolabusc+dcm_qa_nih/In/20180918GE/mr_0004", 1),
    "Canon": ("neurolabusc+dcm_qa_canon/In/37000_SAG_DTI_PA-ortho", 1),
    "Toshiba": ("neurolabusc+dcm_qa_toshiba/In/Galan/6006_DTI_SAG_30d", 1),
    "Philips": ("neurolabusc+dcm_qa_philips/In/Magdeburg_2014/fmri", 1),
    "decubitus": ("neurolabusc+dcm_qa_decubitus/In/HFDR/2_t1_fl2d_sag", 1),
    "enhanced, two times": ("neurolabusc+dcm_qa_enh/In/Siemens/XA10", 1),
    "enhanced": ("neurolabusc+dcm_qa_xa30/In/9_gre_field_mapping", 1),
    "enhanced Philips": ("yarikoptic+nitest-balls1/DICOM", 4),
    "3-D": ("neurolabusc+dcm_qa_frag/In/6001_anat-T1w_acq-tfl", 1),
}


def images(folder: Path) -> list[Any]:
    found = [kerma.read(path) for path in sorted(folder.iterdir()) if path.is_file()]
    return [ds for ds in found if "PixelData" in ds]


def canonical(image: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values and affine with the axes in the order and direction of the patient: dcm2niix turns 3-D acquisitions."""
    turned = nibabel.as_closest_canonical(image)
    return np.asarray(turned.get_fdata()), np.asarray(turned.affine)


@pytest.mark.corpus
@pytest.mark.parametrize("name", SERIES)
def test_as_dcm2niix(name: str, corpus: Path, tmp_path: Path) -> None:
    import dcm2niix

    folder, count = SERIES[name]
    if not (corpus / folder).is_dir():
        pytest.skip("not in this corpus")
    # Philips has two scales; -p n is that of the standard's rescale.
    words = [dcm2niix.bin, "-b", "n", "-z", "n", "-p", "n", "-f", "%s_%u", "-o", str(tmp_path), str(corpus / folder)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    theirs = [canonical(nibabel.load(path)) for path in sorted(tmp_path.glob("*.nii"))]
    ours = [canonical(volumes.to_nifti(volume)) for volume in volumes.volumes(images(corpus / folder))]
    assert len(ours) == count
    for voxels, affine in ours:
        same = [
            other
            for other, their_affine in theirs
            if other.shape == voxels.shape and np.allclose(affine, their_affine, atol=2e-3)
        ]
        assert any(np.allclose(voxels, other, rtol=1e-5, atol=1e-4) for other in same), name


@pytest.mark.corpus
def test_slices_follow_each_other_as_in_dcm2niix(corpus: Path, tmp_path: Path) -> None:
    """Of a 2-D acquisition also the order of the voxels is the same, byte for byte."""
    import dcm2niix

    folder = corpus / "neurolabusc+dcm_qa_toshiba/In/Galan/8006_DTI_AX_30d"
    words = [dcm2niix.bin, "-b", "n", "-z", "n", "-f", "x", "-o", str(tmp_path), str(folder)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    theirs = nibabel.load(tmp_path / "x.nii")
    ours = volumes.to_nifti(volumes.volume(images(folder)))
    assert np.array_equal(np.asarray(theirs.dataobj), np.asarray(ours.dataobj))
    assert np.allclose(theirs.affine, ours.affine, atol=1e-4)


@pytest.mark.corpus
def test_gaps_are_bridged_to_the_grid_of_dcm2niix(corpus: Path, tmp_path: Path) -> None:
    import dcm2niix

    folder = corpus / "cran+oro.dicom/inst/sphere3"
    words = [dcm2niix.bin, "-b", "n", "-z", "n", "-f", "x", "-o", str(tmp_path), str(folder)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    _, theirs = canonical(nibabel.load(next(tmp_path.glob("*_Eq*.nii"))))
    _, ours = canonical(volumes.to_nifti(volumes.volume(images(folder)).evened()))
    assert np.allclose(theirs, ours, atol=1e-3)


def test_forms(tmp_path: Path) -> None:
    volume = volumes.volume(stack(4))
    image = volumes.to_nifti(volume)
    image.to_filename(tmp_path / "x.nii.gz")
    back: Any = nibabel.load(tmp_path / "x.nii.gz")
    assert back.shape == (7, 5, 4)
    assert (int(back.header["qform_code"]), int(back.header["sform_code"])) == (1, 1)
    assert np.allclose(back.get_qform(), back.get_sform())
    assert back.header.get_xyzt_units()[0] == "mm"
    assert np.array_equal(np.asarray(back.dataobj)[:, ::-1, 2].T, values(2))
    # The corner of the first row and column lies where DICOM says, in RAS.
    assert np.allclose(back.affine @ (0, 4, 0, 1), (-10, -20, 30, 1))


def test_stored_values_keep_slope_and_intercept(tmp_path: Path) -> None:
    volume = volumes.volume(stack(2, RescaleSlope="0.5", RescaleIntercept="-7"), rescale=False)
    volumes.to_nifti(volume).to_filename(tmp_path / "x.nii")
    back: Any = nibabel.load(tmp_path / "x.nii")
    assert back.header.get_data_dtype() == np.uint16
    assert np.allclose(back.get_fdata()[:, ::-1, 1].T, values(1) * 0.5 - 7)


def test_a_shear_has_no_qform() -> None:
    image = volumes.to_nifti(volumes.volume(stack(4, (0, 1, 3))))
    assert int(image.header["qform_code"]) == 0
    assert np.allclose(image.get_sform()[:3, 2], (0, -1, 3))
