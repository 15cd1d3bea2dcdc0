"""Data sets as rows of text: JSON and the dump say the same, whether items are made on the way or not."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.encoding.nesting import DATA_SETS, encoded

import kerma
from kerma.dataset import Dataset, flat
from kerma.encoding import twin
from kerma.errors import KermaError
from kerma.formats.text import dump_lines

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
needs_twin = pytest.mark.skipif(not twin.rows.COMPILED, reason="the plain loops run")


def forms(data: bytes, explicit: bool) -> list[Any]:
    """All that is written of a data set, each of it newly read; the error where there is one."""
    places: list[tuple[int, ...]] = []

    def bulk(path: tuple[int, ...], element: Any) -> str:
        places.append((*path, element.tag, len(element.raw or b"")))
        return "bulk"

    writers = (
        kerma.to_json,
        lambda ds: kerma.to_json(ds, indent=1),
        lambda ds: kerma.to_json(ds, bulk=bulk),
        lambda ds: list(dump_lines(ds)),
        lambda ds: list(dump_lines(ds, width=5, depth=1)),
        lambda ds: list(dump_lines(ds, keys=[0x0040A730, 0x00080018])),
    )
    found: list[Any] = [places]
    for write in writers:
        try:
            found.append(write(Dataset.from_bytes(data, EXPLICIT if explicit else IMPLICIT)))
        except KermaError as error:
            found.append((type(error), str(error)))
    return found


def check(data: bytes, explicit: bool) -> None:
    found = forms(data, explicit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat, "rows", SimpleNamespace(COMPILED=False))
        assert forms(data, explicit) == found


@needs_twin
@given(DATA_SETS, st.booleans())
def test_forms_are_the_same(elements: Any, explicit: bool) -> None:
    check(encoded(elements, explicit), explicit)
    check(encoded([(0x0040A730, ("sequence", explicit, [(True, elements), (False, elements)]))], explicit), explicit)


@needs_twin
@given(DATA_SETS, st.booleans(), st.integers(0, 300), st.binary(min_size=1, max_size=3))
def test_forms_of_damaged_ones_are_the_same(elements: Any, explicit: bool, at: int, damage: bytes) -> None:
    data = encoded([(0x0040A730, ("sequence", True, [(True, elements), (False, elements)]))], explicit)
    check(data[:at] + damage + data[at + len(damage) :], explicit)


def nested(depth: int, leaf: bytes) -> bytes:
    data = leaf
    for _ in range(depth):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data
        data = b"\x40\0\x30\xa7SQ\0\0" + struct.pack("<I", len(item)) + item
    return data


@needs_twin
@pytest.mark.parametrize("depth", [1, flat.DEEPEST, flat.DEEPEST + 1, 70])
@pytest.mark.parametrize("leaf", [b"\x70\0\x21\0AT\x04\0\x08\0\x05\0", b"\x70\0\x22\0OB\0\0\x02\0\0\0ab"])
def test_deep_ones(depth: int, leaf: bytes) -> None:
    check(nested(depth, leaf), True)


@needs_twin
def test_no_item_is_made_for_what_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "RawItems", None)
    monkeypatch.setattr("kerma.dataset.items.RawItems", None)
    ds = Dataset.from_bytes(nested(3, b"\x70\0\x22\0LO\x02\0ab"), EXPLICIT)
    assert kerma.to_json(ds).count('"SQ"') == 3
    assert list(dump_lines(ds))[-1].split() == ["(0070,0022)", "LO", "[ab]", "#", "2,", "GraphicData"]


def test_items_that_were_changed_are_written_as_they_are() -> None:
    ds = Dataset.from_bytes(nested(2, b"\x70\0\x22\0LO\x02\0ab"), EXPLICIT)
    ds.ContentSequence[0].ContentSequence[0].PatientID = "new"
    assert '"new"' in kerma.to_json(ds)
    assert any("[new]" in line for line in dump_lines(ds))


def private_item(creator: bytes) -> bytes:
    head = struct.pack("<HH2sH", 0x0029, 0x0010, b"LO", len(creator)) + creator
    return head + struct.pack("<HH2sH", 0x0029, 0x1008, b"CS", 4) + b"IMAG"


@needs_twin
@pytest.mark.parametrize("creator", [b"SIEMENS CSA HEADER", b"SIEMENS CSA HEADER ", b"NO\\ONE", b"N\xc4MELESS"])
def test_private_elements_in_items_have_their_names(creator: bytes) -> None:
    data = nested(2, private_item(creator))
    check(data, True)
    known = "CSA Image Header Type" if creator.startswith(b"SIEMENS") else "Private"
    assert list(dump_lines(Dataset.from_bytes(data, EXPLICIT)))[-1].endswith(f"# 4, {known}") or known == "Private"


@pytest.mark.parametrize("vr", ["AT", "DS", "FL", "LO", "US"])
def test_a_charset_that_is_none_is_written_as_what_it_is(vr: str) -> None:
    ds = Dataset.from_bytes(struct.pack("<HH2sH4s", 0x0008, 0x0005, vr.encode(), 4, b"12\x20\x20"), EXPLICIT)
    assert f'"vr":"{vr}"' in kerma.to_json(ds)
    assert "ISO_IR" not in kerma.to_json(ds) + str(kerma.to_xml(ds))
