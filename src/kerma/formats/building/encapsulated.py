"""Encapsulated documents: PDF, CDA, STL, OBJ and MTL in a DICOM envelope, and out of it again (PS3.3 A.45, A.85,
A.104, C.24.2, C.35.1).

May touch bytes and data sets. Rules: the document's bytes are kept as they are; Encapsulated Document Length says how
many they are, because the element itself is padded to an even length. A kind is a row of ``KINDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import FormatError, UsageError
from kerma.formats.building.cda import looks_like_cda, read_head
from kerma.formats.building.modules import MAKER, Maker, Share, begin, code_item, finish, say
from kerma.formats.identity import IMPLEMENTATION_VERSION_NAME

Code = tuple[str, str, str]

UNITS: dict[str, Code] = {
    "um": ("um", "UCUM", "um"),
    "mm": ("mm", "UCUM", "mm"),
    "cm": ("cm", "UCUM", "cm"),
    "m": ("m", "UCUM", "m"),
    "in": ("[in_i]", "UCUM", "inch"),
}
"""Measurement units of a model (PS3.3 C.35.1)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of document is in DICOM: SOP class, MIME type, the modality of its series, its file's ending."""

    name: str
    sop_class_uid: str
    mime: str
    modality: str
    suffix: str

    @property
    def is_model(self) -> bool:
        """Whether it has the Manufacturing 3D Model module."""
        return self.modality == "M3D"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("pdf", "1.2.840.10008.5.1.4.1.1.104.1", "application/pdf", "DOC", ".pdf"),
        Kind("cda", "1.2.840.10008.5.1.4.1.1.104.2", "text/XML", "DOC", ".xml"),
        Kind("stl", "1.2.840.10008.5.1.4.1.1.104.3", "model/stl", "M3D", ".stl"),
        Kind("obj", "1.2.840.10008.5.1.4.1.1.104.4", "model/obj", "M3D", ".obj"),
        Kind("mtl", "1.2.840.10008.5.1.4.1.1.104.5", "model/mtl", "M3D", ".mtl"),
    )
}
_BY_CLASS = {kind.sop_class_uid: kind for kind in KINDS.values()}
_BY_MIME = {kind.mime.lower(): kind for kind in KINDS.values()}
_FIXED = frozenset({"MIMETypeOfEncapsulatedDocument", "EncapsulatedDocumentLength", "ListOfMIMETypes"})
_LONGEST = 0xFFFFFFFE
_HEAD = 4096


def kind_of(data: Buffer, name: str = "") -> Kind | None:
    """The kind of document that the bytes are; where they do not tell (OBJ and MTL are plain text) by the name."""
    start = bytes(memoryview(data)[:_HEAD])
    if b"%PDF-" in start[:1024]:
        return KINDS["pdf"]
    if looks_like_cda(data):
        return KINDS["cda"]
    suffix = "." + name.rpartition(".")[2].lower()
    for kind in KINDS.values():
        if kind.is_model and kind.suffix == suffix:
            return kind
    return KINDS["stl"] if _is_binary_stl(data) else None


def encapsulate(
    data: Buffer,
    kind: Kind | str,
    *,
    title: str = "",
    concept: Code | None = None,
    unit: str = "mm",
    template: Dataset | None = None,
    share: Share = "study",
    attributes: Mapping[str, Any] | None = None,
    maker: Maker = MAKER,
) -> Dataset:
    """A document in its envelope. ``concept`` is the coded title: code value, coding scheme designator, meaning.

    ``FormatError`` where the bytes are no such document, ``UsageError`` for arguments that cannot be meant.
    """
    row = _row(kind)
    _check(data, row)
    ds = begin(row.sop_class_uid, modality=row.modality, series_number=1, template=template, share=share, maker=maker)
    if row.is_model:
        _model(ds, unit, maker)
    else:
        ds.Manufacturer = None
        ds.ConversionType = "WSD"
    ds.BurnedInAnnotation = "NO" if row.is_model else "YES"
    ds.AcquisitionDateTime = None
    ds.DocumentTitle = title or None
    if row.name == "cda":
        concept = _cda(ds, data, concept, known=template is not None)
    ds.ConceptNameCodeSequence = [] if concept is None else [code_item(*concept)]
    ds.MIMETypeOfEncapsulatedDocument = row.mime
    ds.EncapsulatedDocumentLength = len(data)
    ds.add("EncapsulatedDocument", "OB", data)
    say(ds, attributes or {}, _FIXED)
    return finish(ds)


