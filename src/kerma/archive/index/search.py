"""Answers from the index: matches as data sets, instances for senders (PS3.4 C.4.1, C.4.2).

Rules:

- No file is opened. Attributes with a column come from it, the others of a level from its ``more``, those of an
  instance from its header.
- What SQL could not decide, ``query.match`` decides on the values that were fetched.
- An answer holds each key that was asked for; what there is no value for is empty. Text goes out in the character set
  of the question where that can say it, else in UTF-8 (PS3.4 C.4.1.1.3.2).
- Between two pages no connection is held: a slow asker blocks nothing.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kerma.archive.facts import header_syntax
from kerma.archive.index import areas, headers, plan, schema
from kerma.archive.index.conditions import condition_of
from kerma.archive.index.database import Database
from kerma.dataset import Dataset
from kerma.errors import FormatError, ValueEncodeError
from kerma.query import keys, match
from kerma.query.model import CombinedRange, Level, Page, Predicate, Query, ReturnKey
from kerma.standard import elements, transfer_syntaxes
from kerma.values import Charsets

_FIRST_PAGE = 32
_PAGE = 256
_CHARSET = 0x00080005
_COUNTS = {
    "NumberOfPatientRelatedStudies": "patient.studies",
    "NumberOfPatientRelatedSeries": "(SELECT sum(s.series) FROM study AS s WHERE s.patient_pk = patient.id)",
    "NumberOfPatientRelatedInstances": "(SELECT sum(s.instances) FROM study AS s WHERE s.patient_pk = patient.id)",
    "NumberOfStudyRelatedSeries": "study.series",
    "NumberOfStudyRelatedInstances": "study.instances",
    "NumberOfSeriesRelatedInstances": "series.instances",
}
_VALUES = "(SELECT json_group_array(v.value) FROM study_value AS v WHERE v.study_pk = study.id AND v.kind = '{}')"
_SETS = {"ModalitiesInStudy": _VALUES.format("M"), "SOPClassesInStudy": _VALUES.format("C")}
_EXPLICIT = transfer_syntaxes.EXPLICIT_LE.uid


@dataclass(frozen=True, slots=True)
class Source:
    """Where one attribute of the answers comes from: a column of the page's rows, or a data set beside them."""

    tag: int
    vr: str
    kind: str
    """column, date, set, answer, more, header or none"""
    index: int = -1


@dataclass(frozen=True, slots=True)
class Layout:
    """One shape of question: the statement for a page and how its columns become attributes."""

    sql: str
    sources: Mapping[int, Source]
    more: tuple[tuple[Level, int], ...]
    header: int
    """Column of the header, its base and transfer syntax come after it; -1 where it is not wanted."""


def layout(level: Level, wanted: Sequence[tuple[int, str]]) -> Layout:
    """How to fetch the attributes ``wanted`` (tag, VR) at ``level``."""
    columns: list[str] = [f"{schema.TABLES[level].name}.id"]
    sources: list[Source] = []
    more: dict[Level, int] = {}
    header = -1
    levels = {level}
    for tag, vr in wanted:
        key = keys.serves(level, tag)
        home = "none" if key is None else key.home
        if key is None or home in ("answer", "header", "more"):
            at = -1
            if key is not None and home == "more":
                levels.add(key.level)
                at = int(key.level)
                if key.level not in more:
                    more[key.level] = len(columns)
                    columns.append(f"{schema.TABLES[key.level].name}.more")
            elif tag == _AVAILABLE_SYNTAX:
                home, at = "column", len(columns)
                columns.append("instance.transfer_syntax_uid")
            sources.append(Source(tag, vr or elements.vr_of(tag), home, at))
            continue
        levels.add(key.level)
        sources.append(Source(tag, key.vr, "date" if key.vr == "DA" else home, len(columns)))
        columns.append(_expression(key))
    if any(source.kind == "header" for source in sources):
        levels.add(Level.SERIES)
        header = len(columns)
        columns += ["instance.header", "series.header_base", "instance.transfer_syntax_uid"]
    tables = _tables(level, Level(min(levels)))
    name = schema.TABLES[level].name
    sql = f"SELECT {', '.join(columns)} FROM {tables} WHERE {name}.id IN (SELECT value FROM json_each(?))"  # noqa: S608
    return Layout(sql, {source.tag: source for source in sources}, tuple(more.items()), header)


_AVAILABLE_SYNTAX = 0x00083002


def _expression(key: keys.Key) -> str:
    if key.home == "count":
        return _COUNTS[key.keyword]
    if key.home == "set":
        return _SETS[key.keyword]
    return f"{schema.TABLES[key.level].name}.{key.column}"


