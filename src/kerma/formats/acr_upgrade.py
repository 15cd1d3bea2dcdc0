"""An ACR-NEMA stream becomes a DICOM instance (PS3.3 A.8, PS3.5 9, B.2).

The older standards know no SOP classes and no UIDs, allow any number of bits for a pixel cell, and write dates with
dots. What other tools do was looked at: DCMTK's ``dcmconv`` and GDCM's ``gdcmconv`` put a head in front and leave the
rest, which is no image that the standard knows.

Rules:

- The result is a Secondary Capture image unless another class is named: nothing in an ACR-NEMA image fills what the
  CT or MR image IODs demand.
- UIDs that are there stay. Others are made of what identifies the study, the series and the image, always in the same
  way: images of one study come together again, and the same stream gets the same UID twice (2.25, from a UUID of
  version 5).
- Pixel cells of 12 bits or another number that DICOM does not have are widened to 16. Compressed ones are refused.
- What only describes the old form goes: group lengths, (0008,0001), (0008,0010), (0028,0005), (0028,0060), (0028,0200).
  Every other element stays, retired ones too.
- What the IOD demands and is not there is put in: fixed values of type 1, empty ones of type 2.
"""

from __future__ import annotations

import copy
import hashlib
import re
import uuid
from collections.abc import Iterator

from kerma.dataset import Dataset
from kerma.dataset.writing import plain_chunks
from kerma.encoding.source import Buffer
from kerma.encoding.swap import swapped
from kerma.errors import FormatError, TruncatedError, UnsupportedSyntaxError
from kerma.formats.acr_nema import PIXEL_DATA, plain_text, version_of

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
EXPLICIT_LE_UID = "1.2.840.10008.1.2.1"
_NAMES = uuid.UUID("5f0d2a2e-3f8e-5d0b-9c56-2d5c2b5b0f7d")
_OLD_FORM = ("LengthToEnd", "RecognitionCode", "ImageDimensions", "CompressionCode", "ImageLocation")
_DATE = re.compile(r"([0-9]{4})[./-]([0-9]{2})[./-]([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,6})?))?[0-9]*")
_STUDY = ("InstitutionName", "PatientID", "PatientName", "StudyDate", "StudyTime", "StudyID")
_SERIES = ("Modality", "SeriesNumber", "SeriesDate", "SeriesTime", "StationName")
_TYPE_2 = (
    ("PatientName", ""),
    ("PatientID", ""),
    ("PatientBirthDate", ""),
    ("PatientSex", ""),
    ("StudyDate", ""),
    ("StudyTime", ""),
    ("ReferringPhysicianName", ""),
    ("StudyID", ""),
    ("AccessionNumber", ""),
    ("SeriesNumber", None),
    ("InstanceNumber", None),
    ("PatientOrientation", ""),
    ("Laterality", ""),
)


def upgrade(ds: Dataset, *, sop_class_uid: str = SECONDARY_CAPTURE) -> Dataset:
    """A DICOM instance in explicit VR little endian of an ACR-NEMA stream; ``ds`` stays as it is.

    ``FormatError`` where ``ds`` is none or its pixel data is cut, ``UnsupportedSyntaxError`` where it is compressed.
    """
    if version_of(ds) is None:
        raise FormatError("this is no ACR-NEMA stream: there is no recognition code (0008,0010)")
    new = copy.copy(ds)
    new.meta = None
    new.preamble = None
    _uids(ds, new, sop_class_uid)
    _dates(new)
    if _pixels_to_their_place(new):
        _image(ds, new)
    for keyword in _OLD_FORM:
        if keyword in new:
            delattr(new, keyword)
    for keyword, value in _TYPE_2:
        if keyword not in new:
            new[keyword] = value
    if sop_class_uid == SECONDARY_CAPTURE and "ConversionType" not in new:
        new.ConversionType = "DI"
    if "Modality" not in new:
        new.Modality = "OT"
    return Dataset.from_bytes(new.to_bytes(EXPLICIT_LE_UID), EXPLICIT_LE_UID)


def _uids(ds: Dataset, new: Dataset, sop_class_uid: str) -> None:
    digest = hashlib.sha256()
    for piece in plain_chunks(ds):
        digest.update(piece)
    study = [plain_text(ds, ds_tag) for ds_tag in _tags(ds, _STUDY)]
    if not any(study):
        study = [digest.hexdigest()]
    series = study + [plain_text(ds, tag) for tag in _tags(ds, _SERIES)]
    made = {
        "StudyInstanceUID": ("study", *study),
        "SeriesInstanceUID": ("series", *series),
        "SOPInstanceUID": ("image", digest.hexdigest()),
    }
    for keyword, parts in made.items():
        if not new.get(keyword):
            new[keyword] = f"2.25.{uuid.uuid5(_NAMES, chr(31).join(parts)).int}"
    if not new.get("SOPClassUID"):
        new.SOPClassUID = sop_class_uid


