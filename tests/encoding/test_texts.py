"""Plain values as the loops give them are what the decoders give, in JSON and in the dump."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.encoding.twins import compiled

import kerma
from kerma.dataset import Dataset, flat
from kerma.encoding import rows as plain
from kerma.encoding.marks import Marks
from kerma.encoding.syntax import EXPLICIT_LE
from kerma.formats.text import dump_lines
from kerma.limits import Limits, Strictness
from kerma.standard.elements import TAG_TO_VR

TWIN, ROWS = compiled(), compiled("_rows")
needs_twin = pytest.mark.skipif(
    TWIN is None, reason="no compiled twin is built: no C compiler, or no headers of Python"
)
VRS = ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "TM", "UI", "UL", "UN", "US"]
VALUES = (
    st.text('AZ09 ^=\\"\0\x1b~\xe9-+.', max_size=8).map(lambda text: text.encode("latin-1"))
    | st.binary(max_size=5)
    | st.sampled_from(
        [b"-1.50\\2", b"0.1", b"00", b"-", b"1.", b"\\1", b"1\\", b"123456789012345", b"1234567890123456"]
    )
)
ELEMENTS = st.lists(st.tuples(st.sampled_from(VRS), VALUES), max_size=6)


def encoded(elements: list[tuple[str, bytes]], explicit: bool) -> bytes:
    tags = [0x00080000, 0x00080005, 0x00080018, 0x00090010, 0x00100010, 0x00280010]
    parts = []
    for tag, (vr, raw) in zip(tags, elements, strict=False):
        head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        if not explicit:
            head += struct.pack("<I", len(raw))
        elif vr == "UN":
            head += b"UN\0\0" + struct.pack("<I", len(raw))
        else:
            head += vr.encode() + struct.pack("<H", len(raw))
        parts.append(head + raw)
    return b"".join(parts)


@needs_twin
@given(elements=ELEMENTS, explicit=st.booleans())
@example(elements=[("UL", b"\1\0\0\0"), ("CS", b"ISO_IR 100"), ("SS", b"\xff\xff"), ("PN", b"A=B")], explicit=True)
def test_forms_are_the_same(elements: list[tuple[str, bytes]], explicit: bool) -> None:
    data = encoded(elements, explicit)
    uid = "1.2.840.10008.1.2.1" if explicit else "1.2.840.10008.1.2"

    def forms() -> list[Any]:
        read = [Dataset.from_bytes(data, uid) for _ in range(3)]
        return [kerma.to_json(read[0]), list(dump_lines(read[1])), list(dump_lines(read[2], width=3))]

    found = forms()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat, "rows", SimpleNamespace(COMPILED=False))
        assert forms() == found


@needs_twin
@given(elements=ELEMENTS, explicit=st.booleans(), room=st.integers(0, 100))
def test_the_twin_gives_what_the_plain_one_gives(elements: list[tuple[str, bytes]], explicit: bool, room: int) -> None:
    """In windows that end anywhere as well."""
    assert TWIN is not None
    assert ROWS is not None
    data = encoded(elements, explicit)
    loop = TWIN.scan_explicit if explicit else TWIN.scan_implicit
    places, pos = loop(data, 0, len(data), Marks(Limits(), Strictness.LENIENT), ())
    assert isinstance(places, bytes)
    assert pos == len(data)
    implied = None if explicit else TAG_TO_VR
    for window in (data, data[: len(data) * room // 100]):
        for number in range(len(places) // 8 + 1):
            told = [rows.texts(places, number, window, flat._KINDS, implied) for rows in (plain, ROWS)]
            assert told[0] == told[1]
            assert told[0][1] - number == len(told[0][0])


def test_kinds_are_told_by_code_and_by_name() -> None:
    assert flat._KINDS["DS"] == flat._KINDS[EXPLICIT_LE.code_of["DS"]] == ("DS", 4)
