"""What a TIFF reader must know of the pixel data of a data set: how it looks, and where its frames lie.

Sections: PS3.3 C.7.6.3 (image pixel), C.7.6.17 (tiles), PS3.5 8 and A.4; TIFF 6.0, and Technical Note 2 for JPEG.

Rules: what TIFF cannot show as it lies in the file is ``UnsupportedSyntaxError`` or ``FormatError`` with the reason; no
pixel is moved or changed. A frame must lie in one piece.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.encoding.swap import swapped
from kerma.encoding.syntax import UNDEFINED
from kerma.errors import FormatError, KermaError, UnsupportedSyntaxError
from kerma.formats.jpeg_head import JpegHead, read_jpeg_head

PIXEL_DATA = 0x7FE00010
_FLOAT, _DOUBLE = 0x7FE00008, 0x7FE00009
JPEG_SYNTAXES = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
UNCOMPRESSED, JPEG = 1, 7
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
UNSIGNED, SIGNED, FLOATING = 1, 2, 3
_PHOTOMETRIC = {
    "MONOCHROME1": WHITE_IS_ZERO,
    "MONOCHROME2": BLACK_IS_ZERO,
    "RGB": RGB,
    "PALETTE COLOR": PALETTE,
    "YBR_FULL": YCBCR,
    "YBR_FULL_422": YCBCR,
}
_SAMPLES = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, PALETTE: 1, RGB: 3, YCBCR: 3}

Place = tuple[int, int]
"""Offset and length; (0, 0) where a tile is not there."""


@dataclass(slots=True)
class Page:
    """One TIFF image: a frame, or many frames as its tiles."""

    width: int
    height: int
    places: list[Place]
    subsampling: tuple[int, int] | None = None


@dataclass(slots=True)
class Image:
    """All pages of a file. ``tile`` is (width, height) where the frames are tiles."""

    compression: int
    photometric: int
    samples: int
    bits: int
    sample_format: int
    planar: int
    pages: list[Page]
    tile: tuple[int, int] | None = None
    subsampling: tuple[int, int] | None = None
    low_bit_first: bool = False
    color_map: list[int] = field(default_factory=list)
    spacing: tuple[float, float] | None = None
    """Millimetres between rows and between columns."""


def describe(ds: Dataset, uid: str, buf: Buffer) -> Image:
    """The image in ``ds``, whose bytes are those of ``buf``, a file in the syntax ``uid``."""
    tag = next((one for one in (PIXEL_DATA, _FLOAT, _DOUBLE) if one in ds), None)
    if tag is None:
        raise FormatError("there is no pixel data, so no TIFF can be made", hint="only images can be TIFF as well")
    rows, columns = _whole(ds, "Rows"), _whole(ds, "Columns")
    count = _number(ds, "NumberOfFrames", 1)
    if not 1 <= count <= len(buf):
        raise FormatError(f"{count} frames are no number of frames")
    image = _look(ds, tag)
    sampling: list[tuple[int, int] | None] = []
    if ds[tag].length == UNDEFINED:
        places = _fragments(ds, uid, count)
        sampling = [_by_jpeg(image, read_jpeg_head(buf[at : at + size]), rows, columns) for at, size in places]
    else:
        if tag == PIXEL_DATA and ds.word_size(tag) not in {1, image.bits // 8}:
            raise _refuse(f"samples of {image.bits} bits lie in big-endian words of 16", "convert it to little endian")
        places = _native(ds, tag, image, rows, columns, count)
    image.pages, image.tile = _arrange(ds, places, rows, columns)
    if image.compression == JPEG:
        _sample(image, sampling)
    spacing = _floats(ds, "PixelSpacing") or _floats(ds, "NominalScannedPixelSpacing")
    if len(spacing) == 2 and all(1e-6 <= step < 1e4 for step in spacing):
        image.spacing = spacing[0], spacing[1]
    return image


def _whole(ds: Dataset, keyword: str) -> int:
    value = _number(ds, keyword, 0)
    if not 0 < value < 1 << 32:
        raise FormatError(f"{keyword} is {value}, so no TIFF can be made")
    return value


def _number(ds: Dataset, keyword: str, default: int) -> int:
    value = ds.get(keyword)
    return int(value) if isinstance(value, int) else default


def _floats(ds: Dataset, keyword: str) -> list[float]:
    try:
        value = ds.get(keyword)
    except KermaError:
        return []
    return [float(one) for one in value if one is not None] if isinstance(value, tuple) else []


def _refuse(text: str, hint: str = "decompress or convert it first") -> UnsupportedSyntaxError:
    return UnsupportedSyntaxError(f"no TIFF can be made: {text}", uid="", hint=hint)


def _look(ds: Dataset, tag: int) -> Image:
    """What the image pixel module says."""
    name = str(ds.get("PhotometricInterpretation") or "")
    photometric = BLACK_IS_ZERO if tag != PIXEL_DATA else _PHOTOMETRIC.get(name, -1)
    samples = _number(ds, "SamplesPerPixel", 1)
    if _SAMPLES.get(photometric) != samples:
        raise _refuse(f"TIFF has no {name or 'unnamed'} image of {samples} samples")
    bits = {_FLOAT: 32, _DOUBLE: 64}.get(tag) or _number(ds, "BitsAllocated", 0)
    if bits not in {1, 8, 16, 32, 64} or (bits == 1 and samples != 1):
        raise _refuse(f"{bits} bits are allocated for a sample")
    sample_format = SIGNED if _number(ds, "PixelRepresentation", 0) else UNSIGNED
    image = Image(
        compression=UNCOMPRESSED,
        photometric=photometric,
        samples=samples,
        bits=bits,
        sample_format=FLOATING if tag != PIXEL_DATA else sample_format,
        planar=2 if samples > 1 and _number(ds, "PlanarConfiguration", 0) == 1 else 1,
        pages=[],
        low_bit_first=bits == 1,
    )
    if photometric == YCBCR:
        image.subsampling = (2, 1) if name.endswith("422") else (1, 1)
    if photometric == PALETTE:
        image.color_map = _color_map(ds, bits, sample_format)
    return image


def _color_map(ds: Dataset, bits: int, sample_format: int) -> list[int]:
    """The palette as TIFF has it: all reds, then all greens, all blues, of 16 bits each (PS3.3 C.7.6.3.1.5)."""
    if bits not in {8, 16} or sample_format == SIGNED:
        raise _refuse("a palette wants unsigned samples of 8 or 16 bits")
    size = 1 << bits
    colors: list[int] = []
    for name in ("Red", "Green", "Blue"):
        descriptor = ds.get(f"{name}PaletteColorLookupTableDescriptor")
        data = ds.get(f"{name}PaletteColorLookupTableData")
        if not isinstance(descriptor, tuple) or len(descriptor) != 3 or data is None:
            raise _refuse("its palette is not there or is segmented")
        entries, first, depth = descriptor
        entries = entries or 1 << 16
        raw = _words(data, ds.word_size(ds[f"{name}PaletteColorLookupTableData"].tag))
        if depth == 8 and len(raw) < 2 * entries:
            table = [byte * 257 for byte in raw[:entries]]
        else:
            table = list(struct.unpack(f"<{len(raw) // 2}H", raw[: len(raw) // 2 * 2]))[:entries]
            if depth == 8:
                table = [value * 257 for value in table]
        if not table or max(table) > 0xFFFF:
            raise _refuse("its palette is not what its descriptor says")
        last = len(table) - 1
        colors += [table[min(max(value - first, 0), last)] for value in range(size)]
    return colors


def _words(data: Any, size: int) -> bytes:
    """A palette in little endian: OW, or US, which some write."""
    if isinstance(data, str):
        raise _refuse("its palette is not what its descriptor says")
    if not isinstance(data, (int, tuple)):
        return bytes(swapped(memoryview(data), size)) if size > 1 else bytes(data)
    numbers = data if isinstance(data, tuple) else (data,)
    if not all(isinstance(one, int) and 0 <= one <= 0xFFFF for one in numbers):
        raise _refuse("its palette is not what its descriptor says")
    return struct.pack(f"<{len(numbers)}H", *numbers)


# -- where frames lie --------------------------------------------------------------------------------------------------


def _native(ds: Dataset, tag: int, image: Image, rows: int, columns: int, count: int) -> list[Place]:
    samples = rows * columns * image.samples
    if image.subsampling == (2, 1):
        if columns % 2:
            raise _refuse("its chrominance has half of an odd number of columns")
        samples = samples * 2 // 3
    if image.bits == 1 and columns % 8:
        raise _refuse("rows of single bits do not end on a byte, which TIFF wants")
    size = samples * image.bits // 8
    header = ds[tag].header
    assert header is not None
    if size * count > header.length:
        raise FormatError(
            f"{count} frames of {size} bytes are more than the pixel data has ({header.length})",
            path=(tag,),
            offset=header.value,
        )
    return [(header.value + number * size, size) for number in range(count)]


def _fragments(ds: Dataset, uid: str, count: int) -> list[Place]:
    if uid not in JPEG_SYNTAXES:
        raise _refuse("of compressed images only JPEG Baseline and Extended are what TIFF readers know")
    places = ds.fragments_of(PIXEL_DATA)[1:]
    if len(places) != count:
        raise _refuse(
            f"{count} frames are in {len(places)} fragments; TIFF wants each in one piece",
            "write the pixel data with one fragment a frame first",
        )
    return places


def _by_jpeg(image: Image, head: JpegHead, rows: int, columns: int) -> tuple[int, int] | None:
    """A JPEG stream knows best what it is. The subsampling of its chrominance, None where it has none."""
    if head.bits != 8 or not head.sequential:
        raise _refuse(f"a JPEG stream of {head.bits} bits, which TIFF readers do not know")
    if (head.rows, head.columns) != (rows, columns) or len(head.sampling) != image.samples:
        raise FormatError(f"the JPEG stream is {head.columns} x {head.rows}, the image {columns} x {rows}")
    image.compression = JPEG
    image.bits = 8
    image.planar = 1
    image.sample_format = UNSIGNED
    image.low_bit_first = False
    if image.samples == 1:
        return None
    ycbcr = image.photometric == YCBCR if head.ycbcr is None else head.ycbcr
    image.photometric = YCBCR if ycbcr else RGB
    if not ycbcr and len(set(head.sampling)) > 1:
        raise _refuse("a JPEG stream of RGB with fewer samples of green and blue")
    if ycbcr and head.sampling[1:] != ((1, 1), (1, 1)):
        raise _refuse("a JPEG stream with more than one sample of chrominance in a unit, which TIFF readers refuse")
    return head.sampling[0] if ycbcr else None


def _sample(image: Image, sampling: list[tuple[int, int] | None]) -> None:
    """The subsampling of each page; all tiles of one must have the same."""
    if len({one is None for one in sampling}) > 1 or (image.tile is not None and len(set(sampling)) > 1):
        raise _refuse("its frames are sampled in different ways")
    image.subsampling = sampling[0]
    for page, one in zip(image.pages, sampling, strict=False):
        page.subsampling = sampling[0] if image.tile is not None else one


# -- pages and tiles ---------------------------------------------------------------------------------------------------


def _arrange(ds: Dataset, places: list[Place], rows: int, columns: int) -> tuple[list[Page], tuple[int, int] | None]:
    width, height = _number(ds, "TotalPixelMatrixColumns", 0), _number(ds, "TotalPixelMatrixRows", 0)
    if width <= columns and height <= rows:
        return [Page(columns, rows, [place]) for place in places], None
    if columns % 16 or rows % 16:
        raise _refuse("tiles of TIFF are multiples of 16 wide and high", "write it with such tiles first")
    across, down = -(-width // columns), -(-height // rows)
    grid = across * down
    if grid < 1:
        raise FormatError(f"a pixel matrix of {width} x {height} has no tiles")
    if ds.get("DimensionOrganizationType") == "TILED_FULL":
        if len(places) % grid:
            raise FormatError(f"{len(places)} frames do not fill {across} x {down} tiles")
        parts = [places[at : at + grid] for at in range(0, len(places), grid)]
    else:
        parts = [_sparse(ds, places, (columns, rows), across, down)]
    return [Page(width, height, part) for part in parts], (columns, rows)


def _sparse(ds: Dataset, places: list[Place], tile: tuple[int, int], across: int, down: int) -> list[Place]:
    """The frames by the positions that each has (PS3.3 C.8.12.6.1)."""
    groups = ds.get("PerFrameFunctionalGroupsSequence") or ()
    if len(groups) != len(places) or across * down > 4 * len(places) + 1024:
        raise _refuse("the places of its tiles are not known, or nearly all are missing")
    cells: list[Place] = [(0, 0)] * (across * down)
    for place, group in zip(places, groups, strict=True):
        position = (group.get("PlanePositionSlideSequence") or (None,))[0]
        column = None if position is None else position.get("ColumnPositionInTotalImagePixelMatrix")
        row = None if position is None else position.get("RowPositionInTotalImagePixelMatrix")
        if not isinstance(column, int) or not isinstance(row, int) or (column - 1) % tile[0] or (row - 1) % tile[1]:
            raise _refuse("its tiles do not lie on a grid")
        x, y = (column - 1) // tile[0], (row - 1) // tile[1]
        if not 0 <= x < across or not 0 <= y < down or cells[y * across + x] != (0, 0):
            raise _refuse("two tiles lie at one place, or one outside the image")
        cells[y * across + x] = place
    return cells
