"""Rendering as a whole: colour, size, automatic windows, profiles, real world values; and what cannot be shown."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageCms

import kerma
from kerma.dataset import Dataset
from kerma.errors import PixelError, UsageError
from kerma.pixels import Renderer, contact_sheet, real_world_values, render
from kerma.pixels.shapes import aspect_of, fitted, squared

from .images import image, ramp, read_back, with_native


def test_colour_of_more_and_fewer_bits() -> None:
    wide = read_back(with_native(image(1, 1, samples=3, stored=12), np.array([[[4095, 2048, 15]]])))
    assert render(wide).tolist() == [[[255, 128, 0]]]
    few = read_back(with_native(image(1, 1, samples=3, allocated=8, stored=4), np.array([[[15, 0, 8]]])))
    assert render(few).tolist() == [[[255, 0, 136]]]
    signed = read_back(with_native(image(1, 1, samples=3, allocated=8, signed=True), np.array([[[-128, 0, 127]]])))
    assert render(signed).tolist() == [[[0, 128, 255]]]


def test_a_window_says_nothing_of_colour() -> None:
    ds = read_back(with_native(image(2, 2, samples=3, allocated=8), ramp((2, 2, 3), 8)))
    assert np.array_equal(render(ds, window=(10, 10)), ramp((2, 2, 3), 8))


def test_one_bit_is_black_and_white() -> None:
    ds = read_back(with_native(image(1, 8, allocated=1), np.array([[0, 1, 1, 0, 1, 0, 0, 1]])))
    assert render(ds).tolist() == [[0, 255, 255, 0, 255, 0, 0, 255]]


def test_colours_that_cannot_be_shown() -> None:
    for samples, photometric in ((4, "CMYK"), (3, "HSV")):
        ds = image(1, 1, samples=samples, allocated=8, photometric=photometric)
        with pytest.raises(PixelError, match=photometric):
            render(read_back(with_native(ds, ramp((1, 1, samples), 8))))


def test_a_profile_brings_colours_to_srgb() -> None:
    profile = io.BytesIO(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()).getvalue()
    stored = ramp((4, 4, 3), 8)
    ds = image(4, 4, samples=3, allocated=8)
    ds.add("ICCProfile", "OB", profile + bytes(len(profile) % 2))
    found = read_back(with_native(ds, stored))
    assert np.abs(render(found).astype(int) - stored).max() <= 1
    assert np.array_equal(render(found, icc=False), stored)
    ds.add("ICCProfile", "OB", bytes(400))  # no profile at all
    assert np.array_equal(render(read_back(ds)), stored)


@pytest.mark.corpus
def test_the_profile_of_a_palette_object_can_be_applied(corpus: Path) -> None:
    ds = kerma.read(corpus / "pydicom+pydicom/src/pydicom/data/palettes/pet.dcm")
    out = image(4, 4, samples=3, allocated=8)
    out.add("ICCProfile", "OB", bytes(ds["ICCProfile"].value))
    assert render(read_back(with_native(out, ramp((4, 4, 3), 8)))).shape == (4, 4, 3)


def test_automatic_windows_leave_out_the_ends() -> None:
    stored = np.full((100, 100), 500)
    stored[0, 0], stored[99, 99] = 0, 60000
    stored[:50] = 1000
    stored[0, 0] = 0
    ds = read_back(with_native(image(100, 100), stored))
    found = render(ds)
    assert found[10, 10] == 255
    assert found[90, 10] == 0
    assert render(ds, window="minmax")[10, 10] == 4
    flat = read_back(with_native(image(2, 2), np.full((2, 2), 7)))
    assert render(flat, window="auto").tolist() == [[0, 0], [0, 0]]


def test_a_steady_renderer_has_one_window_for_all_frames() -> None:
    stored = np.stack([np.arange(16).reshape(4, 4) * 10, np.arange(16).reshape(4, 4) * 20])
    ds = read_back(with_native(image(4, 4, frames=2), stored))
    each = list(Renderer(ds, window="minmax").frames())
    assert [int(frame.max()) for frame in each] == [255, 255]
    steady = list(Renderer(ds, window="minmax", steady=True).frames())
    assert [int(frame.max()) for frame in steady] == [128, 255]
    assert [frame.shape for frame in Renderer(ds).frames([1])] == [(4, 4)]
    with pytest.raises(UsageError, match="no frame 2"):
        render(ds, 2)


def test_sizes() -> None:
    ds = read_back(with_native(image(40, 80, allocated=8), ramp((40, 80), 8)))
    assert render(ds, size=20).shape == (10, 20)
    assert render(ds, size=(800, 20)).shape == (20, 40)
    assert render(ds, size=800).shape == (40, 80)
    assert render(ds, size=160, enlarge=True).shape == (80, 160)
    for size in (0, -1, (10, 100_000)):
        with pytest.raises(UsageError):
            render(ds, size=size)
    assert fitted(np.zeros((1, 5000), "u1"), 100).shape == (1, 100)


def test_pixels_that_are_not_square() -> None:
    ds = image(4, 6, allocated=8)
    ds.add("PixelAspectRatio", "IS", ["2", "1"])
    with_native(ds, ramp((4, 6), 8))
    assert render(read_back(ds), square=True).shape == (8, 6)
    assert render(read_back(ds)).shape == (4, 6)
    spaced = image(4, 6, allocated=8)
    spaced.add("PixelSpacing", "DS", ["0.5", "1.0"])
    assert aspect_of(spaced) == 0.5
    assert squared(np.zeros((4, 6), "u1"), 0.5).shape == (4, 12)
    spaced.add("PixelSpacing", "DS", ["0", "1.0"])
    assert aspect_of(spaced) == 1


def test_real_world_values_have_units() -> None:
    unit: Any = Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mm2/s", "UCUM", "mm2/s"
    maps = []
    for label, low, high, slope in (("ADC", 10, 20, 0.5), ("B", 0, 99, 2.0)):
        one: Any = Dataset()
        one.LUTLabel, one.LUTExplanation = label, label
        one.RealWorldValueFirstValueMapped, one.RealWorldValueLastValueMapped = low, high
        one.RealWorldValueSlope, one.RealWorldValueIntercept = slope, 1.0
        one.MeasurementUnitsCodeSequence = [unit]
        maps.append(one)
    table: Any = Dataset()
    table.LUTLabel, table.LUTExplanation = "T", "T"
    table.RealWorldValueFirstValueMapped, table.RealWorldValueLastValueMapped = 10, 12
    table.add("RealWorldValueLUTData", "FD", [0.1, 0.2, 0.3])
    table.MeasurementUnitsCodeSequence = [unit]
    ds = image(1, 4, RealWorldValueMappingSequence=[*maps, table])
    found = read_back(with_native(ds, np.array([[9, 10, 20, 21]])))
    first = real_world_values(found)
    assert first.unit == "mm2/s"
    assert np.array_equal(first.values, [[np.nan, 6.0, 11.0, np.nan]], equal_nan=True)
    assert real_world_values(found, label="B").values.tolist() == [[19.0, 21.0, 41.0, 43.0]]
    assert np.array_equal(real_world_values(found, label="T").values, [[np.nan, 0.1, np.nan, np.nan]], equal_nan=True)
    with pytest.raises(UsageError, match="ADC, B, T"):
        real_world_values(found, label="C")
    with pytest.raises(PixelError, match="no real world value map"):
        real_world_values(read_back(with_native(image(1, 1), np.zeros((1, 1)))))


@pytest.mark.corpus
def test_real_world_values_of_the_corpus_are_those_of_the_rescale(corpus: Path) -> None:
    """Philips writes both, for the same numbers."""
    ds = kerma.read(corpus / "neurolabusc+dcm_qa_philips_enh/In/cl/1301_0001.dcm")
    real = real_world_values(ds)
    assert np.allclose(real.values, kerma.pixels.modality_values(ds), atol=1e-3)


def test_contact_sheets() -> None:
    pictures = [(np.full((50, 100), 100, "u1"), str(number)) for number in range(5)]
    sheet = contact_sheet(iter(pictures), columns=2, tile=64, labels=False)
    assert sheet.shape == (3 * 68 + 4, 2 * 68 + 4, 3)
    assert (sheet[:, :, 0] == 100).sum() == 5 * 32 * 64
    assert contact_sheet(pictures, tile=64).shape[0] > 2 * 68
    mixed = contact_sheet([(np.zeros((4, 4), "u1"), "a\nb"), (np.zeros((4, 4, 3), "u1"), "")])
    assert mixed.ndim == 3
    with pytest.raises(UsageError, match="no picture"):
        contact_sheet([])
    with pytest.raises(UsageError, match="tiles"):
        contact_sheet(pictures, tile=3)
