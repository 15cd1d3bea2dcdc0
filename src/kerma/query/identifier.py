"""A question as a data set or as keywords, and back (PS3.4 C.4.1.1.3, C.4.2.1.4, C.6).

Rules:

- Without relational support an identifier names one value for the unique key of every level above its own (PS3.4
  C.4.1.3.2.1); what it says of levels below its own is not supported, not an error: much used clients ask so.
- An attribute that nothing serves stays a return key, so that it comes back empty, and its tag is in
  ``Query.unsupported``.
- Private attributes are never matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import FormatError, StatusError, UsageError
from kerma.query import keys as rows
from kerma.query.model import (
    AnyOf,
    CombinedRange,
    Level,
    Page,
    Predicate,
    Query,
    ReturnKey,
    Root,
    SequenceMatch,
    Single,
)
from kerma.query.predicates import MISMATCH, combine, fuzzily, predicate
from kerma.standard import elements

_CHARSET = 0x00080005
_LEVEL = 0x00080052
_RETRIEVE_AET = 0x00080054
_UNABLE = 0xC000
_MAX_DEPTH = 16
_MAX_KEYS = 2_000
_ALWAYS = (ReturnKey(_LEVEL, "CS"), ReturnKey(_RETRIEVE_AET, "AE"))
"""What every response says, asked or not (PS3.4 C.4.1.1.3.2)."""


def from_identifier(
    identifier: Dataset,
    *,
    root: Root,
    relational: bool = False,
    combined_datetime: bool = False,
    fuzzy: bool = False,
    retrieve: bool = False,
) -> Query:
    """The question of a C-FIND identifier, or with ``retrieve`` of a C-MOVE or C-GET identifier (PS3.4 C.4.2.1.4).

    ``StatusError`` A900 where the identifier does not fit the information model, C000 where a key cannot be read.
    """
    level = _level(identifier, root)
    found: list[Predicate] = []
    wanted: list[ReturnKey] = [] if retrieve else list(_ALWAYS)
    unsupported: list[int] = []
    for tag in _tags(identifier):
        if tag in (_CHARSET, _LEVEL, _RETRIEVE_AET) or tag & 0xFFFF == 0:
            continue
        vr = _vr(identifier, tag)
        row = rows.serves(level, tag)
        if row is None:
            unsupported.append(tag)
            wanted.append(ReturnKey(tag, vr))
            continue
        item, key = _key(identifier, tag, vr, 0)
        wanted.append(key)
        if item is not None and row.home != "answer":
            found.append(item)
    if fuzzy:
        found = [fuzzily(item) for item in found]
    predicates = combine(found) if combined_datetime else tuple(found)
    charset = identifier.get(_CHARSET)
    query = Query(
        level=level,
        root=root,
        predicates=predicates,
        return_keys=tuple(wanted),
        relational=relational,
        fuzzy=fuzzy,
        charset=() if not charset else (charset,) if isinstance(charset, str) else tuple(charset),
        unsupported=tuple(unsupported),
    )
    _check(query, retrieve)
    return query


def from_keys(
    level: Level | str,
    keys: Mapping[str, Any],
    return_keys: Iterable[str] = (),
    *,
    root: Root | None = None,
    page: Page | None = None,
) -> Query:
    """A question of keywords (or tags as text) and values, as scripts and the command line ask it; relational.

    A value is a text with DICOM wildcards and ranges, a number, a sequence of them, or None for a return key. ``A.B``
    names an attribute of a sequence's item. Without ``return_keys`` the usual ones of the level come back.
    ``KermaError`` for an unknown keyword.
    """
    level = level_of(level) if isinstance(level, str) else level
    found: list[Predicate] = []
    wanted: dict[int, ReturnKey] = {}
    nested: dict[int, dict[str, Any]] = {}
    unsupported: set[int] = set()
    for name, value in keys.items():
        head, _, rest = name.partition(".")
        tag = elements.parse_tag(head)
        vr = elements.vr_of(tag)
        wanted[tag] = ReturnKey(tag, vr)
        if rows.serves(level, tag) is None:
            unsupported.add(tag)
        elif rest:
            nested.setdefault(tag, {})[rest] = value
        elif (item := predicate(tag, vr, _texts(value))) is not None:
            found.append(item)
    for tag, inner in nested.items():
        sub = _nested(inner)
        if sub:
            found.append(SequenceMatch(tag, sub))
    for name in return_keys:
        tag = elements.parse_tag(name)
        wanted.setdefault(tag, ReturnKey(tag, elements.vr_of(tag)))
        if rows.serves(level, tag) is None:
            unsupported.add(tag)
    for key in () if return_keys else default_keys(level):
        wanted.setdefault(key.tag, ReturnKey(key.tag, key.vr))
    return Query(
        level=level,
        root=root or (Root.PATIENT if level is Level.PATIENT else Root.STUDY),
        predicates=tuple(found),
        return_keys=tuple(wanted.values()),
        relational=True,
        page=page or Page(),
        unsupported=tuple(sorted(unsupported)),
    )


def default_keys(level: Level) -> tuple[rows.Key, ...]:
    """What comes back where nobody said what should: unique and required keys of the level and above it, names and
    counts of the level.
    """
    out = [key for key in rows.KEYS if key.level <= level and key.usage in ("U", "R")]
    extra = {
        Level.PATIENT: ("PatientBirthDate", "PatientSex", "NumberOfPatientRelatedStudies"),
        Level.STUDY: (
            "StudyDescription",
            "ModalitiesInStudy",
            "NumberOfStudyRelatedSeries",
            "NumberOfStudyRelatedInstances",
        ),
        Level.SERIES: ("SeriesDescription", "NumberOfSeriesRelatedInstances"),
        Level.IMAGE: ("SOPClassUID",),
    }
    return (*out, *(rows.by_keyword(keyword) for keyword in extra[level]))


def to_identifier(query: Query) -> Dataset:
    """The identifier that asks ``query``: return keys empty, predicates as values, UTF-8 where they need it."""
    out = Dataset()
    if not all(_ascii(item) for item in query.predicates):
        out.add(_CHARSET, "CS", "ISO_IR 192")
    out.add(_LEVEL, "CS", query.level.name)
    for key in query.return_keys:
        if key.tag in (_LEVEL, _CHARSET):
            continue
        out.add(key.tag, key.vr or "UN", [_empty_item(key.items)] if key.items else None)
    for item in query.predicates:
        _put(out, item)
    return out


def predicates_of(identifier: Dataset) -> tuple[Predicate, ...]:
    """What the keys of an identifier without level ask: of the worklist, of steps, of a subscription's filter.

    ``StatusError`` A900 or C000 where it cannot be meant.
    """
    found = (
        _key(identifier, tag, _vr(identifier, tag), 0)[0]
        for tag in _tags(identifier)
        if tag != _CHARSET and tag & 0xFFFF
    )
    return tuple(item for item in found if item is not None)


def keys_of(predicates: Iterable[Predicate]) -> Dataset:
    """The identifier without level that asks ``predicates``: the other way round."""
    predicates = tuple(predicates)
    out = Dataset()
    if not all(_ascii(item) for item in predicates):
        out.add(_CHARSET, "CS", "ISO_IR 192")
    for item in predicates:
        _put(out, item)
    return out


# -- reading an identifier ---------------------------------------------------------------------------------------------


def _level(identifier: Dataset, root: Root) -> Level:
    try:
        name = identifier.get(_LEVEL)
    except FormatError as error:
        raise StatusError("Query/Retrieve Level cannot be read", status=_UNABLE) from error
    if not isinstance(name, str) or name not in Level.__members__:
        raise StatusError("no Query/Retrieve Level (0008,0052) that the standard knows", status=MISMATCH)
    level = Level[name]
    if level not in root.levels:
        raise StatusError(f"level {name} is not in the {root.value} root model", status=MISMATCH)
    return level


def _tags(identifier: Dataset) -> list[int]:
    tags = list(identifier)
    if len(tags) > _MAX_KEYS:
        raise StatusError(f"identifier with more than {_MAX_KEYS} keys", status=_UNABLE)
    return tags


def _vr(identifier: Dataset, tag: int) -> str:
    """The VR by which a key is matched: the standard's, whatever the asker wrote."""
    vr = identifier[tag].vr
    row = elements.lookup(tag)
    return vr if row is None or vr in row.vrs else row.vr


