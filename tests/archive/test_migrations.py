"""An index of an older Kerma is brought to the newest schema: with its rows, wholly or not at all, once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from kerma.archive import Archive
from kerma.archive.index import migrate
from kerma.archive.index.schema import HEAD
from tests.archive.conftest import make_instance

FIRST = "0001"


def make_first(path: Path) -> None:
    """An index as the first schema had it."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST)
    engine.dispose()


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def tables_of(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An archive whose index is of the first schema, with three instances of one patient in it."""
    root = tmp_path / "data"
    with Archive.open(root) as archive:
        for number in range(1, 4):
            archive.ingest(make_instance(number))
    index = root / "index.db"
    first = root / "first.db"
    make_first(first)
    with closing(sqlite3.connect(first, isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS newer", (str(index),))
        for table in tables_of(first) - {"alembic_version"}:
            names = ", ".join(columns_of(connection, table))
            connection.execute(f"INSERT OR REPLACE INTO main.{table} ({names}) SELECT {names} FROM newer.{table}")
    for suffix in ("-wal", "-shm"):
        (root / f"index.db{suffix}").unlink(missing_ok=True)
    first.replace(index)
    return root


def test_an_archive_of_the_first_schema_opens_with_all_that_it_holds(old: Path) -> None:
    assert migrate.version(old / "index.db") == FIRST
    with Archive.open(old) as archive:
        assert len(list(archive.find(level="image"))) == 3
        (study,) = archive.find(level="study")
        archive.set_labels(str(study.StudyInstanceUID), ["trial"])
        assert archive.check().clean
        assert archive.reindex() == 3
        assert archive.labels(str(study.StudyInstanceUID)) == ("trial",)
    assert migrate.version(old / "index.db") == HEAD


def test_the_sounds_of_names_that_are_there_are_filled_in(old: Path) -> None:
    with closing(sqlite3.connect(old / "index.db")) as connection:
        assert "patient_name_f" not in columns_of(connection, "patient")
    migrate.ensure(old / "index.db")
    with closing(sqlite3.connect(old / "index.db")) as connection:
        names = connection.execute("SELECT patient_name, patient_name_f FROM patient").fetchall()
    assert names
    assert all(sound for name, sound in names if name)


def test_a_migration_that_breaks_off_leaves_the_index_as_it_was(old: Path) -> None:
    index = old / "index.db"
    before = tables_of(index)
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("CREATE TABLE series_metadata (x)")  # the third migration stumbles over it
    with pytest.raises(sqlite3.OperationalError, match="series_metadata"):
        migrate.ensure(index)
    assert migrate.version(index) == FIRST
    assert tables_of(index) == before | {"series_metadata"}
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("DROP TABLE series_metadata")
    migrate.ensure(index)
    assert migrate.version(index) == HEAD


def test_of_processes_that_start_at_once_one_migrates(old: Path) -> None:
    code = (
        "import sys, pathlib, alembic.command, alembic.script, sqlalchemy\n"
        "from kerma.archive.index import migrate\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "migrate.ensure(pathlib.Path(sys.argv[1]))"
    )
    command_line = [sys.executable, "-c", code, str(old / "index.db")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen(command_line, **pipes, text=True) for _ in range(3)]  # type: ignore[call-overload]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    assert migrate.version(old / "index.db") == HEAD
