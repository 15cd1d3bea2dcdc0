"""Every VR both ways, case by case (PS3.5 6.2, 6.4, 7.3)."""

from __future__ import annotations

import copy
import datetime
import pickle
from decimal import Decimal
from typing import Any

import pytest

from kerma.errors import KermaError, ValueEncodeError, ValueFormatError
from kerma.standard import vrs
from kerma.values import DS, IS, UID, Charsets, PersonName, decode, encode

DECODED: list[tuple[str, bytes, Any]] = [
    # text of one repertoire (PS3.5 6.2)
    ("AE", b"  STORE SCP ", "STORE SCP"),
    ("AE", b"A \\ B\\", ("A", "B", "")),
    ("AS", b"018M", "018M"),
    ("CS", b" ORIGINAL \\PRIMARY ", ("ORIGINAL", "PRIMARY")),
    ("CS", b"MR\0\0", "MR"),
    ("DA", b"20260102", "20260102"),
    ("DA", b"20260101-20260131 ", "20260101-20260131"),
    ("DT", b"20260102101112.123456+0100", "20260102101112.123456+0100"),
    ("TM", b"1011 ", "1011"),
    ("UR", b"http://a/b\\c  ", "http://a/b\\c"),
    ("CS", b"\xc4", "\u00c4"),
    # text in the specific character set
    ("LO", b" a b ", "a b"),
    ("LO", b"a\\\\b ", ("a", "", "b")),
    ("LO", b"\\", ("", "")),
    ("SH", b" x", "x"),
    ("LT", b"  two\\lines\r\n ", "  two\\lines\r\n"),
    ("ST", b" a\0", " a"),
    ("UT", b" a\\b ", " a\\b"),
    ("UC", b" a \\ b ", (" a", " b")),
    ("PN", b"Doe^John ", "Doe^John"),
    ("PN", b"Doe^John^^\\Roe^Jane ", ("Doe^John^^", "Roe^Jane")),
    # numbers as text
    ("IS", b" 12 ", 12),
    ("IS", b"+7\\-8\\ ", (7, -8, None)),
    ("IS", b"12.0", 12),
    ("DS", b" 1.5e3 ", 1500.0),
    ("DS", b".5\\5.\\\\-0", (0.5, 5.0, None, -0.0)),
    # UIDs
    ("UI", b"1.2.3\0", "1.2.3"),
    ("UI", b"1.2.3 ", "1.2.3"),
    ("UI", b"1.2\\1.3\0", ("1.2", "1.3")),
    # binary
    ("US", b"\1\2", 0x0201),
    ("US", b"\1\2\3\4", (0x0201, 0x0403)),
    ("SS", b"\xff\xff", -1),
    ("UL", b"\1\0\0\0", 1),
    ("SL", b"\xfe\xff\xff\xff", -2),
    ("UV", b"\1" + bytes(7), 1),
    ("SV", b"\xff" * 8, -1),
    ("FL", b"\0\0\xc0\x3f", 1.5),
    ("FD", b"\0\0\0\0\0\0\xf8\x3f", 1.5),
    ("AT", b"\x10\0\x20\0", 0x00100020),
    ("AT", b"\x10\0\x20\0\x08\0\x05\0", (0x00100020, 0x00080005)),
    # padding only
    ("CS", b"  ", None),
    ("LT", b"  ", None),
    ("PN", b"  ", None),
    ("UI", b"\0\0", None),
    ("DS", b"  ", None),
    ("IS", b"\0\0", None),
    ("UR", b"  ", None),
]


@pytest.mark.parametrize(("vr", "raw", "value"), DECODED)
def test_decode(vr: str, raw: bytes, value: Any) -> None:
    assert decode(vr, raw) == value
    assert decode(vr, memoryview(bytearray(raw))) == value


@pytest.mark.parametrize("row", vrs.ALL.values(), ids=lambda row: row.code)
def test_every_vr_of_the_table(row: vrs.VRRow) -> None:
    """Empty is None, None is empty, and padding is that of PS3.5 table 6.2-1."""
    assert decode(row.code, b"") is None
    if row.code == "SQ":
        with pytest.raises(ValueEncodeError):
            encode("SQ", None)
        with pytest.raises(ValueFormatError):
            decode("SQ", b"12")
        return
    assert encode(row.code, None) == b""
    if row.code[0] == "O" or row.code == "UN":
        assert encode(row.code, b"") == b""
        assert encode(row.code, b"\1") == b"\1" + row.padding
        return
    assert encode(row.code, []) == b""
    if row.size:
        assert encode(row.code, 1) == (b"\0\0\1\0" if row.code == "AT" else encode(row.code, [1]))
        assert len(encode(row.code, 1)) == row.size
    else:
        assert encode(row.code, 1 if row.code in {"IS", "DS"} else "1") == b"1" + row.padding