def _tables(bottom: Level, top: Level) -> str:
    out = schema.TABLES[bottom].name
    for number in range(bottom, top, -1):
        child, parent = schema.TABLES[Level(number)].name, schema.TABLES[Level(number - 1)].name
        out += f" JOIN {parent} ON {parent}.id = {child}.{schema.PARENT_KEY[Level(number)]}"
    return out


class Searcher:
    """Answers questions from one index."""

    def __init__(self, database: Database, *, retrieve_aet: str, max_header: int) -> None:
        self._database = database
        self._retrieve_aet = retrieve_aet
        self._max_header = max_header
        self._layouts: dict[tuple[Level, tuple[tuple[int, str], ...]], Layout] = {}

    def search(self, query: Query) -> Iterator[Dataset]:
        """One data set a match with the keys that were asked for."""
        yield from self._answers(query, *self._candidates(query))

    def counted(self, query: Query) -> tuple[int | None, Iterator[Dataset]]:
        """How many matches there are, pages aside, None where that takes looking at each; and ``search``."""
        if not query.predicates and query.within is None and query.page.limit is not None:
            return self._all(query, query.page)
        residual, numbers = self._candidates(query)
        return (None if residual else len(numbers)), self._answers(query, residual, numbers)

    def _all(self, query: Query, page: Page) -> tuple[int, Iterator[Dataset]]:
        """A page of everything, whose cost is that of the page."""
        with self._database.reader() as connection:
            total, numbers = plan.page(connection, query.level, page.limit or 0, page.offset)
        return total, self._answers(replace(query, page=Page()), (), numbers)

    def _answers(self, query: Query, residual: tuple[Predicate, ...], numbers: Sequence[int]) -> Iterator[Dataset]:
        skip, limit = query.page.offset, query.page.limit
        if not residual:
            numbers = numbers[skip:] if limit is None else numbers[skip : skip + limit]
            skip, limit = 0, None
        count = 0
        for values in self._values(query, residual, numbers):
            if skip:
                skip -= 1
                continue
            if limit is not None and count >= limit:
                return
            count += 1
            yield self._answer(query, values)

    def matching(self, query: Query) -> Sequence[int]:
        """The row numbers of the matches at the level of the question."""
        residual, numbers = self._candidates(query)
        if not residual:
            return numbers
        bare = Query(query.level, query.root, query.predicates, relational=True, within=query.within)
        return array("q", [values.id for values in self._values(bare, residual, numbers)])

    def _candidates(self, query: Query) -> tuple[tuple[Predicate, ...], array[int]]:
        conditions, residual = [], []
        for item in query.predicates:
            condition = condition_of(item)
            if condition is not None and condition.level <= query.level:
                conditions.append(condition)
            if condition is None or not condition.exact:
                residual.append(item)
        if query.within is not None:
            conditions.append(areas.within(query.within, query.level))
        with self._database.reader() as connection:
            return tuple(residual), plan.row_numbers(connection, query.level, conditions)

    def _layout(self, level: Level, wanted: tuple[tuple[int, str], ...]) -> Layout:
        name = (level, wanted)
        found = self._layouts.get(name)
        if found is None:
            if len(self._layouts) >= 512:
                self._layouts.clear()
            found = self._layouts[name] = layout(level, wanted)
        return found

    def _values(self, query: Query, residual: Sequence[Predicate], numbers: Sequence[int]) -> Iterator[_Values]:
        wanted = {key.tag: key.vr for key in query.return_keys}
        for item in residual:
            wanted.setdefault(item.tag, item.vr)
            if isinstance(item, CombinedRange):
                wanted.setdefault(item.time_tag, "TM")
        shape = self._layout(query.level, tuple(wanted.items()))
        start, size = 0, _FIRST_PAGE
        while start < len(numbers):
            page = numbers[start : start + size]
            start, size = start + size, _PAGE
            with self._database.reader() as connection:
                rows = self._page(connection, shape.sql, page)
            for row in rows:
                values = _Values(self, query.level, shape, row)
                if not residual or values.fulfil(residual):
                    yield values

    @staticmethod
    def _page(connection: sqlite3.Connection, sql: str, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """The rows of these numbers in their order; what was deleted meanwhile is left out."""
        found = {row[0]: row for row in connection.execute(sql, (json.dumps(list(numbers)),))}
        return [found[number] for number in numbers if number in found]

    def answer_value(self, tag: int, level: Level) -> str | None:
        """What the archive itself says."""
        return {0x00080052: level.name, 0x00080054: self._retrieve_aet, 0x00080056: "ONLINE"}.get(tag)

    def header(self, row: tuple[Any, ...], at: int) -> Dataset:
        """The header whose columns start at ``at``."""
        packed, base, syntax = row[at : at + 3]
        if packed is None:
            return Dataset()
        data = headers.unpack(packed, headers.unpack_base(base), self._max_header)
        return Dataset.from_bytes(data, header_syntax(syntax))

    def _answer(self, query: Query, values: _Values) -> Dataset:
        out = Dataset()
        plain = True
        for key in query.return_keys:
            if key.tag == _CHARSET:
                continue
            value = values.of(key.tag)
            vr = key.vr if value is None and key.vr else values.vr(key.tag)
            if isinstance(value, Dataset) or vr == "SQ":
                value, ascii_only = _items(value, key)
                plain = plain and ascii_only
                out.add(key.tag, "SQ", value)
                continue
            plain = plain and _ascii(value)
            try:
                out.add(key.tag, vr or "UN", value)
            except ValueEncodeError:
                out.add(key.tag, vr or "UN", None)
        if not plain:
            out.add(_CHARSET, "CS", _charset(out, query.charset))
        return out


class _Values:
    """The attributes of one match, made when they are asked for."""

    __slots__ = ("_header", "_layout", "_level", "_more", "_owner", "_row")

    def __init__(self, owner: Searcher, level: Level, shape: Layout, row: tuple[Any, ...]) -> None:
        self._owner = owner
        self._level = level
        self._layout = shape
        self._row = row
        self._more: dict[Level, Dataset] = {}
        self._header: Dataset | None = None

    @property
    def id(self) -> int:
        return int(self._row[0])

    def _source(self, tag: int) -> Source:
        return self._layout.sources[tag]

    def vr(self, tag: int) -> str:
        source = self._source(tag)
        if source.kind in ("header", "more"):
            ds = self._dataset(source)
            if tag in ds:
                return ds[tag].vr
        return source.vr

    def _dataset(self, source: Source) -> Dataset:
        if source.kind == "header":
            if self._header is None:
                self._header = self._owner.header(self._row, self._layout.header)
            return self._header
        level = Level(source.index)
        found = self._more.get(level)
        if found is None:
            raw = self._row[dict(self._layout.more)[level]]
            found = self._more[level] = Dataset() if raw is None else Dataset.from_bytes(raw, _EXPLICIT)
        return found

    def of(self, tag: int) -> Any:
        """The value of an attribute; None where there is none."""
        source = self._source(tag)
        kind = source.kind
        if kind in ("column", "date", "count", "set"):
            value = self._row[source.index]
            if value is None:
                return None
            if kind == "set":
                return tuple(sorted(json.loads(value))) or None
            if kind == "date":
                return value[1:] if value.startswith("!") else value
            return value
        if kind == "answer":
            return self._owner.answer_value(tag, self._level)
        if kind == "none":
            return None
        try:
            return self._dataset(source).get(tag)
        except FormatError:
            return None

    def fulfil(self, predicates: Sequence[Predicate]) -> bool:
        """True where these predicates hold, by the oracle."""
        for item in predicates:
            source = self._source(item.tag)
            if source.kind in ("header", "more"):
                if not match.fulfils(self._dataset(source), item):
                    return False
                continue
            if not match.decide(item, lambda tag: match.joined(tag, self.of(tag))):
                return False
        return True


def _items(value: Any, key: ReturnKey) -> tuple[list[Dataset] | None, bool]:
    """The items of a sequence with the attributes that were asked for, and whether all text in them is ASCII."""
    if value is None:
        return None, True
    out: list[Dataset] = []
    plain = True
    for item in value:
        wanted = {inner.tag: inner for inner in key.items} or {tag: ReturnKey(tag, item[tag].vr) for tag in item}
        made = Dataset()
        for tag, inner in wanted.items():
            if tag == _CHARSET:
                continue
            try:
                found = item.get(tag)
            except FormatError:
                found = None
            vr = item[tag].vr if tag in item else inner.vr
            if vr == "SQ":
                found, ascii_only = _items(found, inner)
                plain = plain and ascii_only
            else:
                plain = plain and _ascii(found)
            made.add(tag, vr or "UN", found)
        out.append(made)
    return out, plain


def _ascii(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii()
    if isinstance(value, tuple):
        return all(_ascii(item) for item in value)
    return True


def _charset(answer: Dataset, asked: tuple[str, ...]) -> tuple[str, ...] | str:
    """The character set of the question where it can say this answer, else UTF-8."""
    if not asked or not any(asked):
        return "ISO_IR 192"
    charsets = Charsets.of(asked)
    try:
        _try(answer, charsets)
    except ValueEncodeError:
        return "ISO_IR 192"
    return asked if len(asked) > 1 else asked[0]


def _try(answer: Dataset, charsets: Charsets) -> None:
    for tag in answer:
        element = answer[tag]
        if element.vr == "SQ":
            for item in element.value or ():
                _try(item, charsets)
        elif isinstance(element.value, str):
            charsets.encode(element.value, element.vr)
        elif isinstance(element.value, tuple):
            for part in element.value:
                if isinstance(part, str):
                    charsets.encode(part, element.vr)