def _tags(ds: Dataset, keywords: tuple[str, ...]) -> Iterator[int]:
    for keyword in keywords:
        if keyword in ds:
            yield ds[keyword].tag


def _dates(new: Dataset) -> None:
    for tag in list(new):
        vr = new.vr_of(tag)
        if vr not in {"DA", "TM"}:
            continue
        match = (_DATE if vr == "DA" else _TIME).fullmatch(plain_text(new, tag))
        if match:
            new.add(tag, vr, "".join(group for group in match.groups() if group))


def _pixels_to_their_place(new: Dataset) -> bool:
    """Pixel data where DICOM has it: (0028,0200) may name another group. Whether there are any."""
    group = new.get("ImageLocation")
    tag = group << 16 | 0x0010 if isinstance(group, int) else PIXEL_DATA
    if PIXEL_DATA not in new and tag in new and not tag & 0x10000 and tag >> 16 > 0x0028:
        new.add(PIXEL_DATA, "OW", bytes(_words(new, tag)))
        del new[tag]
    return PIXEL_DATA in new


def _words(ds: Dataset, tag: int) -> Buffer:
    """The bytes of an OW value in little endian."""
    value: Buffer = ds.value_of(tag) or b""
    size = ds.word_size(tag)
    return swapped(memoryview(value), size) if size > 1 else value


def _image(ds: Dataset, new: Dataset) -> None:
    code = plain_text(ds, 0x00280060).upper()
    if code not in {"", "NONE"}:
        raise UnsupportedSyntaxError(
            f"the pixel data is compressed by ACR-NEMA's {code[:16]!r}, which nothing here can undo",
            uid="",
            hint="use the scanner's own tools",
        )
    if "SamplesPerPixel" not in new:
        new.SamplesPerPixel = 1
    if "PhotometricInterpretation" not in new:
        new.PhotometricInterpretation = "RGB" if new.SamplesPerPixel == 3 else "MONOCHROME2"
    planes = new.get("Planes")
    if isinstance(planes, int) and planes > 1 and "NumberOfFrames" not in new:
        new.NumberOfFrames = planes
    bits = new.get("BitsAllocated")
    if not isinstance(bits, int) or not 1 < bits <= 16 or bits in {8, 16}:
        return
    rows, columns = new.get("Rows"), new.get("Columns")
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise FormatError("an image without Rows and Columns")
    samples, frames = new.get("SamplesPerPixel") or 1, new.get("NumberOfFrames") or 1
    if not (isinstance(samples, int) and isinstance(frames, int) and min(rows, columns, samples, frames) > 0):
        raise FormatError("Rows, Columns, Samples per Pixel or Number of Frames is no number of pixels")
    count = rows * columns * samples * frames
    new.add(PIXEL_DATA, "OW", widened(_words(new, PIXEL_DATA), bits, count))
    new.BitsAllocated = 16


def widened(data: Buffer, bits: int, count: int) -> bytes:
    """``count`` pixel cells of ``bits`` bits, packed from the low bits of little-endian words, as 16-bit ones."""
    need = (count * bits + 7) // 8
    if len(data) < need:
        raise TruncatedError(
            f"{count} pixel cells of {bits} bits are {need} bytes, {need - len(data)} are missing",
            missing=need - len(data),
            path=(PIXEL_DATA,),
        )
    packed = bytes(data[:need])
    if bits == 12:
        return _from_twelve(packed, count)
    out = bytearray()
    held = have = 0
    mask = (1 << bits) - 1
    for byte in packed:
        held |= byte << have
        have += 8
        while have >= bits:
            out += (held & mask).to_bytes(2, "little")
            held >>= bits
            have -= bits
    return bytes(out[: 2 * count])


_LOW = bytes(byte & 0x0F for byte in range(256))
_HIGH = bytes(byte >> 4 for byte in range(256))
_RAISED = bytes(byte << 4 & 0xF0 for byte in range(256))


def _from_twelve(packed: bytes, count: int) -> bytes:
    """Two cells in three bytes, by whole columns of bytes at a time."""
    packed += bytes(-len(packed) % 3)
    first, middle, last = packed[0::3], packed[1::3], packed[2::3]
    out = bytearray(4 * len(first))
    out[0::4] = first
    out[1::4] = middle.translate(_LOW)
    high = int.from_bytes(middle.translate(_HIGH), "little") | int.from_bytes(last.translate(_RAISED), "little")
    out[2::4] = high.to_bytes(len(first), "little")
    out[3::4] = last.translate(_HIGH)
    return bytes(out[: 2 * count])