@pytest.mark.parametrize("vr", ["OB", "OW", "OF", "OD", "OL", "OV", "UN", "ZZ", "??"])
def test_uninterpreted_bytes_are_a_read_only_view(vr: str) -> None:
    raw = bytearray(b"\1\2\3\4")
    view = decode(vr, raw, little_endian=False)
    assert isinstance(view, memoryview)
    assert view.readonly
    assert view == raw


@pytest.mark.parametrize(
    ("vr", "raw", "value"),
    [
        ("US", b"\1\2", 0x0102),
        ("UL", b"\0\0\0\1\0\0\0\2", (1, 2)),
        ("SS", b"\xff\xfe", -2),
        ("FD", b"\x3f\xf8\0\0\0\0\0\0", 1.5),
        ("AT", b"\0\x10\0\x20", 0x00100020),
        ("SV", b"\0\0\0\0\0\0\0\1", 1),
    ],
)
def test_big_endian(vr: str, raw: bytes, value: Any) -> None:
    """PS3.5 7.3; a tag is two numbers of 16 bits."""
    assert decode(vr, raw, little_endian=False) == value
    assert encode(vr, value, little_endian=False) == raw


@pytest.mark.parametrize(
    ("vr", "raw"),
    [
        ("US", b"\1"),
        ("US", b"\1\2\3"),
        ("FD", bytes(12)),
        ("AT", b"\1\2"),
        ("AT", bytes(6)),
        ("IS", b"1.5"),
        ("IS", b"one"),
        ("IS", b"1_0"),
        ("IS", b"9" * 401),
        ("DS", b"nan"),
        ("DS", b"inf"),
        ("DS", b"1,5"),
        ("DS", b"1 2"),
        ("DS", "\u0661".encode()),
    ],
)
def test_bytes_that_are_no_value(vr: str, raw: bytes) -> None:
    with pytest.raises(ValueFormatError):
        decode(vr, raw)


ENCODED: list[tuple[str, Any, bytes]] = [
    ("AE", "A", b"A "),
    ("CS", ("A", "B"), b"A\\B "),
    ("CS", ["A", None], b"A\\"),
    ("CS", "ORIGINAL\\PRIMARY", b"ORIGINAL\\PRIMARY"),
    ("DA", datetime.date(2026, 1, 2), b"20260102"),
    ("TM", datetime.time(1, 2, 3, 400), b"010203.000400 "),
    ("DT", datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), b"20260102030405+0000 "),
    ("DT", datetime.date(2026, 1, 2), b"20260102"),
    ("UI", "1.2.3", b"1.2.3\0"),
    ("UI", ["1.2", UID("1.3")], b"1.2\\1.3\0"),
    ("UR", "http://a/b\\c", b"http://a/b\\c"),
    ("LT", "a\\b", b"a\\b "),
    ("LT", ["one"], b"one "),
    ("PN", PersonName("A^B"), b"A^B "),
    ("IS", 12, b"12"),
    ("IS", 12.0, b"12"),
    ("IS", "+012", b"+012"),
    ("IS", IS("007"), b"007 "),
    ("IS", [1, None, 2], b"1\\\\2"),
    ("IS", "1\\2", b"1\\2 "),
    ("DS", 1.5, b"1.5 "),
    ("DS", 3, b"3 "),
    ("DS", DS("1.50"), b"1.50"),
    ("DS", Decimal("1.10"), b"1.10"),
    ("DS", 1 / 3, b"0.33333333333333"),
    ("DS", -1.2345678901234567e-100, b"-1.23456789e-100"),
    ("DS", "1.23456789012345678901", b"1.23456789012345678901"),
    ("US", [1, 2], b"\1\0\2\0"),
    ("US", range(2), b"\0\0\1\0"),
    ("FL", 1, b"\0\0\x80\x3f"),
    ("AT", [0x00100020], b"\x10\0\x20\0"),
    ("AT", "PatientID", b"\x10\0\x20\0"),
    ("AT", ["PatientID", 0x00080005, "(0018,1063)"], b"\x10\0\x20\0\x08\0\x05\0\x18\0\x63\x10"),
    ("AT", "FrameTime\\PatientID", b"\x18\0\x63\x10\x10\0\x20\0"),
    ("DA", datetime.datetime(2026, 1, 2, 3, 4), b"20260102"),
    ("TM", datetime.datetime(2026, 1, 2, 3, 4), b"030400"),
    ("OB", b"\1", b"\1\0"),
    ("OB", bytearray(b"\1\2"), b"\1\2"),
    ("OW", memoryview(b"\1\2"), b"\1\2"),
    ("UN", b"abc", b"abc\0"),
]


