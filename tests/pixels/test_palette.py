"""Palettes whole and in segments, supplemental ones, colour maps; the well-known palettes as objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import PixelError, UsageError
from kerma.pixels import render
from kerma.pixels.colormaps import NAMES, colormap
from kerma.pixels.palette import COLOURS, palette_of

from .images import BIG_ENDIAN, image, read_back, with_native


def with_palette(ds: Any, data: list[list[int]], *, bits: int = 16, first: int = 0, segmented: bool = False) -> Any:
    """``ds`` with tables of red, green and blue."""
    for colour, values in zip(COLOURS, data, strict=True):
        count = 8 if segmented else len(values)
        ds.add(f"{colour}PaletteColorLookupTableDescriptor", "US", [count, first & 0xFFFF, bits])
        name = f"{'Segmented' if segmented else ''}{colour}PaletteColorLookupTableData"
        ds.add(name, "OW", np.array(values, "<u2").tobytes())
    return ds


def test_sixteen_bits_become_eight() -> None:
    tables = [[0, 0x8000, 0xFFFF], [0x0100, 0x0200, 0x0300], [0, 0, 0xFF00]]
    ds = with_palette(image(1, 4, allocated=8, photometric="PALETTE COLOR"), tables, first=1)
    found = read_back(with_native(ds, np.array([[0, 1, 2, 9]])))
    assert render(found).tolist() == [[[0, 1, 0], [0, 1, 0], [128, 2, 0], [255, 3, 255]]]


def test_eight_bits_in_tables_of_sixteen() -> None:
    tables = [[0, 128, 255]] * 3
    ds = with_palette(image(1, 3, allocated=8, photometric="PALETTE COLOR"), tables)
    assert render(read_back(with_native(ds, np.array([[0, 1, 2]]))))[0, :, 0].tolist() == [0, 128, 255]


def test_packed_bytes_and_big_endian() -> None:
    ds = image(1, 4, allocated=8, photometric="PALETTE COLOR")
    for colour in COLOURS:
        ds.add(f"{colour}PaletteColorLookupTableDescriptor", "US", [4, 0, 8])
        ds.add(f"{colour}PaletteColorLookupTableData", "OW", bytes([10, 20, 30, 40]))
    with_native(ds, np.array([[0, 1, 2, 3]]))
    for uid in (None, BIG_ENDIAN):
        assert render(read_back(ds, uid))[0, :, 1].tolist() == [10, 20, 30, 40]


def test_segments_are_expanded() -> None:
    # Two entries as they are, a line of three to 90, and the first segment once more.
    table = [0, 2, 10, 30, 1, 3, 90, 2, 1, 0, 0, 0, 1, 7]
    ds: Any = with_palette(Dataset(), [table] * 3, segmented=True, bits=16)
    assert palette_of(ds).tables[0].outputs.tolist() == [10, 30, 50, 70, 90, 10, 30, 7]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([1, 8, 9], "has no start"),
        ([0, 9, *range(9)], "more than the 8"),
        ([0, 7, *range(7)], "makes 7 entries"),
        ([0, 5, 1], "beyond the end"),
        ([0, 1, 5, 7, 1, 1], "opcode 7"),
        ([2, 1, 0, 0], "leads on"),  # to itself
        ([0, 1, 5, 2, 60000, 0, 0], "leads on"),
        ([0, 0, *(2, 65535, 0, 0) * 9], "leads on|more than"),
    ],
)
def test_wrong_segments_are_errors(table: list[int], message: str) -> None:
    with pytest.raises(PixelError, match=message):
        palette_of(with_palette(Dataset(), [table] * 3, segmented=True))


def test_a_palette_that_is_missing_names_its_table() -> None:
    ds = with_native(image(1, 1, allocated=8, photometric="PALETTE COLOR"), np.zeros((1, 1)))
    with pytest.raises(PixelError, match="RedPaletteColorLookupTableDescriptor"):
        render(read_back(ds))


def test_upper_values_of_a_grey_image_have_colours() -> None:
    ds = image(1, 3, PixelPresentation="MIXED")
    with_palette(ds, [[0xFF00, 0], [0, 0xFF00], [0, 0]], first=1000)
    found = read_back(with_native(ds, np.array([[100, 1000, 1001]])))
    assert render(found, window=(100, 200)).tolist() == [[[128, 128, 128], [255, 0, 0], [0, 255, 0]]]
    ds.PixelPresentation = "MONOCHROME"
    assert render(read_back(ds), window=(100, 200)).ndim == 2


def test_colour_maps() -> None:
    for name in NAMES:
        found = colormap(name)
        assert found.shape == (256, 3)
        assert found.dtype == np.dtype("u1")
    ds = read_back(with_native(image(1, 256, allocated=8), np.arange(256)))
    assert np.array_equal(render(ds, colormap="Hot_Iron")[0], colormap("hot-iron"))
    with pytest.raises(UsageError, match="did you mean viridis"):
        colormap("viridiss")


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("hotmetalblue", "hot-metal-blue"),
        ("pet", "pet"),
        ("pet20step", "pet-20-step"),
        ("spring", "spring"),
        ("summer", "summer"),
        ("fall", "fall"),
        ("winter", "winter"),
    ],
)
def test_the_maps_are_those_of_the_well_known_objects(corpus: Path, file: str, name: str) -> None:
    ds = kerma.read(corpus / "pydicom+pydicom/src/pydicom/data/palettes" / f"{file}.dcm")
    assert np.abs(colormap(ds).astype(int) - colormap(name)).max() <= 1
