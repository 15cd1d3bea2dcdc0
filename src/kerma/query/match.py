"""The oracle: does one data set answer the question? Plain Python, by the letter (PS3.4 C.2.2.2).

The archive's SQL gives the same answers and is tested against this; what SQL cannot say is left to this.

Rules:

- An attribute of value multiplicity 1 is one text, backslashes and all: real data sets hold descriptions with
  backslashes in them. Of the others one matching value is enough (PS3.4 C.2.2.3).
- Text is compared with its case, without leading and trailing spaces; person names as ``normal.py`` says. A name key
  of one component group matches any group of the value, one of several groups matches each group that it gives.
- ``DOE^*`` matches ``DOE`` as well: trailing empty components and their delimiters may be left out (PS3.5 6.2.1.2).
- A date, time or number that cannot be read equals nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import FormatError, ValueFormatError
from kerma.query import normal
from kerma.query.model import (
    AnyOf,
    Area,
    CombinedRange,
    Empty,
    Fuzzy,
    Predicate,
    Query,
    Range,
    SequenceMatch,
    Single,
    Wildcard,
)
from kerma.query.predicates import NUMBER_VRS
from kerma.standard import elements


def matches(ds: Dataset, query: Query) -> bool:
    """True where ``ds`` fulfils every predicate of ``query`` and lies within its areas."""
    return all(fulfils(ds, item) for item in query.predicates) and (
        query.within is None or any(lies_in(ds, area) for area in query.within)
    )


def lies_in(ds: Dataset, area: Area, labels: Collection[str] = ()) -> bool:
    """True where what a data set says of itself is in ``area``. Labels are not in data sets: ``labels`` tells them."""
    wanted = {
        0x00100020: area.patient_id,
        0x00100021: area.issuer,
        0x0020000D: area.study,
        0x0020000E: area.series,
    }
    return set(area.labels) <= set(labels) and all(
        value is None or "\\".join(texts_of(ds, tag)) == value for tag, value in wanted.items()
    )


def fulfils(ds: Dataset, item: Predicate) -> bool:
    """True where ``ds`` fulfils one predicate."""
    if isinstance(item, SequenceMatch):
        return any(all(fulfils(inner, part) for part in item.predicates) for inner in _items(ds, item.tag))
    return decide(item, lambda tag: texts_of(ds, tag))


def decide(item: Predicate, texts: Callable[[int], tuple[str, ...]]) -> bool:
    """``fulfils`` where the values come from elsewhere, as ``texts(tag)`` in the form of ``joined``; sequences
    cannot.
    """
    if isinstance(item, CombinedRange):
        return _combined(texts(item.tag), texts(item.time_tag), item)
    if isinstance(item, SequenceMatch):
        return False
    values = texts(item.tag)
    if isinstance(item, Empty):
        return not values
    return any(value_matches(value, item) for value in values)


def _items(ds: Dataset, tag: int) -> Sequence[Dataset]:
    if tag not in ds:
        return ()
    try:
        value = ds[tag].value
    except FormatError:
        return ()
    return value if value is not None and ds[tag].vr == "SQ" else ()


def texts_of(ds: Dataset, tag: int) -> tuple[str, ...]:
    """The values of an attribute as they are compared; () where it is absent, empty or cannot be read."""
    if tag not in ds:
        return ()
    try:
        return joined(tag, ds[tag].value)
    except (ValueFormatError, FormatError):
        return ()


def joined(tag: int, value: Any) -> tuple[str, ...]:
    """A decoded value as texts: one where the standard allows one value only, without empty ones."""
    if value is None or isinstance(value, (bytes, bytearray, memoryview)):
        return ()
    parts = value if isinstance(value, tuple) else (value,)
    texts = tuple(_text(part) for part in parts)
    if len(texts) > 1 and _single_valued(tag):
        texts = ("\\".join(texts),)
    return tuple(text for text in texts if text)


def _text(part: Any) -> str:
    text = part if isinstance(part, str) else getattr(part, "text", None)
    return (text if isinstance(text, str) else str(part)).strip(" ")


@lru_cache(maxsize=4096)
def _single_valued(tag: int) -> bool:
    row = elements.lookup(tag)
    return row is not None and row.vm == "1"


def value_matches(value: str, item: Single | AnyOf | Wildcard | Fuzzy | Range | Empty) -> bool:
    """True where one value of the attribute, not empty, fulfils the predicate."""
    if isinstance(item, Single):
        return _equal(value, item.value, item.vr)
    if isinstance(item, AnyOf):
        return any(
            _like(value, wanted, item.vr) if _is_pattern(wanted, item.vr) else _equal(value, wanted, item.vr)
            for wanted in item.values
        )
    if isinstance(item, Wildcard):
        return _like(value, item.pattern, item.vr)
    if isinstance(item, Fuzzy):
        return _like(value, item.value, item.vr) or _sounds_like(value, item.value)
    if isinstance(item, Range):
        return _in_range(value, item)
    return False


def _sounds_like(value: str, wanted: str) -> bool:
    form = normal.sounding(value)
    return all(
        f" {word}" in form or (sound != "" and f"#{sound}" in form) for word, sound in normal.sounding_words(wanted)
    )


def _is_pattern(text: str, vr: str) -> bool:
    return vr not in NUMBER_VRS and vr not in ("UI", "DA", "TM", "DT", "AS", "AT") and ("*" in text or "?" in text)


def _equal(value: str, wanted: str, vr: str) -> bool:
    if vr == "PN":
        return _like(value, wanted, vr)
    if vr == "DA":
        key = normal.date_key(value)
        return key is not None and key == normal.date_key(wanted)
    if vr == "TM":
        return _time_between(value, wanted, wanted)
    if vr == "DT":
        return _datetime_between(value, wanted, wanted)
    if vr in NUMBER_VRS:
        number = normal.number_key(value)
        return number is not None and number == normal.number_key(wanted)
    return value == wanted.strip(" ")


def _like(value: str, pattern: str, vr: str) -> bool:
    if vr != "PN":
        return bool(compiled(pattern.strip(" ")).fullmatch(value))
    groups = normal.name_groups(value)
    wanted = name_patterns(pattern)
    if len(wanted) == 1:
        return any(group and any(compiled(text).fullmatch(group) for text in wanted[0]) for group in groups)
    return all(
        any(compiled(text).fullmatch(group) for text in alternatives)
        for group, alternatives in zip(groups, wanted, strict=False)
        if alternatives
    )


@lru_cache(maxsize=512)
def name_patterns(pattern: str) -> tuple[tuple[str, ...], ...]:
    """The folded patterns of a name key, a tuple of alternatives for each component group; () for a group that asks
    nothing.

    One tuple only means that any group of the value may match it.
    """
    out = []
    for part in pattern.split("=", 2):
        text = normal.fold_name(part)
        alternatives = [text] if text.strip("*") else []
        while alternatives and text.endswith("^*"):
            text = text[:-2].rstrip("^")
            if text:
                alternatives.append(text)
        out.append(tuple(dict.fromkeys(alternatives)))
    return tuple(out)


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """A wildcard pattern as a regular expression.

    Each fixed part is taken at its first place and never given up again (atomic groups), which is right for this
    language and keeps a hostile pattern with many ``*`` from taking exponential time.
    """
    first, *rest = re.split(r"\*+", pattern)
    if not rest:
        return re.compile(_fixed(first), re.DOTALL)
    middle = "".join(f"(?>.*?{_fixed(part)})" for part in rest[:-1])
    return re.compile(f"{_fixed(first)}{middle}.*{_fixed(rest[-1])}", re.DOTALL)


def _fixed(text: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in text)


def _in_range(value: str, item: Range) -> bool:
    if item.vr == "DA":
        key = normal.date_key(value)
        return key is not None and (date_low(item.low) <= key <= date_high(item.high))
    if item.vr == "TM":
        return _time_between(value, item.low, item.high)
    return _datetime_between(value, item.low, item.high)


def date_low(text: str) -> str:
    """The lower end of a date range as a key; an open end lies below every date."""
    return (normal.date_key(text) or "") if text else ""


def date_high(text: str) -> str:
    """The upper end of a date range as a key; an open end lies above every date."""
    return (normal.date_key(text) or "") if text else "99999999"


def time_low(text: str) -> str:
    """The lower end of a time range as a key."""
    bounds = normal.time_bounds(text) if text else None
    return bounds[0] if bounds else ""


def time_high(text: str) -> str:
    """The upper end of a time range as a key: the last instant of what was written."""
    bounds = normal.time_bounds(text) if text else None
    return bounds[1] if bounds else "99"


def _time_between(value: str, low: str, high: str) -> bool:
    key = normal.time_key(value)
    return key is not None and time_low(low) <= key <= time_high(high)


def _datetime_between(value: str, low: str, high: str) -> bool:
    bounds = normal.datetime_bounds(value)
    if bounds is None:
        return False
    if low:
        ends = normal.datetime_bounds(low)
        if ends is None:
            return False
        one, other = normal.comparable(ends[0], bounds[0])
        if other < one:
            return False
    if high:
        ends = normal.datetime_bounds(high)
        if ends is None:
            return False
        one, other = normal.comparable(bounds[0], ends[1])
        return one <= other
    return True


def combined_key(date: str | None, time: str | None) -> str | None:
    """A date and a time as one key; a day without a readable time counts from its start."""
    key = normal.date_key(date) if date else None
    if key is None:
        return None
    return key + ((normal.time_key(time) if time else None) or "000000.000000")


def combined_ends(item: CombinedRange) -> tuple[str, str]:
    """The ends of a combined range as keys."""
    low = date_low(item.low_date) + (time_low(item.low_time) or "000000.000000") if item.low_date else ""
    if not item.high_date:
        return low, "99999999"
    return low, date_high(item.high_date) + (time_high(item.high_time) if item.high_time else "99")


def _combined(dates: tuple[str, ...], times: tuple[str, ...], item: CombinedRange) -> bool:
    key = combined_key(dates[0] if dates else None, times[0] if times else None)
    if key is None:
        return False
    low, high = combined_ends(item)
    return low <= key <= high