@pytest.mark.parametrize(("vr", "value", "raw"), ENCODED)
def test_encode(vr: str, value: Any, raw: bytes) -> None:
    assert encode(vr, value) == raw


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("US", -1),
        ("US", 65536),
        ("US", 1.5),
        ("US", "1"),
        ("SS", 40000),
        ("FL", 1e300),
        ("FL", "x"),
        ("AT", -1),
        ("AT", 1 << 32),
        ("AT", "NoKeyword"),
        ("AT", True),
        ("IS", 1.5),
        ("IS", 1 << 31),
        ("IS", float("nan")),
        ("IS", True),
        ("IS", "x"),
        ("IS", object()),
        ("DS", float("inf")),
        ("DS", "nan"),
        ("DS", False),
        ("DS", object()),
        ("DS", 10**400),
        ("CS", 1),
        ("CS", b"A"),
        ("CS", {"A": 1}),
        ("CS", ["A\\B", "C"]),
        ("CS", "\u00c4"),
        ("LO", "\u00c4"),
        ("LT", ["a", "b"]),
        ("LT", 1),
        ("UR", "\u00c4"),
        ("TM", datetime.date(2026, 1, 1)),
        ("OB", "text"),
        ("OB", [1, 2]),
        ("OB", 4),
        ("ZZ", b"x"),
    ],
)
def test_values_that_cannot_be_written(vr: str, value: Any) -> None:
    with pytest.raises(ValueEncodeError):
        encode(vr, value)


def test_types_of_values() -> None:
    assert type(decode("PN", b"A^B ")) is PersonName
    assert type(decode("UI", b"1.2 ")) is UID
    assert type(decode("IS", b"1 ")) is IS
    assert type(decode("DS", b"1 ")) is DS
    assert type(decode("LO", b"1 ")) is str
    assert all(type(part) is PersonName for part in decode("PN", b"A\\B "))


def test_number_text_is_kept() -> None:
    """A DS of more digits than a float, and an IS with zeros before it, are written as they came."""
    long = b"1.23456789012345678901"
    assert decode("DS", long).text == long.decode()
    assert encode("DS", decode("DS", long)) == long
    assert encode("IS", decode("IS", b"0012")) == b"0012"
    for value in (DS("1.50"), IS("007"), IS(3), DS(2.5), UID("1.2"), PersonName("A^B")):
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert type(again) is type(value)
        assert getattr(again, "text", "") == getattr(value, "text", "")


def test_numbers_show_their_text() -> None:
    assert str(DS("1.50")) == f"{DS('1.50')}" == "1.50"
    assert str(IS("007")) == f"{IS('007')}" == "007"
    assert f"{DS('1.50'):.1f}" == "1.5"
    assert repr(DS("1.50")) == "1.5"
    assert DS("1.23456789012345678901").decimal == Decimal("1.23456789012345678901")
    assert DS(" +1.5e3 ").decimal == 1500
    assert DS("1.50") == 1.5 == DS("1.5")
    assert hash(DS("1.50")) == hash(1.5)
    assert sorted([DS("10"), DS("9")]) == [9, 10]
    assert copy.deepcopy(DS("1.50")).text == "1.50"
    assert copy.copy(IS("007")).text == "007"


def test_errors_do_not_show_values() -> None:
    with pytest.raises(KermaError) as caught:
        encode("LO", "M\u00fcller", charsets=Charsets.of(["ISO_IR 144"]))
    assert "ller" not in str(caught.value)
    assert "\u00fc" not in str(caught.value)
    assert "ISO_IR 144" in str(caught.value)


def test_uid_knows_its_row() -> None:
    """PS3.6 A."""
    ct = UID("1.2.840.10008.5.1.4.1.1.2")
    assert (ct.name, ct.keyword, ct.kind, ct.retired) == ("CT Image Storage", "CTImageStorage", "SOP Class", False)
    assert UID("1.2.840.10008.1.2.2").retired
    assert UID("1.2.840.10008.1.2.2").kind == "Transfer Syntax"
    own = UID("1.2.3.4")
    assert (own.name, own.keyword, own.kind, own.retired) == ("1.2.3.4", "", "", False)


def test_uid() -> None:
    """PS3.5 9.1."""
    assert UID("1.2.840.10008.1.2.1").name == "Explicit VR Little Endian"
    assert not UID("1.2.840.10008.1.2.1").private
    assert UID("1.2.3.4").name == "1.2.3.4"
    assert UID("1.2.3.4").private
    for good in ("0", "1.2", "1.0.2", "2.25." + "9" * 39, "1" * 64):
        assert UID(good).valid
    for bad in ("", "1.", ".1", "1..2", "1.02", "1.2\n", "a", "1" * 65, "../../etc/passwd", "\u0661"):
        assert not UID(bad).valid
