"""The question model: what C-FIND, QIDO, the worklist and scripts all ask, as frozen values (PS3.4 C.2.2, C.6).

A ``Query`` is a level, predicates, return keys and how to take them. Front ends build one (``identifier.py``), back
ends answer it (the archive's SQL, or ``match.py`` over a ``Dataset``). Nothing here reads bytes, knows a table or
waits.

Rules:

- A predicate holds what was meant, not how it was written; ``text()`` writes it again for an identifier.
- Universal matching (PS3.4 C.2.2.2.3) is no predicate, only a return key.
- Everything is hashable except data sets, and no data set is kept: sequence matching holds predicates in its turn.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field


class Level(enum.IntEnum):
    """Query/Retrieve levels (PS3.4 C.3.1); the order is that of the hierarchy."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    IMAGE = 3

    @property
    def unique_key(self) -> int:
        """Tag of the level's unique key (PS3.4 C.6.1.1)."""
        return _UNIQUE[self]


_UNIQUE = {
    Level.PATIENT: 0x00100020,  # PatientID
    Level.STUDY: 0x0020000D,  # StudyInstanceUID
    Level.SERIES: 0x0020000E,  # SeriesInstanceUID
    Level.IMAGE: 0x00080018,  # SOPInstanceUID
}


class Root(enum.Enum):
    """Information models (PS3.4 C.6.1, C.6.2, and the retired C.6.3)."""

    PATIENT = "patient"
    STUDY = "study"
    PATIENT_STUDY_ONLY = "patient-study-only"

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that may be asked for under this root, top down."""
        return _LEVELS[self]


_LEVELS = {
    Root.PATIENT: (Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE),
    Root.STUDY: (Level.STUDY, Level.SERIES, Level.IMAGE),
    Root.PATIENT_STUDY_ONLY: (Level.PATIENT, Level.STUDY),
}


@dataclass(frozen=True, slots=True)
class Single:
    """Single value matching (PS3.4 C.2.2.2.1): equal, by the rules of the VR."""

    tag: int
    vr: str
    value: str

    def text(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class AnyOf:
    """List of UID matching (PS3.4 C.2.2.2.2) and multiple value matching (C.2.2.2.8): equal to one of the values.

    A value of a VR that takes wildcards may hold them.
    """

    tag: int
    vr: str
    values: tuple[str, ...]

    def text(self) -> str:
        return "\\".join(self.values)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Wildcard matching (PS3.4 C.2.2.2.4): ``*`` is any run of characters, none included, ``?`` is any one."""

    tag: int
    vr: str
    pattern: str

    def text(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Fuzzy matching of a person name (PS3.4 C.2.2.2.1.1): what the name would match without it, and names that have
    for each word of it a word that begins or sounds so.
    """

    tag: int
    vr: str
    value: str

    def text(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Range:
    """Range matching of a DA, TM or DT (PS3.4 C.2.2.2.5), ends included; "" is an open end."""

    tag: int
    vr: str
    low: str
    high: str

    def text(self) -> str:
        return f"{self.low}-{self.high}"


@dataclass(frozen=True, slots=True)
class CombinedRange:
    """A DA and a TM taken as one date-time range (PS3.4 C.2.2.2.5.4, by extended negotiation)."""

    tag: int
    """Tag of the DA."""
    time_tag: int
    low_date: str
    low_time: str
    high_date: str
    high_time: str

    @property
    def vr(self) -> str:
        return "DA"

    def text(self) -> str:
        return f"{self.low_date}-{self.high_date}"

    def time_text(self) -> str:
        """What the TM key holds."""
        return f"{self.low_time}-{self.high_time}"


@dataclass(frozen=True, slots=True)
class Empty:
    """Empty value matching (PS3.4 C.2.2.2.7): the attribute is absent or has no value. Written as two double quotes."""

    tag: int
    vr: str

    def text(self) -> str:
        return '""'


@dataclass(frozen=True, slots=True)
class SequenceMatch:
    """Sequence matching (PS3.4 C.2.2.2.6): one item fulfils all ``predicates``."""

    tag: int
    predicates: tuple[Predicate, ...]

    @property
    def vr(self) -> str:
        return "SQ"


Predicate = Single | AnyOf | Wildcard | Fuzzy | Range | CombinedRange | Empty | SequenceMatch


@dataclass(frozen=True, slots=True)
class ReturnKey:
    """An attribute that is wanted in each response; ``items`` are the wanted attributes of a sequence, none means all
    of them.
    """

    tag: int
    vr: str
    items: tuple[ReturnKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """At most ``limit`` matches after leaving out ``offset``; None is no limit."""

    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Area:
    """A part of an archive: what all the given fields name; one without any is the whole.

    Whole series are the smallest part. ``issuer`` None is any issuer of the Patient ID, "" is none. ``labels`` are
    those that a study was given in the archive; all of them are needed.
    """

    patient_id: str | None = None
    issuer: str | None = None
    study: str | None = None
    series: str | None = None
    labels: tuple[str, ...] = ()

    def meet(self, other: Area) -> Area | None:
        """What lies in both; None where nothing can."""
        fields = {}
        for name in ("patient_id", "issuer", "study", "series"):
            mine, others = getattr(self, name), getattr(other, name)
            if None not in (mine, others) and mine != others:
                return None
            fields[name] = others if mine is None else mine
        return Area(**fields, labels=tuple(sorted({*self.labels, *other.labels})))


@dataclass(frozen=True, slots=True)
class Query:
    """One question. ``charset`` is the Specific Character Set of the identifier, which answers use where it can say
    them.
    """

    level: Level
    root: Root = Root.STUDY
    predicates: tuple[Predicate, ...] = ()
    return_keys: tuple[ReturnKey, ...] = ()
    relational: bool = False
    fuzzy: bool = False
    charset: tuple[str, ...] = ()
    page: Page = field(default_factory=Page)
    unsupported: tuple[int, ...] = ()
    """Tags of optional keys that are not supported for matching or return: pending responses say FF01 then (PS3.4
    C.4.1.1.4).
    """
    within: tuple[Area, ...] | None = None
    """The parts of the archive that count, at any level: what lies in none of them is not there. None is all of it."""

    def of(self, tag: int) -> Iterator[Predicate]:
        """The predicates on ``tag``."""
        return (predicate for predicate in self.predicates if predicate.tag == tag)

    def uids(self, level: Level) -> tuple[str, ...]:
        """The exact values that the query gives for the unique key of ``level``; () where it gives none."""
        for predicate in self.of(level.unique_key):
            if isinstance(predicate, Single):
                return (predicate.value,)
            if isinstance(predicate, AnyOf):
                return predicate.values
        return ()
