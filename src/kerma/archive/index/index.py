"""The index behind a dozen methods: what the archive asks of its SQL.

Rules: every method is one transaction or one page of reading; nothing here touches a blob; errors are
``OutOfResourcesError``.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerma.archive.config import ArchiveConfig
from kerma.archive.index import areas, labels, migrate, plan, writer
from kerma.archive.index.conditions import condition_of
from kerma.archive.index.database import Database, mapped
from kerma.archive.index.schema import PARENT_KEY, TABLES
from kerma.archive.index.search import Searcher
from kerma.archive.index.writer import Entry, Known, Writer
from kerma.dataset import Dataset
from kerma.query.model import Area, Level, Query, Single

_PAGE = 512
_INSTANCE = (
    "instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax_uid, instance.blob,"
    " instance.dataset_offset, instance.size"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An instance as the retrieve flows need it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    blob: str
    dataset_offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is; ``size`` in bytes of blobs."""

    patients: int
    studies: int
    series: int
    instances: int
    size: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An instance that lies aside: why, who sent it, when (milliseconds since 1970), and its file's key."""

    sop_instance_uid: str
    blob: str
    reason: str
    calling_aet: str
    stored_at: int


class Index:
    """One SQLite index; created or migrated when it is opened."""

    def __init__(self, path: Path, config: ArchiveConfig) -> None:
        try:
            migrate.ensure(path)
        except sqlite3.Error as error:
            raise mapped(error) from error
        self.path = path
        self._writer = Writer(max_text=config.max_text)
        self.database = Database(path, busy_timeout=config.busy_timeout, on_foreign_change=self._writer.forget)
        self._searcher = Searcher(self.database, retrieve_aet=config.retrieve_aet, max_header=2 * config.max_header)

    def close(self) -> None:
        self.database.close()

    # -- instances in --------------------------------------------------------------------------------------------------

    def known(self, sop_instance_uid: str) -> Known | None:
        """What is there under a SOP Instance UID."""
        with self.database.reader() as connection:
            return writer.known(connection, sop_instance_uid)

    def base_of(self, study_uid: str, series_uid: str) -> bytes | None:
        """The header that others of this series are packed against, where it is at hand."""
        return self._writer.base_of(study_uid, series_uid)

    def add(self, entry: Entry, *, when: Callable[[], None] | None = None) -> Known | None:
        """Index an instance; what is there already under its UID, and then nothing is changed.

        It is committed after ``when`` has returned, and not at all where that raises.
        """
        return self.database.submit(lambda connection: self._writer.add(connection, entry), when=when)

    def add_many(self, entries: Sequence[Entry]) -> list[Known | None]:
        """``add`` for many in one transaction."""
        return self.database.submit(lambda connection: [self._writer.add(connection, entry) for entry in entries])

    def adopt(self, entry: Entry) -> Known | None:
        """``add`` for a blob that was found: one that is being deleted is left alone, as if it were there already."""

        def job(connection: sqlite3.Connection) -> Known | None:
            if connection.execute("SELECT 1 FROM purge WHERE blob = ?", (entry.blob,)).fetchone() is not None:
                return Known(0, entry.blob, entry.dataset_offset, entry.size, entry.checksum)
            return self._writer.add(connection, entry)

        return self.database.submit(job)

    def replace(self, entry: Entry) -> str | None:
        """Index an instance in the place of another; the blob that is free then."""
        return self.database.submit(lambda connection: self._writer.replace(connection, entry), durable=True)

    def quarantine(self, sop_instance_uid: str, blob: str, reason: str, calling_aet: str) -> None:
        """Note what lies in quarantine."""
        values = {
            "sop_instance_uid": sop_instance_uid,
            "blob": blob,
            "reason": reason,
            "calling_aet": calling_aet[:64],
            "stored_at": time.time_ns() // 1_000_000,
        }
        self.database.submit(lambda connection: writer.quarantine(connection, values))

    def quarantined(self) -> list[Quarantined]:
        """What lies in quarantine, oldest first."""
        with self.database.reader() as connection:
            rows = connection.execute(
                "SELECT sop_instance_uid, blob, reason, calling_aet, stored_at FROM quarantine ORDER BY id"
            )
            return [Quarantined(*row) for row in rows]

    # -- questions -----------------------------------------------------------------------------------------------------

    def search(self, query: Query) -> Iterator[Dataset]:
        """One data set a match."""
        return self._searcher.search(query)

    def counted(self, query: Query) -> tuple[int | None, Iterator[Dataset]]:
        """How many matches there are, pages aside, None where that takes looking at each; and ``search``."""
        return self._searcher.counted(query)

    def matching(self, query: Query) -> Sequence[int]:
        """The row numbers of the matches at the level of the question."""
        return self._searcher.matching(query)

    def instances(self, query: Query) -> list[Stored]:
        """The instances below the matches, by series and instance number."""
        numbers, level = self._searcher.matching(query), query.level
        if query.within is not None and level < Level.SERIES:
            with self.database.reader() as connection:
                numbers, level = areas.series_below(connection, level, numbers, query.within), Level.SERIES
        tables = "instance"
        for number in range(Level.IMAGE, level, -1):
            child, parent = TABLES[Level(number)].name, TABLES[Level(number - 1)].name
            tables += f" JOIN {parent} ON {parent}.id = {child}.{PARENT_KEY[Level(number)]}"
        sql = (
            f"SELECT {_INSTANCE} FROM {tables}"  # noqa: S608 (names of the schema)
            f" WHERE {TABLES[level].name}.id IN (SELECT value FROM json_each(?))"
            " ORDER BY instance.series_pk, CAST(instance.instance_number AS INTEGER), instance.id"
        )
        out: list[Stored] = []
        for start in range(0, len(numbers), _PAGE):
            with self.database.reader() as connection:
                rows = connection.execute(sql, (json.dumps(list(numbers[start : start + _PAGE])),)).fetchall()
            out.extend(Stored(*row) for row in rows)
        return out

    def totals(self) -> Totals:
        """How much there is."""
        with self.database.reader() as connection:
            counts = [
                int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 (names of the schema)
                for name in ("patient", "study", "series", "instance")
            ]
            size = int(connection.execute("SELECT coalesce(sum(size), 0) FROM instance").fetchone()[0])
            aside = int(connection.execute("SELECT count(*) FROM quarantine").fetchone()[0])
        return Totals(counts[0], counts[1], counts[2], counts[3], size, aside)

    # -- instances out -------------------------------------------------------------------------------------------------

    def delete(self, level: Level, uid: str, within: tuple[Area, ...] | None = None) -> list[str]:
        """Take out everything below a unique key that lies ``within`` the areas, durably; the blobs that are to be
        deleted then.
        """
        named = condition_of(Single(level.unique_key, "LO" if level is Level.PATIENT else "UI", uid))
        assert named is not None  # a unique key has a column
        conditions = [named]
        if within is not None:
            conditions.append(areas.within(within, Level.IMAGE))

        def job(connection: sqlite3.Connection) -> list[str]:
            rows = plan.row_numbers(connection, Level.IMAGE, conditions)
            studies = labels.labelled(connection, rows)
            blobs = self._writer.remove(connection, rows)
            labels.forget(connection, studies)
            return blobs

        return self.database.submit(job, durable=True)

    def remove(self, blobs: Sequence[str]) -> list[str]:
        """Take out the instances that have these blobs, which are gone or wrong."""

        def job(connection: sqlite3.Connection) -> list[str]:
            return self._writer.remove(connection, _rows_of(connection, blobs))

        return self.database.submit(job, durable=True)

    def to_purge(self) -> list[str]:
        """Blobs that left the index and may still have a file."""
        with self.database.reader() as connection:
            return [row[0] for row in connection.execute("SELECT blob FROM purge")]

    def purged(self, blobs: Sequence[str]) -> None:
        """The files of these are gone."""
        self.database.submit(
            lambda connection: connection.executemany("DELETE FROM purge WHERE blob = ?", [(blob,) for blob in blobs])
        )

    # -- labels --------------------------------------------------------------------------------------------------------

    def labels(self, study_uid: str) -> tuple[str, ...]:
        """The labels of a study, in alphabetical order."""
        with self.database.reader() as connection:
            return labels.of(connection, study_uid)

    def set_labels(self, study_uid: str, names: Sequence[str]) -> bool:
        """Give a study exactly these labels; False where it is not there."""
        return self.database.submit(lambda connection: labels.put(connection, study_uid, names), durable=True)

    # -- care ----------------------------------------------------------------------------------------------------------

    def names(self, blob: str) -> bool:
        """True where an instance has this blob."""
        with self.database.reader() as connection:
            return connection.execute("SELECT 1 FROM instance WHERE blob = ?", (blob,)).fetchone() is not None

    def blobs(self) -> Iterator[Stored]:
        """All instances in the order of their blobs, page by page."""
        last = ""
        while True:
            with self.database.reader() as connection:
                rows = connection.execute(
                    f"SELECT {_INSTANCE} FROM instance WHERE blob > ? ORDER BY blob LIMIT ?",  # noqa: S608
                    (last, _PAGE),
                ).fetchall()
            if not rows:
                return
            yield from (Stored(*row) for row in rows)
            last = rows[-1][3]

    def recount(self) -> int:
        """Set every count and set that is wrong; how many series and studies had one."""

        def job(connection: sqlite3.Connection) -> int:
            wrong = [row[0] for row in connection.execute(_WRONG)]
            self._writer.forget()
            writer.recount(connection, wrong)
            connection.execute("DELETE FROM study WHERE id NOT IN (SELECT study_pk FROM series)")
            connection.execute("DELETE FROM patient WHERE id NOT IN (SELECT patient_pk FROM study)")
            return len(wrong)

        return self.database.submit(job)

    def miscounted(self) -> int:
        """How many series have, or are in a study or patient that has, a wrong count."""
        with self.database.reader() as connection:
            return len(connection.execute(_WRONG).fetchall())

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the file."""
        with self.database.reader() as connection:
            rows = connection.execute("PRAGMA quick_check(20)").fetchall()
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def state(self, name: str) -> str:
        with self.database.reader() as connection:
            row = connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    def set_state(self, name: str, value: str) -> None:
        """Note something durably, and with it everything that was committed before."""
        self.database.submit(
            lambda connection: connection.execute(_SET_STATE, (name, value)).rowcount,
            durable=True,
        )

    def settle(self) -> None:
        """Bring the write-ahead log home."""
        self.database.checkpoint()

    def take_over(
        self,
        fresh: Path,
        tables: Sequence[str],
        mark: str,
        exists: Callable[[str], bool],
        late: Callable[[str], Iterator[Entry]],
    ) -> None:
        """Take all rows of ``tables`` from the index file ``fresh`` instead of our own, durably, in one transaction.

        What was deleted since ``fresh`` was filled (no row here, and going or gone by ``exists``) is not taken; what
        came since, which ``late`` gives for the newest bucket of ``fresh`` and later, is added. ``mark`` names the
        state that is set to that bucket.
        """

        def job(connection: sqlite3.Connection) -> None:
            self._writer.forget()
            rows = connection.execute(
                "SELECT blob, blob IN (SELECT blob FROM main.purge) FROM fresh.instance"
                " WHERE blob NOT IN (SELECT blob FROM main.instance)"
            ).fetchall()
            gone = [blob for blob, going in rows if going or not exists(blob)]
            for table in reversed(tables):
                connection.execute(f"DELETE FROM main.{table}")  # noqa: S608 (names of the schema)
            for table in tables:
                connection.execute(f"INSERT INTO main.{table} SELECT * FROM fresh.{table}")  # noqa: S608
            row = connection.execute("SELECT max(blob) FROM main.instance").fetchone()
            newest = str(row[0] or "")[:13]
            self._writer.remove(connection, _rows_of(connection, gone))
            for entry in late(newest):
                known = connection.execute(
                    "SELECT 1 FROM main.instance WHERE blob = ?1 UNION ALL SELECT 1 FROM main.purge WHERE blob = ?1",
                    (entry.blob,),
                )
                if known.fetchone() is None:
                    self._writer.add(connection, entry)
            connection.execute(_SET_STATE, (mark, newest))

        with self.database.attached(fresh, "fresh"):
            self.database.submit(job, durable=True)


def _rows_of(connection: sqlite3.Connection, blobs: Sequence[str]) -> list[int]:
    """The row numbers of the instances that have these blobs."""
    rows = connection.execute(
        "SELECT id FROM main.instance WHERE blob IN (SELECT value FROM json_each(?))", (json.dumps(list(blobs)),)
    )
    return [row[0] for row in rows]


_SET_STATE = "INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_WRONG = """
SELECT series.id FROM series JOIN study ON study.id = series.study_pk JOIN patient ON patient.id = study.patient_pk
WHERE series.instances != (SELECT count(*) FROM instance WHERE instance.series_pk = series.id)
   OR study.series != (SELECT count(*) FROM series AS s WHERE s.study_pk = study.id)
   OR study.instances != (SELECT sum(s.instances) FROM series AS s WHERE s.study_pk = study.id)
   OR patient.studies != (SELECT count(*) FROM study AS t WHERE t.patient_pk = patient.id)
"""