def _key(identifier: Dataset, tag: int, vr: str, depth: int) -> tuple[Predicate | None, ReturnKey]:
    try:
        value = identifier[tag].value
        if vr == "SQ":
            return _sequence(tag, value, depth)
        if identifier[tag].vr == "SQ":
            return None, ReturnKey(tag, vr)
        return predicate(tag, vr, _texts(value)), ReturnKey(tag, vr)
    except FormatError as error:
        raise StatusError(f"key ({tag >> 16:04X},{tag & 0xFFFF:04X}) cannot be read", status=_UNABLE) from error


def _sequence(tag: int, items: Any, depth: int) -> tuple[Predicate | None, ReturnKey]:
    if items is None or not isinstance(items, Sequence) or isinstance(items, (str, bytes)) or not len(items):
        return None, ReturnKey(tag, "SQ")
    if len(items) > 1:
        raise StatusError(f"sequence key ({tag >> 16:04X},{tag & 0xFFFF:04X}) with more than one item", status=MISMATCH)
    if depth >= _MAX_DEPTH:
        raise StatusError(f"sequence keys nested deeper than {_MAX_DEPTH}", status=_UNABLE)
    found: list[Predicate] = []
    wanted: list[ReturnKey] = []
    for inner in _tags(items[0]):
        if inner & 0xFFFF == 0 or inner == _CHARSET:
            continue
        item, key = _key(items[0], inner, _vr(items[0], inner), depth + 1)
        wanted.append(key)
        if item is not None:
            found.append(item)
    return (SequenceMatch(tag, tuple(found)) if found else None), ReturnKey(tag, "SQ", tuple(wanted))


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.split("\\")) if "\\" in value else (value,)
    if isinstance(value, (list, tuple)):
        return tuple(text for item in value for text in _texts(item))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ()  # bulk values are not matched
    text = getattr(value, "text", None)
    return (text if isinstance(text, str) else str(value),)


