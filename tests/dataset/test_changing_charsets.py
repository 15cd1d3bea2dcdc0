"""A data set that came in one character set and is written in another (PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.data import get_charset_files

import kerma
from kerma.errors import ValueEncodeError

EXPLICIT, IMPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
FILES = sorted(Path(name) for name in get_charset_files() if name.endswith(".dcm"))
TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def texts(ds: kerma.Dataset) -> Iterator[tuple[tuple[int, ...], object]]:
    for path, element in ds.walk():
        if element.vr in TEXT:
            yield path, element.value


def read(data: bytes, syntax: str = EXPLICIT) -> kerma.Dataset:
    return kerma.Dataset.from_bytes(data, syntax)


def latin() -> kerma.Dataset:
    """Read, not built: texts that nobody touched, one in an item, one in an item with a set of its own."""
    ds = kerma.Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Buc^Jérôme"
    ds.PatientID = "A"
    plain, greek = kerma.Dataset(), kerma.Dataset()
    plain.PatientName = "Äneas^Rüdiger"
    greek.SpecificCharacterSet = "ISO_IR 126"
    greek.PatientName = "Διονυσιος"
    ds.ReferencedPatientSequence = [plain, greek]
    return read(ds.to_bytes(EXPLICIT))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_texts_are_converted_items_included(syntax: str) -> None:
    ds = latin()
    before = list(texts(ds))
    ds.SpecificCharacterSet = "ISO_IR 192"
    again = read(ds.to_bytes(syntax), syntax)
    assert list(texts(again)) == before
    assert bytes(again["PatientName"].raw or b"").rstrip() == "Buc^Jérôme".encode()
    first, second = again.ReferencedPatientSequence
    assert bytes(first["PatientName"].raw or b"").rstrip() == "Äneas^Rüdiger".encode()
    assert second.SpecificCharacterSet == "ISO_IR 126"
    assert bytes(second["PatientName"].raw or b"").rstrip() == "Διονυσιος".encode("iso8859_7")


def test_what_the_new_set_has_not_is_refused_with_its_place() -> None:
    ds = latin()
    ds.SpecificCharacterSet = "ISO_IR 144"
    with pytest.raises(ValueEncodeError, match="0010,0010"):
        ds.to_bytes()
    ds = latin()
    del ds.SpecificCharacterSet
    with pytest.raises(ValueEncodeError, match="default repertoire"):
        ds.to_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_real_files_as_utf_8_and_back(path: Path) -> None:
    ds = kerma.read(path)
    before, terms = list(texts(ds)), ds.get("SpecificCharacterSet")
    ds.SpecificCharacterSet = "ISO_IR 192"
    utf8 = read(ds.to_bytes(EXPLICIT))
    assert list(texts(utf8)) == before
    utf8.SpecificCharacterSet = terms
    assert list(texts(read(utf8.to_bytes(EXPLICIT)))) == before


def test_text_that_came_as_un_is_converted_too() -> None:
    """The standard knows its VR, so it is read as text, and has to stay that text (PS3.5 6.2.2)."""

    def un(tag: int, value: bytes) -> bytes:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, len(value)) + value

    item = struct.pack("<HHI", 0x10, 0x10, 4) + b"J\xe9r "
    sequence = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
    raw = (
        b"\x08\0\x05\0CS\x0a\0ISO_IR 100"
        + un(0x00081120, sequence)
        + un(0x00100010, b"Buc^J\xe9r\xf4me")
        + un(0x00100020, b"ID 1")
        + un(0x00110010, b"ACME")
        + un(0x00111001, b"\xe9\xe8")
    )
    ds = read(raw)
    assert ds.PatientName == "Buc^Jérôme"
    assert ds.ReferencedPatientSequence[0].PatientName == "Jér"
    assert ds.to_bytes() == raw
    ds.SpecificCharacterSet = "ISO_IR 192"
    again = read(ds.to_bytes())
    assert again.PatientName == "Buc^Jérôme"
    assert again.PatientID == "ID 1"
    assert again.ReferencedPatientSequence[0].PatientName == "Jér"
    assert bytes(again[0x00111001].raw or b"") == b"\xe9\xe8"  # nobody knows what that is


def test_the_overline_of_romaji_is_no_tilde() -> None:
    ds = kerma.Dataset()
    ds.SpecificCharacterSet = "ISO_IR 13"
    ds.PatientComments = "‾¥"
    ds.OtherPatientIDs = ["a", "b"]
    came = read(ds.to_bytes(EXPLICIT))
    assert bytes(came["PatientComments"].raw or b"") == b"~\\"
    came.SpecificCharacterSet = "ISO_IR 192"
    again = read(came.to_bytes())
    assert again.PatientComments == "‾¥"
    assert again.OtherPatientIDs == ("a", "b")
    again.PatientComments = "~"
    again.SpecificCharacterSet = "ISO_IR 13"
    with pytest.raises(ValueEncodeError):
        again.to_bytes()
