"""How the samples of an image lie, as its Image Pixel module says (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25).

May touch data sets only. Rules: every number is checked once, here, and is right everywhere after; what is missing and
needed, or makes no sense, is a ``PixelError`` that names the attribute. What is wrong but does no harm is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import KermaError, PixelError
from kerma.findings import Finding

PIXEL_DATA = 0x7FE00010
FLOAT = 0x7FE00008
DOUBLE = 0x7FE00009
_BITS = {FLOAT: 32, DOUBLE: 64}
_HALF_CHROMA = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})


@dataclass(frozen=True, slots=True)
class Layout:
    """The Image Pixel module of one image.

    ``tag`` is the element that holds the samples: pixel data, float or double float pixel data. ``bits_stored`` counts
    from ``high_bit`` downwards (PS3.5 8.1.1).
    """

    tag: int
    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool
    photometric: str
    transfer_syntax_uid: str
    findings: list[Finding] = field(default_factory=list, compare=False)

    @property
    def floating(self) -> bool:
        """Whether the samples are floating point numbers."""
        return self.tag != PIXEL_DATA

    @property
    def pixels(self) -> int:
        """Pixels of one frame."""
        return self.rows * self.columns

    @property
    def half_chroma(self) -> bool:
        """Whether native samples have one pair of chroma for two pixels (PS3.3 C.7.6.3.1.2)."""
        return self.samples == 3 and self.photometric in _HALF_CHROMA

    @property
    def native_bits(self) -> int:
        """Bits of one frame when it is not compressed."""
        return self.pixels * (2 if self.half_chroma else self.samples) * self.bits_allocated

    @property
    def native_size(self) -> int:
        """Bytes that one frame takes when it is not compressed, a last part of one counted whole."""
        return (self.native_bits + 7) // 8


def layout_of(ds: Dataset) -> Layout:
    """The layout of the image in ``ds``. ``PixelError`` where it has no image or one that cannot be laid out."""
    tag = next((each for each in (PIXEL_DATA, FLOAT, DOUBLE) if each in ds), None)
    if tag is None:
        raise _without_pixels(ds)
    findings: list[Finding] = []
    allocated = _number(ds, "BitsAllocated", 1, 64)
    if tag != PIXEL_DATA and allocated != _BITS[tag]:
        findings.append(
            _finding("bits-allocated", f"Bits Allocated is {allocated}, the samples have {_BITS[tag]} bits")
        )
        allocated = _BITS[tag]
    samples = _number(ds, "SamplesPerPixel", 1, 4, 1)
    stored = _number(ds, "BitsStored", 1, 64, allocated)
    if stored > allocated:
        findings.append(_finding("bits-stored", f"Bits Stored is {stored}, more than the {allocated} allocated"))
        stored = allocated
    high = _number(ds, "HighBit", 0, 255, stored - 1)
    if not stored - 1 <= high < allocated:
        findings.append(_finding("high-bit", f"High Bit is {high} with {stored} of {allocated} bits stored"))
        high = stored - 1
    photometric = _text(ds, "PhotometricInterpretation")
    return Layout(
        tag=tag,
        rows=_number(ds, "Rows", 1, 65_535),
        columns=_number(ds, "Columns", 1, 65_535),
        samples=samples,
        frames=_frames(ds, findings),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=_number(ds, "PixelRepresentation", 0, 1, 0) == 1,
        planar=samples > 1 and _number(ds, "PlanarConfiguration", 0, 1, 0) == 1,
        photometric=photometric or ("MONOCHROME2" if samples == 1 else "RGB"),
        transfer_syntax_uid=ds.transfer_syntax_uid or "1.2.840.10008.1.2.1",
        findings=findings,
    )


def _without_pixels(ds: Dataset) -> PixelError:
    url = ds.get("PixelDataProviderURL")
    if url:
        return PixelError("the pixels are not in the data set but behind its Pixel Data Provider URL (PS3.5 A.6)")
    return PixelError("the data set has no pixel data")


def _value(ds: Dataset, keyword: str) -> Any:
    """The first value, None where absent, empty or not readable."""
    try:
        value = ds.get(keyword)
    except KermaError as error:
        raise PixelError(f"{keyword} cannot be read: {error.message}") from None
    return value[0] if isinstance(value, tuple) else value


def _number(ds: Dataset, keyword: str, low: int, high: int, default: int | None = None) -> int:
    value = _value(ds, keyword)
    if value is None:
        if default is None:
            raise PixelError(f"the data set has no {keyword}")
        return default
    if not isinstance(value, int) or not low <= value <= high:
        shown = value if isinstance(value, int) else "no number"
        raise PixelError(f"{keyword} is {shown}", hint=f"{low} to {high} can be")
    return int(value)


def _frames(ds: Dataset, findings: list[Finding]) -> int:
    count = _value(ds, "NumberOfFrames")
    if count is None:
        return 1
    if not isinstance(count, int) or count < 0:
        raise PixelError("Number of Frames is no count of frames")
    if count == 0:
        findings.append(_finding("no-frames", "Number of Frames is 0; the pixel data are taken for one frame"))
    return int(count) or 1


def _text(ds: Dataset, keyword: str) -> str:
    value = _value(ds, keyword)
    return value.strip() if isinstance(value, str) else ""


def _finding(code: str, text: str) -> Finding:
    return Finding(code, text, path=(0x00280100,), section="PS3.3 C.7.6.3")
