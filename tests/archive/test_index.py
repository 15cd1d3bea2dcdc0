"""The index: its schema, its plans, its transactions, its headers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from kerma.archive.config import ArchiveConfig
from kerma.archive.facts import facts_of
from kerma.archive.index import headers, migrate, plan
from kerma.archive.index.conditions import condition_of
from kerma.archive.index.database import Database
from kerma.archive.index.index import Index
from kerma.archive.index.schema import HEAD, metadata
from kerma.archive.index.writer import Entry
from kerma.dataset import Dataset
from kerma.errors import ArchiveError, NotFoundError, OutOfResourcesError
from kerma.query import Level, Query, from_keys
from kerma.query.model import Fuzzy

EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def index(folder: Path) -> Iterator[Index]:
    index = Index(folder / "index.db", ArchiveConfig())
    yield index
    index.close()


def entry(study: int, number: int = 1) -> Entry:
    ds = Dataset()
    ds.SOPClassUID = "1.9"
    ds.SOPInstanceUID = f"1.2.{study}.1.{number}"
    ds.StudyDate = f"2026{study % 12 + 1:02d}{study % 28 + 1:02d}"
    ds.Modality = "CT" if study % 2 else "MR"
    ds.AccessionNumber = f"A{study}"
    ds.PatientName = f"NAME{study}^FIRST"
    ds.PatientID = f"P{study}"
    ds.StudyInstanceUID = f"1.2.{study}"
    ds.SeriesInstanceUID = f"1.2.{study}.1"
    ds.InstanceNumber = number
    raw = ds.to_bytes(EXPLICIT)
    facts = facts_of(Dataset.from_bytes(raw, EXPLICIT), max_text=100)
    return Entry(facts, raw, EXPLICIT, f"blob.{study}.{number}", 100, 1000, "0" * 32, 0)


def test_the_migrations_make_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    migrate.ensure(path)
    migrate.ensure(path)
    assert migrate.version(path) == HEAD
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_names_of_an_older_index_are_found_by_their_sound(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with closing(Index(path, ArchiveConfig())) as index:
        index.add_many([entry(number) for number in range(3)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table, column in (("patient", "patient_name_f"), ("study", "referring_physician_name_f")):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    with closing(Index(path, ArchiveConfig())) as index:
        query = Query(Level.STUDY, predicates=(Fuzzy(0x00100010, "PN", "frist"),), relational=True)
        assert index.matching(query)
        assert len(index.matching(query)) == 3


def test_an_index_that_cannot_be_made_is_an_error_of_sqlite(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        migrate.upgrade(tmp_path / "missing" / "index.db", None)


def test_an_index_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    migrate.ensure(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ArchiveError, match="9999"):
        Index(path, ArchiveConfig())


@pytest.mark.parametrize(
    ("level", "keys", "start"),
    [
        ("study", {"StudyInstanceUID": "1.2.5"}, "study_study_instance_uid"),
        ("study", {"StudyInstanceUID": ["1.2.5", "1.2.6"]}, "study_study_instance_uid"),
        ("study", {"PatientID": "P5"}, "patient_patient_id"),
        ("study", {"PatientID": "P5*"}, "patient_patient_id"),
        ("study", {"PatientName": "name5*"}, "patient_patient_name_a"),
        ("study", {"PatientName": "NAME5^FIRST"}, "patient_patient_name_a"),
        ("study", {"StudyDate": "20260101-20260102"}, "study_study_date"),
        ("study", {"StudyDate": "20260102", "ModalitiesInStudy": "CT", "PatientName": "N*"}, "study_study_date"),
        ("study", {"AccessionNumber": "A5", "StudyDate": "20260101-"}, "study_accession_number"),
        ("study", {"ModalitiesInStudy": "XX", "StudyDate": "20260101-"}, "study_value"),
        ("study", {"PatientID": "P5", "ModalitiesInStudy": "CT"}, "patient_patient_id"),
        ("patient", {"PatientID": "P5"}, "patient_patient_id"),
        ("series", {"StudyInstanceUID": "1.2.5", "Modality": "CT"}, "study_study_instance_uid"),
        ("series", {"SeriesInstanceUID": "1.2.5.1"}, "series_series_instance_uid"),
        ("image", {"SOPInstanceUID": "1.2.5.1.1"}, "instance_sop_instance_uid"),
        ("image", {"SeriesInstanceUID": "1.2.5.1", "StudyInstanceUID": "1.2.5"}, "series_series_instance_uid"),
        ("image", {"StudyDate": "20260105", "Modality": "CT"}, "study_study_date"),
    ],
)
def test_a_plan_starts_from_an_index_and_scans_no_table(
    index: Index, level: str, keys: dict[str, Any], start: str
) -> None:
    index.add_many([entry(study) for study in range(300)])
    query = from_keys(level, keys)
    conditions = [item for item in map(condition_of, query.predicates) if item is not None]
    assert len(conditions) == len(keys)
    with index.database.reader() as connection:
        text, params = plan.statement(query.level, conditions, plan.driver(connection, conditions))
        steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", params)]
    # the virtual table is the list of values of the question itself
    scans = [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert not scans, steps
    assert any(start in step for step in steps), steps


def test_the_smaller_of_two_starts_is_taken(index: Index) -> None:
    index.add_many([entry(study) for study in range(300)])
    query = from_keys("study", {"PatientName": "NAME*", "StudyDate": "20260101-20260103"})
    conditions = [item for item in map(condition_of, query.predicates) if item is not None]
    with index.database.reader() as connection:
        start = plan.driver(connection, conditions)
    assert start is not None
    assert start.shape[0] == 0x00080020


def test_search_is_lazy(index: Index) -> None:
    index.add_many([entry(study) for study in range(300)])
    answers = index.search(from_keys("study", {}))
    assert next(answers).PatientID == "P0"
    index.delete(from_keys("study", {}).level, "1.2.299")
    assert len(list(answers)) == 298  # what is deleted meanwhile is left out


def test_known_and_names(index: Index) -> None:
    assert index.add(entry(1)) is None
    there = index.add(entry(1))
    assert there is not None
    assert there.blob == "blob.1.1"
    assert index.names("blob.1.1")
    assert not index.names("blob.2.1")
    assert [item.blob for item in index.blobs()] == ["blob.1.1"]


def test_headers_are_small_beside_their_neighbour() -> None:
    base = b"".join(bytes([number % 251, number // 251]) for number in range(4000))
    other = base[:3000] + b"different" + base[3009:]
    packed = headers.pack(other, base)
    assert len(packed) < 300
    assert headers.unpack(packed, base, 1 << 20) == other
    assert headers.unpack_base(headers.pack_base(base)) == base
    for bad in (b"", packed[:-3], b"\xff" * 40):
        with pytest.raises(ArchiveError):
            headers.unpack(bad, base, 1 << 20)
    with pytest.raises(ArchiveError):
        headers.unpack(packed, base, 100)
    with pytest.raises(ArchiveError):
        headers.unpack_base(b"x")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "plain.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x INTEGER UNIQUE)")
    database = Database(path)
    yield database
    database.close()


def count(database: Database) -> int:
    with database.reader() as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def insert(connection: sqlite3.Connection, value: int) -> int:
    connection.execute("INSERT INTO t VALUES (?)", (value,))
    return value


def test_a_failing_change_leaves_nothing(database: Database) -> None:
    def job(connection: sqlite3.Connection) -> None:
        insert(connection, 1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        database.submit(job)
    assert count(database) == 0


def test_one_bad_change_does_not_spoil_its_neighbours(database: Database) -> None:
    """Eight wait behind a slow one and go in one transaction; the one that breaks a rule fails alone."""
    entered, go = threading.Event(), threading.Event()
    outcomes: dict[int, object] = {}

    def slow(connection: sqlite3.Connection) -> int:
        entered.set()
        go.wait(30)
        return insert(connection, 0)

    def run(number: int) -> None:
        try:
            outcomes[number] = database.submit(lambda connection: insert(connection, number % 7))
        except OutOfResourcesError as error:
            outcomes[number] = error

    first = threading.Thread(target=lambda: database.submit(slow))
    first.start()
    assert entered.wait(30)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in [first, *threads]:
        thread.join(30)
    # 1 and 8 are the same row, 7 is the slow one's
    failed = {number for number, outcome in outcomes.items() if isinstance(outcome, OutOfResourcesError)}
    assert 7 in failed
    assert len(failed & {1, 8}) == 1
    assert len(failed) == 2
    assert count(database) == 7


def test_our_own_error_is_the_callers_alone(database: Database) -> None:
    def refuse(_: sqlite3.Connection) -> None:
        raise NotFoundError("no")

    with pytest.raises(NotFoundError):
        database.submit(refuse)
    assert database.submit(lambda connection: insert(connection, 5), durable=True) == 5


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    with pytest.raises(OutOfResourcesError, match="closed"):
        database.submit(lambda connection: insert(connection, 5))
    with pytest.raises(OutOfResourcesError, match="closed"), database.reader():
        pass


def test_the_writer_notices_other_writers(tmp_path: Path) -> None:
    path = tmp_path / "plain.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x INTEGER UNIQUE)")
    noticed: list[int] = []
    database = Database(path, on_foreign_change=lambda: noticed.append(1))
    database.submit(lambda connection: insert(connection, 1))
    assert not noticed
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    database.submit(lambda connection: insert(connection, 3))
    assert noticed
    database.close()
