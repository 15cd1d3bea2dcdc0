"""What else a DICOM file is: the 128 bytes before "DICM" may make it a file of another format too (PS3.10 7.1).

The standard leaves the preamble to applications, so that one file can be, say, DICOM and TIFF. The same freedom lets a
program hide in front of an image (CVE-2019-11687): such a file is right DICOM, and runs.

Rules: a format is told by its first bytes as its own specification has them; TIFF also by whether its first directory
lies inside the file, for many a preamble is left over from a file of another length. Nothing is changed by looking.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kerma.dataset import Dataset
from kerma.encoding.marks import Marks

NOTHING: Final = bytes(128)


@dataclass(frozen=True, slots=True)
class Personality:
    """The other format of a file. ``kind`` is a short stable word for programs, ``name`` for people.

    ``executable``: an operating system or a browser may run it. ``stale``: it claims a format that is not there,
    as a TIFF whose first directory would lie behind the end.
    """

    kind: str
    name: str
    executable: bool = False
    stale: bool = False


_MAGIC: tuple[tuple[bytes, Personality], ...] = (
    (b"MZ", Personality("pe", "a DOS or Windows program", executable=True)),
    (b"ZM", Personality("pe", "a DOS or Windows program", executable=True)),
    (b"\x7fELF", Personality("elf", "an ELF program", executable=True)),
    (b"\xfe\xed\xfa\xce", Personality("mach-o", "a Mach-O program", executable=True)),
    (b"\xfe\xed\xfa\xcf", Personality("mach-o", "a Mach-O program", executable=True)),
    (b"\xce\xfa\xed\xfe", Personality("mach-o", "a Mach-O program", executable=True)),
    (b"\xcf\xfa\xed\xfe", Personality("mach-o", "a Mach-O program", executable=True)),
    (b"\xca\xfe\xba\xbe", Personality("mach-o", "a Mach-O or Java program", executable=True)),
    (b"\0asm", Personality("wasm", "a WebAssembly program", executable=True)),
    (b"#!", Personality("script", "a script", executable=True)),
    (b"<?php", Personality("script", "a PHP script", executable=True)),
    (b"@echo", Personality("script", "a batch file", executable=True)),
    (b"dex\n", Personality("dex", "an Android program", executable=True)),
    (b"%PDF-", Personality("pdf", "a PDF document")),
    (b"PK\x03\x04", Personality("zip", "a zip archive")),
    (b"PK\x05\x06", Personality("zip", "a zip archive")),
    (b"\x1f\x8b\x08", Personality("gzip", "a gzip file")),
    (b"\x89PNG\r\n\x1a\n", Personality("png", "a PNG image")),
    (b"\xff\xd8\xff", Personality("jpeg", "a JPEG image")),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Personality("jp2", "a JPEG 2000 image")),
    (b"GIF8", Personality("gif", "a GIF image")),
    (b"BM", Personality("bmp", "a bitmap image")),
    (b"RIFF", Personality("riff", "a RIFF file")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Personality("ole", "an OLE compound file")),
    (b"II*\0", Personality("tiff", "a TIFF image")),
    (b"MM\0*", Personality("tiff", "a TIFF image")),
    (b"II+\0\x08\0\0\0", Personality("bigtiff", "a BigTIFF image")),
    (b"MM\0+\0\x08\0\0", Personality("bigtiff", "a BigTIFF image")),
)
_MARKUP: tuple[tuple[bytes, Personality], ...] = (
    (b"<!doctype html", Personality("html", "an HTML page, which a browser may run", executable=True)),
    (b"<html", Personality("html", "an HTML page, which a browser may run", executable=True)),
    (b"<script", Personality("html", "an HTML page, which a browser may run", executable=True)),
    (b"<svg", Personality("svg", "an SVG image, which a browser may run", executable=True)),
)
_DECLARATIONS = (
    (b"{", Personality("json", "a JSON text")),
    (b"<?xml", Personality("xml", "an XML text")),
)


def recognise(preamble: bytes | None, size: int | None = None) -> Personality | None:
    """What the 128 bytes make of a file of ``size`` bytes; None for zeros and for what is no known format.

    Without ``size`` a TIFF is never called stale.
    """
    if preamble is None or preamble == NOTHING:
        return None
    for magic, found in _MAGIC:
        if preamble.startswith(magic):
            if found.kind in {"tiff", "bigtiff"}:
                return _tiff(preamble, size, found)
            return found if found.kind != "bmp" or _is_bitmap(preamble) else None
    text = preamble.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    return next((found for magic, found in (*_MARKUP, *_DECLARATIONS) if text.startswith(magic)), None)


def _tiff(preamble: bytes, size: int | None, found: Personality) -> Personality:
    mark = "<" if preamble[:2] == b"II" else ">"
    big = found.kind == "bigtiff"
    first = struct.unpack_from(mark + ("Q" if big else "I"), preamble, 8 if big else 4)[0]
    smallest = 36 if big else 18
    if size is not None and not 8 <= first <= size - smallest:
        return Personality(found.kind, found.name, stale=True)
    return found


def _is_bitmap(preamble: bytes) -> bool:
    """Two letters alone are too little: the pixels of a bitmap begin behind its headers."""
    reserved, pixels = struct.unpack_from("<II", preamble, 6)
    return bool(reserved == 0 and 26 <= pixels <= 4096)


def personality(ds: Dataset) -> Personality | None:
    """What else the file that ``ds`` was read from is; of a data set that was built, what its preamble will make of
    it.
    """
    file = ds._file
    if file is None or file.preamble is None:
        return None
    return recognise(file.preamble, file.size)


def note_preamble(preamble: bytes, marks: Marks) -> None:
    """A finding ``executable-preamble`` where ``preamble`` makes the file a program. Other personalities are none: the
    standard allows them.
    """
    name = _program(preamble)
    if name:
        text = f"the preamble makes the file {name}; do not run it, nor serve it as it is"
        marks.note("executable-preamble", text, offset=0, section="PS3.10 7.1")


@lru_cache(maxsize=64)  # the files of a series have the same one
def _program(preamble: bytes) -> str:
    """What kind of program a preamble makes of its file, "" for none."""
    found = recognise(preamble)
    return found.name if found is not None and found.executable else ""
