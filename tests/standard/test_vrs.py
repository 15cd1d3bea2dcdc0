"""The VR table, against PS3.5 table 6.2-1 and 7.1-1 and against pydicom."""

from __future__ import annotations

import pytest

from kerma.errors import UsageError
from kerma.standard import vrs


def test_all_34() -> None:
    assert len(vrs.ALL) == 34
    assert list(vrs.ALL) == sorted(vrs.ALL)
    for code, row in vrs.ALL.items():
        assert row.code == code
        assert vrs.get(code) is row
        assert row.name
        assert not (row.split and row.size)


def test_header_forms_agree_with_pydicom() -> None:
    from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

    assert {str(vr) for vr in EXPLICIT_VR_LENGTH_32} == vrs.LONG
    assert {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"} == vrs.LONG


def test_character_sets_agree_with_pydicom() -> None:
    from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR

    assert {code for code, row in vrs.ALL.items() if row.charset} == {str(vr) for vr in CUSTOMIZABLE_CHARSET_VR}


def test_values_that_a_backslash_separates() -> None:
    split = {code for code, row in vrs.ALL.items() if row.split}
    assert split == {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"}


@pytest.mark.parametrize(
    ("code", "size", "padding", "maximum"),
    [
        ("US", 2, b"\0", 2),
        ("AT", 4, b"\0", 4),
        ("FD", 8, b"\0", 8),
        ("SV", 8, b"\0", 8),
        ("OW", 2, b"\0", 0),
        ("OV", 8, b"\0", 0),
        ("OB", 1, b"\0", 0),
        ("UI", 0, b"\0", 64),
        ("LO", 0, b" ", 64),
        ("LT", 0, b" ", 10240),
        ("UT", 0, b" ", 0),
        ("DS", 0, b" ", 16),
        ("SQ", 0, b"", 0),
    ],
)
def test_rows(code: str, size: int, padding: bytes, maximum: int) -> None:
    row = vrs.get(code)
    assert (row.size, row.padding, row.max_length) == (size, padding, maximum)


@pytest.mark.parametrize("code", ["", "XX", "VS", "us", "OB or OW", "\0\0"])
def test_no_such_vr(code: str) -> None:
    with pytest.raises(UsageError):
        vrs.get(code)
