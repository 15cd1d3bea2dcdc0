"""Storage Commitment: which of the instances that somebody names are kept here (PS3.4 J, PS3.18 13 and J).

An instance is committed to where the index has it with that SOP class and its blob is whole by its size: what is
indexed was durable before (see ``recovery``). Nothing is opened.

Rules:

- A request names instances in one of two ways, a flat sequence or by study, series and class; the answer has the same.
- An answer is kept under its Transaction UID, which nobody can use again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kerma.archive.index.database import Database
from kerma.archive.work.requirements import INVALID_VALUE, MISSING_ATTRIBUTE, MISSING_VALUE, items, text_of
from kerma.archive.work.rows import Clock, milliseconds, one, pack, unpack
from kerma.dataset import Dataset
from kerma.errors import StatusError
from kerma.standard import elements
from kerma.values.uid import UID

DUPLICATE_TRANSACTION = 0x0131
NO_SUCH_INSTANCE = 0x0112
CLASS_INSTANCE_CONFLICT = 0x0119
PROCESSING_FAILURE = 0x0110
MAX_INSTANCES = 100_000
"""Instances that one request may name."""

MAX_ANSWER = 64 << 20
"""Bytes of the answer, with a reason for each of them."""

_TAG = elements.KEYWORD_TO_TAG


@dataclass(frozen=True, slots=True)
class Held:
    """What the archive knows of an instance: its class, and whether its blob is whole."""

    sop_class_uid: str
    whole: bool


Look = Callable[[list[str]], Mapping[str, Held]]
"""From SOP Instance UIDs to those that are held."""


@dataclass(frozen=True, slots=True)
class _Named:
    """An instance as the request names it; ``study`` and ``series`` are "" in the flat form."""

    study: str
    series: str
    sop_class: str
    instance: str


class Commitments:
    """What was asked and answered."""

    def __init__(self, database: Database, look: Look, clock: Clock) -> None:
        self._database = database
        self._look = look
        self._clock = clock

    def request(self, transaction_uid: str, ds: Dataset, visible: Callable[[str], bool] | None = None) -> Dataset:
        """The answer to a request. ``StatusError``: 0131 where the Transaction UID is in use.

        ``visible`` tells of a SOP Instance UID whether the asker may know that it is here.
        """
        if not UID(transaction_uid).valid:
            raise StatusError("the Transaction UID is no UID", status=INVALID_VALUE)
        self._refuse_known(transaction_uid)
        named = _named(ds)
        held = self._look([item.instance for item in named])
        if visible is not None:
            held = {uid: known for uid, known in held.items() if visible(uid)}
        answer = _answer(named, held)
        values = (transaction_uid, milliseconds(self._clock()), pack(answer, MAX_ANSWER))

        def job(connection: sqlite3.Connection) -> None:
            if one(connection, "SELECT 1 FROM work_commitment WHERE transaction_uid = ?", transaction_uid):
                raise _duplicate()
            connection.execute("INSERT INTO work_commitment (transaction_uid, made_at, data) VALUES (?, ?, ?)", values)

        self._database.submit(job, durable=True)
        return answer

    def _refuse_known(self, transaction_uid: str) -> None:
        with self._database.reader() as connection:
            if one(connection, "SELECT 1 FROM work_commitment WHERE transaction_uid = ?", transaction_uid):
                raise _duplicate()

    def result(self, transaction_uid: str) -> Dataset:
        """The answer that was given. ``StatusError`` 0112."""
        with self._database.reader() as connection:
            row = connection.execute(
                "SELECT data FROM work_commitment WHERE transaction_uid = ?", (transaction_uid,)
            ).fetchone()
        if row is None:
            raise StatusError("there is no commitment with this Transaction UID", status=NO_SUCH_INSTANCE)
        return unpack(row[0])


def _duplicate() -> StatusError:
    return StatusError("the Transaction UID is in use", status=DUPLICATE_TRANSACTION)


def reason_against(sop_class_uid: str, held: Held | None) -> int | None:
    """Why an instance is not committed to (PS3.3 C.14.1.1); None where it is."""
    if held is None:
        return NO_SUCH_INSTANCE
    if held.sop_class_uid != sop_class_uid:
        return CLASS_INSTANCE_CONFLICT
    return None if held.whole else PROCESSING_FAILURE


def _named(ds: Dataset) -> list[_Named]:
    flat, by_study = _TAG["ReferencedSOPSequence"], _TAG["ReferencedStudySequence"]
    if (flat in ds) == (by_study in ds):
        raise StatusError(
            "a commitment request has either Referenced SOP Sequence or Referenced Study Sequence",
            status=INVALID_VALUE if flat in ds else MISSING_ATTRIBUTE,
        )
    out: list[_Named] = []
    for item in _flat(ds) if flat in ds else _by_study(ds):
        if not UID(item.instance).valid or not UID(item.sop_class).valid:
            raise StatusError("a referenced SOP Class or Instance UID is none", status=INVALID_VALUE)
        out.append(item)
        if len(out) > MAX_INSTANCES:
            raise StatusError(f"a commitment request names at most {MAX_INSTANCES} instances", status=INVALID_VALUE)
    if not out:
        raise StatusError("the commitment request names no instance", status=MISSING_VALUE)
    return out


def _flat(ds: Dataset) -> Iterator[_Named]:
    for item in items(ds, _TAG["ReferencedSOPSequence"]):
        yield _Named("", "", text_of(item, "ReferencedSOPClassUID"), text_of(item, "ReferencedSOPInstanceUID"))


def _by_study(ds: Dataset) -> Iterator[_Named]:
    for study in items(ds, _TAG["ReferencedStudySequence"]):
        study_uid = text_of(study, "StudyInstanceUID")
        for series in items(study, _TAG["ReferencedSeriesSequence"]):
            series_uid = text_of(series, "SeriesInstanceUID")
            for kind in items(series, _TAG["ReferencedInstancesBySOPClassSequence"]):
                class_uid = text_of(kind, "ReferencedSOPClassUID")
                for instance in items(kind, _TAG["ReferencedInstanceSequence"]):
                    yield _Named(study_uid, series_uid, class_uid, text_of(instance, "ReferencedSOPInstanceUID"))


def _answer(named: Iterable[_Named], held: Mapping[str, Held]) -> Dataset:
    kept: list[tuple[_Named, int | None]] = []
    failed: list[tuple[_Named, int | None]] = []
    flat = True
    for item in named:
        reason = reason_against(item.sop_class, held.get(item.instance))
        flat = flat and not item.study
        (kept if reason is None else failed).append((item, reason))
    answer = Dataset()
    if flat:
        for keyword, rows in (("ReferencedSOPSequence", kept), ("FailedSOPSequence", failed)):
            if rows:
                answer.add(keyword, "SQ", [_reference(item, reason) for item, reason in rows])
        return answer
    if kept:
        answer.add("ReferencedStudySequence", "SQ", _tree(kept))
    if failed:
        answer.add("FailedStudySequence", "SQ", _tree(failed))
    return answer


def _reference(item: _Named, reason: int | None) -> Dataset:
    ds = Dataset()
    ds.add("ReferencedSOPClassUID", "UI", item.sop_class)
    ds.add("ReferencedSOPInstanceUID", "UI", item.instance)
    if reason is not None:
        ds.add("FailureReason", "US", reason)
    return ds


def _tree(rows: Iterable[tuple[_Named, int | None]]) -> list[Dataset]:
    """Studies, their series, their classes, their instances (PS3.18 J.2)."""
    tree: dict[str, dict[str, dict[str, list[tuple[_Named, int | None]]]]] = {}
    for item, reason in rows:
        of_series = tree.setdefault(item.study, {}).setdefault(item.series, {})
        of_series.setdefault(item.sop_class, []).append((item, reason))

    def instance(item: _Named, reason: int | None) -> Dataset:
        ds = _reference(item, reason)
        del ds["ReferencedSOPClassUID"]
        return ds

    out = []
    for study, all_series in tree.items():
        series_items = []
        for series, kinds in all_series.items():
            kind_items = [
                _item("ReferencedSOPClassUID", kind, "ReferencedInstanceSequence", [instance(*row) for row in some])
                for kind, some in kinds.items()
            ]
            series_items.append(_item("SeriesInstanceUID", series, "ReferencedInstancesBySOPClassSequence", kind_items))
        out.append(_item("StudyInstanceUID", study, "ReferencedSeriesSequence", series_items))
    return out


def _item(name: str, uid: str, sequence: str, parts: Any) -> Dataset:
    ds = Dataset()
    ds.add(name, "UI", uid)
    ds.add(sequence, "SQ", parts)
    return ds
