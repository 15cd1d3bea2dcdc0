"""What attributes a normalized SOP class asks for, as rows, and the checks that read them (PS3.4 5.4.2).

A table is text, one attribute a line: its keyword (``Sequence.Keyword`` inside items), then the type at N-CREATE, at
N-SET and in the final state, as PS3.4 prints them for the provider:

- types ``1``, ``2``, ``3``, with ``C`` where a condition stands that only the sender can know; ``E`` is type 2, to be
  empty; ``-`` is "not allowed". ``1`` at N-SET: not to be made empty, and inside an item to be there;
- final states ``R`` always, ``P`` when performed (COMPLETED), ``X`` when cancelled (CANCELED, DISCONTINUED), with ``2``
  behind where the value may be empty, ``O`` optional.

Rules: an attribute is named in an error, its value never is; an item of a sequence is checked only where the sequence
has items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kerma.dataset import Dataset
from kerma.errors import FormatError, StatusError
from kerma.standard import elements

INVALID_VALUE = 0x0106
MISSING_ATTRIBUTE = 0x0120
MISSING_VALUE = 0x0121


@dataclass(frozen=True, slots=True)
class Requirement:
    """One attribute: its tags from the outside in, its name for messages, its types."""

    path: tuple[int, ...]
    name: str
    create: str
    update: str
    final: str


class RequirementTable:
    """The rows of a table; they are made when they are first asked for, with the standard's elements."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rows: tuple[Requirement, ...] = ()

    def __iter__(self) -> Iterator[Requirement]:
        if not self._rows:
            self._rows = tuple(_row(line) for line in self._text.strip().split("\n"))
        return iter(self._rows)


def _row(line: str) -> Requirement:
    name, create, update, final = line.split()
    path = tuple(elements.KEYWORD_TO_TAG[keyword] for keyword in name.split("."))
    return Requirement(path, name, create, update, final)


def check_create(ds: Dataset, rows: Iterable[Requirement]) -> list[int]:
    """Refuse what N-CREATE may not have or lacks; the tags of type 2 that are to be supplied empty. ``StatusError``."""
    lacking: list[int] = []
    for row in rows:
        for holder in _holders(ds, row.path):
            if row.create in ("-", "E") and _has_value(holder, row.path[-1]):
                raise StatusError(f"{row.name} may not be given when the step is created", status=INVALID_VALUE)
            if row.create == "1":
                _demand(holder, row)
            if row.create in ("2", "E") and len(row.path) == 1 and row.path[0] not in holder:
                lacking.append(row.path[0])
    return lacking


def check_update(ds: Dataset, rows: Iterable[Requirement]) -> None:
    """Refuse what N-SET may not change or make empty. ``StatusError``."""
    for row in rows:
        for holder in _holders(ds, row.path):
            if row.path[-1] not in holder:
                if row.update == "1" and len(row.path) > 1:
                    _demand(holder, row)
                continue
            if row.update == "-":
                raise StatusError(f"{row.name} may not be changed", status=INVALID_VALUE)
            if row.update == "1" and not _has_value(holder, row.path[-1]):
                raise StatusError(f"{row.name} may not be made empty", status=MISSING_VALUE)


def unmet(ds: Dataset, rows: Iterable[Requirement], marks: str) -> list[str]:
    """The names of the attributes that the final state lacks; ``marks`` are the letters that count (``RP``, ``RX``)."""
    out = []
    for row in rows:
        if row.final[0] not in marks:
            continue
        holders = _holders(ds, row.path)
        if not holders or not all(_fits(holder, row) for holder in holders):
            out.append(row.name)
    return out


def check_values(ds: Dataset, allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a value outside the enumerated values of its attribute. ``StatusError``."""
    for keyword, values in allowed.items():
        tag = elements.KEYWORD_TO_TAG[keyword]
        if _has_value(ds, tag) and text_of(ds, keyword) not in values:
            raise StatusError(f"{keyword} is none of {', '.join(values)}", status=INVALID_VALUE)


def text_of(ds: Dataset, keyword: str) -> str:
    """A single text, "" where there is none. ``StatusError`` where it cannot be read."""
    try:
        value = ds.get(elements.KEYWORD_TO_TAG[keyword])
    except FormatError as error:
        raise StatusError(f"{keyword} cannot be read", status=INVALID_VALUE) from error
    return "" if value is None else str(value).strip()


def _fits(holder: Dataset, row: Requirement) -> bool:
    tag = row.path[-1]
    return tag in holder if row.final.endswith("2") else _has_value(holder, tag)


def _demand(holder: Dataset, row: Requirement) -> None:
    if row.path[-1] not in holder:
        raise StatusError(f"{row.name} is missing", status=MISSING_ATTRIBUTE)
    if not _has_value(holder, row.path[-1]):
        raise StatusError(f"{row.name} is empty", status=MISSING_VALUE)


def _holders(ds: Dataset, path: Sequence[int]) -> list[Dataset]:
    """The data sets in which the last tag of ``path`` belongs: ``ds``, or every item on the way."""
    holders = [ds]
    for tag in path[:-1]:
        holders = [item for holder in holders for item in items(holder, tag)]
    return holders


def items(ds: Dataset, tag: int) -> list[Dataset]:
    """The items of a sequence; [] where it is none or not there."""
    if tag not in ds or ds.vr_of(tag) != "SQ":
        return []
    try:
        return list(ds[tag].value or ())
    except FormatError as error:
        raise StatusError(f"{elements.keyword_of(tag)} cannot be read", status=INVALID_VALUE) from error


def _has_value(ds: Dataset, tag: int) -> bool:
    if tag not in ds:
        return False
    if ds.vr_of(tag) == "SQ":
        return bool(items(ds, tag))
    try:
        value = ds.get(tag)
    except FormatError as error:
        raise StatusError(f"{elements.keyword_of(tag)} cannot be read", status=INVALID_VALUE) from error
    return value is not None and (not isinstance(value, str) or bool(value.strip()))
