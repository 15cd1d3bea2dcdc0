"""From the values of one key to what they ask for: the choice of the matching kind (PS3.4 C.2.2.2).

Rules:

- The kind follows from VR and value alone: no value is universal matching, ``""`` empty value matching, a hyphen in
  DA, TM, DT a range, ``*`` or ``?`` in a text VR a wildcard, several values any of them.
- What cannot be meant (a date that is none) raises ``StatusError`` A900, naming the attribute, never its value.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerma.errors import StatusError
from kerma.query import normal
from kerma.query.model import AnyOf, CombinedRange, Empty, Fuzzy, Predicate, Range, SequenceMatch, Single, Wildcard

WILDCARD_VRS = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
NUMBER_VRS = frozenset(("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"))
RANGE_VRS = frozenset(("DA", "TM", "DT"))
PAIRS = {
    0x00080020: 0x00080030,  # StudyDate, StudyTime
    0x00080021: 0x00080031,  # SeriesDate, SeriesTime
    0x00080022: 0x00080032,  # AcquisitionDate, AcquisitionTime
    0x00080023: 0x00080033,  # ContentDate, ContentTime
    0x00100030: 0x00100032,  # PatientBirthDate, PatientBirthTime
    0x00400002: 0x00400003,  # ScheduledProcedureStepStartDate, ...Time
    0x00400004: 0x00400005,  # ScheduledProcedureStepEndDate, ...Time
    0x00400244: 0x00400245,  # PerformedProcedureStepStartDate, ...Time
    0x00400250: 0x00400251,  # PerformedProcedureStepEndDate, ...Time
}
"""The dates and times that combined date-time matching takes together."""

MISMATCH = 0xA900
"""Identifier does not match SOP Class (PS3.4 table C.4-1)."""


def predicate(tag: int, vr: str, values: Sequence[str]) -> Predicate | None:
    """What ``values`` ask of the attribute; None is universal matching."""
    texts = tuple(value for value in values if value.strip())
    if not texts:
        return None
    if len(texts) > 1:
        return _any_of(tag, vr, texts)
    text = texts[0]
    if text.strip() == '""':
        return Empty(tag, vr)
    if vr in RANGE_VRS:
        return _span(tag, vr, text)
    if vr == "PN" and not text.strip("*=^ "):
        return None  # asks nothing of any component
    if vr in WILDCARD_VRS and ("*" in text or "?" in text):
        return None if not text.strip().strip("*") else Wildcard(tag, vr, text.strip() if vr == "PN" else text)
    if vr in NUMBER_VRS and normal.number_key(text) is None:
        return None if not text.strip().strip("*") else _refuse(tag, "is no number")
    if vr == "UI":
        return None if text.strip() == "*" else Single(tag, vr, text.strip())
    return Single(tag, vr, text)


def fuzzily(item: Predicate) -> Predicate:
    """The same with fuzzy matching of person names."""
    if isinstance(item, SequenceMatch):
        return SequenceMatch(item.tag, tuple(fuzzily(inner) for inner in item.predicates))
    if item.vr == "PN" and isinstance(item, (Single, Wildcard)) and normal.sounding_words(item.text()):
        return Fuzzy(item.tag, item.vr, item.text().strip())
    return item


def _any_of(tag: int, vr: str, texts: tuple[str, ...]) -> Predicate | None:
    if vr in WILDCARD_VRS and any(not text.strip().strip("*") for text in texts):
        return None
    for text in texts:
        if vr in RANGE_VRS and (normal.split_range(text, vr) is not None or not _valid(vr, text)):
            _refuse(tag, "has a value that is no date or time")
        if vr in NUMBER_VRS and normal.number_key(text) is None:
            _refuse(tag, "has a value that is no number")
    return AnyOf(tag, vr, tuple(dict.fromkeys(text.strip() if vr == "UI" else text for text in texts)))


def _span(tag: int, vr: str, text: str) -> Predicate | None:
    text = text.strip()
    if not text.strip("*"):
        return None  # not in the standard for these VRs, but it can only mean one thing
    ends = normal.split_range(text, vr)
    if ends is None:
        if not _valid(vr, text):
            _refuse(tag, "is no date or time")
        return Single(tag, vr, text)
    if ends == ("", ""):
        return None
    for end in ends:
        if end and not _valid(vr, end):
            _refuse(tag, "is no range of dates or times")
    return Range(tag, vr, *ends)


def _valid(vr: str, text: str) -> bool:
    if vr == "DA":
        return normal.date_key(text) is not None
    if vr == "TM":
        return normal.time_bounds(text) is not None
    return normal.datetime_bounds(text) is not None


def _refuse(tag: int, why: str) -> Predicate | None:
    raise StatusError(f"key ({tag >> 16:04X},{tag & 0xFFFF:04X}) {why}", status=MISMATCH)


def combine(predicates: Sequence[Predicate]) -> tuple[Predicate, ...]:
    """Dates and times that belong together taken as one range (PS3.4 C.2.2.2.5.4); the others as they are."""
    by_tag = {item.tag: item for item in predicates}
    out: list[Predicate] = []
    taken: set[int] = set()
    for item in predicates:
        time = by_tag.get(PAIRS.get(item.tag, -1))
        if isinstance(item, (Single, Range)) and isinstance(time, (Single, Range)):
            low_date, high_date = _ends(item)
            low_time, high_time = _ends(time)
            out.append(CombinedRange(item.tag, time.tag, low_date, low_time, high_date, high_time))
            taken.add(time.tag)
        else:
            out.append(item)
    return tuple(item for item in out if isinstance(item, CombinedRange) or item.tag not in taken)


def _ends(item: Single | Range) -> tuple[str, str]:
    return (item.low, item.high) if isinstance(item, Range) else (item.value, item.value)
