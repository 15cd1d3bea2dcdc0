"""A predicate as SQL, where SQL can say it as the oracle does (PS3.4 C.2.2.2; ``query.match``).

Rules:

- A condition is exact, or it lets more through (``exact`` False) and ``query.match`` decides on what comes back; a
  predicate without a condition is decided there alone.
- ``shape`` is what the SQL text depends on, ``params`` what it does not: texts are made once for each shape.
- ``GLOB`` has the standard's ``*`` and ``?``. SQLite tries them by recursion, so a pattern with many ``*`` is left to
  the oracle and only its fixed beginning is asked of SQL.
- A veiled column (``+column``) is one that the plan must not start from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, func, literal_column, not_, or_, select

from kerma.archive.index import schema
from kerma.query import keys, match, normal
from kerma.query.model import AnyOf, CombinedRange, Empty, Fuzzy, Level, Predicate, Range, Single, Wildcard
from kerma.query.predicates import NUMBER_VRS

_MAX_STARS = 3
_MAX_PATTERN = 128
_MAX_WORDS = 8
_NO_BEGINNING = ("glob", False)
"""How the shape of a pattern begins that begins with a wildcard."""
_SETS = {"ModalitiesInStudy": "M", "SOPClassesInStudy": "C"}
Params = Sequence[ColumnElement[Any]]
Build = Callable[[Params, bool], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Condition:
    """``build(parameters, veiled)`` makes the expression; ``indexed`` where a plan may start from it; ``unique`` where
    it names one row each.
    """

    level: Level
    shape: tuple[object, ...]
    params: tuple[Any, ...]
    build: Build
    exact: bool = True
    indexed: bool = False
    unique: bool = False
    probe: Callable[[Params], Select[Any]] | None = None
    """Rows as many as it lets through, where that is not a look at the level's table."""
    scans: bool = False
    """Whether to start from it is to look at every row."""


def condition_of(item: Predicate) -> Condition | None:
    """The condition of a predicate; None where SQL cannot help."""
    key = keys.lookup(item.tag)
    if key is None:
        return None
    if key.home == "set":
        return _set(item, key)
    if key.home != "column" or key.vr in NUMBER_VRS:
        return None
    if isinstance(item, CombinedRange):
        return _combined(item, key)
    if isinstance(item, Empty):
        return Condition(key.level, ("empty", key.tag), (), lambda _, veiled: _column(key, "", veiled).is_(None))
    if isinstance(item, (Single, AnyOf, Wildcard, Fuzzy, Range)):
        maker = {"PN": _name, "DA": _date, "TM": _time}.get(key.vr, _plain)
        return maker(item, key)
    return None


def _column(key: keys.Key, suffix: str, veiled: bool) -> ColumnElement[Any]:
    table = schema.TABLES[key.level]
    name = key.column + suffix
    return literal_column(f"+{table.name}.{name}", Text) if veiled else table.c[name]


def _plain(item: Predicate, key: keys.Key) -> Condition | None:
    found = _text(item)
    if found is None:
        return None
    shape, params, build, exact, unique = found
    return Condition(
        key.level,
        (key.tag, *shape),
        params,
        lambda binds, veiled: build(_column(key, "", veiled), binds),
        exact,
        key.column in schema.INDEXED,
        unique and key.usage == "U" and key.level is not Level.PATIENT,
        scans=shape[:2] == _NO_BEGINNING,
    )


TextBuild = Callable[[ColumnElement[Any], Params], ColumnElement[bool]]


def _text(item: Predicate) -> tuple[tuple[object, ...], tuple[Any, ...], TextBuild, bool, bool] | None:
    """Shape, parameters, expression over a column, exactness, and whether it names values one by one."""
    if isinstance(item, Single):
        return ("eq",), (_clean(item.value.strip(" ")),), lambda column, binds: column == binds[0], True, True
    if isinstance(item, AnyOf):
        if item.vr != "UI" and any("*" in value or "?" in value for value in item.values):
            return None
        values = json.dumps([_clean(value.strip(" ")) for value in item.values])
        return ("in",), (values,), lambda column, binds: column.in_(_each(binds[0])), True, True
    if isinstance(item, Wildcard):
        shape, params, build, exact = glob(item.pattern.strip(" "))
        return (shape, params, build, exact, False) if build is not None else None
    return None


def _each(values: ColumnElement[Any]) -> Any:
    return select(func.json_each(values).table_valued("value").c.value)


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def glob(pattern: str) -> tuple[tuple[object, ...], tuple[Any, ...], TextBuild | None, bool]:
    """A pattern over a column: shape, parameters, expression (None where it asks nothing of SQL), exactness."""
    pattern = _clean(pattern)
    if "*" not in pattern and "?" not in pattern:
        return ("eq",), (pattern,), lambda column, binds: column == binds[0], True
    prefix = pattern[: min(pattern.find(char) % (len(pattern) + 1) for char in "*?")]
    exact = pattern.count("*") <= _MAX_STARS and len(pattern) <= _MAX_PATTERN
    bounds = _bounds(prefix)
    params = (*bounds, pattern.replace("[", "[[]")) if exact else bounds
    if not params:
        return (), (), None, False

    def build(column: ColumnElement[Any], binds: Params) -> ColumnElement[bool]:
        parts: list[ColumnElement[bool]] = []
        if bounds:
            parts += [column >= binds[0], column < binds[1]]
        if exact:
            parts.append(column.op("GLOB")(binds[len(bounds)]))
        return and_(*parts)

    return ("glob", bool(bounds), exact), params, build, exact


