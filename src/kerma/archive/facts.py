"""What the index wants to know of an instance, out of its header (PS3.3 C.7, PS3.4 C.6).

Rules:

- Only what identifies the instance is decoded for every instance; the rows of patient, study and series are made when
  one of them is new.
- UIDs are checked before anything is done with them: 1 to 64 of ``[0-9.]``. Study and series must be named.
- A value that cannot be read is no value; a text is bounded. None of this stops an instance from being kept.
- A patient is Patient ID and its issuer. Without a Patient ID each study is of its own patient: strangers must not
  share one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import FormatError, InvalidInstanceError, ValueEncodeError
from kerma.query import keys, match, normal
from kerma.query.model import Level
from kerma.standard import transfer_syntaxes

_UID = re.compile(r"[0-9][0-9.]{0,63}", re.ASCII)
_SOP_CLASS = 0x00080016
_SOP_INSTANCE = 0x00080018
_STUDY = 0x0020000D
_SERIES = 0x0020000E
_INSTANCE_NUMBER = 0x00200013
_CHARSET = 0x00080005


def is_uid(text: str) -> bool:
    """True for what may be a UID (PS3.5 9.1), leading zeros allowed since real ones have them."""
    return _UID.fullmatch(text) is not None


def header_syntax(transfer_syntax_uid: str) -> str:
    """How the header of an instance with this transfer syntax is encoded once it is inflated."""
    row = transfer_syntaxes.get(transfer_syntax_uid)
    if row is None or row.deflated or row.encapsulated:
        return transfer_syntaxes.EXPLICIT_LE.uid
    return row.uid


@dataclass(frozen=True, slots=True)
class Facts:
    """One instance's identity; ``ds`` is its header."""

    ds: Dataset
    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str
    instance_number: str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of patient, study and series, column by column; ``modality`` for the study's set of modalities."""

    patient: dict[str, Any]
    study: dict[str, Any]
    series: dict[str, Any]
    modality: str | None


def facts_of(ds: Dataset, *, max_text: int, sop_class_uid: str = "", sop_instance_uid: str = "") -> Facts:
    """The identity in the header ``ds``; ``InvalidInstanceError`` where it has none, or not the announced one."""
    found_class = _uid(ds, _SOP_CLASS, "SOP Class UID (0008,0016)")
    found = _uid(ds, _SOP_INSTANCE, "SOP Instance UID (0008,0018)")
    if sop_instance_uid and found != sop_instance_uid:
        raise InvalidInstanceError("SOP Instance UID (0008,0018) is not the announced one", mismatch=True)
    if sop_class_uid and found_class != sop_class_uid:
        raise InvalidInstanceError("SOP Class UID (0008,0016) is not the announced one", mismatch=True)
    return Facts(
        ds,
        found_class,
        found,
        _uid(ds, _STUDY, "Study Instance UID (0020,000D)"),
        _uid(ds, _SERIES, "Series Instance UID (0020,000E)"),
        _text(ds, _INSTANCE_NUMBER, max_text),
    )


def _uid(ds: Dataset, tag: int, name: str) -> str:
    try:
        value = ds.get(tag)
    except FormatError as error:
        raise InvalidInstanceError(f"{name} cannot be read") from error
    if value is None or value == "":
        raise InvalidInstanceError(f"{name} is missing")
    if not isinstance(value, str) or _UID.fullmatch(value) is None:
        raise InvalidInstanceError(f"{name} is no UID")
    return str(value)


def _text(ds: Dataset, tag: int, limit: int) -> str | None:
    texts = match.texts_of(ds, tag)
    return clean("\\".join(texts), limit) if texts else None


def clean(text: str, limit: int) -> str:
    """A text as SQL can take it: bounded, without lone surrogates and NULs."""
    text = text[:limit]
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def rows_of(facts: Facts, *, max_text: int) -> Rows:
    """The rows above the instance."""
    ds = facts.ds
    patient = _columns(ds, Level.PATIENT, max_text)
    study = _columns(ds, Level.STUDY, max_text)
    series = _columns(ds, Level.SERIES, max_text)
    if patient["patient_id"]:
        patient["identity"] = f"id:{patient['patient_id']}\n{patient['issuer_of_patient_id'] or ''}"
    else:
        patient["identity"] = f"study:{facts.study_uid}"
    study["study_instance_uid"] = facts.study_uid
    series["series_instance_uid"] = facts.series_uid
    patient["more"] = _more(ds, Level.PATIENT)
    study["more"] = _more(ds, Level.STUDY)
    series["more"] = _more(ds, Level.SERIES)
    return Rows(patient, study, series, series["modality"])


def _columns(ds: Dataset, level: Level, limit: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key in keys.at(level, "column"):
        text = _text(ds, key.tag, limit)
        name = key.column
        if key.vr == "DA" and text is not None:
            text = normal.date_key(text) or f"!{text}"  # unreadable: below every date
        out[name] = text
        if key.vr == "PN":
            groups = normal.name_groups(text) if text else ("", "", "")
            for suffix, group in zip("aip", groups, strict=True):
                out[f"{name}_{suffix}"] = group or None
            out[f"{name}_f"] = normal.sounding(text) or None if text else None
        elif key.vr == "TM":
            out[f"{name}_key"] = normal.time_key(text) if text else None
    return out


def _more(ds: Dataset, level: Level) -> bytes | None:
    """The level's other attributes as a data set of their own; None where there are none."""
    present = [key for key in keys.at(level, "more") if key.tag in ds]
    out = Dataset()
    for key in present:
        try:
            value = ds[key.tag].value
            if value is not None and ds[key.tag].vr == key.vr:
                out.add(key.tag, key.vr, value)
        except FormatError:
            continue
    if not len(out):
        return None
    out.add(_CHARSET, "CS", "ISO_IR 192")
    try:
        return out.to_bytes(transfer_syntaxes.EXPLICIT_LE.uid)
    except (ValueEncodeError, FormatError):
        return None
