"""Labels of studies: names that an administrator gives, for grants to refer to. Each function is part of one job.

Rules: labels belong to the study's UID, so that building the index anew keeps them; a study that is deleted loses them,
one that is replaced does not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence


def of(connection: sqlite3.Connection, study_uid: str) -> tuple[str, ...]:
    """The labels of a study, in alphabetical order."""
    rows = connection.execute("SELECT label FROM study_label WHERE study_instance_uid = ? ORDER BY label", (study_uid,))
    return tuple(row[0] for row in rows)


def put(connection: sqlite3.Connection, study_uid: str, names: Sequence[str]) -> bool:
    """Give a study exactly these labels; False where it is not there."""
    if connection.execute("SELECT 1 FROM study WHERE study_instance_uid = ?", (study_uid,)).fetchone() is None:
        return False
    connection.execute("DELETE FROM study_label WHERE study_instance_uid = ?", (study_uid,))
    connection.executemany(
        "INSERT OR IGNORE INTO study_label (study_instance_uid, label) VALUES (?, ?)",
        [(study_uid, name) for name in names],
    )
    return True


def labelled(connection: sqlite3.Connection, instances: Sequence[int]) -> list[str]:
    """The studies of these instances (row numbers) that have labels."""
    rows = connection.execute(
        "SELECT DISTINCT study.study_instance_uid FROM instance JOIN series ON series.id = instance.series_pk"
        " JOIN study ON study.id = series.study_pk WHERE instance.id IN (SELECT value FROM json_each(?))"
        " AND study.study_instance_uid IN (SELECT study_instance_uid FROM study_label)",
        (json.dumps(list(instances)),),
    )
    return [row[0] for row in rows]


def forget(connection: sqlite3.Connection, studies: Sequence[str]) -> None:
    """Drop the labels of those studies that are not there any more."""
    connection.executemany(
        "DELETE FROM study_label WHERE study_instance_uid = ?1"
        " AND NOT EXISTS (SELECT 1 FROM study WHERE study_instance_uid = ?1)",
        [(uid,) for uid in studies],
    )
