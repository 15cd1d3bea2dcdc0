"""Character sets beside pydicom: the files that it ships, and each defined term both ways (PS3.5 H to K)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import charset
from pydicom.data import get_charset_files

from kerma.values import Charsets, decode, encode

from .test_charsets import DEFINED

FILES = sorted(Path(name) for name in get_charset_files() if name.endswith(".dcm"))
TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def texts(dataset: Any, inherited: Sequence[str]) -> Iterator[tuple[str, str, bytes, Sequence[str], Any]]:
    """VR, keyword, bytes, character sets and pydicom's value of every text element, items included."""
    found = dataset.get_item(0x00080005)
    terms = inherited if found is None else _terms(found.value)
    for tag in sorted(dataset.keys()):
        raw = dataset.get_item(tag)
        if raw.VR == "SQ":
            for item in dataset[tag].value:
                yield from texts(item, terms)
        elif raw.VR in TEXT and isinstance(raw.value, bytes):
            yield raw.VR, str(tag), raw.value, terms, dataset[tag].value


def _terms(value: Any) -> Sequence[str]:
    if isinstance(value, bytes):
        value = value.decode("ascii")
    return value.split("\\") if isinstance(value, str) else list(value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_text_agrees(path: Path) -> None:
    count = 0
    for vr, tag, raw, terms, theirs in texts(pydicom.dcmread(path), ()):
        ours = decode(vr, raw, charsets=Charsets.of(terms))
        if isinstance(theirs, (list, pydicom.multival.MultiValue)):
            assert list(ours) == [str(part) for part in theirs], (path.name, tag)
        else:
            # pydicom drops a "=" that ends a name, we keep what is there (PS3.5 6.2.1.1: both mean the same).
            assert str(ours or "").rstrip("=") == str(theirs), (path.name, tag)
        count += 1
    assert count > 3


def test_all_are_there() -> None:
    assert len(FILES) >= 17


REDUNDANT = {"chrKoreanMulti.dcm", "chrSQEncoding.dcm", "chrSQEncoding1.dcm"}
"""Their writers return to the default set where nothing has left it, or to ASCII where JIS X 0201 is the first."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_text_is_written_as_it_came(path: Path) -> None:
    """The bytes of every text, decoded and encoded again, are those of the file."""
    differ = 0
    for vr, tag, raw, terms, _ in texts(pydicom.dcmread(path), ()):
        charsets = Charsets.of(terms)
        again = encode(vr, decode(vr, raw, charsets=charsets), charsets=charsets)
        if again.rstrip(b" ") != raw.rstrip(b" "):
            assert path.name in REDUNDANT, tag
            assert decode(vr, again, charsets=charsets) == decode(vr, raw, charsets=charsets)
            differ += 1
    assert (differ > 0) == (path.name in REDUNDANT)


# What pydicom 3 does not read or write as the standard has it: ISO-IR 203 is ISO 8859-15, ISO-IR 14 has an overline at
# 7E, the escape sequence of ISO-IR 58 is no text, and katakana in the first set need no escape sequence.
NOT_READ = {
    *(("ISO_IR 203", "œ"), ("ISO 2022 IR 203", "œ"), ("\\ISO 2022 IR 203", "œ")),
    *(("\\ISO 2022 IR 13", "‾"), ("\\ISO 2022 IR 58", "张")),
}
NOT_WRITTEN = {
    *(("ISO_IR 203", "œ"), ("ISO 2022 IR 203", "œ"), ("\\ISO 2022 IR 203", "œ")),
    *(("ISO_IR 13", "ﾔ"), ("ISO 2022 IR 13", "ﾔ"), ("\\ISO 2022 IR 13", "‾")),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("terms", "text", "raw"), DEFINED, ids=[f"{row[0]}-{row[1]}" for row in DEFINED])
def test_every_defined_term_both_ways(terms: str, text: str, raw: bytes) -> None:
    charsets = Charsets.of(terms)
    encodings = charset.convert_encodings(terms.split("\\"))
    sample = f"a{text}b\r\n{text}"
    ours = charsets.encode(sample, "LT")
    theirs = charset.decode_bytes(ours, encodings, {0x0A, 0x0C, 0x0D, 0x09})
    assert (theirs == sample) == ((terms, text) not in NOT_READ)
    written = charset.encode_string(sample, encodings)
    assert (charsets.decode(written, "LT") == sample) == ((terms, text) not in NOT_WRITTEN)
