"""Changes of the index: instances added, replaced, deleted, set aside. Each function is one job inside the writer's
transaction.

Rules:

- The first instance of a patient, study or series decides their attributes; later ones that differ change nothing
  (their own header keeps what they say). A replaced or deleted instance changes no attributes either.
- Counts and sets are right at every commit.
- What is kept of a series' metadata goes in the transaction that changes the series.
- A blob that leaves the index goes to ``purge`` in the same transaction, and from there when its file is gone: a
  deleted instance cannot come back by a crash.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects import sqlite

from kerma.archive.facts import Facts, Rows, rows_of
from kerma.archive.index import headers, schema

_MAX_SERIES = 2048
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One instance to be indexed. ``header`` is its data set up to the pixels; ``checksum`` that of the data set."""

    facts: Facts
    header: bytes
    transfer_syntax_uid: str
    blob: str
    dataset_offset: int
    size: int
    checksum: str
    stored_at: int
    rows: Rows | None = None
    packed: bytes | None = None
    base: bytes | None = None
    rest: str | None = None
    """What follows the header, see ``schema``."""


@dataclass(frozen=True, slots=True)
class Known:
    """An instance as the index has it."""

    id: int
    blob: str
    dataset_offset: int
    size: int
    checksum: str


@dataclass(slots=True)
class SeriesRef:
    """A series as the writer remembers it."""

    id: int
    study_id: int
    base: bytes
    sop_classes: set[str]


def _insert(table: Table) -> tuple[str, tuple[str, ...]]:
    names = tuple(column.name for column in table.columns if column.name != "id" and column.server_default is None)
    statement = table.insert().values({name: bindparam(name) for name in names})
    made = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=list(names))
    return str(made), tuple(made.positiontup or ())


_PATIENT, _PATIENT_COLUMNS = _insert(schema.patient)
_STUDY, _STUDY_COLUMNS = _insert(schema.study)
_SERIES, _SERIES_COLUMNS = _insert(schema.series)
_INSTANCE, _INSTANCE_COLUMNS = _insert(schema.instance)
_DROP_METADATA = "DELETE FROM series_metadata WHERE series_pk = ?"
_KNOWN = "SELECT id, blob, dataset_offset, size, checksum FROM instance WHERE sop_instance_uid = ?"
_FIND_SERIES = (
    "SELECT series.id, series.study_pk, series.header_base FROM series JOIN study ON study.id = series.study_pk"
    " WHERE study.study_instance_uid = ? AND series.series_instance_uid = ?"
)


def known(connection: sqlite3.Connection, sop_instance_uid: str) -> Known | None:
    """What the index has under a SOP Instance UID."""
    row = connection.execute(_KNOWN, (sop_instance_uid,)).fetchone()
    return None if row is None else Known(*row)


class Writer:
    """The jobs, and what they remember of series between transactions."""

    def __init__(self, *, max_text: int) -> None:
        self._max_text = max_text
        self._series: OrderedDict[tuple[str, str], SeriesRef] = OrderedDict()

    def forget(self) -> None:
        """Drop what is remembered: the tables changed by other hands, or a transaction was rolled back."""
        self._series.clear()

    def base_of(self, study_uid: str, series_uid: str) -> bytes | None:
        """The header that others of the series are packed against, if it is remembered."""
        ref = self._series.get((study_uid, series_uid))
        return None if ref is None else ref.base

    def add(self, connection: sqlite3.Connection, entry: Entry) -> Known | None:
        """Index one instance; returns what is there already under its UID, and then changes nothing."""
        there = known(connection, entry.facts.sop_instance_uid)
        if there is None:
            self._add(connection, entry)
        return there

    def replace(self, connection: sqlite3.Connection, entry: Entry) -> str | None:
        """Index one instance in the place of what is there under its UID; the key of the blob that is free now."""
        there = known(connection, entry.facts.sop_instance_uid)
        if there is not None:
            self.remove(connection, [there.id])
        self._add(connection, entry)
        return None if there is None else there.blob

    def _add(self, connection: sqlite3.Connection, entry: Entry) -> None:
        facts = entry.facts
        ref = self._ref(connection, entry)
        packed = (
            entry.packed
            if entry.packed is not None and entry.base is ref.base
            else headers.pack(entry.header, ref.base)
        )
        values = {
            "series_pk": ref.id,
            "sop_instance_uid": facts.sop_instance_uid,
            "instance_number": facts.instance_number,
            "sop_class_uid": facts.sop_class_uid,
            "transfer_syntax_uid": entry.transfer_syntax_uid,
            "blob": entry.blob,
            "dataset_offset": entry.dataset_offset,
            "size": entry.size,
            "checksum": entry.checksum,
            "stored_at": entry.stored_at,
            "header": packed,
            "rest": entry.rest,
        }
        connection.execute(_INSTANCE, [values[name] for name in _INSTANCE_COLUMNS])
        connection.execute("UPDATE series SET instances = instances + 1 WHERE id = ?", (ref.id,))
        connection.execute(_DROP_METADATA, (ref.id,))
        connection.execute("UPDATE study SET instances = instances + 1 WHERE id = ?", (ref.study_id,))
        if facts.sop_class_uid not in ref.sop_classes:
            _note(connection, "C", facts.sop_class_uid, ref.study_id)
            ref.sop_classes.add(facts.sop_class_uid)

    def _ref(self, connection: sqlite3.Connection, entry: Entry) -> SeriesRef:
        facts = entry.facts
        name = (facts.study_uid, facts.series_uid)
        ref = self._series.get(name)
        if ref is not None:
            return ref
        row = connection.execute(_FIND_SERIES, name).fetchone()
        if row is not None:
            ref = SeriesRef(row[0], row[1], headers.unpack_base(row[2]), set())
        else:
            ref = self._new_series(connection, entry)
        self._series[name] = ref
        if len(self._series) > _MAX_SERIES:
            self._series.popitem(last=False)
        return ref

    def _new_series(self, connection: sqlite3.Connection, entry: Entry) -> SeriesRef:
        rows = entry.rows or rows_of(entry.facts, max_text=self._max_text)
        row = connection.execute(
            "SELECT id FROM study WHERE study_instance_uid = ?", (entry.facts.study_uid,)
        ).fetchone()
        study_id = int(row[0]) if row is not None else self._new_study(connection, rows)
        values = {**rows.series, "study_pk": study_id, "header_base": headers.pack_base(entry.header)}
        cursor = connection.execute(_SERIES, [values[name] for name in _SERIES_COLUMNS])
        connection.execute("UPDATE study SET series = series + 1 WHERE id = ?", (study_id,))
        if rows.modality:
            _note(connection, "M", rows.modality, study_id)
        return SeriesRef(int(cursor.lastrowid or 0), study_id, entry.header, set())

    def _new_study(self, connection: sqlite3.Connection, rows: Rows) -> int:
        row = connection.execute("SELECT id FROM patient WHERE identity = ?", (rows.patient["identity"],)).fetchone()
        if row is None:
            cursor = connection.execute(_PATIENT, [rows.patient[name] for name in _PATIENT_COLUMNS])
            patient_id = int(cursor.lastrowid or 0)
        else:
            patient_id = int(row[0])
        values = {**rows.study, "patient_pk": patient_id}
        cursor = connection.execute(_STUDY, [values[name] for name in _STUDY_COLUMNS])
        connection.execute("UPDATE patient SET studies = studies + 1 WHERE id = ?", (patient_id,))
        return int(cursor.lastrowid or 0)

    def remove(self, connection: sqlite3.Connection, ids: Sequence[int]) -> list[str]:
        """Take instances out, and what is empty then; their blobs go to ``purge`` and are returned."""
        self.forget()
        blobs: list[str] = []
        touched: set[int] = set()
        for part in _parts(ids):
            marks = ",".join("?" * len(part))
            for blob, series_id in connection.execute(
                f"SELECT blob, series_pk FROM instance WHERE id IN ({marks})",  # noqa: S608 (marks only)
                part,
            ):
                blobs.append(blob)
                touched.add(series_id)
            connection.execute(f"DELETE FROM instance WHERE id IN ({marks})", part)  # noqa: S608
        connection.executemany("INSERT OR IGNORE INTO purge (blob) VALUES (?)", [(blob,) for blob in blobs])
        recount(connection, touched)
        return blobs