def _check(query: Query, retrieve: bool) -> None:
    """The rules for unique keys (PS3.4 C.4.1.2.1, C.4.2.2.1)."""
    for level in query.root.levels:
        if level >= query.level or query.relational:
            break
        if len(query.uids(level)) != 1:
            raise StatusError(
                f"a {query.level.name} level identifier needs one value of the {level.name} level's unique key",
                status=MISMATCH,
            )
    if not retrieve:
        return
    uids = query.uids(query.level)
    if not uids:
        raise StatusError(f"retrieve without a value of the {query.level.name} level's unique key", status=MISMATCH)
    if query.level is Level.PATIENT and len(uids) > 1:
        raise StatusError("retrieve of more than one Patient ID", status=MISMATCH)


# -- building ----------------------------------------------------------------------------------------------------------


def _nested(keys: Mapping[str, Any]) -> tuple[Predicate, ...]:
    found: list[Predicate] = []
    deeper: dict[int, dict[str, Any]] = {}
    for name, value in keys.items():
        head, _, rest = name.partition(".")
        tag = elements.parse_tag(head)
        if rest:
            deeper.setdefault(tag, {})[rest] = value
        elif (item := predicate(tag, elements.vr_of(tag), _texts(value))) is not None:
            found.append(item)
    for tag, inner in deeper.items():
        sub = _nested(inner)
        if sub:
            found.append(SequenceMatch(tag, sub))
    return tuple(found)


def _ascii(item: Predicate) -> bool:
    return all(_ascii(inner) for inner in item.predicates) if isinstance(item, SequenceMatch) else item.text().isascii()


def _put(out: Dataset, item: Predicate) -> None:
    if isinstance(item, SequenceMatch):
        present = out.get(item.tag)
        inner = present[0] if present else Dataset()
        for part in item.predicates:
            _put(inner, part)
        out.add(item.tag, "SQ", [inner])
    elif isinstance(item, CombinedRange):
        out.add(item.tag, "DA", item.text())
        out.add(item.time_tag, "TM", item.time_text())
    elif item.vr in ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"):
        number = item.text()
        out.add(item.tag, item.vr, float(number) if item.vr in ("FL", "FD") else int(number))
    else:
        text = item.values if isinstance(item, AnyOf) else item.text()
        out.add(item.tag, item.vr, text)


def _empty_item(items: tuple[ReturnKey, ...]) -> Dataset:
    out = Dataset()
    for key in items:
        out.add(key.tag, key.vr or "UN", [_empty_item(key.items)] if key.items else None)
    return out


def level_of(text: str) -> Level:
    """A level as people write it: ``study``, ``SERIES``, ``image`` or ``instance``."""
    name = text.upper().replace("INSTANCE", "IMAGE")
    if name not in Level.__members__:
        raise UsageError(f"no level is called {text!r}", hint="patient, study, series or image")
    return Level[name]


def unique_query(level: Level, uids: Sequence[str]) -> Query:
    """Everything below the unique keys ``uids`` of one level."""
    tag = level.unique_key
    vr = "LO" if level is Level.PATIENT else "UI"
    item: Predicate = Single(tag, vr, uids[0]) if len(uids) == 1 else AnyOf(tag, vr, tuple(uids))
    return Query(level, Root.PATIENT, (item,), (ReturnKey(tag, vr),), relational=True)
