"""From conditions to statements whose cost follows the answer, not the table.

Rules:

- A plan starts from one condition. A unique key is taken at once; among others the number of rows that each lets
  through is looked up, to a bound, and the smallest one is taken. A pattern that begins with a wildcard has to look
  at every row of its index: it is the start only where each of the others lets more through than the bound. The other
  columns are veiled, so that SQLite's planner has no other start.
- Statements are made by SQLAlchemy once for each shape of question and run as text through the raw cursor.
- First the row numbers of the matches, 8 bytes each; then their columns in pages. No transaction stays open between
  two answers.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects import sqlite

from kerma.archive.index import schema
from kerma.archive.index.conditions import Condition
from kerma.query.model import Level

PROBE = 512
SCAN = 16_384
"""The bound where the other choice is to look at a whole table."""
_DIALECT = sqlite.dialect(paramstyle="qmark")
_texts: dict[tuple[object, ...], tuple[str, tuple[int, ...]]] = {}
_MAX_TEXTS = 2048


def compiled(statement: Select[Any]) -> tuple[str, tuple[int, ...]]:
    """SQL text and, for each question mark, the number of its parameter (they are named ``p0``, ``p1``, ...)."""
    made = statement.compile(dialect=_DIALECT)
    return str(made), tuple(int(name[1:]) for name in made.positiontup or ())


def _cached(shape: tuple[object, ...], make: Any) -> tuple[str, tuple[int, ...]]:
    found = _texts.get(shape)
    if found is None:
        if len(_texts) >= _MAX_TEXTS:
            _texts.clear()
        found = _texts[shape] = compiled(make())
    return found


def _binds(start: int, count: int) -> list[ColumnElement[Any]]:
    return [bindparam(f"p{index}", type_=Text) for index in range(start, start + count)]


@lru_cache(maxsize=16)
def joined(top: Level, bottom: Level) -> FromClause:
    """The tables of the levels from ``bottom`` up to ``top``."""
    out: FromClause = schema.TABLES[bottom]
    for level in range(bottom, top, -1):
        child, parent = schema.TABLES[Level(level)], schema.TABLES[Level(level - 1)]
        out = out.join(parent, parent.c.id == child.c[schema.PARENT_KEY[Level(level)]])
    return out


def driver(connection: sqlite3.Connection, conditions: Sequence[Condition]) -> Condition | None:
    """The condition to start from."""
    candidates = [item for item in conditions if item.indexed]
    named = [item for item in candidates if item.unique]
    if named:
        return max(named, key=lambda item: item.level)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    scan = next((item for item in candidates if item.scans), None)
    bound = PROBE if scan is None else SCAN
    best, least = scan or candidates[0], bound
    for item in candidates:
        count = bound if item.scans else _probe(connection, item, bound)
        if count < least:
            best, least = item, count
    return best


def _probe(connection: sqlite3.Connection, item: Condition, bound: int) -> int:
    def make() -> Select[Any]:
        binds = _binds(0, len(item.params))
        if item.probe is not None:
            inner = item.probe(binds)
        else:
            one: Select[Any] = select(literal_column("1")).select_from(schema.TABLES[item.level])
            inner = one.where(item.build(binds, False))
        return select(func.count()).select_from(
            inner.limit(literal_column(str(bound))).offset(literal_column("0")).subquery()
        )

    text, order = _cached(("probe", bound, item.shape), make)
    return int(connection.execute(text, [item.params[index] for index in order]).fetchone()[0])


def statement(level: Level, conditions: Sequence[Condition], start: Condition | None) -> tuple[str, list[Any]]:
    """The statement for the row numbers at ``level``, with its parameters."""

    def make() -> Select[Any]:
        top = min((item.level for item in conditions), default=level)
        query = select(schema.TABLES[level].c.id).select_from(joined(Level(top), level))
        at = 0
        for item in conditions:
            query = query.where(item.build(_binds(at, len(item.params)), item is not start))
            at += len(item.params)
        return query

    shape = ("rows", level, tuple((item.shape, item is start) for item in conditions))
    text, order = _cached(shape, make)
    params = [value for item in conditions for value in item.params]
    return text, [params[index] for index in order]


def page(connection: sqlite3.Connection, level: Level, limit: int, offset: int) -> tuple[int, list[int]]:
    """How many rows there are at ``level``, and the numbers of a page of them, in ascending order."""
    table = schema.TABLES[level].name
    total = int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 (names of the schema)
    rows = connection.execute(f"SELECT id FROM {table} ORDER BY id LIMIT ? OFFSET ?", (limit, offset))  # noqa: S608
    return total, [row[0] for row in rows]


def row_numbers(connection: sqlite3.Connection, level: Level, conditions: Sequence[Condition]) -> array[int]:
    """The row numbers of what fulfils all ``conditions``, in ascending order: 8 bytes a match."""
    text, params = statement(level, conditions, driver(connection, conditions))
    out = array("q")
    cursor = connection.execute(text, params)
    while rows := cursor.fetchmany(4096):
        out.extend([row[0] for row in rows])
    return array("q", sorted(out))
