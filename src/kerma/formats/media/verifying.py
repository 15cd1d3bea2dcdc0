"""A file-set compared with the standard, with what lies on its medium, and with an application profile.

Each departure is a ``Problem``: an error where PS3.3 F, PS3.10 8 or the profile is broken or a file is not what the
DICOMDIR says, a warning where that is allowed or harmless but worth knowing. Of each file the head is read, not its
pixels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kerma.dataset import Dataset
from kerma.errors import KermaError, NotFoundError
from kerma.formats import part10
from kerma.formats.media import types
from kerma.formats.media.directory import LAST, Record
from kerma.formats.media.fileset import FileSet
from kerma.formats.media.ids import DICOMDIR, UnsafePathError, faults, parse
from kerma.formats.media.index import key_of
from kerma.formats.media.profiles import Profile
from kerma.standard import elements, sop_classes, transfer_syntaxes, uids

Progress = Callable[[int, int], None]

_CODES = {"PATIENT": "patient", "STUDY": "study", "SERIES": "series"}
_IDENTITY = (("PATIENT", "PatientID"), ("STUDY", "StudyInstanceUID"), ("SERIES", "SeriesInstanceUID"))
_ICON = 0x00880200


@dataclass(frozen=True, slots=True)
class Problem:
    """One departure. ``code`` is a short stable word, ``where`` a File ID or the place of a record."""

    code: str
    text: str
    where: str
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def verify(
    fileset: FileSet, *, files: bool = True, profile: Profile | None = None, progress: Progress | None = None
) -> Iterator[Problem]:
    """What is wrong with a file-set. ``files=False`` looks at the DICOMDIR alone; ``progress(done, total)`` is called
    for each file.
    """
    yield from _directory(fileset)
    yield from _records(fileset, profile)
    if files:
        seen: set[str] = set()
        records = list(fileset.instances())
        for number, record in enumerate(records, 1):
            yield from _file(fileset, record, profile, seen)
            if progress is not None:
                progress(number, len(records))
        yield from _strangers(fileset, profile, seen)


def _warning(code: str, text: str, where: str) -> Problem:
    return Problem(code, text, where, "warning")


# -- the DICOMDIR ------------------------------------------------------------------------------------------------------


def _directory(fileset: FileSet) -> Iterator[Problem]:
    name, ds = fileset.dicomdir.name, fileset.dataset
    if name.rstrip(".;1").upper() != DICOMDIR:
        yield _warning("name", "the file is not called DICOMDIR (PS3.10 8.6)", name)
    meta = ds.meta
    if meta is None or meta.get("MediaStorageSOPClassUID") != sop_classes.MEDIA_STORAGE_DIRECTORY:
        yield Problem("meta", "its meta information does not say that it is a DICOMDIR", name)
    if ds.transfer_syntax_uid not in {None, transfer_syntaxes.EXPLICIT_LE.uid}:
        syntax = uids.name_of(ds.transfer_syntax_uid or "")
        yield Problem("syntax", f"it is in {syntax}, not in Explicit VR Little Endian (PS3.10 8.6)", name)
    for finding in fileset.findings:
        yield Problem(finding.code, str(finding), name)
    if ds.get("FileSetConsistencyFlag"):
        yield _warning("consistency", "the File-set Consistency Flag says that it is inconsistent", name)
    yield from _descriptor(fileset, name)
    last = ds.get(LAST)
    if fileset.root and fileset.root[-1].offset and last != fileset.root[-1].offset:
        yield _warning("last", "the offset of the last record of the root is wrong (PS3.3 F.3.2.2)", name)


def _descriptor(fileset: FileSet, name: str) -> Iterator[Problem]:
    """The file that describes the file-set for people (PS3.3 F.3.2.1)."""
    value = fileset.dataset.get("FileSetDescriptorFileID")
    if value is None:
        return
    file_id = parse([str(part) for part in (value if isinstance(value, tuple) else (value,))])
    try:
        missing = fileset.medium.path(file_id) is None
    except UnsafePathError as error:
        yield Problem("unsafe", error.message, name)
        return
    if missing:
        yield Problem("missing", "the File-set Descriptor File is not on the medium", name)


def _records(fileset: FileSet, profile: Profile | None) -> Iterator[Problem]:
    once: dict[tuple[str, str], str] = {}
    for _, record in fileset.walk():
        where = place_of(record)
        try:
            yield from _placed(record, where)
            yield from _keys(record, where, profile)
            yield from _unique(record, where, once)
        except KermaError as error:
            yield Problem("unreadable", error.message, where)


def place_of(record: Record) -> str:
    """What to call a record in a message: its file, or its kind and place. Nothing of the patient."""
    try:
        file_id = record.file_id
    except KermaError:
        file_id = None
    if file_id:
        return "/".join(part[:64] for part in file_id[:16])
    return f"{record.type or 'untyped'} record at offset {record.offset}" if record.offset else f"{record.type} record"


def _placed(record: Record, where: str) -> Iterator[Problem]:
    row, parent = record.row, record.parent
    if row is None:
        yield Problem("type", f"{record.type[:16]!r} is no Directory Record Type (PS3.3 F.3.2.2)", where)
        return
    if row.retired:
        yield _warning("retired", f"the record type {row.name} is retired", where)
    level = types.TOP if parent is None else types.LEAF if parent.row is None else parent.row.below
    if row.level != level and row.name != "PRIVATE":
        above = "the root" if parent is None else parent.type
        yield Problem("level", f"a {row.name} record stands below {above} (PS3.3 F.4)", where)
    if row.refers and not row.retired and record.file_id is None:
        yield Problem("no-file", f"the {row.name} record refers to no file", where)


def _keys(record: Record, where: str, profile: Profile | None) -> Iterator[Problem]:
    row, ds = record.row, record.dataset
    if row is None:
        return
    keys = row.keys
    if profile is not None:
        keys += profile.keys.get(row.name, ())
        if profile.icons and row.name == "IMAGE" and _ICON not in ds:
            yield Problem("icon", f"{profile.name} wants an icon (PS3.11 {profile.section})", where)
    for tag, kind in keys:
        empty = ds.get(tag) in (None, "") or (ds[tag].vr == "SQ" and not len(ds.value_of(tag)))
        keyword = elements.keyword_of(tag)
        if kind == "1" and empty:
            yield Problem("key", f"the {row.name} record has no {keyword}", where)
        elif kind == "2" and tag not in ds:
            yield Problem("key", f"the {row.name} record lacks {keyword}, which may be empty but not absent", where)


def _unique(record: Record, where: str, once: dict[tuple[str, str], str]) -> Iterator[Problem]:
    marks: list[tuple[str, str, str]] = []
    if record.type in _CODES:
        key = key_of(record.type, record.dataset)
        if key and not key.startswith("\0"):
            marks.append((record.type, key, f"another {record.type} record has the same identifier"))
    else:
        uid, file_id = record.sop_instance_uid, record.file_id
        if uid:
            marks.append(("instance", uid, "another record refers to the same SOP instance"))
        if file_id:
            marks.append(("file", "/".join(file_id).upper(), "another record refers to the same file"))
    for kind, key, text in marks:
        other = once.setdefault((kind, key), where)
        if other is not where:
            yield Problem("twice", f"{text}: {other}", where)


# -- the files ---------------------------------------------------------------------------------------------------------


def _file(fileset: FileSet, record: Record, profile: Profile | None, seen: set[str]) -> Iterator[Problem]:
    where = place_of(record)
    try:
        wrong = faults(record.file_id or ())
        path = fileset.path(record)
        seen.add(os.fspath(path))
        if wrong:
            yield Problem("file-id", f"{'; '.join(wrong)} (PS3.10 8.2)", where)
        if not path.is_file():
            yield Problem("no-file", "the File ID names no file", where)
            return
        with part10.read(path) as ds:
            yield from _compared(record, ds, where)
            if profile is not None:
                for text in profile.faults(ds, str(ds.get("SOPClassUID") or ""), ds.transfer_syntax_uid or ""):
                    yield Problem("profile", f"{text} (PS3.11 {profile.section})", where)
    except UnsafePathError as error:
        yield Problem("unsafe", error.message, where)
    except NotFoundError:
        yield Problem("missing", "the file is not on the medium", where)
    except KermaError as error:
        yield Problem("broken", f"the file cannot be read: {error.message}", where)
    except OSError as error:
        yield Problem("broken", f"the file cannot be read: {error.strerror}", where)


def _compared(record: Record, ds: Dataset, where: str) -> Iterator[Problem]:
    """Whether the file is the instance that the record says."""
    own, meta = record.dataset, ds.meta
    if meta is None or ds.preamble is None:
        yield Problem("meta", "the file has no preamble or no meta information (PS3.10 7.1)", where)
    pairs = (
        ("SOP class", own.get("ReferencedSOPClassUIDInFile"), ds.get("SOPClassUID")),
        ("SOP instance", own.get("ReferencedSOPInstanceUIDInFile"), ds.get("SOPInstanceUID")),
        ("transfer syntax", own.get("ReferencedTransferSyntaxUIDInFile"), ds.transfer_syntax_uid),
    )
    for what, said, found in pairs:
        if not said:
            yield Problem("reference", f"the record does not say the {what} of its file (PS3.3 F.3.2.2)", where)
        elif said != found:
            yield Problem("mismatch", f"the {what} of the file is not the one that its record says", where)
    for kind, keyword in _IDENTITY:
        above = record.find_above(kind)
        if above is not None and above is not record and keyword in ds:
            said = above.dataset.get(keyword)
            if said and ds.get(keyword) and said != ds.get(keyword):
                yield Problem("mismatch", f"the {keyword} of the file is not that of the {kind} record above it", where)


def _strangers(fileset: FileSet, profile: Profile | None, seen: set[str]) -> Iterator[Problem]:
    """DICOM files on the medium that no record refers to."""
    for path, parts in fileset.medium.files():
        if os.fspath(path) in seen or path.name.rstrip(".;1").upper() == DICOMDIR or parts[-1].startswith(".kerma-"):
            continue
        if _is_dicom(path):
            text, where = "a DICOM file that no record refers to", "/".join(parts)
            yield Problem("stranger", text, where, "warning" if profile is None else "error")


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False
