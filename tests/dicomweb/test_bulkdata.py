"""Names of bulk data (PS3.18 F.2.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.dataset import Dataset
from kerma.dicomweb.bulkdata import INLINE, name_of, namer, path_of
from kerma.dicomweb.problems import HTTPProblem

tags = st.integers(0, 0xFFFFFFFF)
paths = st.tuples(tags, st.lists(st.tuples(st.integers(0, 999_999_999), tags), max_size=5)).map(
    lambda found: (found[0], *(step for pair in found[1] for step in pair))
)


@given(paths)
def test_a_name_tells_its_path(path: tuple[int, ...]) -> None:
    assert path_of(name_of(path)) == path


def test_names_are_as_they_are_documented() -> None:
    assert name_of((0x00420011,)) == "00420011"
    assert name_of((0x00081110, 0, 0x00081155)) == "00081110/0/00081155"
    assert path_of("7fe00010") == (0x7FE00010,)


@pytest.mark.parametrize(
    "name",
    ["", "0042001", "00420011/", "00420011/0", "00420011/x/00081155", "../secret", "00420011/0/" * 40 + "00420011"],
)
def test_what_is_no_name_is_not_there(name: str) -> None:
    with pytest.raises(HTTPProblem) as told:
        path_of(name)
    assert told.value.status == 404


def test_large_values_and_pixels_have_names() -> None:
    ds = Dataset()
    ds.add("EncapsulatedDocument", "OB", bytes(INLINE))
    ds.add("RedPaletteColorLookupTableData", "OW", bytes(INLINE + 2))
    ds.add("PixelData", "OW", bytes(2))
    ds = Dataset.from_bytes(ds.to_bytes("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1")
    uri = namer("http://x/bulkdata/")
    assert uri((0x00420011,), ds["EncapsulatedDocument"]) is None
    assert uri((0x00281201,), ds["RedPaletteColorLookupTableData"]) == "http://x/bulkdata/00281201"
    assert uri((0x7FE00010,), ds["PixelData"]) == "http://x/bulkdata/7FE00010"
    deep = (*(step for number in range(33) for step in (0x00081110, number)), 0x00281201)
    assert uri(deep, ds["RedPaletteColorLookupTableData"]) is None
    assert uri(deep[-5:], ds["RedPaletteColorLookupTableData"]) is not None
