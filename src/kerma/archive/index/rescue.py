"""What only the index knew, out of an index that is damaged: work, subscriptions, labels and the like.

The images come back from their blobs; these rows have no other place. A page that cannot be read costs the rows on it:
each table is read from both ends, up to the damage.

Rules: nothing of the damaged file is trusted to be whole, nothing of it is changed, and what the new index has already
is left alone.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from kerma.archive.index.database import Database
from kerma.archive.index.schema import metadata

_OWN = frozenset(("state", "purge", "quarantine"))
"""Kept tables that say how far blobs and index are in step: those of another index would lie."""
_BATCH = 500


def rescue(damaged: Path, database: Database) -> int:
    """Bring rows of ``damaged`` into the index; how many."""
    count = 0
    tables = [table for table in metadata.sorted_tables if table.info.get("kept") and table.name not in _OWN]
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(damaged)) as source:
        for table in tables:
            columns = [column.name for column in table.columns]
            rows = _rows(source, table.name, columns)
            sql = (
                f"INSERT OR IGNORE INTO {table.name} ({', '.join(columns)})"  # noqa: S608 (names of the schema)
                f" VALUES ({', '.join('?' * len(columns))})"
            )
            while batch := list(islice(rows, _BATCH)):
                count += _insert(database, sql, batch)
    return count


def _insert(database: Database, sql: str, batch: list[tuple[object, ...]]) -> int:
    def job(connection: sqlite3.Connection) -> int:
        done = 0
        for row in batch:
            with contextlib.suppress(sqlite3.IntegrityError, sqlite3.DataError):  # a row that damage has made
                done += connection.execute(sql, row).rowcount
        return done

    return database.submit(job, durable=True)


def _rows(source: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[object, ...]]:
    """The rows from the front to the damage, and then from the back to it."""
    for order in ("", " ORDER BY rowid DESC"):
        with contextlib.suppress(sqlite3.Error):
            yield from source.execute(f"SELECT {', '.join(columns)} FROM {table}{order}")  # noqa: S608 (as above)
            return
