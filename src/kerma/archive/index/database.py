"""SQLite as the index needs it: connections, one writer with group commit, foreign errors mapped at this seam.

Rules:

- One writing connection under a lock. Who gets the lock runs every change that waits in one transaction (group
  commit), so that ten concurrent stores cost one commit.
- Readers come from a pool and are never shared between threads at one time; each reads one page and goes back.
- ``synchronous=NORMAL``: a commit cannot be torn, a power cut may lose the last ones (blobs bring them back). A
  change that says ``durable`` is synced before ``submit`` returns, with all before it.
- Another process may write at any time: what is cached is dropped when ``PRAGMA data_version`` moves.
- Every ``sqlite3.Error`` becomes ``OutOfResourcesError``; a failed transaction leaves nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from kerma.errors import KermaError, OutOfResourcesError

T = TypeVar("T")


def mapped(error: sqlite3.Error) -> OutOfResourcesError:
    """A database error as ours."""
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return OutOfResourcesError(f"the index is damaged: {text}", hint="run kerma reindex; the instances are safe")
    hint = (
        "another process holds the index" if "locked" in text or "busy" in text else "check free space and permissions"
    )
    return OutOfResourcesError(f"the index cannot be used: {text}", hint=hint)


class _Change(Generic[T]):
    """One piece of work for the writer."""

    __slots__ = ("done", "durable", "error", "job", "result", "when")

    def __init__(
        self, job: Callable[[sqlite3.Connection], T], durable: bool, when: Callable[[], None] | None = None
    ) -> None:
        self.job = job
        self.durable = durable
        self.when = when
        self.done = False
        self.error: Exception | None = None
        self.result: T


class Database:
    """Connections to one SQLite file that has the schema already."""

    def __init__(
        self, path: Path, *, busy_timeout: float = 5.0, on_foreign_change: Callable[[], None] | None = None
    ) -> None:
        self.path = path
        self._busy = busy_timeout
        self._changed = on_foreign_change
        self._waiting: deque[_Change[object]] = deque()
        self._lock = threading.Lock()
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        self._writer = self._connect()
        self._version = self._data_version()

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=self._busy, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-65536")
            connection.execute("PRAGMA wal_autocheckpoint=4000")
            connection.execute("PRAGMA temp_store=MEMORY")
        except sqlite3.Error as error:
            raise mapped(error) from error
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise OutOfResourcesError("the archive is closed")

    @contextlib.contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, the caller's until the block ends."""
        self._check_open()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except sqlite3.Error as error:
            raise mapped(error) from error
        finally:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def submit(
        self,
        job: Callable[[sqlite3.Connection], T],
        *,
        durable: bool = False,
        when: Callable[[], None] | None = None,
    ) -> T:
        """Run ``job`` in a transaction, together with whatever waits; returns after the commit.

        The commit comes after ``when`` has returned; where that raises, nothing of the job is kept.

        A ``KermaError`` of the job must leave the connection as it found it; any other error rolls the transaction
        back.
        """
        self._check_open()
        change = _Change(job, durable, when)
        self._waiting.append(change)  # type: ignore[arg-type]
        with self._lock:
            if not change.done:
                self._check_open()
                self._drain()
        if change.error is not None:
            raise change.error
        return change.result

    def _drain(self) -> None:
        batch: list[_Change[object]] = []
        while self._waiting:
            batch.append(self._waiting.popleft())
        if self._transact(batch) or len(batch) == 1:
            return
        for change in batch:  # one of them spoils it: each for itself
            change.error = None
            self._transact([change])

    def _transact(self, batch: list[_Change[object]]) -> bool:
        """Run and commit; False where a job spoiled the transaction of several."""
        connection = self._writer
        durable = any(change.durable for change in batch)
        spoiled = False
        try:
            if durable:
                connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            self._notice()
            for change in batch:
                spoiled = True
                self._run(change, connection)
                spoiled = False
            for change in batch:
                if change.when is not None:
                    spoiled = True
                    change.when()
                    spoiled = False
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 (mapped, and handed to those who wait)
            self._roll_back(connection)
            if self._changed is not None:
                self._changed()  # what jobs cached of this transaction is not there
            for change in batch:
                change.error = mapped(error) if isinstance(error, sqlite3.Error) else error
            if spoiled and not isinstance(error, sqlite3.OperationalError) and len(batch) > 1:
                return False
        finally:
            if durable:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("PRAGMA synchronous=NORMAL")
        for change in batch:
            change.done = True
        return True

    @staticmethod
    def _run(change: _Change[object], connection: sqlite3.Connection) -> None:
        try:
            change.result = change.job(connection)
        except KermaError as error:
            change.error = error

    @staticmethod
    def _roll_back(connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def _data_version(self) -> int:
        return int(self._writer.execute("PRAGMA data_version").fetchone()[0])

    def _notice(self) -> None:
        version = self._data_version()
        if version != self._version:
            self._version = version
            if self._changed is not None:
                self._changed()

    @contextlib.contextmanager
    def attached(self, path: Path, name: str) -> Iterator[None]:
        """Another database beside ours, as ``name``, for the writer."""
        try:
            with self._lock:
                self._writer.execute(f"ATTACH DATABASE ? AS {name}", (str(path),))
            try:
                yield
            finally:
                with self._lock:
                    self._writer.execute(f"DETACH DATABASE {name}")
        except sqlite3.Error as error:
            raise mapped(error) from error

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the database file where nobody reads."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()
            with contextlib.suppress(sqlite3.Error):
                self._writer.close()
