"""What a data set says of its pixels after they were compressed or decompressed (PS3.3 C.7.6.1.1.5, C.7.6.3, C.12.4).

May touch data sets only. Rules:

- Image Pixel attributes are those of the pixels as they now are; Planar Configuration is there with colour only.
- Loss is never taken back: what was lost before stays said, and one more step adds one more ratio and method.
- A step that loses something makes another instance (PS3.4 B.4.1, PS3.5 8.2): a UID of its own, and the one it came
  from as its source, unless that was said to be otherwise.
"""

from __future__ import annotations

from typing import Any

from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.pixels.layout import Layout
from kerma.values.new_uid import new_uid

OFFSET_TABLES = (0x7FE00001, 0x7FE00002)
_LOSSY = ("113040", "DCM", "Lossy Compression")
_PREDECESSOR = ("121320", "DCM", "Uncompressed predecessor")
_METHODS = {
    **{f"1.2.840.10008.1.2.4.{number}": "ISO_10918_1" for number in range(50, 57)},
    "1.2.840.10008.1.2.4.111": "ISO_18181_1",
}


def say_layout(ds: Dataset, layout: Layout) -> None:
    """The Image Pixel module of ``layout``; what is right already is not touched."""
    wanted: dict[str, Any] = {
        "SamplesPerPixel": layout.samples,
        "PhotometricInterpretation": layout.photometric,
        "BitsAllocated": layout.bits_allocated,
        "BitsStored": layout.bits_stored,
        "HighBit": layout.high_bit,
    }
    if layout.samples > 1:
        wanted["PlanarConfiguration"] = 0
    else:
        ds.pop("PlanarConfiguration")
    if "BitsStored" not in ds and "HighBit" not in ds:  # as where float pixels are, which have none
        wanted["BitsStored"], wanted["HighBit"] = layout.bits_stored, layout.high_bit
    for keyword, value in wanted.items():
        if _value(ds, keyword) != value:
            ds[keyword] = value


def say_earlier_loss(ds: Dataset, from_uid: str, ratio: float) -> None:
    """Of pixels that came in a syntax that always loses something, and do not say so, say it."""
    method = _METHODS.get(from_uid)
    if method is None or _value(ds, "LossyImageCompression") == "01":
        return
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = number_text(ratio)
    ds.LossyImageCompressionMethod = method


def say_loss(ds: Dataset, method: str, ratio: float) -> None:
    """One more lossy step, behind those that were before."""
    ds.LossyImageCompression = "01"
    for keyword, added in (
        ("LossyImageCompressionRatio", number_text(ratio)),
        ("LossyImageCompressionMethod", method),
    ):
        before = _value(ds, keyword)
        values = () if before is None else before if isinstance(before, tuple) else (before,)
        ds[keyword] = [*map(str, values), added]


def derive(ds: Dataset, description: str, uid: str | None) -> None:
    """Make ``ds`` an instance of its own, ``uid`` or a new one, derived with loss from what it was."""
    source_class, source = _value(ds, "SOPClassUID"), _value(ds, "SOPInstanceUID")
    if source_class and source:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = str(source_class), str(source)
        item.PurposeOfReferenceCodeSequence = [_code(_PREDECESSOR)]
        ds.SourceImageSequence = [item]
    ds.SOPInstanceUID = uid or new_uid()
    before = _value(ds, "DerivationDescription")
    text = f"{before}; {description}" if isinstance(before, str) and before else description
    ds.DerivationDescription = text if len(text) <= 1024 else description[:1024]
    codes = list(ds.sequence_of(0x00089215)) if "DerivationCodeSequence" in ds else []
    ds.DerivationCodeSequence = [*codes, _code(_LOSSY)]
    kind = _value(ds, "ImageType")
    if isinstance(kind, tuple) and kind[0] == "ORIGINAL":
        ds.ImageType = ["DERIVED", *kind[1:]]


def number_text(ratio: float) -> str:
    """A ratio as DS, with as many digits as mean something."""
    return f"{ratio:.4g}" if ratio < 10_000 else str(round(ratio))


def _code(code: tuple[str, str, str]) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def _value(ds: Dataset, keyword: str) -> Any:
    """The value; None where it is absent or cannot be read."""
    try:
        return ds.get(keyword)
    except KermaError:
        return None