def _parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _note(connection: sqlite3.Connection, kind: str, value: str, study_id: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO study_value (kind, value, study_pk) VALUES (?, ?, ?)", (kind, value, study_id)
    )


def recount(connection: sqlite3.Connection, series_ids: Iterable[int]) -> None:
    """Set the counts and sets of these series and of what they are in; remove what is empty."""
    studies: set[int] = set()
    for series_id in series_ids:
        connection.execute(_DROP_METADATA, (series_id,))
        row = connection.execute("SELECT study_pk FROM series WHERE id = ?", (series_id,)).fetchone()
        if row is None:
            continue
        studies.add(row[0])
        count = connection.execute("SELECT count(*) FROM instance WHERE series_pk = ?", (series_id,)).fetchone()[0]
        if count:
            connection.execute("UPDATE series SET instances = ? WHERE id = ?", (count, series_id))
        else:
            connection.execute("DELETE FROM series WHERE id = ?", (series_id,))
    for study_id in studies:
        _recount_study(connection, study_id)


def _recount_study(connection: sqlite3.Connection, study_id: int) -> None:
    count, instances = connection.execute(
        "SELECT count(*), coalesce(sum(instances), 0) FROM series WHERE study_pk = ?", (study_id,)
    ).fetchone()
    connection.execute("DELETE FROM study_value WHERE study_pk = ?", (study_id,))
    patient_id = connection.execute("SELECT patient_pk FROM study WHERE id = ?", (study_id,)).fetchone()[0]
    if count:
        connection.execute("UPDATE study SET series = ?, instances = ? WHERE id = ?", (count, instances, study_id))
        connection.execute(
            "INSERT OR IGNORE INTO study_value (kind, value, study_pk)"
            " SELECT 'M', modality, study_pk FROM series WHERE study_pk = ? AND modality IS NOT NULL",
            (study_id,),
        )
        connection.execute(
            "INSERT OR IGNORE INTO study_value (kind, value, study_pk) SELECT DISTINCT 'C', instance.sop_class_uid,"
            " series.study_pk FROM series JOIN instance ON instance.series_pk = series.id WHERE series.study_pk = ?",
            (study_id,),
        )
    else:
        connection.execute("DELETE FROM study WHERE id = ?", (study_id,))
    studies = connection.execute("SELECT count(*) FROM study WHERE patient_pk = ?", (patient_id,)).fetchone()[0]
    if studies:
        connection.execute("UPDATE patient SET studies = ? WHERE id = ?", (studies, patient_id))
    else:
        connection.execute("DELETE FROM patient WHERE id = ?", (patient_id,))


def quarantine(connection: sqlite3.Connection, values: dict[str, Any]) -> None:
    """Note a blob that lies in ``quarantine/``."""
    connection.execute(
        "INSERT OR REPLACE INTO quarantine (sop_instance_uid, blob, reason, calling_aet, stored_at)"
        " VALUES (:sop_instance_uid, :blob, :reason, :calling_aet, :stored_at)",
        values,
    )
