"""Preambles: what else a file is, what is said of programs, and that all are kept."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kerma
from kerma.errors import FormatError
from kerma.formats.personality import NOTHING, personality, recognise
from kerma.formats.text import dump_lines
from kerma.limits import Strictness


def file_with(preamble: bytes) -> bytes:
    ds = kerma.Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "A^B"
    ds.preamble = preamble.ljust(128, b"\0")
    out = io.BytesIO()
    kerma.write(ds, out)
    return out.getvalue()


KNOWN = [
    (b"MZ\x90\0", "pe", True),
    (b"\x7fELF\2\1\1", "elf", True),
    (b"\xcf\xfa\xed\xfe", "mach-o", True),
    (b"#!/bin/sh\nid\n", "script", True),
    (b"\n  <HTML><script>", "html", True),
    (b"%PDF-1.7", "pdf", False),
    (b"PK\3\4", "zip", False),
    (b"\x89PNG\r\n\x1a\n", "png", False),
    (b"\xff\xd8\xff\xe0", "jpeg", False),
    (b'{"LuaScripts": [', "json", False),
]


@pytest.mark.parametrize(("preamble", "kind", "executable"), KNOWN, ids=[kind for _, kind, _ in KNOWN])
def test_known_formats(preamble: bytes, kind: str, executable: bool) -> None:
    data = file_with(preamble)
    ds = kerma.read(data)
    found = personality(ds)
    assert found is not None
    assert (found.kind, found.executable) == (kind, executable)
    assert [finding.code for finding in ds.findings] == (["executable-preamble"] if executable else [])
    last = list(dump_lines(ds))[-1]
    assert last.startswith("# executable-preamble: " if executable else "# By its preamble the file is ")
    out = io.BytesIO()
    ds.PatientID = "X"
    kerma.write(ds, out)
    assert out.getvalue()[:128] == data[:128], "kept when the data set was changed"


def test_strict_reading_refuses_a_program_and_takes_other_formats() -> None:
    with pytest.raises(FormatError, match="DOS or Windows program"):
        kerma.read(file_with(b"MZ"), strictness=Strictness.STRICT)
    assert kerma.read(file_with(b"%PDF-1.4"), strictness=Strictness.STRICT).PatientName == "A^B"


def test_a_large_file_with_a_program_in_front_is_said_to_be_one(tmp_path: Path) -> None:
    ds = kerma.read(file_with(b"MZ"))
    ds.add("PixelData", "OB", bytes(1 << 20))
    kerma.write(ds, tmp_path / "large.dcm")
    large = kerma.read(tmp_path / "large.dcm")
    assert [finding.code for finding in large.findings] == ["executable-preamble"]


@pytest.mark.parametrize(("mark", "order"), [(b"II*\0", "<"), (b"MM\0*", ">")])
def test_a_tiff_whose_directory_is_not_there_is_stale(mark: bytes, order: str) -> None:
    there = kerma.read(file_with(mark + struct.pack(order + "I", 200)))
    gone = kerma.read(file_with(mark + struct.pack(order + "I", 1 << 20)))
    assert [found and (found.kind, found.stale) for found in (personality(there), personality(gone))] == [
        ("tiff", False),
        ("tiff", True),
    ]


def test_nothing_is_said_of_zeros_and_of_noise() -> None:
    assert personality(kerma.Dataset()) is None
    for preamble in (NOTHING, b"GE Medical Systems", b"\xff" * 128, b"BMW", b"\\\1", None):
        assert recognise(None if preamble is None else preamble.ljust(128, b"\0")) is None


def test_of_the_corpus_no_file_is_a_program(corpus: Path) -> None:
    """Left-over TIFF preambles are common, and none of them points into its file."""
    path = corpus / "pydicom+pydicom/src/pydicom/data/test_files/CT_small.dcm"
    found = personality(kerma.read(path))
    assert found is not None
    assert (found.kind, found.stale, found.executable) == ("tiff", True, False)


@given(st.binary(min_size=128, max_size=128), st.integers(0, 1 << 40))
def test_every_preamble_has_an_answer(preamble: bytes, size: int) -> None:
    found = recognise(preamble, size)
    assert found is None or found.kind
