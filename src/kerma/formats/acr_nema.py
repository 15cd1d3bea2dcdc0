"""ACR-NEMA 1.0 and 2.0 streams (ACR-NEMA 300-1985 and 300-1988, what DICOM grew out of): told apart, and written.

A stream is elements in implicit VR, group after group, without preamble and meta information. Each group begins with
its length, (0008,0001) counts the bytes to the end, and (0008,0010), the recognition code, names the version. The byte
order is that of the machine that wrote it.

Rules:

- A stream is read like any data set: ``kerma.read`` finds it, and a finding ``acr-nema`` names version and byte order.
- A big-endian one is in no transfer syntax: ``ds.transfer_syntax_uid`` is None, and it is written as a DICOM file in
  explicit VR little endian unless told.
- What ACR-NEMA has no form for (sequences, compressed pixel data) is an error that names it, or left out when asked.
- ``formats.acr_upgrade`` makes a DICOM instance of one.
"""

from __future__ import annotations

import copy
import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from kerma.dataset import Dataset
from kerma.dataset.writing import encoded_chunks
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import IMPLICIT_BE, IMPLICIT_LE, UNDEFINED, Encoding
from kerma.encoding.writer import element_header
from kerma.errors import UsageError, ValueEncodeError
from kerma.formats.saving import save
from kerma.standard import elements

RECOGNITION_CODE: Final = 0x00080010
LENGTH_TO_END: Final = 0x00080001
PIXEL_DATA: Final = 0x7FE00010
VERSIONS: Final = ("1.0", "2.0")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2}(?:\.[0-9]+)?)")
_FIRST = {0x00080000, LENGTH_TO_END, 0x00080005, 0x00080008, RECOGNITION_CODE}


def looks_big_endian(buf: Buffer, size: int) -> bool:
    """Whether ``buf`` begins like a stream in big endian: a first element of group 0008 with a length that fits."""
    if len(buf) < 16:
        return False
    group, element, length = struct.unpack_from(">HHI", buf)
    if group << 16 | element not in _FIRST or length > min(64, size - 16):
        return False
    if not element and length != 4:
        return False
    following = struct.unpack_from(">H", buf, 8 + length)[0] if len(buf) >= 10 + length else 0
    return following == 0x0008


def version_of(ds: Dataset) -> str | None:
    """ "1.0" or "2.0" by the recognition code, another version as it is written, None where there is no such code."""
    if RECOGNITION_CODE not in ds:
        return None
    text = plain_text(ds, RECOGNITION_CODE)[:64].upper()
    if not re.match("ACR.?NEMA", text):
        return None
    return text[8:].strip(" -V") or "1.0"


def plain_text(ds: Dataset, tag: int) -> str:
    """The text of an element whatever its VR makes of it, "" where it is absent."""
    if tag not in ds:
        return ""
    element = ds[tag]
    raw = element.raw
    text = str(element.value or "") if raw is None else str(bytes(raw), "latin-1")
    return text.strip(" \0")


def note(ds: Dataset) -> None:
    """A finding ``acr-nema`` where ``ds``, which came without meta information, is a stream."""
    version = version_of(ds)
    if version is not None:
        order = "little" if ds._body.encoding.little_endian else "big"
        offset = ds[RECOGNITION_CODE].offset
        ds._body.marks.note(
            "acr-nema",
            f"this is an ACR-NEMA {version} stream in {order} endian",
            offset=offset or 0,
            section="ACR-NEMA 300",
        )


# -- writing -----------------------------------------------------------------------------------------------------------


def write(
    ds: Dataset,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    version: str = "2.0",
    little_endian: bool = True,
    leave_out: bool = False,
) -> None:
    """Write ``ds`` as an ACR-NEMA stream of ``version`` "1.0" or "2.0", with right group lengths.

    ``leave_out`` drops what such a stream cannot hold (sequences, file meta information) instead of raising
    ``ValueEncodeError`` for it. Compressed pixel data is refused.
    """
    save(chunks(ds, version=version, little_endian=little_endian, leave_out=leave_out), target)


def chunks(
    ds: Dataset, *, version: str = "2.0", little_endian: bool = True, leave_out: bool = False
) -> Iterator[Buffer]:
    """The stream that ``write`` writes, in pieces."""
    if version not in VERSIONS:
        raise UsageError(f"there is no ACR-NEMA {version}", hint="1.0 and 2.0 were published")
    encoding = IMPLICIT_LE if little_endian else IMPLICIT_BE
    plain = _flat(ds, encoding, leave_out)
    plain.add(RECOGNITION_CODE, "SH", f"ACR-NEMA {version}")
    if LENGTH_TO_END in plain:
        del plain[LENGTH_TO_END]
    return iter(_grouped(b"".join(encoded_chunks(plain, encoding)), encoding))


def _flat(ds: Dataset, encoding: Encoding, leave_out: bool) -> Dataset:
    """A copy with the elements that a stream can hold, dates and times in their older form."""
    flat = copy.copy(ds)
    for tag in list(flat):
        vr = flat.vr_of(tag)
        if vr == "SQ" or tag >> 16 < 8:
            if not leave_out:
                raise ValueEncodeError(
                    f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is a sequence or no part of a data set; ACR-NEMA has none",
                    hint="--leave-out (leave_out=True in Python) drops what it cannot hold",
                )
            del flat[tag]
        elif flat[tag].length == UNDEFINED or (tag == PIXEL_DATA and flat[tag].vr == "OB" and _is_compressed(ds)):
            raise ValueEncodeError(
                "the pixel data is compressed; ACR-NEMA has no such form", hint="decompress it first"
            )
        elif tag == PIXEL_DATA and vr == "OB" and encoding is IMPLICIT_BE:
            flat.add(tag, "OW", flat[tag].value)  # pixel cells lie in 16-bit words
        elif vr in {"DA", "TM"}:
            _older(flat, tag, vr)
    return flat


def _is_compressed(ds: Dataset) -> bool:
    return isinstance(ds.get(PIXEL_DATA), tuple)


def _older(ds: Dataset, tag: int, vr: str) -> None:
    """YYYY.MM.DD and HH:MM:SS.frac, which DICOM still reads (PS3.5 6.2)."""
    match = (_DATE if vr == "DA" else _TIME).fullmatch(plain_text(ds, tag))
    if match:
        ds.add(tag, vr, (".", ":")[vr == "TM"].join(match.groups()))


def _grouped(data: bytes, encoding: Encoding) -> list[Buffer]:
    """Elements in implicit VR with group lengths, and the length to end, put in."""
    groups: list[tuple[int, int, int]] = []
    pos, size = 0, len(data)
    while pos < size:
        group = encoding.u16.unpack_from(data, pos)[0]
        start = pos
        while pos < size and encoding.u16.unpack_from(data, pos)[0] == group:
            pos += 8 + encoding.u32.unpack_from(data, pos + 4)[0]
        groups.append((group, start, pos))
    lead = len(element_header(encoding, 0, "UL", 4)) + 4
    view = memoryview(data)
    pieces: list[Buffer] = []
    total = size + lead * len(groups)
    for group, start, end in groups:
        extra = lead if group == 0x0008 else 0
        pieces.append(_number(encoding, group << 16, end - start + extra))
        if extra:
            pieces.append(_number(encoding, LENGTH_TO_END, total - lead))
        pieces.append(view[start:end])
    return pieces


def _number(encoding: Encoding, tag: int, value: int) -> bytes:
    return element_header(encoding, tag, elements.vr_of(tag), 4) + encoding.u32.pack(value)
