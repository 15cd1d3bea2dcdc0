"""``access.db``: one SQLite file with what is known of users, sessions, keys and links.

Rules:

- It is made with mode 0600 and never holds a secret, only hashes of secrets.
- Several processes share it (WAL). ``stamp`` changes whenever anybody changed anything: what is cached is good as long
  as it stays the same.
- Times are whole seconds since 1970. Every error of SQLite is an ``OutOfResourcesError``.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerma.archive.wal import use_wal
from kerma.errors import ArchiveError, OutOfResourcesError

_SCHEMA = (
    """
    CREATE TABLE user (
        name TEXT PRIMARY KEY, password TEXT NOT NULL, grants TEXT NOT NULL, made_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE session (
        digest BLOB PRIMARY KEY, user TEXT NOT NULL, made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX session_user ON session (user);
    CREATE TABLE failure (
        name TEXT PRIMARY KEY, count INTEGER NOT NULL, last_at INTEGER NOT NULL, blocked_until INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE api_key (
        id TEXT PRIMARY KEY, digest BLOB NOT NULL, note TEXT NOT NULL, grants TEXT NOT NULL, networks TEXT NOT NULL,
        made_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE link (
        id TEXT PRIMARY KEY, grants TEXT NOT NULL, note TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, revoked_at INTEGER
    ) WITHOUT ROWID;
    """,
)
"""One script a version; the file's ``user_version`` says how many of them it has."""


class Store:
    """Connections to one ``access.db``, made where there is none."""

    def __init__(self, path: Path, *, busy_timeout: float = 5.0) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._watching = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection, self._watch = (
                sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
                for _ in range(2)
            )
        except (OSError, sqlite3.Error) as error:
            raise OutOfResourcesError(
                f"the list of users and keys cannot be opened: {error}", where=str(path), hint="check its permissions"
            ) from error
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._guarded() as connection:
            use_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                found = int(connection.execute("PRAGMA user_version").fetchone()[0])
                if found > len(_SCHEMA):
                    raise ArchiveError(
                        "the list of users and keys was made by a newer version", where=str(self.path), hint="use that"
                    )
                for script in _SCHEMA[found:]:
                    for statement in script.split(";"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(_SCHEMA)}")
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise OutOfResourcesError(
                    f"the list of users and keys cannot be used: {error}",
                    where=str(self.path),
                    hint="check free space and permissions",
                ) from error

    def rows(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """What a question gives."""
        with self._guarded() as connection:
            return connection.execute(statement, params).fetchall()

    def row(self, statement: str, *params: Any) -> tuple[Any, ...] | None:
        """The first row of it."""
        found = self.rows(statement, *params)
        return found[0] if found else None

    def change(self, *statements: tuple[str, tuple[Any, ...]]) -> int:
        """Statements in one transaction, durable when this returns; how many rows the last one changed."""
        with self._guarded() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                count = 0
                for statement, params in statements:
                    count = connection.execute(statement, params).rowcount
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            return count

    def stamp(self) -> int:
        """Another value after every change, whoever made it. Takes microseconds and waits for nobody's change."""
        with self._watching:
            try:
                return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise OutOfResourcesError(
                    f"the list of users and keys cannot be used: {error}", where=str(self.path)
                ) from error

    def close(self) -> None:
        with self._lock, self._watching:
            self._connection.close()
            self._watch.close()
