"""Large objects made on the spot: a slide of many frames, a long sequence, a multi-frame of gigabytes.

What is written is bytes laid out by hand, not by Kerma, so that these files say something about its reading. Pixel data
are holes in a sparse file: they take no room on the disk.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

UNDEFINED = 0xFFFFFFFF
FRAMES = 180_000
_LONG = {"OB", "OW", "SQ", "UN", "UT"}


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """One explicit little endian element; ``length`` instead of that of the value."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<HI", 0, size) if vr in _LONG else struct.pack("<H", size)) + value


def text(tag: int, vr: str, value: str) -> bytes:
    raw = value.encode()
    return element(tag, vr, raw + (b"\0" if vr == "UI" else b" ") * (len(raw) & 1))


def item(content: bytes, *, defined: bool) -> bytes:
    if defined:
        return struct.pack("<II", 0xE000FFFE, len(content)) + content
    return struct.pack("<II", 0xE000FFFE, UNDEFINED) + content + struct.pack("<II", 0xE00DFFFE, 0)


def sequence(tag: int, items: list[bytes], *, defined: bool) -> bytes:
    content = b"".join(item(one, defined=defined) for one in items)
    if defined:
        return element(tag, "SQ", content)
    return element(tag, "SQ", content, UNDEFINED) + struct.pack("<II", 0xE0DDFFFE, 0)


def head(sop_class: str, syntax: str) -> bytes:
    """Preamble and file meta information."""
    uid = "1.2.826.0.1.3680043.10.1"
    rows = element(0x00020001, "OB", b"\0\1") + text(0x00020002, "UI", sop_class) + text(0x00020003, "UI", uid)
    rows += text(0x00020010, "UI", syntax) + text(0x00020012, "UI", "1.2.3")
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(rows))) + rows


def column_of(frame: int) -> int:
    return frame % 600 * 256 + 1


def row_of(frame: int) -> int:
    return frame // 600 * 256 + 1


def x_of(frame: int) -> str:
    """Text of many lengths, as scanners write it."""
    return f"{frame % 600 * 0.064:.6f}".rstrip("0")