def _bounds(prefix: str) -> tuple[str, ...]:
    """The least text with ``prefix`` and the least after all of them; () where there are none."""
    if not prefix or ord(prefix[-1]) >= 0xD7FF:
        return ()
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _date(item: Predicate, key: keys.Key) -> Condition | None:
    indexed = key.column in schema.INDEXED
    if isinstance(item, Single):
        params: tuple[Any, ...] = (normal.date_key(item.value) or "?",)
        return Condition(
            key.level,
            (key.tag, "eq"),
            params,
            lambda binds, veiled: _column(key, "", veiled) == binds[0],
            True,
            indexed,
        )
    if isinstance(item, Range):
        # an unreadable date is kept with a leading "!", which lies below "0"
        params = (match.date_low(item.low) or "0", match.date_high(item.high))
        return Condition(key.level, (key.tag, "range"), params, _between(key, ""), True, indexed)
    return None


def _time(item: Predicate, key: keys.Key) -> Condition | None:
    if isinstance(item, Single):
        params = (match.time_low(item.value), match.time_high(item.value))
    elif isinstance(item, Range):
        params = (match.time_low(item.low), match.time_high(item.high))
    else:
        return None
    return Condition(key.level, (key.tag, "range"), params, _between(key, "_key"))


def _between(key: keys.Key, suffix: str) -> Build:
    def build(binds: Params, veiled: bool) -> ColumnElement[bool]:
        column = _column(key, suffix, veiled)
        return and_(column >= binds[0], column <= binds[1])

    return build


def _combined(item: CombinedRange, key: keys.Key) -> Condition | None:
    time = keys.lookup(item.time_tag)
    if time is None or time.home != "column":
        return None
    low, high = match.combined_ends(item)

    def build(binds: Params, veiled: bool) -> ColumnElement[bool]:
        date = _column(key, "", veiled)
        whole = date + func.coalesce(_column(time, "_key", True), literal_column("'000000.000000'"))
        return and_(date >= binds[0], date <= binds[1], whole >= binds[2], whole <= binds[3])

    params = (low[:8] or "0", high[:8], low or "0", high)
    return Condition(key.level, (key.tag, "combined"), params, build, True, key.column in schema.INDEXED)


def _fuzzy(item: Fuzzy, key: keys.Key) -> Condition | None:
    """What the name matches otherwise, or in the column of its words a beginning or a sound for each word."""
    plain = _name(Wildcard(item.tag, item.vr, item.value), key)
    words = normal.sounding_words(item.value)
    if plain is None or len(words) > _MAX_WORDS:
        return None
    params: list[str] = list(plain.params)
    terms: list[list[int]] = []
    for word, sound in words:
        globs = [f"* {_clean(word)}*", *([f"*#{sound}*"] if sound else [])]
        terms.append(list(range(len(params), len(params) + len(globs))))
        params += globs

    def build(binds: Params, veiled: bool) -> ColumnElement[bool]:
        column = _column(key, "_f", True)
        each = (or_(*(column.op("GLOB")(binds[number]) for number in term)) for term in terms)
        return or_(plain.build(binds[: len(plain.params)], True), and_(*each))

    shape = ("fuzzy", *plain.shape, tuple(map(len, terms)))
    return Condition(key.level, shape, tuple(params), build, plain.exact)


def _name(item: Predicate, key: keys.Key) -> Condition | None:
    if isinstance(item, Fuzzy):
        return _fuzzy(item, key)
    if not isinstance(item, (Single, Wildcard)):
        return None
    groups = match.name_patterns(item.text())
    suffixes = [("_a", "_i", "_p")] if len(groups) == 1 else [(suffix,) for suffix in ("_a", "_i", "_p")]
    shape: list[object] = [key.tag, "name"]
    params: list[Any] = []
    terms: list[list[tuple[str, TextBuild, int, int]]] = []
    exact, scans = True, False
    for names, alternatives in zip(suffixes, groups, strict=False):
        term: list[tuple[str, TextBuild, int, int]] = []
        for text in alternatives:
            part, values, build, whole = glob(text)
            exact = exact and whole
            if build is None:
                return None
            shape.append((names, part))
            scans = scans or part[:2] == _NO_BEGINNING
            term += [(name, build, len(params), len(params) + len(values)) for name in names]
            params += values
        if term:
            terms.append(term)
    if not terms:
        return None

    def build_all(binds: Params, veiled: bool) -> ColumnElement[bool]:
        return and_(
            *(
                or_(*(build(_column(key, suffix, veiled), binds[start:end]) for suffix, build, start, end in term))
                for term in terms
            )
        )

    indexed = key.column in schema.INDEXED
    return Condition(key.level, tuple(shape), tuple(params), build_all, exact, indexed, scans=scans)


def _set(item: Predicate, key: keys.Key) -> Condition | None:
    """A key whose values are kept one by one beside the study."""
    kind = _SETS[key.keyword]
    value = schema.study_value

    of_kind = value.c.kind == literal_column(f"'{kind}'")

    def members(*where: ColumnElement[bool]) -> Select[Any]:
        return select(value.c.study_pk).where(of_kind, *where)

    def is_member(*where: ColumnElement[bool]) -> ColumnElement[bool]:
        """Looked up for one study at a time, whatever the number of members."""
        return members(value.c.study_pk == schema.study.c.id, *where).correlate(schema.study).exists()

    if isinstance(item, Empty):
        return Condition(key.level, (key.tag, "none"), (), lambda _, __: not_(is_member()))
    found = _text(item)
    if found is None:
        return None
    shape, params, build, exact, _ = found

    def build_all(binds: Params, veiled: bool) -> ColumnElement[bool]:
        wanted = build(value.c.value, binds)
        return is_member(wanted) if veiled else schema.study.c.id.in_(members(wanted))

    return Condition(
        key.level,
        (key.tag, *shape),
        params,
        build_all,
        exact,
        indexed=True,
        probe=lambda binds: members(build(value.c.value, binds)),
    )
