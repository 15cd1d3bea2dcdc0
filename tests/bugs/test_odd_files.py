"""Files of the wild that were refused or misread once, each made anew in a few bytes; the corpus has the originals."""

from __future__ import annotations

import struct

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.lint import lint
from kerma.errors import FormatError, KermaError
from kerma.limits import Strictness

IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def explicit(tag: int, vr: bytes, value: bytes) -> bytes:
    """A short element in explicit VR little endian."""
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def file_of(meta: bytes, data: bytes) -> bytes:
    return bytes(128) + b"DICM" + meta + data


SYNTAX = explicit(0x00020010, b"UI", EXPLICIT_LE.encode() + b"\0")
VERSION = b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\1"
DATA = explicit(0x00080060, b"CS", b"CT") + explicit(0x00100010, b"PN", b"A^B ")


def codes(ds: Dataset) -> set[str]:
    return {finding.code for finding in ds.findings}


@pytest.mark.parametrize("vr", [b"ZZ", b"\0\0", b"\xff\xff", b"  ", b"ui"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_wrong_vr_in_the_meta_information(vr: bytes, place: int) -> None:
    """One wrong VR in group 0002 hid the data set: the rest of the file was no data set."""
    parts = [
        explicit(0x00020002, b"UI", b"1.2\0"),
        SYNTAX,
        explicit(0x00020012, b"UI", b"1.3\0"),
    ]
    parts[place] = parts[place][:4] + vr + parts[place][6:]
    ds = kerma.read(file_of(b"".join(parts), DATA))
    assert ds.transfer_syntax_uid == EXPLICIT_LE
    assert ds.PatientName == "A^B"
    assert "wrong-vr" in codes(ds)
    assert list(ds.meta or ()) == [0x00020002, 0x00020010, 0x00020012]


def test_no_transfer_syntax() -> None:
    """Meta information without (0002,0010): explicit where the first element says so, else the default syntax."""
    for data in (DATA, implicit(0x00080060, b"CT") + implicit(0x00100010, b"A^B ")):
        ds = kerma.read(file_of(VERSION, data))
        assert ds.PatientName == "A^B"
        assert "no-syntax" in codes(ds)


@pytest.mark.parametrize(
    ("said", "data"),
    [
        (EXPLICIT_LE, implicit(0x00080060, b"CT") + implicit(0x00100010, b"A^B ")),
        (IMPLICIT_LE, DATA),
        (EXPLICIT_BE, DATA),
        ("1.2.840.10008.1.2.4.50", implicit(0x00080060, b"CT") + implicit(0x00100010, b"A^B ")),
    ],
)
def test_data_set_in_another_encoding_than_said(said: str, data: bytes) -> None:
    ds = Dataset.from_bytes(data, said)
    assert ds.PatientName == "A^B"
    assert codes(ds) == {"wrong-syntax"}
    assert ds.to_bytes() == data
    with pytest.raises(FormatError):
        Dataset.from_bytes(data, said, strictness=Strictness.STRICT)


def test_item_outside_a_sequence() -> None:
    """Left out, as no element; what follows is read."""
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", 4) + b"abcd"
    data = explicit(0x00080060, b"CS", b"CT") + item + explicit(0x00100010, b"PN", b"A^B ")
    ds = Dataset.from_bytes(data, EXPLICIT_LE)
    assert list(ds) == [0x00080060, 0x00100010]
    assert codes(ds) == {"stray-item"}
    assert ds.to_bytes() == data


def test_last_item_longer_than_its_sequence() -> None:
    """The sequence is there whole; the item ends with it unless that cuts an element."""
    inside = explicit(0x00080060, b"CS", b"CT")
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inside) + 24) + inside
    data = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(item)) + item
    ds = Dataset.from_bytes(data, EXPLICIT_LE)
    assert ds.ReferencedImageSequence[0].Modality == "CT"
    assert codes(ds) == {"item-length"}
    cut = item[:-1]
    data = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(cut)) + cut
    ds = Dataset.from_bytes(data, EXPLICIT_LE)
    with pytest.raises(KermaError):
        _ = ds.ReferencedImageSequence[0].Modality


def test_length_field_of_the_other_size() -> None:
    """PN with 32 bits and OF with 16 bits of length."""
    long_name = b"\x10\0\x10\0PN\0\0" + struct.pack("<I", 4) + b"A^B "
    ds = Dataset.from_bytes(explicit(0x00080060, b"CS", b"CT") + long_name, EXPLICIT_LE)
    assert ds.PatientName == "A^B"
    assert codes(ds) == {"length-field"}
    short = explicit(0x56000010, b"OF", b"") + explicit(0x56000020, b"OF", b"\x01\x02\x03\x04")
    ds = Dataset.from_bytes(short, EXPLICIT_LE)
    assert bytes(ds[0x56000020].value) == b"\x01\x02\x03\x04"
    assert codes(ds) == {"length-field"}


def test_lint_says_what_text_does_not_fit() -> None:
    data = explicit(0x00080005, b"CS", b"utf8") + explicit(0x00100010, b"PN", b"M\xfcl ")
    ds = Dataset.from_bytes(data, EXPLICIT_LE)
    assert ds.PatientName == "M\ufffdl"
    assert [finding.code for finding in lint(ds)] == ["charset-term", "charset-bytes"]
    assert ds.to_bytes() == data
    undeclared = Dataset.from_bytes(explicit(0x00100010, b"PN", b"M\xfcl "), EXPLICIT_LE)
    assert undeclared.PatientName == "Mül"
    assert [(finding.code, finding.path) for finding in lint(undeclared)] == [("charset-undeclared", (0x00100010,))]


def test_item_tag_with_a_vr_is_no_element() -> None:
    """(FFFE,E000) has no VR (PS3.5 7.5); the fast scan took it for an element, the careful one did not."""
    with pytest.raises(FormatError):
        Dataset.from_bytes(DATA + explicit(0xFFFEE000, b"CS", b"N "), EXPLICIT_LE)


def test_decimal_larger_than_a_float_in_json() -> None:
    """DS '1e999' is infinite as a float; JSON gives its text, which PS3.18 F.2.3 allows."""
    ds = Dataset.from_bytes(explicit(0x00180050, b"DS", b"1e999 "), EXPLICIT_LE)
    assert '"1e999"' in kerma.to_json(ds)
    assert ds.to_bytes(EXPLICIT_BE).endswith(b"1e999 ")
