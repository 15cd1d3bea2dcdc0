"""``FileSet``: the files of a medium and the DICOMDIR that lists them (PS3.10 8, PS3.3 F, PS3.4 I).

Rules:

- The DICOMDIR is written whole, to a temporary file that takes its name: after a crash it is the old one or the new
  one. Records that were not changed are copied, whoever wrote them.
- Files come to the medium before the DICOMDIR names them, and go after it does so no more.
- No File ID is opened before ``ids.Medium`` has found it to lie on the medium.
- A DICOMDIR that somebody else has changed meanwhile is not overwritten.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from kerma.dataset import Dataset
from kerma.errors import FormatError, KermaError, NotFoundError, UsageError
from kerma.findings import Finding
from kerma.formats import part10, saving
from kerma.formats.media import types
from kerma.formats.media.building import make
from kerma.formats.media.directory import FILE_ID, MRDR, RECORDS, Directory, Record, walk
from kerma.formats.media.ids import DICOMDIR, FileID, Medium, faults
from kerma.formats.media.index import ABOVE, Index, key_of
from kerma.formats.media.profiles import Profile
from kerma.formats.media.writing import encode
from kerma.formats.meta import file_head
from kerma.limits import Limits
from kerma.standard import sop_classes, transfer_syntaxes
from kerma.values.new_uid import new_uid

_LIMITS = Limits()
_FEW = 64  # files that are synced one by one
_FILE_SET_ID, _CONSISTENCY = 0x00041130, 0x00041212
_PATIENT_ID = 0x00100020

Path_ = str | os.PathLike[str]


class FileSet:
    """A file-set in a folder. ``open`` an existing one or ``create`` a new one; ``save`` writes its DICOMDIR.

    ``root`` is the root directory entity, a list of ``Record``; ``dataset`` the DICOMDIR as it was read.
    """

    def __init__(self, path: Path, ds: Dataset) -> None:
        self.dicomdir = path
        self.folder = path.parent
        self.medium = Medium(self.folder)
        self.dataset = ds
        try:
            self._directory = Directory(ds)
        except KermaError as error:
            error.where = error.where or str(path)
            raise
        self.root = self._directory.root
        self._index: Index | None = None
        self._state = _state(path)
        self._doomed: list[Path] = []
        self._brought: list[Path] = []
        _resolve_references(self._directory)

    @classmethod
    def open(cls, path: Path_, *, limits: Limits = _LIMITS) -> Self:
        """The file-set whose DICOMDIR is ``path``, or lies in the folder ``path``.

        ``FormatError`` and its kinds where the DICOMDIR cannot be understood, ``OSError`` where there is none.
        """
        place = Path(path)
        if place.is_dir():
            place = _dicomdir_in(place)
        ds = part10.read(place, limits=limits)
        meta = ds.meta
        known = None if meta is None else meta.get("MediaStorageSOPClassUID")
        if known != sop_classes.MEDIA_STORAGE_DIRECTORY and RECORDS not in ds:
            raise FormatError("the file is no DICOMDIR", where=str(place), hint="name the folder of a file-set")
        return cls(place, ds)

    @classmethod
    def create(cls, folder: Path_, *, file_set_id: str = "", uid: str | None = None) -> Self:
        """A new file-set in ``folder``, which is made; no DICOMDIR is written before ``save``. ``UsageError`` where
        there is one already.
        """
        place = Path(folder)
        if place.is_dir() and os.path.lexists(_dicomdir_in(place)):
            raise UsageError("there is a DICOMDIR already", where=str(place), hint="add to it instead")
        ds = Dataset()
        ds.add(_FILE_SET_ID, "CS", _checked_id(file_set_id))
        ds.add(_CONSISTENCY, "US", 0)
        ds.add(RECORDS, "SQ", [])
        meta = Dataset()
        meta.MediaStorageSOPInstanceUID = uid or new_uid()
        ds.meta = meta
        place.mkdir(parents=True, exist_ok=True)
        return cls(place / DICOMDIR, ds)

    @property
    def findings(self) -> list[Finding]:
        """What was wrong with the DICOMDIR and understood."""
        return [*self.dataset.findings, *self._directory.findings]

    @property
    def unreached(self) -> list[Record]:
        """Records in use that nothing leads to; they do not count, and ``save`` leaves them out."""
        return self._directory.unreached

    @property
    def file_set_id(self) -> str:
        """The File-set ID, "" for none."""
        return str(self.dataset.get(_FILE_SET_ID) or "")

    @file_set_id.setter
    def file_set_id(self, value: str) -> None:
        self.dataset.add(_FILE_SET_ID, "CS", _checked_id(value))

    # -- looking -------------------------------------------------------------------------------------------------------

    def walk(self) -> Iterator[tuple[int, Record]]:
        """(depth, record) of every record, each before those below it."""
        return walk(self.root)

    def instances(self) -> Iterator[Record]:
        """The records that refer to a file."""
        return (record for _, record in walk(self.root) if record.file_id is not None)

    def __len__(self) -> int:
        """How many records refer to a file."""
        return sum(1 for _ in self.instances())

    def path(self, record: Record) -> Path:
        """The file of a record. ``UnsafePathError`` where its File ID leads off the medium, ``NotFoundError`` where
        there is no such file.
        """
        file_id = record.file_id
        if file_id is None:
            raise UsageError(f"a {record.type} record refers to no file")
        found = self.medium.path(file_id)
        if found is None:
            raise NotFoundError("the file is not on the medium", where="/".join(file_id))
        return found

    def read(self, record: Record) -> Dataset:
        """The instance of a record, as ``kerma.read``."""
        return part10.read(self.path(record))

    def find(self, what: str) -> list[Record]:
        """The records of a SOP Instance, Series or Study UID, of a patient ID, or of a File ID written with slashes."""
        index = self._indexed()
        file = index.files.get(tuple(what.strip("/").upper().split("/")))
        return [file] if file is not None else index.matching(what)

    # -- changing ------------------------------------------------------------------------------------------------------

    def add(
        self,
        source: Path_ | Dataset,
        *,
        file_id: FileID | None = None,
        in_place: bool = False,
        invent: bool = False,
        profile: Profile | None = None,
    ) -> Record:
        """List an instance; its record. A file that lies on the medium under a valid File ID stays where it is, any
        other one is copied there, under ``file_id`` or a name that is made; ``in_place`` refuses to copy. One that is
        listed already is not added again.

        ``invent`` fills keys of type 1 that the instance lacks; without it such an instance is refused. A ``profile``
        adds its keys, and refuses what it has no place for. The medium has the file at once, the DICOMDIR names it
        after ``save``.
        ``FormatError`` where it cannot be listed; nothing was changed then.
        """
        try:
            return self._add(source, file_id, in_place, _Making(invent, profile))
        except KermaError as error:
            if error.where is None and not isinstance(source, Dataset):
                error.where = os.fspath(source)
            raise

    def _add(self, source: Path_ | Dataset, file_id: FileID | None, in_place: bool, making: _Making) -> Record:
        ds = source if isinstance(source, Dataset) else part10.read(source)
        index = self._indexed()
        row = _row_for(ds)
        known = index.instances.get(str(ds.get("SOPInstanceUID") or "\0"))
        if known is not None:
            return known
        making.check(ds)
        above = self._above(index, row, ds, making)
        leaf = making.record(row, ds, above[-1].children if above else self.root)
        place = None if isinstance(source, Dataset) else self.medium.id_of(Path(source))
        if place is None or place in index.files or (file_id is not None and file_id != place):
            if in_place:
                hint = "folders and names have up to 8 of A-Z, 0-9 and _"
                raise FormatError("it does not lie on the medium under a File ID of PS3.10 8.2", hint=hint)
            place = file_id or index.new_id(above, leaf, self.medium)
            self._bring(ds, place)
        leaf.dataset.add(FILE_ID, "CS", place)
        self._hang(index, [*above, leaf])
        return leaf

    def remove(self, record: Record, *, keep_files: bool = False) -> list[Record]:
        """Take out a record with all below it, and those above it that have nothing below any more; the records that
        refer to files and went with it. Their files go with ``save``, unless ``keep_files``.
        """
        while record.parent is not None and len(record.parent.children) == 1:
            record = record.parent
        entity = self.root if record.parent is None else record.parent.children
        if not any(other is record for other in entity):
            raise UsageError("the record is not in this file-set")
        gone = [one for _, one in walk([record]) if one.file_id is not None]
        if not keep_files:
            self._doomed += self._files_of(gone)
        entity[:] = [other for other in entity if other is not record]
        self._index = None
        return gone

    def save(self) -> None:
        """Write the DICOMDIR, durably and as a whole; then the files of removed records go.

        ``UsageError`` where somebody else has changed it since it was read.
        """
        if _state(self.dicomdir) != self._state:
            hint = "open the file-set again"
            raise UsageError("the DICOMDIR was changed by somebody else", where=str(self.dicomdir), hint=hint)
        self._sync_brought()
        saving.save(encode(self.dataset, self.root, self._head()), self.dicomdir)
        self._state = _state(self.dicomdir)
        if self._doomed:
            self._delete(self._doomed)

    def discard(self) -> None:
        """Take back what was not saved: files that came to the medium go again. The file-set is not to be used then."""
        self.root.clear()
        self._index = None
        self._delete(self._brought)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """``save``; after an exception ``discard``."""
        if kind is None:
            self.save()
        else:
            self.discard()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _head(self) -> bytes:
        meta = self.dataset.meta
        known = None if meta is None else meta.get("MediaStorageSOPInstanceUID")
        return file_head(
            sop_class_uid=sop_classes.MEDIA_STORAGE_DIRECTORY,
            sop_instance_uid=str(known or new_uid()),
            transfer_syntax_uid=transfer_syntaxes.EXPLICIT_LE.uid,
            preamble=self.dataset.preamble,
        )

    def _indexed(self) -> Index:
        if self._index is None:
            self._index = Index(self.root)
        return self._index

    def _above(self, index: Index, row: types.RecordType, ds: Dataset, making: _Making) -> list[Record]:
        """The records of patient, study and series of an instance: those that are there, and new ones, not yet hung."""
        if row.level != types.LEAF:
            return []
        keys = {kind: key_of(kind, ds) for kind in ABOVE}
        study = index.above.get(("STUDY", keys["STUDY"])) if keys["STUDY"] else None
        patient = None if study is None else study.parent
        if patient is not None and ds.get(_PATIENT_ID) and key_of("PATIENT", patient.dataset) != keys["PATIENT"]:
            raise FormatError("its study belongs to another patient in this file-set", hint="check the Patient ID")
        found: list[Record] = []
        for kind in ABOVE:
            known = patient if kind == "PATIENT" and patient is not None else index.above.get((kind, keys[kind]))
            entity = found[-1].children if found else self.root
            if known is None:
                known = making.record(types.all_types()[kind], ds, entity)
            elif found and known.parent is not found[-1]:
                raise FormatError(f"its {kind.lower()} is in another place in this file-set", hint="check its UIDs")
            found.append(known)
        return found

    def _hang(self, index: Index, records: list[Record]) -> None:
        """Hang the records that are new, each below the one before it."""
        parent: Record | None = None
        for record in records:
            if record.parent is None and (parent is not None or not any(one is record for one in self.root)):
                (self.root if parent is None else parent.children).append(record)
                record.parent = parent
                index.enter(record)
            parent = record

    def _bring(self, ds: Dataset, file_id: FileID) -> None:
        """Put an instance on the medium, byte for byte where it is a file as PS3.10 wants it."""
        wrong = faults(file_id)
        if wrong:
            raise UsageError(f"no valid File ID: {'; '.join(wrong)}")
        target = self.medium.target(file_id)
        if os.path.lexists(target):
            raise UsageError("there is a file of that File ID already", where=str(target))
        if ds.meta is None or ds.preamble is None:
            ds = copy.copy(ds)
            ds.preamble = bytes(128)
        self._brought.append(target)
        try:
            with target.open("xb") as file:
                part10.write(ds, file)
        except KermaError:
            self._delete([target])
            self._brought.remove(target)
            raise

    def _sync_brought(self) -> None:
        """Files that came to the medium are durable before the DICOMDIR names them."""
        if len(self._brought) > _FEW:
            os.sync()
        else:
            root = self.medium.root_file("")
            for path in self._brought:
                _sync(path)
            for folder in {one for path in self._brought for one in path.parents if one.is_relative_to(root)}:
                saving.sync_folder(os.fspath(folder))
        self._brought.clear()

    def _files_of(self, records: Iterable[Record]) -> Iterator[Path]:
        """The files that records refer to, those that are there and on the medium."""
        for record in records:
            with contextlib.suppress(KermaError):
                yield self.path(record)

    def _delete(self, paths: list[Path]) -> None:
        """Delete files that no record refers to any more, and folders that are empty then."""
        named = set(self._files_of(self.instances())) | {self.medium.root_file(self.dicomdir.name)}
        root = os.path.realpath(self.folder)
        for path in paths:
            if path in named:
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                folder = path.parent
                while os.path.realpath(folder) != root:
                    folder.rmdir()
                    folder = folder.parent
        paths.clear()
        self.medium.forget()


@dataclass(frozen=True, slots=True)
class _Making:
    """How records are made."""

    invent: bool
    profile: Profile | None

    def check(self, ds: Dataset) -> None:
        """``FormatError`` where the profile has no place for the instance."""
        if self.profile is not None:
            wrong = self.profile.faults(ds, str(ds.get("SOPClassUID") or ""), ds.transfer_syntax_uid or "")
            if wrong:
                raise FormatError("; ".join(wrong), hint=f"PS3.11 {self.profile.section}")

    def record(self, row: types.RecordType, ds: Dataset, entity: list[Record]) -> Record:
        """A new record for ``entity``."""
        keys = self.profile.keys.get(row.name, ()) if self.profile is not None else ()
        return make(row, ds, number=len(entity) + 1, invent=self.invent, extra=keys)


def _row_for(ds: Dataset) -> types.RecordType:
    meta = ds.meta
    uid = str(ds.get("SOPClassUID") or (None if meta is None else meta.get("MediaStorageSOPClassUID")) or "")
    if uid == sop_classes.MEDIA_STORAGE_DIRECTORY:
        raise FormatError("a DICOMDIR is no instance")
    row = types.for_instance(ds, uid)
    if row is None:
        shown = uid if len(uid) <= 64 else uid[:64]
        raise FormatError(f"PS3.3 F.4 has no directory record for instances of SOP class {shown or 'unknown'}")
    return row


def _dicomdir_in(folder: Path) -> Path:
    """The DICOMDIR of a folder; media are often mounted with names in lower case, or with versions."""
    for name in (DICOMDIR, "dicomdir", "DICOMDIR.", "DICOMDIR;1", "dicomdir.", "dicomdir;1"):
        if os.path.lexists(folder / name):
            return folder / name
    return folder / DICOMDIR


def _state(path: Path) -> tuple[int, ...] | None:
    """What tells one content of a file from another, None where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _sync(path: Path) -> None:
    """Bring a file to the disk; an error is one of the save."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _checked_id(value: str) -> str | None:
    if value and (len(value) > 16 or not value.isascii() or not value.replace("_", "A").replace(" ", "A").isalnum()):
        raise UsageError("a File-set ID is up to 16 of A-Z, 0-9, space and underscore (PS3.10 8.1)")
    return value.upper() or None


def _resolve_references(directory: Directory) -> None:
    """Records that name their file by a multi-referenced file record (retired) name it themselves from now on."""
    if not directory.referenced:
        return
    for _, record in walk(directory.root):
        target = directory.referenced.get(record.dataset.get(MRDR) or 0)
        if target is not None and FILE_ID not in record.dataset:
            ds = record.dataset
            for tag in (FILE_ID, 0x00041510, 0x00041511, 0x00041512):
                if tag in target.dataset:
                    ds.add(tag, target.dataset[tag].vr, target.dataset.value_of(tag))
            del ds[MRDR]
