"""The files with character sets that pydicom ships: our text is pydicom's (PS3.5 H to K)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_charset_files

from kerma.values import Charsets, decode

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
