"""Segmentations: made, read back, read by highdicom, checked by dciodvfy, and those of others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kerma
from kerma.errors import PixelError, UsageError
from kerma.pixels import volumes
from kerma.pixels.volumes import Segment

from .series import stack

SHAPE = (4, 5, 7)
RANDOM = np.random.default_rng(7)
ONE = RANDOM.random(SHAPE) > 0.6
TWO = RANDOM.random(SHAPE) > 0.4
TWO[1] = False
PART = np.where(RANDOM.random(SHAPE) > 0.5, RANDOM.random(SHAPE), 0)
LABELS = np.where(ONE, 1, np.where(TWO, 300, 0))


def source() -> volumes.Volume:
    return volumes.volume(stack(4))


def written(ds: Any, path: Path) -> Any:
    kerma.write(ds, path)
    return kerma.read(path)


def by_highdicom(path: Path) -> NDArray[Any]:
    """[slice, row, column, segment], slices ascending as ours: highdicom orders them the other way."""
    import highdicom

    seg = highdicom.seg.segread(path)
    return np.asarray(seg.get_volume(combine_segments=False, rescale_fractional=True).array)[::-1]


def complaints(path: Path) -> list[str]:
    """What dciodvfy finds wrong with it."""
    program = Path(sys.executable).with_name("dciodvfy")
    if not program.is_file():
        pytest.skip("dicom3tools are not installed")
    said = subprocess.run([program, path], capture_output=True, text=True, timeout=60, check=False).stderr
    return [line for line in said.splitlines() if line.startswith("Error")]


def test_binary(tmp_path: Path) -> None:
    like = source()
    two = Segment(
        2, "Liver", type=("10200004", "SCT", "Liver"), algorithm="AUTOMATIC", algorithm_name="A", colour=(255, 0, 0)
    )
    seg = volumes.to_seg({"first": ONE, two: TWO}, like, attributes={"SeriesDescription": "Masks"})
    back = written(seg, tmp_path / "s.dcm")
    assert (back.NumberOfFrames, back.BitsAllocated, back.SeriesDescription) == (7, 1, "Masks")
    assert back.StudyInstanceUID == like.datasets[0].StudyInstanceUID
    for masks in (volumes.from_seg(back), volumes.from_seg(back, like)):
        assert [each.label for each in masks.segments] == ["first", "Liver"]
        assert masks.segments[1].type == ("10200004", "SCT", "Liver")
        assert np.array_equal(masks.mask(1), ONE)
        assert np.array_equal(masks.mask("Liver"), TWO)
        with pytest.raises(PixelError, match="overlap"):
            masks.labelmap()
        with pytest.raises(UsageError, match="no segment"):
            masks.mask("Spleen")
    theirs = by_highdicom(tmp_path / "s.dcm")
    assert np.array_equal(theirs[..., 0], ONE)
    assert np.array_equal(theirs[..., 1], TWO)
    assert complaints(tmp_path / "s.dcm") == []
    source_uid = back.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert source_uid.ReferencedSOPInstanceUID in {each.SOPInstanceUID for each in like.datasets}


def test_fractional(tmp_path: Path) -> None:
    back = written(volumes.to_seg({"part": PART}, source(), kind="FRACTIONAL"), tmp_path / "s.dcm")
    masks = volumes.from_seg(back, source())
    assert np.abs(masks.mask(1) - PART).max() <= 0.5 / 255 + 1e-6
    assert np.allclose(by_highdicom(tmp_path / "s.dcm")[..., 0], masks.mask(1))
    assert complaints(tmp_path / "s.dcm") == []
    with pytest.raises(UsageError, match="labels"):
        masks.labelmap()


@pytest.mark.parametrize("top", [2, 300])
def test_labelmap(top: int, tmp_path: Path) -> None:
    labels = np.where(LABELS == 300, top, LABELS)
    segments = [Segment(1, "one"), Segment(top, "other")]
    seg = volumes.to_seg(labels, source(), segments=segments, kind="LABELMAP")
    back = written(seg, tmp_path / "s.dcm")
    assert back.BitsAllocated == (8 if top < 256 else 16)
    masks = volumes.from_seg(back)
    assert np.array_equal(masks.labelmap(), labels)
    assert np.array_equal(masks.mask("other"), labels == top)
    import highdicom

    theirs = highdicom.seg.segread(tmp_path / "s.dcm").get_volume(combine_segments=True, relabel=False)
    assert np.array_equal(np.asarray(theirs.array)[::-1], labels)
    assert complaints(tmp_path / "s.dcm") == []


def test_what_cannot_be_meant() -> None:
    like = source()
    wrong: list[tuple[Any, dict[str, Any]]] = [
        ({"a": ONE[:2]}, {}),
        ({"a": np.zeros(SHAPE, bool)}, {}),
        ({}, {}),
        ({"a": PART}, {}),
        ({"a": PART * 3}, {"kind": "FRACTIONAL"}),
        ({"a": ONE}, {"kind": "SURFACE"}),
        ({"a": ONE, "b": ONE}, {"kind": "LABELMAP"}),
        ({Segment(4, "a"): ONE}, {}),
        ({Segment(1, "a", algorithm="AUTOMATIC"): ONE}, {}),
        (LABELS, {}),
        ({"a": ONE}, {"attributes": {"Rows": 3}}),
    ]
    for masks, options in wrong:
        with pytest.raises(UsageError):
            volumes.to_seg(masks, like, **options)
    tilted = volumes.volume(stack(4, (0, 2, 3)))
    with pytest.raises(UsageError, match="source images"):
        volumes.to_seg({"a": ONE}, tilted.straight())


def test_a_mask_that_is_not_on_the_grid_is_refused() -> None:
    seg = volumes.to_seg({"a": ONE}, source())
    with pytest.raises(PixelError, match="does not lie on the grid"):
        volumes.from_seg(seg, volumes.volume(stack(4, ImageOrientationPatient=["0", "1", "0", "-1", "0", "0"])))
    with pytest.raises(PixelError, match="outside"):
        volumes.from_seg(seg, volumes.volume(stack(2)))
    with pytest.raises(PixelError, match="no Segmentation"):
        volumes.from_seg(stack(1)[0])


OTHERS = [
    "pydicom+pydicom/src/pydicom/data/test_files/liver_1frame.dcm",
    "pydicom+pydicom-data/data_store/data/liver_nonbyte_aligned.dcm",
    "ImagingDataCommons+highdicom/data/test_files/seg_image_ct_binary_fractional.dcm",
    "ImagingDataCommons+highdicom/data/test_files/seg_image_ct_true_fractional.dcm",
    "robyoung+dicom-test-files/data/dcmqi/segmentations/partial_overlaps.dcm",
    "QIICR+dcmqi/data/segmentations/24x38x3/seg/label.seg",
]


@pytest.mark.corpus
@pytest.mark.parametrize("name", OTHERS)
def test_segmentations_of_others_as_highdicom_reads_them(name: str, corpus: Path) -> None:
    if not (corpus / name).is_file():
        pytest.skip("not in this corpus")
    masks = volumes.from_seg(kerma.read(corpus / name))
    theirs = by_highdicom(corpus / name)
    for number, segment in enumerate(masks.segments):
        ours, other = masks.mask(segment.number), theirs[..., number]
        assert ours.shape == other.shape
        # highdicom's order of slices follows the handedness of the orientation.
        assert np.allclose(ours, other, atol=1e-6) or np.allclose(ours[::-1], other, atol=1e-6)


@pytest.mark.corpus
def test_masks_of_dcmqi_on_their_source_images(corpus: Path) -> None:
    folder = corpus / "robyoung+dicom-test-files/data/dcmqi/segmentations/24x38x3"
    if not folder.is_dir():
        pytest.skip("not in this corpus")
    like = volumes.volume([kerma.read(path) for path in sorted((folder / "image").iterdir())])
    seg = kerma.read(corpus / "QIICR+dcmqi/data/segmentations/24x38x3/seg/label.seg")
    masks = volumes.from_seg(seg, like)
    assert masks.mask("Liver").shape == like.shape
    assert int(masks.mask("Liver").sum()) == 315
