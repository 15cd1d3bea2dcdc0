"""What the headers of JPEG, JPEG-LS, JPEG 2000 and HTJ2K code streams say (ISO 10918-1, 14495-1, 15444-1, 15444-15).

May touch bytes only: no sample is decoded. From the headers follow the transfer syntax and the Image Pixel attributes
that an object has when the stream is put into it as it is (PS3.5 8.2, A.4). Rules: every marker's length is checked
against the bytes; a stream of a kind that no current transfer syntax takes has no ``transfer_syntax_uid``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, TruncatedError

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K = "1.2.840.10008.1.2.4.203"


@dataclass(frozen=True, slots=True)
class StreamHead:
    """One code stream: its place in the file's bytes, its samples, and the syntax that it goes into DICOM with.

    ``photometric`` is how the decoded components are to be read, by the words of PS3.3 C.7.6.3.1.2. ``method`` is the
    Lossy Image Compression Method, empty for a lossless stream. ``turned`` is the Exif orientation, 1 for none.
    ``marked``: the stream says itself which colours it has. ``high_throughput``: JPEG 2000 of part 15.
    """

    start: int
    end: int
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool
    photometric: str
    transfer_syntax_uid: str
    method: str
    turned: int = 1
    marked: bool = False
    high_throughput: bool = False


def read_head(data: Buffer) -> StreamHead | None:
    """The code stream in the bytes of a picture file; None where they are no JPEG of any family. ``FormatError`` where
    the headers are broken.
    """
    view = memoryview(data)
    start = bytes(view[:12])
    if start[:3] == b"\xff\xd8\xff":
        return _Jpeg(view).read()
    if start[:4] == b"\xff\x4f\xff\x51":
        return _jpeg2000(view, 0, len(view), "")
    if start == b"\0\0\0\x0cjP  \r\n\x87\n":
        return _jp2(view)
    return None


# -- JPEG and JPEG-LS --------------------------------------------------------------------------------------------------

_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}


class _Jpeg:
    """The marker segments up to the first scan."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.process = -1
        self.precision = self.rows = self.columns = 0
        self.names = b""  # of the components
        self.jfif = False
        self.adobe: int | None = None
        self.turned = 1

    def read(self) -> StreamHead:
        view, pos = self.view, 2
        while True:
            marker, pos = self._marker(pos)
            if marker in _ALONE:
                continue
            if marker == 0xD9:
                raise FormatError("the JPEG ends before its first scan", offset=pos)
            if pos + 2 > len(view):
                raise TruncatedError("the JPEG is cut in its headers", missing=pos + 2 - len(view), offset=pos)
            length = int.from_bytes(view[pos : pos + 2], "big")
            if length < 2 or pos + length > len(view):
                missing = max(pos + length - len(view), 1)
                raise TruncatedError("a marker segment goes past the JPEG", missing=missing, offset=pos)
            body = bytes(view[pos + 2 : pos + length])
            if marker == 0xDA:
                return self._head(body, pos + length)
            self._segment(marker, body, pos)
            pos += length

    def _marker(self, pos: int) -> tuple[int, int]:
        view = self.view
        if pos >= len(view) or view[pos] != 0xFF:
            raise FormatError("no marker where one is due in the JPEG", offset=pos)
        while pos < len(view) and view[pos] == 0xFF:
            pos += 1
        if pos >= len(view):
            raise TruncatedError("the JPEG is cut in its headers", missing=1, offset=pos)
        return view[pos], pos + 1

    def _segment(self, marker: int, body: bytes, offset: int) -> None:
        if marker in _FRAMES:
            count = body[5] if len(body) > 5 else 0
            if not count or len(body) < 6 + 3 * count:
                raise FormatError("the frame header of the JPEG is too short", offset=offset)
            self.process = marker
            self.precision = body[0]
            self.rows, self.columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            self.names = body[6 : 6 + 3 * count : 3]
        elif marker == 0xE0 and body.startswith(b"JFIF\0"):
            self.jfif = True
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            self.adobe = body[11]
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            self.turned = _orientation(body[6:])

    def _head(self, scan: bytes, after: int) -> StreamHead:
        if self.process < 0:
            raise FormatError("the JPEG has no frame header before its first scan")
        count = scan[0] if scan else 0
        if len(scan) < 4 + 2 * count:
            raise FormatError("the scan header of the JPEG is too short")
        syntax, method = self._syntax(scan[1 + 2 * count])
        if not self.rows:
            syntax = ""  # the number of lines comes after the first scan, which DICOM does not take
        return StreamHead(
            start=0,
            end=_end_of_image(self.view, after),
            rows=self.rows,
            columns=self.columns,
            samples=len(self.names),
            bits=self.precision,
            signed=False,
            photometric=self._photometric(),
            transfer_syntax_uid=syntax,
            method=method,
            turned=self.turned,
            marked=self.jfif or self.adobe is not None,
        )

    def _syntax(self, selection: int) -> tuple[str, str]:
        if self.process == 0xC0 and self.precision == 8:
            return JPEG_BASELINE, "ISO_10918_1"
        if self.process == 0xC1 and self.precision in {8, 12}:
            return JPEG_EXTENDED, "ISO_10918_1"
        if self.process == 0xC3:
            return (JPEG_LOSSLESS_SV1 if selection == 1 else JPEG_LOSSLESS), ""
        if self.process == 0xF7:  # in JPEG-LS this byte of the scan header is NEAR
            return (JPEG_LS_NEAR, "ISO_14495_1") if selection else (JPEG_LS_LOSSLESS, "")
        return "", "ISO_10918_1"

    def _photometric(self) -> str:
        if len(self.names) == 1:
            return "MONOCHROME2"
        if len(self.names) != 3:
            return ""
        luma_chroma = self.process not in {0xC3, 0xF7} and self.names != b"RGB"
        if self.adobe is not None:
            luma_chroma = self.adobe == 1
        elif self.jfif:
            luma_chroma = True
        if not luma_chroma:
            return "RGB"
        # Table 8.2.1-1 of PS3.5 has this word for lossy JPEG, however the chroma is sampled.
        return "YBR_FULL" if self.process in {0xC3, 0xF7} else "YBR_FULL_422"


