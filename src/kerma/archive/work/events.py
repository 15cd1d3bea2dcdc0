"""What subscribers are told: events in the order in which they happened, kept until they have been sent.

An event is written in the transaction of what it tells, one row for each subscriber. Whoever holds a channel to a
subscriber reads from ``position`` on and says ``delivered``; another process may write at any time, so ``latest`` is
asked now and then, and ``listen`` wakes at once for what happens in this process.

Rules:

- A channel that opens late or again begins where the last one ended: nothing is lost between two channels. What was
  being sent when one ended or another opened may be sent twice.
- An application entity that never opens one costs at most ``KEPT`` events.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kerma.archive.index.database import Database
from kerma.archive.work.rows import one, pack, unpack
from kerma.archive.work.ups import Event
from kerma.dataset import Dataset

KEPT = 1000
"""Events that are kept for one subscriber."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Report:
    """An event for one subscriber: its number, the step, the event type of PS3.4 table CC.2.4-1, its information."""

    number: int
    uid: str
    kind: int
    information: Dataset


class EventStore:
    """The events of all subscribers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def tell(self, connection: sqlite3.Connection, uid: str, events: Iterable[Event], aets: Iterable[str]) -> None:
        """Write ``events`` of a step for each subscriber, in the caller's transaction."""
        packed = [(event.kind, pack(event.information)) for event in events]
        if not packed:
            return
        for aet in aets:
            for kind, data in packed:
                number = connection.execute(
                    "INSERT INTO work_event (aet, uid, event_type, data) VALUES (?, ?, ?, ?)", (aet, uid, kind, data)
                ).lastrowid
            connection.execute(
                "DELETE FROM work_event WHERE aet = ?1 AND id <= ?2 AND id <="
                " (SELECT id FROM work_event WHERE aet = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
                (aet, number, KEPT),
            )

    def position(self, aet: str) -> int:
        """The number of the last event that was delivered to a subscriber."""
        with self._database.reader() as connection:
            row = one(connection, "SELECT delivered FROM work_channel WHERE aet = ?", aet)
        return 0 if row is None else int(str(row[0]))

    def after(self, aet: str, number: int) -> list[Report]:
        """The events of a subscriber behind ``number``, oldest first, some at a time."""
        with self._database.reader() as connection:
            rows = connection.execute(
                "SELECT id, uid, event_type, data FROM work_event WHERE aet = ? AND id > ? ORDER BY id LIMIT ?",
                (aet, number, _PAGE),
            ).fetchall()
        return [Report(row[0], row[1], row[2], unpack(row[3])) for row in rows]

    def delivered(self, aet: str, number: int) -> None:
        """A subscriber has been sent everything up to ``number``."""
        self._database.submit(
            lambda connection: (
                connection.execute(
                    "INSERT INTO work_channel (aet, delivered) VALUES (?1, ?2)"
                    " ON CONFLICT (aet) DO UPDATE SET delivered = max(delivered, ?2)",
                    (aet, number),
                ).rowcount
            )
        )

    def latest(self) -> int:
        """The number of the newest event of all."""
        with self._database.reader() as connection:
            row = one(connection, "SELECT max(id) FROM work_event")
        return 0 if row is None or row[0] is None else int(str(row[0]))

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` (from any thread, quickly) after events were written in this process; what is returned ends
        that.
        """
        with self._guard:
            self._listeners.append(wake)

        def end() -> None:
            with self._guard:
                self._listeners.remove(wake)

        return end

    def notify(self) -> None:
        """Events may have been committed."""
        with self._guard:
            listeners = tuple(self._listeners)
        for wake in listeners:
            wake()
