"""Picture files as frames: compressed streams as they are, everything else as plain samples.

A JPEG, JPEG-LS, JPEG 2000 or HTJ2K stream that a transfer syntax takes is passed on undecoded. Other files (PNG, TIFF,
BMP, GIF, WebP, progressive and CMYK JPEG, ...) are decoded by Pillow, an extra. Rules: no depth is lost in silence: a
picture that does not fit is refused. Transparent parts are laid over white, as a page shows them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, KermaError
from kerma.formats.building.codestreams import StreamHead, read_head

_LARGEST = 65_535  # rows and columns are US
_FORMATS = ("PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG", "JPEG2000", "TGA", "PCX", "ICO")
_GREY_8 = frozenset({"1", "L"})
_GREY_16 = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I"})
_DEEP_COLOUR = "colour of more than 8 bits a sample"


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame. ``transfer_syntax_uid`` is empty for plain samples, little endian and by pixel."""

    data: Buffer
    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str
    transfer_syntax_uid: str = ""
    method: str = ""
    turned: int = 1

    @property
    def layout(self) -> tuple[object, ...]:
        """What all frames of one object have in common."""
        return self.rows, self.columns, self.samples, self.bits, self.photometric, self.transfer_syntax_uid

    @property
    def native_size(self) -> int:
        """Bytes of the samples, not compressed."""
        return self.rows * self.columns * self.samples * (2 if self.bits > 8 else 1)


def pictures(data: Buffer) -> Iterator[Picture]:
    """The pictures of a file: one, or as many as it has pages. ``FormatError`` where the bytes are no picture, or one
    that would lose depth.
    """
    head = read_head(data)
    if head is not None and _taken(head):
        yield _as_it_is(data, head)
    else:
        yield from _decoded(data, "" if head is None else head.method)


def _taken(head: StreamHead) -> bool:
    """Whether Secondary Capture takes the stream as it is (PS3.3 A.8, PS3.5 8.2)."""
    depth = head.bits == 8 if head.samples == 3 else head.bits == 8 or 9 <= head.bits <= 16
    return bool(head.transfer_syntax_uid and head.photometric) and depth and not head.signed


def _as_it_is(data: Buffer, head: StreamHead) -> Picture:
    _check_size(head.rows, head.columns)
    return Picture(
        memoryview(data)[head.start : head.end],
        head.rows,
        head.columns,
        head.samples,
        head.bits,
        head.photometric,
        head.transfer_syntax_uid,
        head.method,
        head.turned,
    )


def _check_size(rows: int, columns: int) -> None:
    if not 0 < rows <= _LARGEST or not 0 < columns <= _LARGEST:
        raise FormatError(f"a picture of {columns} x {rows} has no place in an image", hint="1 to 65,535 each way")


def _decoded(data: Buffer, method: str) -> Iterator[Picture]:
    try:
        from PIL import Image, ImageSequence, UnidentifiedImageError  # noqa: PLC0415  (an extra)
    except ImportError:
        raise KermaError(
            "this kind of picture is decoded by Pillow, which is not installed", hint="pip install 'kerma[images]'"
        ) from None
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as file:
            _refuse_deep(file, bytes(memoryview(data)[:26]))
            for page in ImageSequence.Iterator(file):
                _check_size(page.height, page.width)
                yield _samples(page, method)
    except UnidentifiedImageError:
        if bytes(memoryview(data)[128:132]) == b"DICM":
            raise FormatError("this is a DICOM file already", hint="kerma convert writes it in another form") from None
        raise FormatError("this is no picture that can be read") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise FormatError(f"the picture cannot be decoded: {error}") from None


def _refuse_deep(image: Any, start: bytes) -> None:
    """Pillow cuts colour of 16 bits down to 8 without a word."""
    png = start[:8] == b"\x89PNG\r\n\x1a\n" and start[24] == 16 and start[25] in {2, 4, 6}
    tags = getattr(image, "tag_v2", None)
    depths = tags.get(258, ()) if tags is not None else ()
    tiff = isinstance(depths, tuple) and len(depths) > 1 and max(depths, default=8) > 8
    if png or tiff:
        raise FormatError(f"the picture has {_DEEP_COLOUR}", hint="Secondary Capture holds 8; convert it first")


def _samples(page: Any, method: str) -> Picture:
    mode = page.mode
    if mode in _GREY_8:
        grey = page if mode == "L" else page.convert("L")
        return Picture(grey.tobytes(), grey.height, grey.width, 1, 8, "MONOCHROME2", method=method)
    if mode in _GREY_16:
        return Picture(_words(page), page.height, page.width, 1, 16, "MONOCHROME2", method=method)
    if mode == "F":
        raise FormatError("the picture has samples of floating point", hint="scale it to 16 bits first")
    if "A" in mode or "transparency" in page.info:
        page = _over_white(page)
    if page.mode == "L":
        return Picture(page.tobytes(), page.height, page.width, 1, 8, "MONOCHROME2", method=method)
    colour = page if page.mode == "RGB" else page.convert("RGB")
    return Picture(colour.tobytes(), colour.height, colour.width, 3, 8, "RGB", method=method)


def _words(page: Any) -> bytes:
    """16-bit samples, little endian."""
    if page.mode == "I":
        low, high = page.getextrema()
        if low < 0 or high > 0xFFFF:
            raise FormatError(f"the picture has samples from {low} to {high}", hint="Secondary Capture holds 16 bits")
        page = page.convert("I;16")
    data: bytes = page.tobytes()
    if page.mode == "I;16B":
        swapped = bytearray(data)
        swapped[0::2], swapped[1::2] = data[1::2], data[0::2]
        return bytes(swapped)
    return data


def _over_white(page: Any) -> Any:
    """The page with its transparent parts laid over white."""
    grey = page.mode in {"LA", "La"}
    clear = page.convert("RGBA")
    ground = clear.copy()
    ground.paste((255, 255, 255, 255), (0, 0, *clear.size))
    ground.alpha_composite(clear)
    return ground.convert("L" if grey else "RGB")
