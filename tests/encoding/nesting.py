"""Nested data sets as bytes, of which Hypothesis chooses everything: VR form, lengths, values, order, damage."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import strategies as st

VRS = ["AE", "AT", "CS", "DA", "DS", "FD", "FL", "IS", "LO", "OB", "PN", "SH", "SL", "SS", "ST", "UI", "UL", "UN", "US"]
LONG = {"OB", "SQ", "UC", "UN", "UT"}
TAGS = [
    0x00080000,  # group length
    0x00080005,  # SpecificCharacterSet
    0x00080018,
    0x00090010,  # private creator
    0x00091005,  # private
    0x00091010,
    0x00100010,  # PN
    0x00280103,  # PixelRepresentation
    0x00280106,  # US or SS
    0x0040A730,  # SQ
    0x0040DB73,  # UL
    0x00700022,  # FL
    0x300A0018,  # DS
    0x300A00B0,  # SQ
]
VALUES = (
    st.text('AZ09 ^=\\"\0\x1b~\xe9-+.', max_size=8).map(lambda text: text.encode("latin-1"))
    | st.binary(max_size=8)
    | st.sampled_from(
        [b"-1.50\\2", b"0.1", b"1.02754010000000", b"1234567890123456", b"SIEMENS CSA HEADER", b"\0\0\x80?"]
    )
)
PLAIN = st.tuples(st.just("plain"), st.sampled_from([*VRS, "UC", "UT"]), VALUES)
UNDEFINED = 0xFFFFFFFF
Thing = Any


def _sequence(item: st.SearchStrategy[Thing]) -> st.SearchStrategy[Thing]:
    items = st.lists(st.tuples(st.booleans(), item), max_size=3)
    return st.tuples(st.just("sequence"), st.booleans(), items)


def _elements(value: st.SearchStrategy[Thing]) -> st.SearchStrategy[Thing]:
    return st.dictionaries(st.sampled_from(TAGS), value, max_size=5).map(lambda found: sorted(found.items()))


DATA_SETS = st.recursive(_elements(PLAIN), lambda inner: _elements(PLAIN | _sequence(inner)), max_leaves=12)
"""[(tag, ("plain", VR, bytes) or ("sequence", of undefined length, [(of undefined length, data set)]))]."""


def encoded(elements: Thing, explicit: bool) -> bytes:
    """The bytes of one of ``DATA_SETS`` in little endian."""
    return b"".join(_element(tag, value, explicit) for tag, value in elements)


def _element(tag: int, value: Thing, explicit: bool) -> bytes:
    vr, undefined = "SQ", False
    if value[0] == "plain":
        _, vr, raw = value
    else:
        _, undefined, items = value
        raw = b"".join(_item(endless, encoded(inner, explicit)) for endless, inner in items)
        if undefined:
            raw += _mark(0xFFFEE0DD, 0)
    length = UNDEFINED if undefined else len(raw)
    if not explicit:
        return _mark(tag, length) + bytes(raw)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<HI", 0, length) if vr in LONG else struct.pack("<H", length)) + bytes(raw)


def _item(undefined: bool, raw: bytes) -> bytes:
    if undefined:
        return _mark(0xFFFEE000, UNDEFINED) + raw + _mark(0xFFFEE00D, 0)
    return _mark(0xFFFEE000, len(raw)) + raw


def _mark(tag: int, length: int) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length)