_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""What ends the coded data of a scan: in it, 00 or a restart marker stands behind each FF (ISO 10918-1 B.1.1.5), in
JPEG-LS anything below 80 (ISO 14495-1 A.1)."""


def _end_of_image(view: memoryview, pos: int) -> int:
    """The offset after the EOI of the scans from ``pos`` on; cameras put further pictures and padding behind it.
    Without one the stream ends with the bytes.
    """
    while (found := _MARKER.search(view, pos)) is not None:
        pos = found.end()
        if view[pos - 1] == 0xD9:
            return pos
        pos += max(2, int.from_bytes(view[pos : pos + 2], "big"))  # tables and headers between two scans
    return len(view)


def _orientation(exif: bytes) -> int:
    """The Orientation of Exif's first directory (TIFF tag 0112), 1 where there is none or the bytes are odd."""
    order = "little" if exif[:2] == b"II" else "big"
    if len(exif) < 8 or exif[:2] not in {b"II", b"MM"}:
        return 1
    at = int.from_bytes(exif[4:8], order)  # type: ignore[arg-type]
    count = int.from_bytes(exif[at : at + 2], order)  # type: ignore[arg-type]
    for entry in range(at + 2, min(at + 2 + 12 * count, len(exif) - 11), 12):
        if int.from_bytes(exif[entry : entry + 2], order) == 0x0112:  # type: ignore[arg-type]
            value = int.from_bytes(exif[entry + 8 : entry + 10], order)  # type: ignore[arg-type]
            return value if 1 <= value <= 8 else 1
    return 1


# -- JPEG 2000 and HTJ2K -----------------------------------------------------------------------------------------------

_COLOURS = {16: "RGB", 17: "MONOCHROME2", 18: "YCC"}


