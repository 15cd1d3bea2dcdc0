"""Unified Procedure Steps in the index: each request is one durable transaction of what ``ups`` decides.

What a request changes and what subscribers are told of it are committed together; events wait in ``EventStore``.

Rules:

- Statuses are those of PS3.4 CC.2 (``StatusError`` for failures, the number that is returned otherwise).
- ``visible`` limits who sees what: what it does not pass is not there (C307).
- A step in a final state may be purged when no deletion lock holds it (CC.2.1.3); that it was is remembered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kerma.archive.index.database import Database
from kerma.archive.work import ups
from kerma.archive.work.events import EventStore
from kerma.archive.work.requirements import text_of
from kerma.archive.work.rows import Clock, dt_of, milliseconds, one, pack, search, unpack
from kerma.archive.work.subscribers import Subscribers, subscribers_of
from kerma.archive.work.ups import Change, Step
from kerma.dataset import Dataset
from kerma.errors import NotFoundError, StatusError
from kerma.query.model import Predicate
from kerma.values.new_uid import new_uid
from kerma.values.uid import UID

DUPLICATE = 0x0111
INVALID_INSTANCE = 0x0117

Visible = Callable[[Dataset], bool]

_COLUMNS: Mapping[tuple[int, ...], str] = {
    (0x00080018,): "uid",
    (0x00741000,): "state",
    (0x00100020,): "patient_id",
    (0x00741202,): "worklist_label",
}


_KNOWN = "SELECT 1 FROM work_item WHERE uid = ?1 UNION ALL SELECT 1 FROM work_gone WHERE uid = ?1"


class GoneError(NotFoundError):
    """The step was there and has been deleted."""


@dataclass(frozen=True, slots=True)
class Created:
    """The UID of a new step, and the status: success, or B300 where it was created with modifications."""

    uid: str
    status: int


class WorkItems:
    """The worklist of Unified Procedure Steps."""

    def __init__(self, database: Database, events: EventStore, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self.subscribers = Subscribers(database, events, self.step_of)

    # -- one step ------------------------------------------------------------------------------------------------------

    def create(self, ds: Dataset, uid: str | None = None) -> Created:
        """A new step (N-CREATE). Without ``uid`` it is given one."""
        uid = uid or str(new_uid())
        if not UID(uid).valid:
            raise StatusError("the UID of the step is no UID", status=INVALID_INSTANCE)
        if uid in (ups.WORKLIST, ups.FILTERED_WORKLIST):
            raise StatusError("this UID is that of the worklist", status=DUPLICATE)
        now = self._clock()
        change = ups.created(ds, uid, dt_of(now))
        data = pack(change.step.ds)

        def job(connection: sqlite3.Connection) -> None:
            if one(connection, _KNOWN, uid):
                raise StatusError("a step with this UID exists", status=DUPLICATE)
            connection.execute(
                "INSERT INTO work_item (uid, state, transaction_uid, patient_id, worklist_label, changed_at, data)"
                " VALUES (?, ?, NULL, ?, ?, ?, ?)",
                (uid, *_columns_of(change.step), milliseconds(now), data),
            )
            self.subscribers.join(connection, uid, change.step.ds)
            self._events.tell(connection, uid, change.events, subscribers_of(connection, uid))

        self._database.submit(job, durable=True)
        self._events.notify()
        return Created(uid, change.status)

    def get(self, uid: str, visible: Visible | None = None) -> Dataset:
        """The attributes of a step (N-GET), without its Transaction UID."""
        with self._database.reader() as connection:
            return self.step_of(connection, uid, visible).ds

    def update(self, uid: str, changes: Dataset, transaction_uid: str | None, visible: Visible | None = None) -> int:
        """Other values for attributes (N-SET)."""
        return self._change(uid, visible, lambda step, now, _: ups.updated(step, changes, transaction_uid, now))

    def change_state(self, uid: str, state: str, transaction_uid: str | None, visible: Visible | None = None) -> int:
        """Claim, complete or cancel (N-ACTION "Change UPS State")."""
        return self._change(uid, visible, lambda step, now, _: ups.changed_state(step, state, transaction_uid, now))

    def request_cancel(
        self, uid: str, information: Dataset, requesting_aet: str = "", visible: Visible | None = None
    ) -> int:
        """Ask whoever has the step to cancel it (N-ACTION "Request UPS Cancel"); nobody has it yet: it is cancelled."""
        return self._change(
            uid,
            visible,
            lambda step, now, subscribed: ups.cancel_requested(step, information, requesting_aet, subscribed, now),
        )

    def _change(self, uid: str, visible: Visible | None, decide: Callable[[Step, str, bool], Change]) -> int:
        now = self._clock()

        def job(connection: sqlite3.Connection) -> int:
            step = self.step_of(connection, uid, visible)
            aets = subscribers_of(connection, uid)
            change = decide(step, dt_of(now), bool(aets))
            if change.step is not step:
                after = change.step
                connection.execute(
                    "UPDATE work_item SET state = ?, patient_id = ?, worklist_label = ?, transaction_uid = ?,"
                    " changed_at = ?, data = ? WHERE uid = ?",
                    (*_columns_of(after), after.transaction_uid, milliseconds(now), pack(after.ds), uid),
                )
            self._events.tell(connection, uid, change.events, aets)
            return change.status

        status = self._database.submit(job, durable=True)
        self._events.notify()
        return status

    @staticmethod
    def step_of(connection: sqlite3.Connection, uid: str, visible: Visible | None = None) -> Step:
        """The step as it is. ``StatusError`` C307, ``GoneError``."""
        row = connection.execute("SELECT data, transaction_uid FROM work_item WHERE uid = ?", (uid,)).fetchone()
        step = None if row is None else Step(unpack(row[0]), row[1])
        if step is None or (visible is not None and not visible(step.ds)):
            if step is None and one(connection, "SELECT 1 FROM work_gone WHERE uid = ?", uid):
                raise GoneError("the step has been deleted")
            raise StatusError("there is no step with this UID", status=ups.NO_SUCH_STEP)
        return step

    # -- all of them ---------------------------------------------------------------------------------------------------

    def search(self, predicates: Sequence[Predicate], visible: Visible | None = None) -> Iterator[Dataset]:
        """The steps that match (C-FIND), oldest first."""
        for _, ds in search(self._database, "work_item", _COLUMNS, predicates, visible):
            yield ds

    def purge(self, before: int) -> int:
        """Delete the steps in a final state since ``before`` (milliseconds since 1970) that no deletion lock holds;
        how many.
        """

        def job(connection: sqlite3.Connection) -> int:
            rows = connection.execute(
                "SELECT uid FROM work_item WHERE state IN (?, ?) AND changed_at < ? AND NOT EXISTS"
                " (SELECT 1 FROM work_subscription AS s WHERE s.uid = work_item.uid AND s.deletion_lock)",
                (ups.COMPLETED, ups.CANCELED, before),
            ).fetchall()
            for table in ("work_item", "work_subscription"):
                connection.executemany(f"DELETE FROM {table} WHERE uid = ?", rows)  # noqa: S608 (names of the schema)
            connection.executemany("INSERT OR IGNORE INTO work_gone (uid) VALUES (?)", rows)
            return len(rows)

        return self._database.submit(job, durable=True)


def _columns_of(step: Step) -> tuple[str, str, str]:
    return step.state, text_of(step.ds, "PatientID"), text_of(step.ds, "WorklistLabel")
