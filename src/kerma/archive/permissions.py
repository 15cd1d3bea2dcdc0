"""Who may do what: the one permission model of the archive, for every front door.

Rules:

- A principal has rights over the whole archive, and grants: rights over parts of it (``query.model.Area``: a patient, a
  study, a series, studies with a label). What several grants allow adds up.
- Front ends never filter by hand: ``principal.require(right)`` before a deed, ``principal.narrow(query)`` for whatever
  reads. What a principal may not see is not there.
- Write without read is a right of its own: a modality sends and sees nothing.
- A grant has one way to be written, for configuration, command line and HTTP: ``read,write@label:teaching``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from urllib.parse import quote, unquote

from kerma.dataset import Dataset
from kerma.errors import AccessError, UsageError
from kerma.query import match
from kerma.query.model import Area, Query

MAX_GRANTS = 256
"""Of one principal."""
_MAX_TEXT = 512
_MAX_LABELS = 64
_LABEL = re.compile(r"[\w.-](?:[\w. -]{0,62}[\w.-])?")
_KINDS = ("patient", "issuer", "study", "series", "label")


class Right(enum.Flag):
    """What can be allowed."""

    NONE = 0
    READ = enum.auto()
    WRITE = enum.auto()
    DELETE = enum.auto()
    ADMINISTER = enum.auto()
    ALL = READ | WRITE | DELETE | ADMINISTER

    @property
    def words(self) -> str:
        """The rights by name: ``read,write``."""
        return ",".join(str(right.name).lower() for right in self)


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights, over one part of the archive or (``area`` None) all of it."""

    rights: Right
    area: Area | None = None

    @classmethod
    def parse(cls, text: str) -> Grant:
        """``RIGHTS`` or ``RIGHTS@KIND:VALUE;KIND:VALUE``; ``UsageError`` says what is wrong.

        Rights are read, write, delete, administer or all, with commas between; kinds are patient, issuer, study, series
        and label. A value with ``;`` or ``%`` in it is percent-encoded.
        """
        if len(text) > _MAX_TEXT:
            raise UsageError(f"a grant has {len(text)} characters, more than {_MAX_TEXT}", hint="name fewer things")
        words, _, where = text.partition("@")
        rights = _rights(words)
        if "@" not in text:
            return cls(rights)
        if Right.ADMINISTER in rights:
            raise UsageError("administer cannot be limited to a part of the archive", hint="grant it without @")
        return cls(rights, _area(where))

    def __str__(self) -> str:
        if self.area is None:
            return self.rights.words
        area = self.area
        given = [("patient", area.patient_id), ("issuer", area.issuer), ("study", area.study), ("series", area.series)]
        given += [("label", label) for label in area.labels]
        return (
            self.rights.words
            + "@"
            + ";".join(f"{kind}:{_escaped(value)}" for kind, value in given if value is not None)
        )


def _escaped(value: str) -> str:
    return quote(value, safe=" ^:/@+=&,.*()[]äöüéè")


def _rights(words: str) -> Right:
    rights = Right.NONE
    for word in words.split(","):
        name = word.strip().upper()
        if name not in Right.__members__ or name == "NONE":
            raise UsageError(f"{word.strip()[:32]!r} is no right", hint="read, write, delete, administer or all")
        rights |= Right[name]
    return rights


def _area(text: str) -> Area:
    found: dict[str, list[str]] = {}
    for piece in text.split(";"):
        kind, colon, value = piece.strip().partition(":")
        value = unquote(value).strip()
        if not colon or kind not in _KINDS or (not value and kind != "issuer"):
            raise UsageError(
                f"{kind[:32]!r} names no part of an archive",
                hint="write patient:ID, issuer:NAME, study:UID, label:NAME",
            )
        found.setdefault(kind, []).append(value)
    labels = found.pop("label", [])
    if any(len(values) > 1 for values in found.values()):
        raise UsageError("a part of an archive has one patient, study and series", hint="write several grants")
    if "issuer" in found and "patient" not in found:
        raise UsageError("issuer is that of a Patient ID", hint="write patient:ID;issuer:NAME")
    one = {kind: values[0] for kind, values in found.items()}
    return Area(one.get("patient"), one.get("issuer"), one.get("study"), one.get("series"), tuple(sorted(set(labels))))


def check_labels(names: Iterable[str]) -> tuple[str, ...]:
    """Labels for a study, each once and in alphabetical order; ``UsageError``."""
    wanted = tuple(sorted({name.strip() for name in names}))
    if len(wanted) > _MAX_LABELS:
        raise UsageError(f"{len(wanted)} labels, more than {_MAX_LABELS}", hint="use fewer")
    if not all(_LABEL.fullmatch(name) for name in wanted):
        raise UsageError("this is no label", hint="1 to 64 letters, digits, spaces, dots, dashes or underscores")
    return wanted


def parse_grants(texts: Iterable[str]) -> tuple[Grant, ...]:
    """Several grants as written; ``UsageError``. ``["read", "write"]`` is the same as ``["read,write"]``."""
    grants = tuple(Grant.parse(text) for text in texts)
    if len(grants) > MAX_GRANTS:
        raise UsageError(
            f"{len(grants)} grants are more than {MAX_GRANTS}", hint="use a label for what belongs together"
        )
    return grants


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: a person, a machine, a holder of a link. ``rights`` hold everywhere, ``grants`` where they
    say.
    """

    name: str
    rights: Right = Right.NONE
    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, name: str, grants: Iterable[Grant]) -> Principal:
        """A principal with what ``grants`` allow together."""
        grants = tuple(grants)
        everywhere = reduce(or_, (grant.rights for grant in grants if grant.area is None), Right.NONE)
        limited = tuple(grant for grant in grants if grant.area is not None and grant.rights & ~everywhere)
        return cls(name, everywhere, limited)

    @property
    def anywhere(self) -> Right:
        """The rights that it has over something."""
        return reduce(or_, (grant.rights for grant in self.grants), self.rights)

    def require(self, right: Right) -> None:
        """``AccessError`` where the right is not there, not even over a part of the archive."""
        if right not in self.anywhere:
            raise AccessError(f"{self.name} may not {str(right.name or right.words).lower()} here")

    def areas(self, right: Right = Right.READ) -> tuple[Area, ...] | None:
        """Where it has a right: None everywhere, () nowhere."""
        if right in self.rights:
            return None
        return tuple(grant.area for grant in self.grants if grant.area is not None and right in grant.rights)

    def narrow(self, query: Query, right: Right = Right.READ) -> Query:
        """The query, limited to where the principal has the right; ``AccessError`` where it has it nowhere."""
        self.require(right)
        areas = self.areas(right)
        if areas is None or query.within == areas:
            return query
        if query.within is not None:
            met = (one.meet(other) for one in query.within for other in areas)
            areas = tuple(dict.fromkeys(area for area in met if area is not None))
        return replace(query, within=areas)

    def covers(self, ds: Dataset, right: Right = Right.READ, labels: Collection[str] = ()) -> bool:
        """Whether it has the right over what a data set says of itself (patient, study, series)."""
        areas = self.areas(right)
        return areas is None or any(match.lies_in(ds, area, labels) for area in areas)


EVERYTHING = Principal("anyone", Right.ALL)
"""Whoever asks an archive that has no access rules."""
