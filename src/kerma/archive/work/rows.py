"""What the stores of work share: data sets as rows, searching rows, the clock.

Rules:

- A data set is kept in explicit VR little endian, as it is; it is small, and bounded by ``MAX_DATA``.
- A search starts from the columns where a key has one and leaves the rest to ``query.match``, page by page; the order
  is that of the rows, so that pages neither repeat nor skip what was there all the time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from kerma.archive.index.database import Database
from kerma.dataset import Dataset
from kerma.errors import LimitError
from kerma.query import normal
from kerma.query.match import fulfils
from kerma.query.model import AnyOf, Predicate, Range, SequenceMatch, Single

EXPLICIT_LE = "1.2.840.10008.1.2.1"
MAX_DATA = 4 << 20
"""Bytes of one step, item or request; the largest seen in the wild are a few hundred kilobytes."""
_PAGE = 256

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def dt_of(now: datetime) -> str:
    """A DT with its offset from UTC."""
    return now.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f+0000")


def milliseconds(now: datetime) -> int:
    """Since 1970."""
    return int(now.timestamp() * 1000)


def pack(ds: Dataset, most: int = MAX_DATA) -> bytes:
    """A data set as ``data``. ``LimitError`` where it is too large."""
    data = ds.to_bytes(EXPLICIT_LE)
    if len(data) > most:
        raise LimitError(f"the data set has {len(data)} bytes", hint=f"at most {most} are taken")
    return data


def unpack(data: bytes) -> Dataset:
    """The data set of ``data``."""
    return Dataset.from_bytes(data, EXPLICIT_LE)


def search(
    database: Database,
    table: str,
    columns: Mapping[tuple[int, ...], str],
    predicates: Sequence[Predicate],
    visible: Callable[[Dataset], bool] | None = None,
) -> Iterator[tuple[str, Dataset]]:
    """The rows that fulfil ``predicates``, oldest first: the first of ``columns``' names, and the data set.

    ``columns`` maps tag paths to the columns that hold their text.
    """
    where, values = _conditions(columns, predicates)
    first = next(iter(columns.values()))
    sql = f"SELECT id, {first}, data FROM {table} WHERE id > ? {where} ORDER BY id LIMIT {_PAGE}"  # noqa: S608 (names of the schema)
    last = 0
    while True:
        with database.reader() as connection:
            rows = connection.execute(sql, (last, *values)).fetchall()
        for row in rows:
            ds = unpack(row[2])
            if all(fulfils(ds, item) for item in predicates) and (visible is None or visible(ds)):
                yield str(row[1]), ds
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]


def _conditions(columns: Mapping[tuple[int, ...], str], predicates: Sequence[Predicate]) -> tuple[str, list[str]]:
    """SQL that every match fulfils, from what can be said of columns."""
    text, values = "", list[str]()
    for path, item in _flat((), predicates):
        column = columns.get(path)
        if column is None:
            continue
        if item.vr == "DA" and isinstance(item, Range):
            for end, sign in ((item.low, ">="), (item.high, "<=")):
                key = normal.date_key(end) if end else None
                if key is not None:
                    text += f" AND {column} {sign} ?"
                    values.append(key)
        elif item.vr in _EXACT and isinstance(item, (Single, AnyOf)):
            wanted = (item.value,) if isinstance(item, Single) else item.values
            if not any("*" in value or "?" in value for value in wanted):
                text += f" AND {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 (names of the schema)
                values.append(json.dumps([value.strip(" ") for value in wanted]))
    return text, values


_EXACT = frozenset(("UI", "LO", "SH", "CS"))
"""VRs whose values are equal where their texts are."""


def _flat(above: tuple[int, ...], predicates: Sequence[Predicate]) -> Iterator[tuple[tuple[int, ...], Predicate]]:
    for item in predicates:
        if isinstance(item, SequenceMatch):
            yield from _flat((*above, item.tag), item.predicates)
        else:
            yield (*above, item.tag), item


def one(connection: sqlite3.Connection, sql: str, *values: object) -> tuple[object, ...] | None:
    """The first row."""
    row: tuple[object, ...] | None = connection.execute(sql, values).fetchone()
    return row
