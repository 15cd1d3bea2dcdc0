"""Modality, VOI and presentation LUTs against the formulas of PS3.3 C.11, and tables as people wrote them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import PixelError, UsageError
from kerma.pixels import luts, modality_values, render
from kerma.pixels.layout import layout_of
from kerma.pixels.luts import Window
from kerma.pixels.tables import table_of

from .images import BIG_ENDIAN, image, read_back, with_native


def lut(first: int, data: list[int], bits: int, *, entries: int | None = None, vr: str = "US") -> Any:
    """An item of a LUT sequence."""
    ds: Any = Dataset()
    count = len(data) if entries is None else entries
    ds.add("LUTDescriptor", "US", [count & 0xFFFF, first & 0xFFFF, bits])
    ds.add("LUTData", vr, data if vr == "US" else np.array(data, "<u2").tobytes())
    return ds


def linear(x: float, center: float, width: float) -> float:
    """The pseudo-code of PS3.3 C.11.2.1.2.1, with an output from 0 to 1."""
    if x <= center - 0.5 - (width - 1) / 2:
        return 0.0
    if x > center - 0.5 + (width - 1) / 2:
        return 1.0
    return (x - (center - 0.5)) / (width - 1) + 0.5


def exact(x: float, center: float, width: float) -> float:
    """That of C.11.2.1.3.2."""
    if x <= center - width / 2:
        return 0.0
    if x > center + width / 2:
        return 1.0
    return (x - center) / width + 0.5


def sigmoid(x: float, center: float, width: float) -> float:
    """The formula of C.11.2.1.3.1."""
    return float(1 / (1 + np.exp(-4 * (x - center) / width)))


@pytest.mark.parametrize("function", [linear, exact, sigmoid])
@pytest.mark.parametrize(
    ("center", "width"), [(40.0, 400.0), (0.0, 100.0), (0.0, 1.0), (2048.0, 4096.0), (127.5, 256.0)]
)
def test_the_window_functions_are_those_of_the_standard(function: Any, center: float, width: float) -> None:
    if function is linear and width == 1:
        values = np.array([center - 0.5, center - 0.49])  # the formula divides by 0 between
        assert Window(center, width).apply(values).tolist() == [0.0, 1.0]
        return
    values = np.linspace(center - 1.5 * width, center + 1.5 * width, 601)
    name = {"linear": "LINEAR", "exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}[function.__name__]
    wanted = [function(float(x), center, width) for x in values]
    assert np.allclose(Window(center, width, name).apply(values), wanted, atol=1e-12)


def test_rescale_and_its_unit() -> None:
    stored = np.array([[0, 1024, 4095]])
    ds = image(1, 3, stored=12, Modality="CT", RescaleSlope="1", RescaleIntercept="-1024")
    found = read_back(with_native(ds, stored))
    assert modality_values(found).tolist() == [[-1024.0, 0.0, 3071.0]]
    assert luts.modality_of(found, layout_of(found)).unit == "HU"


def test_a_rescale_of_each_frame_and_a_shared_one() -> None:
    ds = image(1, 2, frames=2)
    own: Any = Dataset()
    own.PixelValueTransformationSequence = [_rescale("2", "1")]
    ds.PerFrameFunctionalGroupsSequence = [own, Dataset()]
    shared: Any = Dataset()
    shared.PixelValueTransformationSequence = [_rescale("3", "0")]
    ds.SharedFunctionalGroupsSequence = [shared]
    found = read_back(with_native(ds, np.array([[[1, 2]], [[1, 2]]])))
    assert modality_values(found, 0).tolist() == [[3.0, 5.0]]
    assert modality_values(found, 1).tolist() == [[3.0, 6.0]]


def _rescale(slope: str, intercept: str) -> Any:
    ds: Any = Dataset()
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = slope, intercept, "US"
    return ds


def test_a_modality_table_is_looked_up_and_its_ends_go_on() -> None:
    ds = image(1, 5, signed=True, ModalityLUTSequence=[lut(-1, [10, 20, 30], 8)])
    found = read_back(with_native(ds, np.array([[-9, -1, 0, 1, 9]])))
    assert modality_values(found).tolist() == [[10, 10, 20, 30, 30]]


@pytest.mark.parametrize(("relationship", "wanted"), [("LIN", [255, 0]), ("LOG", [0, 255]), ("DISP", [0, 255])])
def test_the_table_of_an_x_ray_image_that_leads_back_to_intensities(relationship: str, wanted: list[int]) -> None:
    ds = image(1, 2, allocated=8, PixelIntensityRelationship=relationship)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1"
    ds.ModalityLUTSequence = [lut(0, list(range(255, -1, -1)), 8)]
    found = read_back(with_native(ds, np.array([[0, 255]])))
    assert render(found).tolist() == [wanted]
    assert modality_values(found).tolist() == [[255, 0]]


@pytest.mark.parametrize("uid", [None, BIG_ENDIAN])
@pytest.mark.parametrize("vr", ["US", "OW"])
def test_tables_in_either_byte_order(uid: str | None, vr: str) -> None:
    ds = image(1, 1, ModalityLUTSequence=[lut(0, [1, 256, 65535], 16, vr=vr)])
    found = read_back(with_native(ds, np.zeros((1, 1))), uid)
    assert table_of(found.ModalityLUTSequence[0], signed=False).outputs.tolist() == [1, 256, 65535]


def test_sizes_of_tables() -> None:
    full = lut(0, list(range(65536)), 16, vr="OW")
    assert full.LUTDescriptor[0] == 0
    assert len(table_of(full, signed=False).outputs) == 65536
    packed: Any = Dataset()
    packed.add("LUTDescriptor", "US", [4, 0, 8])
    packed.add("LUTData", "OW", bytes([1, 2, 3, 250]))
    assert table_of(packed, signed=False).outputs.tolist() == [1, 2, 3, 250]
    short = lut(0, [1, 2, 3], 8, entries=200)
    assert table_of(short, signed=False).outputs.tolist() == [1, 2, 3]
    assert table_of(lut(0, [0, 4095], 8), signed=False).bits == 12  # more than it says
    assert table_of(lut(-5, [1], 8), signed=True).first == -5
    assert table_of(lut(-5, [1], 8), signed=False).first == 65531
    with pytest.raises(PixelError, match="LUTDescriptor"):
        table_of(Dataset(), signed=False)
    without: Any = Dataset()
    without.add("LUTDescriptor", "US", [4, 0, 8])
    with pytest.raises(PixelError, match="LUTData"):
        table_of(without, signed=False)


def test_the_file_tells_the_window() -> None:
    stored = np.arange(256).reshape(16, 16)
    ds = image(16, 16, allocated=8)
    ds.WindowCenter, ds.WindowWidth = ["128", "64"], ["256", "128"]
    ds.WindowCenterWidthExplanation = ["WIDE", "Narrow"]
    found = read_back(with_native(ds, stored))
    assert np.array_equal(render(found), np.clip(stored, 0, 255))
    assert np.array_equal(render(found, window=1), render(found, window=(64, 128)))
    assert np.array_equal(render(found, window="narrow"), render(found, window=1))
    with pytest.raises(UsageError, match="no number 2"):
        render(found, window=2)
    with pytest.raises(UsageError, match="did you mean lung"):
        render(found, window="lungs")


def test_a_frame_has_its_own_window() -> None:
    ds = image(1, 3, frames=2)
    groups = []
    for center in ("10", "100"):
        voi: Any = Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = center, "10", "LINEAR_EXACT"
        group: Any = Dataset()
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    found = read_back(with_native(ds, np.array([[[5, 10, 15]], [[5, 100, 105]]])))
    assert render(found, 0).tolist() == [[0, 128, 255]]
    assert render(found, 1).tolist() == [[0, 128, 255]]


def test_a_voi_table_goes_before_windows_and_is_signed_as_its_input() -> None:
    ds = image(1, 4, signed=True, WindowCenter="0", WindowWidth="10")
    ds.VOILUTSequence = [lut(-2, [0, 100, 200, 255], 8)]
    found = read_back(with_native(ds, np.array([[-5, -1, 0, 5]])))
    assert render(found).tolist() == [[0, 100, 200, 255]]
    assert render(found, window="lut").tolist() == [[0, 100, 200, 255]]
    assert render(found, window=1).tolist() == [[0, 100, 200, 255]]
    assert render(found, window=0).tolist() == render(found, window=(0, 10)).tolist()


@pytest.mark.parametrize(
    ("photometric", "shape", "wanted"),
    [
        ("MONOCHROME2", "", [0, 255]),
        ("MONOCHROME2", "IDENTITY", [0, 255]),
        ("MONOCHROME2", "INVERSE", [255, 0]),
        ("MONOCHROME1", "", [255, 0]),
        ("MONOCHROME1", "INVERSE", [255, 0]),
    ],
)
def test_what_is_dark(photometric: str, shape: str, wanted: list[int]) -> None:
    ds = image(1, 2, allocated=8, photometric=photometric, PresentationLUTShape=shape)
    assert render(read_back(with_native(ds, np.array([[0, 255]])))).tolist() == [wanted]


def test_padding_is_black_and_counts_for_nothing() -> None:
    stored = np.array([[-2000, -2000, 100, 200, 300, -1500]])
    ds = image(1, 6, signed=True, photometric="MONOCHROME1")
    ds.add("PixelPaddingValue", "SS", -2000)
    found = read_back(with_native(ds, stored))
    assert render(found, window="minmax").tolist() == [[0, 0, 28, 14, 0, 255]]
    ds.add("PixelPaddingRangeLimit", "SS", -1500)
    found = read_back(with_native(ds, stored))
    assert render(found, window="minmax").tolist() == [[0, 0, 255, 128, 0, 0]]
    wrong = image(1, 6, signed=True)
    wrong.add("PixelPaddingValue", "US", 65536 - 2000)  # unsigned for a signed image
    assert luts.padding_of(wrong, layout_of(with_native(wrong, stored))) == (-2000, -2000)


def test_the_table_of_a_large_image_is_the_same_as_the_formula_for_a_small_one() -> None:
    for signed, photometric in ((False, "MONOCHROME1"), (True, "MONOCHROME2")):
        stored = np.arange(1 << 16).reshape(256, 256) - (1 << 15 if signed else 0)
        ds = image(256, 256, signed=signed, photometric=photometric, RescaleSlope="0.37", RescaleIntercept="-11.5")
        ds.add("PixelPaddingValue", "SS" if signed else "US", 77)
        large = render(read_back(with_native(ds, stored)), window=(40, 400), function="SIGMOID")
        small = image(1, 256, signed=signed, photometric=photometric, RescaleSlope="0.37", RescaleIntercept="-11.5")
        small.add("PixelPaddingValue", "SS" if signed else "US", 77)
        row = render(read_back(with_native(small, stored[128])), window=(40, 400), function="SIGMOID")
        assert np.array_equal(large[128], row[0])


def test_floats_with_holes_are_rendered() -> None:
    ds = image(1, 4, allocated=32)
    del ds.PixelRepresentation
    ds.add("FloatPixelData", "OF", np.array([0.0, np.nan, np.inf, 10.0], "<f4").tobytes())
    assert render(read_back(ds), window="minmax").tolist() == [[0, 0, 255, 255]]


def test_windows_that_cannot_be_meant() -> None:
    found = read_back(with_native(image(1, 1), np.zeros((1, 1))))
    for window in ((0, 0), (0, -1), (float("nan"), 10), (1, 2, 3)):
        with pytest.raises(UsageError):
            render(found, window=window)
    with pytest.raises(UsageError, match="no VOI LUT function"):
        render(found, window=(1, 2), function="CUBIC")
    with pytest.raises(UsageError, match="has no VOI LUT"):
        render(found, window="lut")
    assert issubclass(UsageError, kerma.KermaError)


def test_broken_windows_of_a_file_are_as_none() -> None:
    ds = image(1, 2, allocated=8)
    ds.WindowCenter, ds.WindowWidth = "40", "0"
    ds.VOILUTSequence = [Dataset()]
    assert render(read_back(with_native(ds, np.array([[0, 255]])))).tolist() == [[0, 255]]
