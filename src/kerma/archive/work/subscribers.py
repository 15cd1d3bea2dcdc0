"""Subscriptions in the index: who hears of which step, from when on (PS3.4 CC.2.3).

Rules: ``subscriptions.TRANSITIONS`` decides; a subscription and the report that goes with it are one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from kerma.archive.index.database import Database
from kerma.archive.work import ups
from kerma.archive.work.events import EventStore
from kerma.archive.work.rows import one, pack, unpack
from kerma.archive.work.subscriptions import Action, Subscription, follow
from kerma.archive.work.ups import Step
from kerma.dataset import Dataset
from kerma.errors import NotFoundError, OutOfResourcesError, StatusError, UsageError
from kerma.query.identifier import predicates_of
from kerma.query.match import fulfils
from kerma.query.model import Predicate

MOST = 10_000
"""Application entities that may subscribe to the worklist."""
_AET = 16
_PAGE = 256

StepOf = Callable[..., Step]
Visible = Callable[[Dataset], bool]


def subscribers_of(connection: sqlite3.Connection, uid: str) -> list[str]:
    """The application entities that hear of a step."""
    return [
        row[0] for row in connection.execute("SELECT aet FROM work_subscription WHERE uid = ? ORDER BY aet", (uid,))
    ]


def check_aet(aet: str) -> str:
    """An application entity title (PS3.5 6.2). ``UsageError``."""
    text = aet.strip(" ")
    if not text or len(text) > _AET or "\\" in text or not text.isascii() or not text.isprintable():
        raise UsageError("the AE title of the subscriber is none", hint="1 to 16 printable characters, no backslash")
    return text


class Subscribers:
    """Subscriptions to steps, to the worklist, and to the steps of it that match."""

    def __init__(self, database: Database, events: EventStore, step_of: StepOf) -> None:
        self._database = database
        self._events = events
        self._step_of = step_of

    def subscribe(
        self, uid: str, aet: str, *, lock: bool = False, keys: Dataset | None = None, visible: Visible | None = None
    ) -> None:
        """Subscribe ``aet`` to a step, or by a well-known UID to the worklist: all steps, or those that match ``keys``.

        ``StatusError`` C307 where there is no such step, ``UsageError`` where the filtered worklist is asked for
        without keys.
        """
        aet = check_aet(aet)
        matching = self._keys(uid, keys)

        def job(connection: sqlite3.Connection) -> None:
            if uid not in (ups.WORKLIST, ups.FILTERED_WORKLIST):
                action = Action.SUBSCRIBE_LOCKED if lock else Action.SUBSCRIBE
                self._apply(connection, action, aet, uid, self._step_of(connection, uid, visible))
                return
            self._remember(connection, aet, uid, lock, keys)
            action = Action.SUBSCRIBE_ALL_LOCKED if lock else Action.SUBSCRIBE_ALL
            for step_uid, ds in _steps(connection):
                if all(fulfils(ds, item) for item in matching) and (visible is None or visible(ds)):
                    self._apply(connection, action, aet, step_uid, Step(ds))

        self._database.submit(job, durable=True)
        self._events.notify()

    @staticmethod
    def _keys(uid: str, keys: Dataset | None) -> tuple[Predicate, ...]:
        if uid != ups.FILTERED_WORKLIST:
            return ()
        matching = () if keys is None else predicates_of(keys)
        if not matching:
            raise UsageError("a filtered subscription without a matching key", hint="name an attribute and its value")
        return matching

    def unsubscribe(self, uid: str, aet: str, visible: Visible | None = None) -> None:
        """End the subscription to a step, or to the worklist and with it those to its steps. ``NotFoundError``; a step
        that is not ``visible`` is not there.
        """
        aet = check_aet(aet)

        def job(connection: sqlite3.Connection) -> None:
            if uid in (ups.WORKLIST, ups.FILTERED_WORKLIST):
                matching = self._forget(connection, aet, uid)
                for step_uid, state in self._states(connection, aet):
                    if self._covered(connection, matching, step_uid):
                        self._set(connection, aet, step_uid, follow(Action.UNSUBSCRIBE_ALL, state)[0])
                return
            state = self._state(connection, aet, uid)
            if state is Subscription.NONE or visible is not None:
                self._step_of(connection, uid, visible)
            if state is Subscription.NONE:
                raise NotFoundError("this application entity is not subscribed to the step")
            self._set(connection, aet, uid, follow(Action.UNSUBSCRIBE, state)[0])

        self._database.submit(job, durable=True)

    def suspend(self, uid: str, aet: str) -> None:
        """No longer subscribe to what is new; subscriptions to steps stay. ``NotFoundError``."""
        aet = check_aet(aet)
        if uid not in (ups.WORKLIST, ups.FILTERED_WORKLIST):
            raise StatusError("only a subscription to the worklist can be suspended", status=ups.NOT_APPROPRIATE)
        self._database.submit(lambda connection: self._forget(connection, aet, uid), durable=True)

    def join(self, connection: sqlite3.Connection, uid: str, ds: Dataset) -> None:
        """A step is new: subscribe to it whoever is subscribed to the worklist. With a lock, where any asks for one."""
        rows = connection.execute("SELECT aet, deletion_lock, keys FROM work_global ORDER BY aet, deletion_lock")
        for aet, lock, data in rows.fetchall():
            if data is None or all(fulfils(ds, item) for item in predicates_of(unpack(data))):
                self._set(connection, aet, uid, Subscription.WITH_LOCK if lock else Subscription.WITHOUT_LOCK)

    def announce(self, status: str, list_status: str, steps_status: str) -> None:
        """Tell all who are subscribed to anything of a change of the provider itself (SCP Status Change)."""
        event = ups.scp_status(status, list_status, steps_status)

        def job(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT aet FROM work_global UNION SELECT aet FROM work_subscription ORDER BY 1")
            aets = [row[0] for row in rows.fetchall()]
            self._events.tell(connection, ups.WORKLIST, [event], aets)

        self._database.submit(job)
        self._events.notify()

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _apply(self, connection: sqlite3.Connection, action: Action, aet: str, uid: str, step: Step) -> None:
        state, told = follow(action, self._state(connection, aet, uid))
        self._set(connection, aet, uid, state)
        if told:
            self._events.tell(connection, uid, [ups.state_report(step)], [aet])

    @staticmethod
    def _state(connection: sqlite3.Connection, aet: str, uid: str) -> Subscription:
        row = one(connection, "SELECT deletion_lock FROM work_subscription WHERE aet = ? AND uid = ?", aet, uid)
        if row is None:
            return Subscription.NONE
        return Subscription.WITH_LOCK if row[0] else Subscription.WITHOUT_LOCK

    @staticmethod
    def _states(connection: sqlite3.Connection, aet: str) -> list[tuple[str, Subscription]]:
        rows = connection.execute("SELECT uid, deletion_lock FROM work_subscription WHERE aet = ?", (aet,))
        return [(row[0], Subscription.WITH_LOCK if row[1] else Subscription.WITHOUT_LOCK) for row in rows]

    @staticmethod
    def _set(connection: sqlite3.Connection, aet: str, uid: str, state: Subscription) -> None:
        if state is Subscription.NONE:
            connection.execute("DELETE FROM work_subscription WHERE aet = ? AND uid = ?", (aet, uid))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO work_subscription (aet, uid, deletion_lock) VALUES (?, ?, ?)",
                (aet, uid, state is Subscription.WITH_LOCK),
            )

    @staticmethod
    def _remember(connection: sqlite3.Connection, aet: str, uid: str, lock: bool, keys: Dataset | None) -> None:
        row = one(connection, "SELECT count(*) FROM work_global")
        if row is not None and int(str(row[0])) >= MOST:
            raise OutOfResourcesError(f"{MOST} application entities are subscribed to the worklist")
        data = pack(keys) if uid == ups.FILTERED_WORKLIST and keys is not None else None
        connection.execute(
            "INSERT OR REPLACE INTO work_global (aet, uid, deletion_lock, keys) VALUES (?, ?, ?, ?)",
            (aet, uid, lock, data),
        )

    @staticmethod
    def _forget(connection: sqlite3.Connection, aet: str, uid: str) -> tuple[Predicate, ...]:
        """Take out a subscription to the worklist; the keys that it had."""
        row = connection.execute("SELECT keys FROM work_global WHERE aet = ? AND uid = ?", (aet, uid)).fetchone()
        if row is None:
            raise NotFoundError("this application entity is not subscribed to the worklist")
        connection.execute("DELETE FROM work_global WHERE aet = ? AND uid = ?", (aet, uid))
        return () if row[0] is None else predicates_of(unpack(row[0]))

    def _covered(self, connection: sqlite3.Connection, matching: tuple[Predicate, ...], uid: str) -> bool:
        return all(fulfils(self._step_of(connection, uid).ds, item) for item in matching)


def _steps(connection: sqlite3.Connection) -> Iterator[tuple[str, Dataset]]:
    """Every step, a page in memory."""
    last = 0
    while True:
        rows = connection.execute(
            "SELECT id, uid, data FROM work_item WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
        ).fetchall()
        for _, uid, data in rows:
            yield uid, unpack(data)
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]
