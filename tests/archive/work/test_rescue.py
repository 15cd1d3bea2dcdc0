"""A damaged index: what only it knew is brought into the new one, as far as it can be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kerma.archive import Archive
from tests.archive.conftest import make_instance
from tests.archive.work.steps import make_scheduled, make_step

STEPS = 400


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with Archive.open(tmp_path / "data") as archive:
        for number in range(1, 4):
            archive.ingest(make_instance(number))
        for number in range(STEPS):
            archive.work.items.create(make_step(CommentsOnTheScheduledProcedureStep="x" * 400), f"1.2.3.{number}")
        archive.work.items.subscribers.subscribe("1.2.3.1", "WATCHER")
        archive.work.scheduled.put(make_scheduled())
    return tmp_path / "data"


def damage(index: Path, table: str, share: float) -> None:
    """Overwrite a leaf page of a table."""
    with closing(sqlite3.connect(index)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    data = bytearray(index.read_bytes())
    page = data[(root - 1) * size : root * size]
    assert page[0] == 5, "an interior page: the table has several"
    cells = int.from_bytes(page[3:5], "big")
    at = int.from_bytes(page[12 + 2 * int(cells * share) :][:2], "big")
    child = int.from_bytes(page[at : at + 4], "big")
    data[(child - 1) * size : child * size] = b"\xff" * size
    index.write_bytes(data)


def test_rows_before_and_behind_the_damage_are_rescued(filled: Path) -> None:
    damage(filled / "index.db", "work_item", 0.5)
    with Archive.open(filled, salvage=True) as archive:
        steps = [str(ds.SOPInstanceUID) for ds in archive.work.items.search(())]
        assert STEPS - 40 < len(steps) < STEPS
        assert {"1.2.3.0", f"1.2.3.{STEPS - 1}"} <= set(steps)
        assert len(list(archive.work.scheduled.search(()))) == 1
        assert len(list(archive.find(level="image"))) == 3
        archive.work.items.change_state("1.2.3.1", "IN PROGRESS", "1.2.9")
        assert len(archive.work.events.after("WATCHER", 0)) == 2


def test_a_damaged_table_of_images_costs_no_work(filled: Path) -> None:
    with closing(sqlite3.connect(filled / "index.db")) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'instance'").fetchone()[0]
    data = bytearray((filled / "index.db").read_bytes())
    data[(root - 1) * size : root * size] = b"\xff" * size
    (filled / "index.db").write_bytes(data)
    with Archive.open(filled, salvage=True) as archive:
        assert len(list(archive.work.items.search(()))) == STEPS
        assert len(list(archive.find(level="image"))) == 3


def test_a_file_that_is_no_index_has_nothing(filled: Path) -> None:
    (filled / "index.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with Archive.open(filled, salvage=True) as archive:
        assert not list(archive.work.items.search(()))
        assert len(list(archive.find(level="image"))) == 3
