"""Parts of an archive as SQL: the condition that keeps a question within what its asker may see (``query.model.Area``).

Rules:

- A row counts where a series in it, or the series that it is or is in, lies in one of the areas: a study of which one
  series may be seen is there, its other series are not.
- Where a plan starts from it, it is a list of rows; elsewhere it is looked up for one row at a time, so that a large
  area costs nothing on a small question.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal_column, or_, select, union

from kerma.archive.index import plan, schema
from kerma.archive.index.conditions import Condition, Params
from kerma.query.model import Area, Level

_PAGE = 4096
_FIELDS = ("patient_id", "issuer", "study", "series")


def within(areas: tuple[Area, ...], level: Level) -> Condition:
    """The condition that rows of ``level`` lie in one of ``areas``; none of them lets nothing through."""
    params: list[Any] = []
    shape: list[tuple[object, ...]] = []
    for area in areas:
        values = [getattr(area, name) for name in _FIELDS]
        shape.append((*(value is not None for value in values), area.issuer == "", len(area.labels)))
        params += [value for name, value in zip(_FIELDS, values, strict=True) if value is not None]
        params += area.labels

    def lists(binds: Params) -> list[Select[Any]]:
        out, at = [], 0
        for area in areas:
            count = sum(getattr(area, name) is not None for name in _FIELDS) + len(area.labels)
            out.append(_rows(area, level, binds[at : at + count]))
            at += count
        return out

    def build(binds: Params, veiled: bool) -> ColumnElement[bool]:
        if not areas:
            return false()
        table = schema.TABLES[level]
        if veiled:
            return or_(*(_correlated(one, level) for one in lists(binds)))
        found = lists(binds)
        return table.c.id.in_(found[0] if len(found) == 1 else union(*found))

    def probe(binds: Params) -> Select[Any]:
        found = lists(binds)
        if not found:
            return select(schema.patient.c.id).where(false())
        return found[0] if len(found) == 1 else select(union(*found).subquery())

    return Condition(level, ("within", level, tuple(shape)), tuple(params), build, True, True, False, probe)


def series_below(
    connection: sqlite3.Connection, level: Level, numbers: Sequence[int], areas: tuple[Area, ...]
) -> array[int]:
    """The series below rows of ``level`` that lie in the areas."""
    out = array("q")
    table = schema.TABLES[level]
    for start in range(0, len(numbers), _PAGE):
        chosen = Condition(
            level,
            ("rows", level),
            (json.dumps(list(numbers[start : start + _PAGE])),),
            lambda binds, _: table.c.id.in_(select(func.json_each(binds[0]).table_valued("value").c.value)),
            indexed=True,
            unique=True,
        )
        out.extend(plan.row_numbers(connection, Level.SERIES, [chosen, within(areas, Level.SERIES)]))
    return out


def _rows(area: Area, level: Level, binds: Params) -> Select[Any]:
    """The row numbers at ``level`` that lie in one area. Its tables are others than those of the question."""
    lowest = max(level, Level.SERIES if area.series is not None else level)
    if area.labels or area.study is not None:
        lowest = max(lowest, Level.STUDY)
    of_patient = area.patient_id is not None or area.issuer is not None
    highest = Level.PATIENT if of_patient else min(level, Level.STUDY)
    tables = {Level(number): schema.TABLES[Level(number)].alias(f"w{number}") for number in range(highest, lowest + 1)}
    joined: Any = tables[lowest]
    for number in range(lowest, highest, -1):
        child, parent = tables[Level(number)], tables[Level(number - 1)]
        joined = joined.join(parent, parent.c.id == child.c[schema.PARENT_KEY[Level(number)]])
    fields, labels = binds[: len(binds) - len(area.labels)], binds[len(binds) - len(area.labels) :]
    for number, bind in enumerate(labels):
        label = schema.study_label.alias(f"l{number}")
        named = label.c.study_instance_uid == tables[Level.STUDY].c.study_instance_uid
        joined = joined.join(label, and_(named, label.c.label == bind))
    return select(tables[level].c.id).select_from(joined).where(*_tests(area, tables, fields))


def _tests(area: Area, tables: dict[Level, Any], binds: Params) -> list[ColumnElement[bool]]:
    rest = iter(binds)
    tests: list[ColumnElement[bool]] = []
    if area.patient_id is not None:
        tests.append(tables[Level.PATIENT].c.patient_id == next(rest))
    if area.issuer is not None:
        issuer = tables[Level.PATIENT].c.issuer_of_patient_id
        tests.append(func.coalesce(issuer, literal_column("''")) == next(rest))
    if area.study is not None:
        tests.append(tables[Level.STUDY].c.study_instance_uid == next(rest))
    if area.series is not None:
        tests.append(tables[Level.SERIES].c.series_instance_uid == next(rest))
    return tests


def _correlated(rows: Select[Any], level: Level) -> ColumnElement[bool]:
    """Whether the row of the question is one of ``rows``, looked up from that row on."""
    column = rows.selected_columns[0]
    return rows.where(column == schema.TABLES[level].c.id).correlate(schema.TABLES[level]).exists()
