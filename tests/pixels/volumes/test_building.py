"""Volumes of made series: order, affine, findings, the fourth axis, rescale, resampling."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import kerma
from kerma.errors import KermaError, LimitError, PixelError, UsageError
from kerma.limits import Limits
from kerma.pixels import volumes

from .series import COLUMNS, ROWS, one, stack, values


def codes(volume: volumes.Volume) -> list[str]:
    return [finding.code for finding in volume.findings]


def test_slices_are_sorted_by_place() -> None:
    series = stack(6)
    random.Random(1).shuffle(series)
    volume = volumes.volume(series)
    assert volume.shape == (6, ROWS, COLUMNS)
    assert np.array_equal(volume.array, np.stack([values(n) for n in range(6)]))
    assert volume.spacing == (3, 2, 0.5)
    assert volume.affine_lps.tolist() == [[0.5, 0, 0, 10], [0, 2, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]]
    assert np.array_equal(volume.affine_ras[:3, 3], (-10, -20, 30))
    assert volume.at((10 + 0.5 * 4, 20 + 2 * 3, 30 + 3 * 2)) == pytest.approx((2, 3, 4))
    assert (codes(volume), volume.unit) == ([], "HU")


def test_a_gap_is_found_refused_or_bridged() -> None:
    series = stack(8)
    del series[3:5]
    volume = volumes.volume(series)
    assert codes(volume) == ["gaps"]
    assert "2 slices are missing in 1 gaps, the first behind slice 2" in str(volume.findings[0])
    with pytest.raises(PixelError, match="missing"):
        volumes.volume(series, strict=True)
    whole = volume.evened()
    assert np.array_equal(whole.array, np.stack([values(n) for n in range(8)]))
    assert whole.affine_lps[2, 2] == pytest.approx(3)
    with pytest.raises(PixelError, match="not evenly spaced"):
        volumes.to_nifti(volume)


def test_uneven_spacing_is_found() -> None:
    series = [one((0, 0, z), values(0), number) for number, z in enumerate((0, 3, 6, 8, 11), 1)]
    assert codes(volumes.volume(series)) == ["uneven"]


def test_duplicates_are_found() -> None:
    series = stack(4)
    assert codes(volumes.volume([*series, series[1]])) == ["duplicates"]
    again = one((10, 20, 33), values(9), number=99)
    volume = volumes.volume([*series, again])
    assert codes(volume) == ["duplicates"]
    assert np.array_equal(volume.array[1], values(1))
    with pytest.raises(PixelError, match="where others lie already"):
        volumes.volume([*series, again], strict=True)


def test_other_orientations_are_other_volumes() -> None:
    scout = one((0, 0, 0), values(0), 50, ImageOrientationPatient=["0", "1", "0", "0", "0", "-1"])
    with pytest.raises(PixelError, match="2 volumes"):
        volumes.volume([*stack(3), scout])
    assert [volume.shape[0] for volume in volumes.volumes([*stack(3), scout])] == [3, 1]


def test_a_tilted_gantry_is_sheared_and_straightened() -> None:
    series = stack(5, (0, 2, 3), PixelRepresentation=1)
    volume = volumes.volume(series)
    assert codes(volume) == ["tilt"]
    assert volume.tilted
    assert np.allclose(volume.affine_lps[:3, 2], (0, 2, 3))
    straight = volume.straight(fill=-1)
    assert not straight.tilted
    assert straight.shape == (5, ROWS + 4, COLUMNS)  # one row (2 mm) a slice
    assert np.allclose(straight.affine_lps[:3, 2], (0, 0, 3))
    for number in range(5):
        assert np.array_equal(straight.array[number, number : number + ROWS], values(number))
        assert (straight.array[number, :number] == -1).all()


def test_a_fraction_of_a_pixel_is_interpolated() -> None:
    straight = volumes.volume(stack(3, (0, 1, 3))).straight(fill=0)
    middle = (values(1)[:-1].astype("f8") + values(1)[1:]) / 2
    assert np.array_equal(straight.array[1, 1:ROWS], np.rint(middle))
    with pytest.raises(UsageError, match="uint16"):
        volumes.volume(stack(3, (0, 1, 3))).straight(fill=-1)


@pytest.mark.parametrize(
    ("axis", "keyword"),
    [("temporal position", "TemporalPositionIdentifier"), ("echo time", "EchoTime"), ("b-value", "DiffusionBValue")],
)
def test_repetitions_are_a_fourth_axis(axis: str, keyword: str) -> None:
    series: list[Any] = []
    for time in range(3):
        for number in range(4):
            more = {keyword: str(time + 1) if keyword != "DiffusionBValue" else float(time + 1)}
            ds = one((0, 0, 3 * number), values(number, time), number=1 + time * 4 + number, **more)
            series.append(ds)
    random.Random(2).shuffle(series)
    volume = volumes.volume(series)
    assert volume.array.shape == (3, 4, ROWS, COLUMNS)
    assert (volume.axis, volume.coordinates) == (axis, (1, 2, 3))
    assert np.array_equal(volume.array[2, 1], values(1, 2))


def test_a_volume_that_is_not_whole_is_left_out() -> None:
    series = [
        one((0, 0, 3 * n), values(n, t), 1 + t * 4 + n, TemporalPositionIdentifier=str(t + 1))
        for t in range(3)
        for n in range(4)
    ]
    del series[6]
    volume = volumes.volume(series)
    assert codes(volume) == ["incomplete"]
    assert np.array_equal(volume.array[1, 2], values(2, 2))


def test_places_that_nothing_tells_apart_are_refused() -> None:
    series = [one((0, 0, 3 * (n % 4)), values(n), n + 1) for n in range(12)]
    del series[5], series[8]
    with pytest.raises(PixelError, match="nothing tells which are missing"):
        volumes.volume(series)


def test_rescale() -> None:
    whole = volumes.volume(stack(2, RescaleSlope="2", RescaleIntercept="-1000"))
    assert whole.array.dtype.kind == "i"
    assert np.array_equal(whole.array[1], values(1) * 2 - 1000)
    parts = volumes.volume(stack(2, RescaleSlope="0.5", RescaleIntercept="1"))
    assert parts.array.dtype == np.float32
    assert np.array_equal(parts.array[1], values(1) * 0.5 + 1)
    stored = volumes.volume(stack(2, RescaleSlope="0.5", RescaleIntercept="1"), rescale=False)
    assert (stored.slope, stored.intercept, stored.array.dtype) == (0.5, 1, np.dtype("u2"))
    assert np.array_equal(stored.values(), parts.array)


def test_values_that_need_32_bits_have_them() -> None:
    samples = np.array([[0, 65_535], [1, 2]])
    volume = volumes.volume([one((0, 0, z), samples, z + 1, RescaleIntercept="-1024") for z in range(2)])
    assert volume.array.dtype == np.int32
    assert volume.array[1].tolist() == [[-1024, 64_511], [-1023, -1022]]
    small = volumes.volume([one((0, 0, z), samples % 9, z + 1, RescaleIntercept="-1024") for z in range(2)])
    assert small.array.dtype == np.int16


def test_hostile_geometry() -> None:
    for wrong in (
        {"ImageOrientationPatient": ["0"] * 6},
        {"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]},
        {"ImageOrientationPatient": ["1", "0", "0"]},
        {"PixelSpacing": ["0", "1"]},
        {"PixelSpacing": ["1"]},
        {"ImagePositionPatient": ["1e30", "0", "0"]},
        {"ImagePositionPatient": None},
    ):
        with pytest.raises(PixelError):
            volumes.volume([one((0, 0, 0), values(0), 1, **wrong)])
    with pytest.raises(UsageError, match="no image"):
        volumes.volume([])
    with pytest.raises(LimitError):
        volumes.volume(stack(3), limits=Limits(max_array=100))
    left = volumes.volume([*stack(3), one((0, 0, 90), values(0), 9, ImagePositionPatient=None)])
    assert (left.shape[0], codes(left)) == (3, ["no-place"])


def test_a_missing_pixel_is_told_with_its_instance() -> None:
    series = stack(3)
    series[1].PixelData = bytes(series[1].PixelData)[:20]
    with pytest.raises(PixelError, match=r"1\.2\.3\.4\.2"):
        volumes.volume(series)


def test_a_listing_reads_no_pixels() -> None:
    series = stack(3)
    series[1].PixelData = b""
    (listed,) = volumes.geometry(series)
    assert (listed.shape, listed.spacing) == ((3, ROWS, COLUMNS), (3, 2, 0.5))


def test_multi_frame_by_functional_groups() -> None:
    from tests.pixels.images import image, with_native

    from kerma.dataset import Dataset

    ds = image(ROWS, COLUMNS, frames=6, SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", Modality="CT")
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = ["2", "0.5"], "3"
    orientation.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    ds.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for frame in range(6):  # two times of three places, the highest place first
        position, content, group = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = ["0", "0", str(-3 * (frame % 3))]
        content.TemporalPositionIndex = 1 + frame // 3
        group.PlanePositionSequence, group.FrameContentSequence = [position], [content]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    with_native(ds, np.stack([values(frame) for frame in range(6)]))
    volume = volumes.volume(ds)
    assert volume.axis == "temporal position"
    assert np.array_equal(volume.array[1, 0], values(5))
    assert np.array_equal(volume.array[0, 2], values(0))


def test_frames_that_are_not_there_cost_nothing() -> None:
    ds = stack(1)[0]
    ds.NumberOfFrames = "2000000000"
    ds.SpacingBetweenSlices = "1"
    with pytest.raises(PixelError, match="frame"):
        volumes.geometry(ds)


def test_compressed_slices_by_two_threads() -> None:
    series = [kerma.pixels.transcode(ds, "1.2.840.10008.1.2.5") for ds in stack(5)]
    told: list[tuple[int, int]] = []
    volume = volumes.volume(series, on_slice=lambda done, total: told.append((done, total)))
    assert np.array_equal(volume.array, np.stack([values(n) for n in range(5)]))
    assert told == [(n + 1, 5) for n in range(5)]


def test_errors_are_ours() -> None:
    with pytest.raises(UsageError):
        volumes.volume(stack(3)).evened(spacing=-1)
    with pytest.raises(UsageError, match="SUV"):
        volumes.suv(volumes.volume(stack(2)), "XX")
    with pytest.raises(KermaError):
        volumes.dose(stack(1)[0])
