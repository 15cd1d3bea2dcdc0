"""What a file-set has, by its identifiers, and names for what comes to it (PS3.10 8.2, PS3.3 F.5.1 to F.5.3).

Patients are told apart by Patient ID, those without one by name; studies, series and instances by their UIDs. PS3.3 F.5
wants each of these to be unique in a file-set.
"""

from __future__ import annotations

from collections.abc import Iterable

from kerma.dataset import Dataset
from kerma.formats.media.directory import Record, walk
from kerma.formats.media.ids import FileID, Medium, faults, numbered

ABOVE = ("PATIENT", "STUDY", "SERIES")


def key_of(kind: str, ds: Dataset) -> str:
    """What tells a patient, study or series from others."""
    if kind == "STUDY":
        return str(ds.get("StudyInstanceUID") or "")
    if kind == "SERIES":
        return str(ds.get("SeriesInstanceUID") or "")
    return str(ds.get("PatientID") or f"\0{ds.get('PatientName') or ''}")


class Index:
    """The records of a file-set by their identifiers."""

    def __init__(self, root: Iterable[Record]) -> None:
        self.instances: dict[str, Record] = {}
        self.files: dict[FileID, Record] = {}
        self.above: dict[tuple[str, str], Record] = {}
        self._folders: dict[int, FileID] = {}
        self._counts: dict[tuple[FileID, str], int] = {}
        for _, record in walk(root):
            self.enter(record)

    def enter(self, record: Record) -> None:
        """Know a record from now on."""
        if record.type in ABOVE:
            self.above.setdefault((record.type, key_of(record.type, record.dataset)), record)
            return
        if record.sop_instance_uid:
            self.instances.setdefault(record.sop_instance_uid, record)
        file_id = record.file_id
        if file_id is not None:
            self.files.setdefault(tuple(part.upper() for part in file_id), record)

    def matching(self, what: str) -> list[Record]:
        """The records of that UID or patient ID."""
        found = [self.instances.get(what), *(self.above.get((kind, what)) for kind in ABOVE)]
        return [record for record in found if record is not None]

    # -- names ---------------------------------------------------------------------------------------------------------

    def new_id(self, above: list[Record], leaf: Record, medium: Medium) -> FileID:
        """A free File ID for ``leaf``, in a folder of its patient, study and series."""
        folder: FileID = ()
        for record in above:
            known = self._folder_of(record)
            if known is None or known[: len(folder)] != folder:
                known = self._fresh(folder, _prefix(record), medium)
            self._folders[id(record)] = folder = known
        return self._fresh(folder, _prefix(leaf), medium)

    def _folder_of(self, record: Record) -> FileID | None:
        """Where the files of a record lie: as it was named here, else as those lie that it has."""
        known = self._folders.get(id(record))
        if known is not None:
            return known
        steps = 1
        while record.type in ABOVE and record.children:
            record = record.children[0]
            steps += record.type in ABOVE
        file_id = record.file_id if record.type not in ABOVE else None
        if file_id is None or faults(file_id) or len(file_id) <= steps or len(file_id) > 7:
            return None
        return file_id[:-steps]

    def _fresh(self, folder: FileID, prefix: str, medium: Medium) -> FileID:
        number = self._counts.get((folder, prefix), 0)
        while True:
            file_id = (*folder, numbered(prefix, number))
            number += 1
            if file_id not in self.files and medium.path(file_id) is None:
                self._counts[folder, prefix] = number
                return file_id


def _prefix(record: Record) -> str:
    row = record.row
    return row.prefix if row is not None and row.prefix else "XX"
