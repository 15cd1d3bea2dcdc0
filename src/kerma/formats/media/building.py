"""Directory records made from instances (PS3.3 F.5).

Rules:

- A key is taken over with its bytes, in the instance's character set, which the record declares where it needs to.
- A key of type 1 that the instance lacks is an error that names it, or invented where the caller says so: dates from
  other dates of the instance, else 19000101; numbers by counting. What is invented never claims to identify a person.
- Icons (PS3.3 F.7) are taken over where the instance has one, never made here.
"""

from __future__ import annotations

from typing import Any

from kerma.dataset import Dataset
from kerma.dataset.copying import selected
from kerma.dataset.sequence import items_of
from kerma.errors import FormatError
from kerma.formats.media import types
from kerma.formats.media.directory import TYPE, Record
from kerma.standard import elements, vrs

Keys = tuple[tuple[int, str], ...]

_CHARSET = 0x00080005
_CONTENT, _BLENDING = 0x0040A730, 0x00700402
_BLENDED = (0x0020000D, 0x00081115)  # what a record says of each blended series (PS3.3 F.5.23)
_MODIFIER = "HAS CONCEPT MOD"
_REFERENCED = (
    ("ReferencedSOPClassUIDInFile", "SOPClassUID", "MediaStorageSOPClassUID"),
    ("ReferencedSOPInstanceUIDInFile", "SOPInstanceUID", "MediaStorageSOPInstanceUID"),
)
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate")
_TIMES = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "InstanceCreationTime")
_COUNTED = frozenset({"IS", "US", "UL", "LO", "SH", "CS", "LT", "ST"})


def make(row: types.RecordType, ds: Dataset, *, number: int, invent: bool, extra: Keys = ()) -> Record:
    """A record of type ``row`` for the instance ``ds``; ``number`` is what an invented number counts to. ``extra`` are
    further keys, with their types.

    ``FormatError`` names the keys of type 1 that the instance lacks.
    """
    keys = row.keys + extra
    record = selected(ds, [_CHARSET, *(tag for tag, _ in keys)])
    if extra:
        _from_shared_groups(record, ds, extra)
    _complete(record, row, ds, keys, number, invent)
    if not _needs_charset(record):
        record.pop(_CHARSET)
    record.add(TYPE, "CS", row.name)
    if row.refers:
        _refer(record, ds)
    return Record(record, row.name)


def _from_shared_groups(record: Dataset, ds: Dataset, keys: Keys) -> None:
    """What an enhanced multi-frame image says once for all its frames (PS3.3 C.7.6.16)."""
    shared = items_of(ds, "SharedFunctionalGroupsSequence")
    for group in shared[0].elements() if shared else ():
        items = group.value if group.vr == "SQ" else None
        for tag, _ in keys:
            if items and tag in items[0] and tag not in record:
                record.add(tag, items[0][tag].vr, items[0].value_of(tag))


def _complete(record: Dataset, row: types.RecordType, ds: Dataset, keys: Keys, number: int, invent: bool) -> None:
    missing = []
    for tag, kind in keys:
        value = record.get(tag)
        empty = value is None or (elements.vr_of(tag) == "SQ" and not len(value))
        if tag == _CONTENT and tag in record:
            _only_modifiers(record, tag)
        elif tag == _BLENDING and not empty:
            record.add(tag, "SQ", [selected(item, _BLENDED) for item in value])
        elif kind == "1" and empty:
            filler = _invented(tag, ds, number) if invent else None
            if filler is None:
                missing.append(elements.keyword_of(tag))
            else:
                record.add(tag, elements.vr_of(tag), filler)
        elif kind == "2" and tag not in record:
            record.add(tag, elements.vr_of(tag), None)
        elif kind == "1C" and empty and tag in record:
            del record[tag]
    if missing:
        raise FormatError(
            f"no {', no '.join(missing)}, which a {row.name} record needs (PS3.3 {row.section})",
            hint="these cannot be invented"
            if invent
            else "fill them in, or have them invented (--invent, invent=True)",
        )


def _only_modifiers(record: Dataset, tag: int) -> None:
    """Of the content of a document, the items that modify its title (PS3.3 F.5.25, F.5.26); they are whole."""
    kept = [item for item in record.value_of(tag) if item.get("RelationshipType") == _MODIFIER]
    if kept:
        record.add(tag, "SQ", kept)
    else:
        del record[tag]


def _invented(tag: int, ds: Dataset, number: int) -> Any:
    vr = elements.vr_of(tag)
    if vr == "DA":
        return next((ds.get(name) for name in _DATES if ds.get(name)), "19000101")
    if vr == "TM":
        return next((ds.get(name) for name in _TIMES if ds.get(name)), "000000")
    if tag == 0x00100020:
        return f"UNKNOWN{number}"
    if tag == 0x00080060:
        return "OT"
    return str(number) if vr in _COUNTED - {"US", "UL", "CS"} else None


def _needs_charset(record: Dataset) -> bool:
    """Whether some text in it is not plain ASCII."""
    if _CHARSET not in record:
        return False
    for _, element in record.walk():
        if element.vr in vrs.ALL and vrs.ALL[element.vr].charset:
            raw = element.raw
            if raw is None:
                if not str(element.value or "").isascii():
                    return True
            elif not bytes(raw).isascii() or b"\x1b" in bytes(raw):
                return True
    return False


def _refer(record: Dataset, ds: Dataset) -> None:
    """The file's SOP class, instance and transfer syntax (table F.3-3)."""
    meta = ds.meta
    for keyword, own, other in _REFERENCED:
        value = ds.get(own) or (None if meta is None else meta.get(other))
        if not value:
            raise FormatError(f"no {own}", hint="only composite instances can be listed")
        setattr(record, keyword, value)
    record.ReferencedTransferSyntaxUIDInFile = ds.transfer_syntax_uid or "1.2.840.10008.1.2.1"
