"""Where two data sets do not say the same: what they mean is compared, not how it is encoded.

Rules:

- Transfer syntax, character set, sequence and item lengths, group lengths and padding do not count, nor does the VR
  where both VRs give the same value (implicit VR knows no VR but the dictionary's). With ``Rules.strict`` the VR, the
  SpecificCharacterSet and the file meta information count.
- Items are compared in their order. Names are compared without empty components at their end.
- Nothing recurses, and of binary values no more than a megabyte is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerma import values
from kerma.dataset.binary import is_binary, length_of, pieces_of, same_bytes
from kerma.dataset.bulk import BulkData
from kerma.dataset.element import Element
from kerma.dataset.fragments import Fragments
from kerma.dataset.walking import Row, given_value, plain
from kerma.encoding.syntax import IMPLICIT_LE
from kerma.encoding.writer import element_header
from kerma.errors import KermaError

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

_CHARSET = 0x00080005
_PADDING = 0xFFFCFFFC  # Data Set Trailing Padding, of no meaning (PS3.10 7.2)
_LONGEST_PATH = 64
_LARGE = 1 << 24
_OF_THE_FILE = frozenset({0x00020000, 0x00020001, 0x00020010, 0x00020012, 0x00020013})
_SEQUENCE = 0x0040A730


@dataclass(frozen=True, slots=True)
class Rules:
    """What does not count, or, with ``strict``, does."""

    ignore: frozenset[int] = frozenset()
    """Tags that are passed over wherever they are, with their items."""
    private: bool = True
    """Whether private elements count."""
    uids: bool = True
    """Whether UIDs count that are not those of the standard (instances, frames of reference)."""
    strict: bool = False
    """Whether VR, SpecificCharacterSet, trailing padding and file meta information count."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place. ``path`` is tag, item index, tag ...; ``kind`` is "first" (only the first has it), "second", "value",
    "vr" or "items" (another number of items; those that both have are compared).
    """

    path: tuple[int, ...]
    kind: str
    first: Element | None
    second: Element | None


_RULES = Rules()


def differences(one: Dataset, two: Dataset, rules: Rules = _RULES) -> Iterator[Difference]:
    """The differences, in the order of the elements; none where both say the same.

    ``FormatError`` and its kinds where an item cannot be read; what comes before it was given by then.
    """
    if rules.strict and (one.meta is not None or two.meta is not None):
        yield from _compare(_or_empty(one, one.meta), _or_empty(two, two.meta), rules)
    yield from _compare(one, two, rules)


def _or_empty(ds: Dataset, meta: Any) -> Dataset:
    return type(ds)() if meta is None else meta


class _Frame:
    """Two data sets that are compared: their rows by tag, and the items that follow them."""

    __slots__ = ("base", "items", "number", "one", "ours", "tags", "theirs", "two")

    def __init__(
        self, one: Dataset, two: Dataset, base: tuple[int, ...], items: Iterator[tuple[Dataset, Dataset]], number: int
    ) -> None:
        self.one, self.two, self.base = one, two, base
        self.ours: dict[int, Row] = {row[0]: row for row in plain(one)}
        self.theirs: dict[int, Row] = {row[0]: row for row in plain(two)}
        self.tags = iter(sorted(self.ours.keys() | self.theirs.keys()))
        self.items = items
        self.number = number

    def path(self, tag: int) -> tuple[int, ...]:
        if not self.base:
            return (tag,)
        return (*self.base, self.number, tag) if len(self.base) < _LONGEST_PATH else (*self.base, tag)


def _compare(one: Dataset, two: Dataset, rules: Rules) -> Iterator[Difference]:
    stack = [_Frame(one, two, (), iter(()), 0)]
    while stack:
        frame = stack[-1]
        tag = next(frame.tags, None)
        if tag is None:
            stack.pop()
            following = next(frame.items, None)
            if following is not None:
                one, two = following
                stack.append(_Frame(one, two, frame.base, frame.items, frame.number + 1))
            continue
        if _passed_over(tag, rules):
            continue
        ours, theirs = frame.ours.get(tag), frame.theirs.get(tag)
        if ours is None or theirs is None:
            yield _single(frame, tag, ours, theirs)
            continue
        items = yield from _element(frame, tag, ours, theirs, rules)
        if items is not None:
            following = next(items, None)
            if following is not None:
                one, two = following
                stack.append(_Frame(one, two, frame.path(tag), items, 0))


def _passed_over(tag: int, rules: Rules) -> bool:
    if not tag & 0xFFFF or tag in rules.ignore or (tag & 0x10000 and not rules.private):
        return True
    return tag in {_CHARSET, _PADDING} and not rules.strict


def _single(frame: _Frame, tag: int, ours: Row | None, theirs: Row | None) -> Difference:
    first = None if ours is None else Element(frame.one, tag)
    second = None if theirs is None else Element(frame.two, tag)
    return Difference(frame.path(tag), "second" if first is None else "first", first, second)


def _element(frame: _Frame, tag: int, ours: Row, theirs: Row, rules: Rules) -> Any:
    """Differences of one element; the pairs of items that are to be compared, if it is a sequence."""
    one, two = frame.one, frame.two

    def found(kind: str) -> Difference:
        return Difference(frame.path(tag), kind, Element(one, tag), Element(two, tag))

    if rules.strict and ours[1] != theirs[1]:
        yield found("vr")
        return None
    if ours[1] == "SQ" or theirs[1] == "SQ":
        first, second = _items(one, ours), _items(two, theirs)
        if first is None or second is None:
            yield found("value")
            return None
        if len(first) != len(second):
            yield found("items")
        return zip(_each(first), _each(second), strict=False)
    if not _same(one, two, ours, theirs, rules):
        yield found("value")
    return None


def _each(items: Any) -> Any:
    return items.transient() if hasattr(items, "transient") else iter(items)


def _items(ds: Dataset, row: Row) -> Any:
    """The items of a sequence, also of one that is given as its bytes; None where it is something else."""
    if row[1] == "SQ":
        return row[3]
    value = given_value(ds, row)[1]
    if value is None or (is_binary(value) and not length_of(value)):
        return ()
    if not is_binary(value) or length_of(value) > _LARGE:
        return None
    content = b"".join(bytes(piece) for piece in pieces_of(value))
    try:
        head = element_header(IMPLICIT_LE, _SEQUENCE, "SQ", len(content))
        return type(ds).from_bytes(head + content, "1.2.840.10008.1.2").sequence_of(_SEQUENCE)
    except KermaError:
        return None


# -- values ------------------------------------------------------------------------------------------------------------


def _same(one: Dataset, two: Dataset, ours: Row, theirs: Row, rules: Rules) -> bool:
    body, other = one._body, two._body
    raw, raw_too = ours[2], theirs[2]
    alike = raw is not None and raw == raw_too and ours[1] == theirs[1] and body.encoding is other.encoding
    if alike and (body.charsets == other.charsets or bytes(raw or b"").isascii()):
        return True
    vr, value = given_value(one, ours)
    vr_too, value_too = given_value(two, theirs)
    if _equal(value, value_too):
        return True
    if not rules.uids and vr == vr_too == "UI" and not _standard(value) and not _standard(value_too):
        return True
    if vr == vr_too and not (is_binary(value) and is_binary(value_too)):
        return False
    return _same_bytes(one, two, ours[0], (vr, value), (vr_too, value_too))


def _same_bytes(one: Dataset, two: Dataset, tag: int, ours: tuple[str, Any], theirs: tuple[str, Any]) -> bool:
    """Whether values of other VRs, or bytes, are the same bytes in little endian, or the same value once the bytes of
    an unknown VR are read with the VR of the other.
    """
    (vr, value), (vr_too, value_too) = ours, theirs
    if isinstance(value, BulkData) or isinstance(value_too, BulkData):
        return False
    for unknown, known, ds in ((ours, theirs, one), (theirs, ours, two)):
        if unknown[0] == "UN" and known[0] != "UN" and not is_binary(known[1]):
            again = _read_as(known[0], unknown[1], ds)
            if again is not None and _equal(again, known[1]):
                return True
    try:
        first = value if is_binary(value) else _as_bytes(one, tag, vr, value)
        second = value_too if is_binary(value_too) else _as_bytes(two, tag, vr_too, value_too)
    except KermaError:
        return False
    ours_too, theirs_too = _fragments(first), _fragments(second)
    if ours_too is not None and theirs_too is not None:
        # Each by itself: a fragment of odd length, which must not be, is padded when it is written (PS3.5 A.4).
        return len(ours_too) == len(theirs_too) and all(map(same_bytes, ours_too, theirs_too))
    return same_bytes(first, second)


def _as_bytes(ds: Dataset, tag: int, vr: str, value: Any) -> Any:
    """A decoded value as the bytes that it came as, or would be written as."""
    element = Element(ds, tag)
    return values.encode(vr, value, charsets=ds._body.charsets) if element.raw is None else element


def _fragments(value: Any) -> list[Any] | None:
    """The fragments of encapsulated pixel data, the offset table first; None for other values."""
    if isinstance(value, Fragments):
        return list(value)
    if isinstance(value, Element) and value.undefined_length:
        try:
            return [value.fragment(number) for number in range(len(value.fragments))]
        except KermaError:
            return None
    return None


def _read_as(vr: str, value: Any, ds: Dataset) -> Any:
    if not is_binary(value) or length_of(value) > _LARGE:
        return None
    data = b"".join(bytes(piece) for piece in pieces_of(value))
    try:
        return values.decode(vr, data, charsets=ds._body.charsets)
    except KermaError:
        return None


def _standard(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(part, str) and part.startswith("1.2.840.10008.") for part in parts)


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, BulkData) or isinstance(two, BulkData):
        return isinstance(one, BulkData) and isinstance(two, BulkData) and one.uri == two.uri
    if is_binary(one) or is_binary(two):
        if (one is None or is_binary(one)) and (two is None or is_binary(two)):
            return length_of(one) == length_of(two) == 0
        return False
    ours = one if isinstance(one, tuple) else (one,)
    theirs = two if isinstance(two, tuple) else (two,)
    return len(ours) == len(theirs) and all(map(_equal_part, ours, theirs))


def _equal_part(one: Any, two: Any) -> bool:
    if isinstance(one, values.PersonName) or isinstance(two, values.PersonName):
        return _name(one) == _name(two)
    if isinstance(one, float) and isinstance(two, float) and math.isnan(one):
        return math.isnan(two)
    if one == "" or two == "":
        return one in (None, "") and two in (None, "")
    return bool(one == two)


def _name(value: Any) -> str:
    return value.normal if isinstance(value, values.PersonName) else value or ""