def _row(kind: Kind | str) -> Kind:
    if isinstance(kind, Kind):
        return kind
    row = KINDS.get(kind.lower())
    if row is None:
        raise UsageError(f"{kind[:32]!r} is no kind of document", hint=f"one of {', '.join(KINDS)}")
    return row


def _model(ds: Dataset, unit: str, maker: Maker) -> None:
    """Frame of Reference, Enhanced General Equipment and Manufacturing 3D Model (PS3.3 C.7.4.1, C.7.5.2, C.35.1)."""
    if unit not in UNITS:
        raise UsageError(f"{unit[:16]!r} is no unit of a model", hint=f"one of {', '.join(UNITS)}")
    if ds.SOPClassUID != KINDS["mtl"].sop_class_uid:
        ds.FrameOfReferenceUID = maker.uid()
        ds.PositionReferenceIndicator = None
    ds.Manufacturer = "Kerma"
    ds.ManufacturerModelName = "Kerma"
    ds.DeviceSerialNumber = "0"
    ds.SoftwareVersions = IMPLEMENTATION_VERSION_NAME
    ds.MeasurementUnitsCodeSequence = [code_item(*UNITS[unit])]


def _cda(ds: Dataset, data: Buffer, concept: Code | None, *, known: bool) -> Code | None:
    """What the envelope of a CDA repeats of it; the patient only where no template says who it is."""
    head = read_head(data)
    if not head.identifier:
        raise FormatError("the document has no identifier", hint="a CDA has an id element with a root (PS3.3 C.24.2)")
    ds.HL7InstanceIdentifier = head.identifier
    if ds.DocumentTitle is None:
        ds.DocumentTitle = head.title or None
    if head.media_types:
        ds.ListOfMIMETypes = head.media_types
    if not known:
        ds.PatientName, ds.PatientID = head.patient_name or None, head.patient_id or None
        ds.PatientBirthDate, ds.PatientSex = head.birth_date or None, head.sex or None
    return head.code if concept is None else concept


def _check(data: Buffer, kind: Kind) -> None:
    if not len(data):
        raise FormatError("the document is empty")
    if len(data) > _LONGEST:
        raise FormatError("the document has 4 GB or more, which no element can hold (PS3.5 7.1.2)")
    if kind.name == "pdf" and b"%PDF-" not in bytes(memoryview(data)[:1024]):
        raise FormatError("this is no PDF: %PDF- is not in its first bytes")
    if kind.name == "stl" and not _is_binary_stl(data):
        raise FormatError(
            "this is no binary STL: its length does not follow from its number of triangles",
            hint="a text STL must be saved as a binary one first (PS3.3 A.85.1)",
        )
    if kind.name in {"obj", "mtl"} and b"\0" in bytes(memoryview(data)[:_HEAD]):
        raise FormatError(f"this is no {kind.name.upper()}: it is not text")


def _is_binary_stl(data: Buffer) -> bool:
    """80 bytes of any text, the number of triangles, 50 bytes for each."""
    return len(data) >= 84 and 84 + 50 * int.from_bytes(memoryview(data)[80:84], "little") == len(data)


# -- and back ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """What an envelope holds: its bytes as they went in, their MIME type, the title, and an ending for a file."""

    data: memoryview
    mime: str
    title: str
    suffix: str


def extract(ds: Dataset) -> Document:
    """The document out of its envelope, without the padding. ``FormatError`` where there is none."""
    data = ds.get("EncapsulatedDocument")
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise FormatError("the data set has no encapsulated document")
    view = memoryview(data)
    mime = str(ds.get("MIMETypeOfEncapsulatedDocument") or "")
    kind = _BY_MIME.get(mime.lower()) or _BY_CLASS.get(str(ds.get("SOPClassUID") or ""))
    length = ds.get("EncapsulatedDocumentLength")
    if isinstance(length, int):
        if not 0 <= length <= len(view):
            raise FormatError(
                f"Encapsulated Document Length says {length} bytes, {len(view)} are there", path=(0x00420015,)
            )
        view = view[:length]
    elif kind is not None and kind.name != "stl" and bytes(view[-1:]) == b"\0":
        view = view[:-1]  # before 2019 nothing said how long it is; text and PDF do not end in a null
    return Document(view, mime, str(ds.get("DocumentTitle") or ""), ".bin" if kind is None else kind.suffix)