def _boxes(view: memoryview, pos: int, end: int) -> list[tuple[bytes, int, int]]:
    """(type, start, end) of the boxes between two offsets (ISO 15444-1 I.4)."""
    found: list[tuple[bytes, int, int]] = []
    while pos + 8 <= end:
        length, kind = int.from_bytes(view[pos : pos + 4], "big"), bytes(view[pos + 4 : pos + 8])
        start = pos + 8
        if length == 1:
            length, start = int.from_bytes(view[pos + 8 : pos + 16], "big"), pos + 16
        stop = end if length == 0 else pos + length
        if stop < start or stop > end:
            raise TruncatedError("a box goes past the JP2", missing=max(stop - end, 1), offset=pos)
        found.append((kind, start, stop))
        pos = stop
    return found


def _jp2(view: memoryview) -> StreamHead:
    colour = ""
    stream: tuple[int, int] | None = None
    for kind, start, end in _boxes(view, 0, len(view)):
        if kind == b"jp2c" and stream is None:
            stream = start, end
        elif kind == b"jp2h":
            inner = _boxes(view, start, end)
            if any(name in {b"pclr", b"cdef"} for name, _, _ in inner):
                colour = "PALETTE"  # or channels in another order: what is stored is not what is meant
            for name, at, stop in inner:
                if name == b"colr" and not colour and stop - at >= 7:
                    method = view[at]
                    colour = _COLOURS.get(int.from_bytes(view[at + 3 : at + 7], "big"), "") if method == 1 else ""
    if stream is None:
        raise FormatError("the JP2 holds no code stream")
    return _jpeg2000(view, *stream, colour)


def _jpeg2000(view: memoryview, start: int, end: int, colour: str) -> StreamHead:
    """SIZ, COD and CAP of the main header (ISO 15444-1 A.5, A.6, 15444-15 A.3)."""
    size = style = b""
    high_throughput = False
    pos = start + 2
    while not (size and style):
        if pos + 4 > end:
            raise TruncatedError("the JPEG 2000 is cut in its main header", missing=pos + 4 - end, offset=pos)
        marker, length = int.from_bytes(view[pos : pos + 2], "big"), int.from_bytes(view[pos + 2 : pos + 4], "big")
        if marker in {0xFF90, 0xFFD9} or marker < 0xFF00 or length < 2:
            raise FormatError("the main header of the JPEG 2000 lacks SIZ or COD", offset=pos)
        if pos + 2 + length > end:
            raise TruncatedError("a marker segment goes past the JPEG 2000", missing=pos + 2 + length - end, offset=pos)
        body = bytes(view[pos + 4 : pos + 2 + length])
        if marker == 0xFF51:
            size = body
        elif marker == 0xFF52:
            style = body
        elif marker == 0xFF50:
            high_throughput = len(body) >= 4 and bool(int.from_bytes(body[:4], "big") & 1 << 17)
        pos += 2 + length
    count = int.from_bytes(size[34:36], "big")
    if not count or len(size) < 36 + 3 * count or len(style) < 10:
        raise FormatError("the main header of the JPEG 2000 is too short", offset=start)
    wide, high, left, top = (int.from_bytes(size[at : at + 4], "big") for at in (2, 6, 10, 14))
    parts = [(size[36 + 3 * n], size[37 + 3 * n], size[38 + 3 * n]) for n in range(count)]
    reversible, mixed = style[9] == 1, style[4] == 1
    plain = len(set(parts)) == 1 and parts[0][1:] == (1, 1)
    if high_throughput:
        syntax = HTJ2K_LOSSLESS if reversible else HTJ2K
    else:
        syntax = JPEG_2000_LOSSLESS if reversible else JPEG_2000
    photometric = ""
    if count == 1 and colour in {"", "MONOCHROME2"}:
        photometric = "MONOCHROME2"
    elif count == 3 and colour in {"", "RGB"}:
        photometric = ("YBR_RCT" if reversible else "YBR_ICT") if mixed else "RGB"
    return StreamHead(
        start=start,
        end=end,
        rows=max(high - top, 0),
        columns=max(wide - left, 0),
        samples=count,
        bits=(parts[0][0] & 0x7F) + 1,
        signed=bool(parts[0][0] & 0x80),
        photometric=photometric,
        transfer_syntax_uid=syntax if plain and photometric else "",
        method="" if reversible else ("ISO_15444_15" if high_throughput else "ISO_15444_1"),
        high_throughput=high_throughput,
    )
