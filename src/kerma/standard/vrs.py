"""The value representations of PS3.5 table 6.2-1, one row each, with their header form of PS3.5 7.1.2."""

# No ``from __future__ import annotations``: it would make a NamedTuple compile its annotations at import.
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from kerma.errors import UsageError


class VRRow(NamedTuple):
    """One VR.

    ``long``: its explicit-VR header has a 32-bit length. ``padding``: the byte that makes a value even. ``charset``:
    its text is in the SpecificCharacterSet. ``split``: a backslash separates values. ``size``: bytes of one binary
    value, 0 for text and sequences (an AT value is two 16-bit numbers). ``max_length``: characters of one value
    (bytes for binary ones; for PN of one component group), 0 where only the length field bounds it.
    """

    code: str
    name: str
    long: bool
    padding: bytes
    charset: bool
    split: bool
    size: int
    max_length: int


def _text(
    code: str, name: str, maximum: int, *, charset: bool = False, split: bool = True, long: bool = False
) -> VRRow:
    return VRRow(code, name, long, b" ", charset, split, 0, maximum)


def _binary(code: str, name: str, size: int, *, long: bool = False) -> VRRow:
    return VRRow(code, name, long, b"\0", charset=False, split=False, size=size, max_length=0 if long else size)


_ROWS = (
    _text("AE", "Application Entity", 16),
    _text("AS", "Age String", 4),
    _binary("AT", "Attribute Tag", 4),
    _text("CS", "Code String", 16),
    _text("DA", "Date", 8),
    _text("DS", "Decimal String", 16),
    _text("DT", "Date Time", 26),
    _binary("FD", "Floating Point Double", 8),
    _binary("FL", "Floating Point Single", 4),
    _text("IS", "Integer String", 12),
    _text("LO", "Long String", 64, charset=True),
    _text("LT", "Long Text", 10240, charset=True, split=False),
    _binary("OB", "Other Byte", 1, long=True),
    _binary("OD", "Other Double", 8, long=True),
    _binary("OF", "Other Float", 4, long=True),
    _binary("OL", "Other Long", 4, long=True),
    _binary("OV", "Other 64-bit Very Long", 8, long=True),
    _binary("OW", "Other Word", 2, long=True),
    _text("PN", "Person Name", 64, charset=True),
    _text("SH", "Short String", 16, charset=True),
    _binary("SL", "Signed Long", 4),
    VRRow("SQ", "Sequence of Items", long=True, padding=b"", charset=False, split=False, size=0, max_length=0),
    _binary("SS", "Signed Short", 2),
    _text("ST", "Short Text", 1024, charset=True, split=False),
    VRRow("SV", "Signed 64-bit Very Long", long=True, padding=b"\0", charset=False, split=False, size=8, max_length=8),
    _text("TM", "Time", 14),
    _text("UC", "Unlimited Characters", 0, charset=True, long=True),
    VRRow("UI", "Unique Identifier (UID)", long=False, padding=b"\0", charset=False, split=True, size=0, max_length=64),
    _binary("UL", "Unsigned Long", 4),
    _binary("UN", "Unknown", 1, long=True),
    _text("UR", "Universal Resource Identifier or Universal Resource Locator (URI/URL)", 0, split=False, long=True),
    _binary("US", "Unsigned Short", 2),
    _text("UT", "Unlimited Text", 0, charset=True, split=False, long=True),
    VRRow(
        "UV", "Unsigned 64-bit Very Long", long=True, padding=b"\0", charset=False, split=False, size=8, max_length=8
    ),
)

ALL: Mapping[str, VRRow] = MappingProxyType({row.code: row for row in _ROWS})
"""code -> row, all 34."""

LONG: frozenset[str] = frozenset(row.code for row in _ROWS if row.long)
"""The VRs whose explicit header is 12 bytes."""


def get(code: str) -> VRRow:
    """The row of ``code``. Raises UsageError when the standard has no such VR."""
    row = ALL.get(code)
    if row is None:
        raise UsageError(f"{code[:16]!r} is no VR of PS3.5", hint="VRs are two capital letters, such as LO or US")
    return row
