"""A scan told by series, study or patient: a row for each, counted.

Rules:

- One record is held for each row, none for a file: memory grows with the number of series.
- Text is that of all files, each once, in the order of their coming, up to ``_MOST``; a number is given where all files
  agree. What belongs to the level is the same in all its files, as a rule; where it is not, this shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kerma.app.scan_columns import ScanColumn
from kerma.app.scan_tables import Row, Table, folder_of, row_type

if TYPE_CHECKING:
    from kerma.app.scanning import Counts, Scan

_MOST = 16

LEVELS = {"series": "SeriesInstanceUID", "study": "StudyInstanceUID", "patient": "PatientID"}
"""The attribute that the files of one row share."""

GROUP_KEYS = {
    "series": (
        "PatientID",
        "PatientName",
        "StudyDate",
        "StudyDescription",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "StudyInstanceUID",
        "SeriesInstanceUID",
    ),
    "study": (
        "PatientID",
        "PatientName",
        "StudyDate",
        "StudyDescription",
        "AccessionNumber",
        "Modality",
        "StudyInstanceUID",
    ),
    "patient": ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "Modality"),
}
"""What is asked for at each level when nothing is said."""

COUNTED = (
    ScanColumn("files", "integer", many=False),
    ScanColumn("bytes", "integer", many=False),
    ScanColumn("folder", "text", many=False),
)


class Groups(Table):
    """The rows of a scan told by ``level``; ``files`` are counted, ``bytes`` summed, ``folder`` is the first file's."""

    def __init__(self, scan: Scan, level: str, columns: Sequence[ScanColumn]) -> None:
        self._scan = scan
        self._level = level
        self._asked = tuple(columns)
        self.columns = (*self._asked, *COUNTED)

    @property
    def counts(self) -> Counts:
        """What became of the files."""
        return self._scan.counts

    @property
    def scan(self) -> Scan:
        """The scan of the files that these rows are told from."""
        return self._scan

    def __iter__(self) -> Iterator[Row]:
        """All rows, when the last file was read, in the order of their first files."""
        names = [column.name for column in self._scan.columns]
        path, key, size = names.index("path"), names.index(LEVELS[self._level]), names.index("size")
        places = [names.index(column.name) for column in self._asked]
        groups: dict[Any, _Group] = {}
        for row in self._scan:
            group = groups.get(row[key])
            if group is None:
                group = groups[row[key]] = _Group(folder_of(row[path]), len(places))
            group.files += 1
            group.bytes += row[size] or 0
            for seen, place in zip(group.seen, places, strict=True):
                if len(seen) < _MOST:
                    seen[row[place]] = None
        kind = row_type(self.columns)
        for group in groups.values():
            cells = [_told(column, seen) for column, seen in zip(self._asked, group.seen, strict=True)]
            yield kind((*cells, group.files, group.bytes, group.folder))


class _Group:
    """What is known of one row so far."""

    __slots__ = ("bytes", "files", "folder", "seen")

    def __init__(self, folder: str, columns: int) -> None:
        self.files = 0
        self.bytes = 0
        self.folder = folder
        self.seen: list[dict[Any, None]] = [{} for _ in range(columns)]


def _told(column: ScanColumn, seen: dict[Any, None]) -> Any:
    found = [value for value in seen if value is not None]
    if len(found) < 2:
        return found[0] if found else None
    if column.many or column.kind != "text":
        return None
    return "\\".join(found)
