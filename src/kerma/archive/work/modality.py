"""The modality worklist and what modalities did with it, in the index (PS3.4 K and F).

Rules:

- An item of the worklist is one Scheduled Procedure Step with what it belongs to (K.6.1.2): one item in Scheduled
  Procedure Step Sequence. Study Instance UID and Scheduled Procedure Step ID name it.
- A performed step that names scheduled ones moves their Scheduled Procedure Step Status: STARTED, then COMPLETED or
  DISCONTINUED.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from kerma.archive.index.database import Database
from kerma.archive.work import mpps
from kerma.archive.work.requirements import INVALID_VALUE, MISSING_ATTRIBUTE, items, text_of
from kerma.archive.work.rows import Clock, milliseconds, one, pack, search, unpack
from kerma.dataset import Dataset
from kerma.errors import NotFoundError, StatusError
from kerma.formats.json import from_json, to_json_object
from kerma.query import normal
from kerma.query.model import Predicate
from kerma.standard import elements
from kerma.values.uid import UID

DUPLICATE = 0x0111
INVALID_INSTANCE = 0x0117
NO_SUCH_INSTANCE = 0x0112

Visible = Callable[[Dataset], bool]

_STEP = 0x00400100  # ScheduledProcedureStepSequence
_COLUMNS = {
    (0x0020000D,): "study_instance_uid",
    (_STEP, 0x00400009): "step_id",
    (0x00100020,): "patient_id",
    (0x00080050,): "accession_number",
    (_STEP, 0x00080060): "modality",
    (_STEP, 0x00400002): "start_date",
}
_NAMES = ", ".join(_COLUMNS.values())
_STATUS_OF = {mpps.IN_PROGRESS: "STARTED", mpps.COMPLETED: "COMPLETED", mpps.DISCONTINUED: "DISCONTINUED"}


class ScheduledSteps:
    """The modality worklist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, ds: Dataset) -> bool:
        """Add an item, or put it in the place of the one with its Study Instance UID and Scheduled Procedure Step ID;
        True where it is new. ``StatusError`` where it is no item.
        """
        columns = _columns_of(ds)
        data = pack(ds)

        def job(connection: sqlite3.Connection) -> bool:
            known = one(
                connection, "SELECT 1 FROM work_scheduled WHERE study_instance_uid = ? AND step_id = ?", *columns[:2]
            )
            connection.execute(
                f"INSERT INTO work_scheduled ({_NAMES}, data) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (names of the schema)
                " ON CONFLICT (study_instance_uid, step_id) DO UPDATE SET patient_id = excluded.patient_id,"
                " accession_number = excluded.accession_number, modality = excluded.modality,"
                " start_date = excluded.start_date, data = excluded.data",
                (*columns, data),
            )
            return known is None

        return self._database.submit(job, durable=True)

    def remove(self, study_instance_uid: str, step_id: str) -> None:
        """Take an item out. ``NotFoundError``."""

        def job(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM work_scheduled WHERE study_instance_uid = ? AND step_id = ?", (study_instance_uid, step_id)
            ).rowcount

        if not self._database.submit(job, durable=True):
            raise NotFoundError("the worklist has no such scheduled procedure step")

    def search(self, predicates: Sequence[Predicate], visible: Visible | None = None) -> Iterator[Dataset]:
        """The items that match (C-FIND of the Modality Worklist), oldest first."""
        for _, ds in search(self._database, "work_scheduled", _COLUMNS, predicates, visible):
            yield ds

    @staticmethod
    def follow(connection: sqlite3.Connection, performed: Dataset) -> None:
        """Move the status of the scheduled steps that a performed one names, in the caller's transaction."""
        status = _STATUS_OF[text_of(performed, "PerformedProcedureStepStatus")]
        for item in items(performed, elements.KEYWORD_TO_TAG["ScheduledStepAttributesSequence"]):
            key = text_of(item, "StudyInstanceUID"), text_of(item, "ScheduledProcedureStepID")
            row = connection.execute(
                "SELECT data FROM work_scheduled WHERE study_instance_uid = ? AND step_id = ?", key
            ).fetchone()
            if row is None:
                continue
            model = to_json_object(unpack(row[0]))
            model[f"{_STEP:08X}"]["Value"][0]["00400020"] = {"vr": "CS", "Value": [status]}
            connection.execute(
                "UPDATE work_scheduled SET data = ? WHERE study_instance_uid = ? AND step_id = ?",
                (pack(from_json(model)), *key),
            )


def _columns_of(ds: Dataset) -> tuple[str, ...]:
    found = items(ds, _STEP)
    if len(found) != 1:
        raise StatusError(
            "a worklist item has one item in Scheduled Procedure Step Sequence",
            status=INVALID_VALUE if found else MISSING_ATTRIBUTE,
        )
    step = found[0]
    study, step_id = text_of(ds, "StudyInstanceUID"), text_of(step, "ScheduledProcedureStepID")
    if not UID(study).valid or not step_id:
        raise StatusError(
            "a worklist item needs a Study Instance UID and a Scheduled Procedure Step ID", status=MISSING_ATTRIBUTE
        )
    date = normal.date_key(text_of(step, "ScheduledProcedureStepStartDate")) or ""
    patient, accession = text_of(ds, "PatientID"), text_of(ds, "AccessionNumber")
    return study, step_id, patient, accession, text_of(step, "Modality"), date


class PerformedSteps:
    """Modality Performed Procedure Steps."""

    def __init__(self, database: Database, scheduled: ScheduledSteps, clock: Clock) -> None:
        self._database = database
        self._scheduled = scheduled
        self._clock = clock

    def create(self, uid: str, ds: Dataset) -> None:
        """A modality has begun (N-CREATE). ``StatusError``: 0111 where the UID is in use."""
        if not UID(uid).valid:
            raise StatusError("the UID of the step is no UID", status=INVALID_INSTANCE)
        step = mpps.created(ds, uid)
        values = (uid, text_of(step, "PerformedProcedureStepStatus"), milliseconds(self._clock()), pack(step))

        def job(connection: sqlite3.Connection) -> None:
            if one(connection, "SELECT 1 FROM work_performed WHERE uid = ?", uid):
                raise StatusError("a performed procedure step with this UID exists", status=DUPLICATE)
            connection.execute("INSERT INTO work_performed (uid, state, changed_at, data) VALUES (?, ?, ?, ?)", values)
            self._scheduled.follow(connection, step)

        self._database.submit(job, durable=True)

    def update(self, uid: str, changes: Dataset, visible: Visible | None = None) -> None:
        """A modality goes on or has ended (N-SET)."""

        def job(connection: sqlite3.Connection) -> None:
            step = mpps.updated(_performed(connection, uid, visible), changes)
            connection.execute(
                "UPDATE work_performed SET state = ?, changed_at = ?, data = ? WHERE uid = ?",
                (text_of(step, "PerformedProcedureStepStatus"), milliseconds(self._clock()), pack(step), uid),
            )
            self._scheduled.follow(connection, step)

        self._database.submit(job, durable=True)

    def get(self, uid: str, visible: Visible | None = None) -> Dataset:
        """The attributes of a step (N-GET)."""
        with self._database.reader() as connection:
            return _performed(connection, uid, visible)


def _performed(connection: sqlite3.Connection, uid: str, visible: Visible | None) -> Dataset:
    row = connection.execute("SELECT data FROM work_performed WHERE uid = ?", (uid,)).fetchone()
    ds = None if row is None else unpack(row[0])
    if ds is None or (visible is not None and not visible(ds)):
        raise StatusError("there is no performed procedure step with this UID", status=NO_SUCH_INSTANCE)
    return ds