def frame_groups(frame: int, *, defined: bool) -> bytes:
    """The functional groups of one frame of a slide (PS3.3 A.32.8): frame content and position (C.8.12.6.1)."""
    content = element(0x00209157, "UL", struct.pack("<II", frame % 600 + 1, frame // 600 + 1))
    position = text(0x0040072A, "DS", x_of(frame)) + text(0x0040073A, "DS", f"{frame // 600 * 0.064:.4f}")
    position += text(0x0040074A, "DS", "0") + element(0x0048021E, "SL", struct.pack("<i", column_of(frame)))
    position += element(0x0048021F, "SL", struct.pack("<i", row_of(frame)))
    path = text(0x00480106, "SH", "1")
    return (
        sequence(0x00209111, [content], defined=defined)
        + sequence(0x00480207, [path], defined=defined)
        + sequence(0x0048021A, [position], defined=defined)
    )


def _slide_before_groups(frames: int, *, defined: bool) -> bytes:
    measures = text(0x00180050, "DS", "0.001") + text(0x00280030, "DS", r"0.00025\0.00025")
    shared = sequence(0x00289110, [measures], defined=defined)
    return b"".join(
        [
            text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.77.1.6"),
            text(0x00080018, "UI", "1.2.826.0.1.3680043.10.1"),
            text(0x00080060, "CS", "SM"),
            text(0x00100010, "PN", "Doe^Jane"),
            text(0x00100020, "LO", "P1"),
            text(0x0020000D, "UI", "1.2.3"),
            text(0x0020000E, "UI", "1.2.3.4"),
            element(0x00280002, "US", struct.pack("<H", 3)),
            text(0x00280004, "CS", "YBR_FULL_422"),
            text(0x00280008, "IS", str(frames)),
            element(0x00280010, "US", struct.pack("<H", 256)),
            element(0x00280011, "US", struct.pack("<H", 256)),
            element(0x00280100, "US", struct.pack("<H", 8)),
            element(0x00480006, "UL", struct.pack("<I", 600 * 256)),
            element(0x00480007, "UL", struct.pack("<I", 300 * 256)),
            sequence(0x52009229, [shared], defined=defined),
        ]
    )


def write_slide(path: Path, *, defined: bool, frames: int = FRAMES, frame_size: int = 20_000) -> Path:
    """A slide in JPEG baseline whose frames are holes, one fragment each, with an empty basic offset table."""
    with path.open("wb") as out:
        out.write(head("1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.1.2.4.50"))
        out.write(_slide_before_groups(frames, defined=defined))
        begins = out.tell()
        out.write(element(0x52009230, "SQ", b"", UNDEFINED))
        for groups in (frame_groups(frame, defined=defined) for frame in range(frames)):
            out.write(item(groups, defined=defined))
        if defined:
            length = out.tell() - begins - 12
            out.seek(begins)
            out.write(element(0x52009230, "SQ", b"", length))
            out.seek(0, 2)
        else:
            out.write(struct.pack("<II", 0xE0DDFFFE, 0))
        out.write(element(0x7FE00010, "OB", item(b"", defined=True), UNDEFINED))
        for _ in range(frames):
            out.write(struct.pack("<II", 0xE000FFFE, frame_size))
            out.seek(frame_size, 1)
        out.write(struct.pack("<II", 0xE0DDFFFE, 0))
    return path


def write_multiframe(path: Path, *, frames: int = 4_000, rows: int = 1024, columns: int = 1024) -> Path:
    """An uncompressed 8-bit multi-frame whose pixels are one hole: 4 GB by default, the most that a length can say."""
    size = min(frames * rows * columns, UNDEFINED - 1)
    with path.open("wb") as out:
        out.write(head("1.2.840.10008.5.1.4.1.1.7.2", "1.2.840.10008.1.2.1"))
        out.write(text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7.2") + text(0x00080018, "UI", "1.2.3"))
        out.write(text(0x00100010, "PN", "Doe^Jane") + text(0x00280008, "IS", str(frames)))
        out.write(
            element(0x00280010, "US", struct.pack("<H", rows)) + element(0x00280011, "US", struct.pack("<H", columns))
        )
        out.write(element(0x7FE00010, "OW", b"", size))
        out.truncate(out.tell() + size)
    return path


def contours(count: int, *, defined: bool) -> Iterator[bytes]:
    """Items of an RT contour sequence (PS3.3 C.8.8.6) whose contours differ in length."""
    for number in range(count):
        points = 3 + number % 50
        image = text(0x00081150, "UI", "1.2.840.10008.5.1.4.1.1.2") + text(0x00081155, "UI", f"1.2.3.{number}")
        data = "\\".join(f"{number}.{point}" for point in range(3 * points))
        yield (
            sequence(0x30060016, [image], defined=defined)
            + text(0x30060042, "CS", "CLOSED_PLANAR")
            + text(0x30060046, "IS", str(points))
            + text(0x30060050, "DS", data)
        )


def write_contours(path: Path, *, defined: bool, count: int = 100_000) -> Path:
    """A data set of one sequence of ``count`` items of different lengths, and an element behind it."""
    with path.open("wb") as out:
        out.write(head("1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.1.2.1"))
        out.write(text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.481.3") + text(0x00080018, "UI", "1.2.3"))
        begins = out.tell()
        out.write(element(0x30060040, "SQ", b"", UNDEFINED))
        for content in contours(count, defined=defined):
            out.write(item(content, defined=defined))
        if defined:
            length = out.tell() - begins - 12
            out.seek(begins)
            out.write(element(0x30060040, "SQ", b"", length))
            out.seek(0, 2)
        else:
            out.write(struct.pack("<II", 0xE0DDFFFE, 0))
        out.write(text(0x300E0002, "CS", "UNAPPROVED"))
    return path
