"""From what somebody remembers to what a retrieve may say: C-GET and C-MOVE take unique keys only (PS3.4 C.4.2.1.4,
C.4.3.1.3).

May touch what it is given to ask with. Rule: unique keys that are given exactly are not asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from kerma.dataset import Dataset
from kerma.errors import UsageError

UNIQUE = {
    "patient": ("PatientID",),
    "study": ("StudyInstanceUID",),
    "series": ("StudyInstanceUID", "SeriesInstanceUID"),
    "image": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
}
"""Unique keys that a retrieve of a level names, in the study root but for ``patient``."""


def level_of(keys: Iterable[str]) -> str:
    """The level that the keys speak of: that of the lowest unique key among them, else the study."""
    given = set(keys)
    for level in ("image", "series"):
        if UNIQUE[level][-1] in given:
            return level
    return "study"


def unique_keys(
    find: Callable[..., Iterable[Dataset]], keys: Mapping[str, str], level: str | None = None
) -> Iterator[dict[str, str]]:
    """What to retrieve, one dictionary of ``level`` and unique keys each. Asks with ``find`` where ``keys`` are not
    that already.

    All answers are taken before the first is given on, so that the association is free for the retrieve. ``UsageError``
    for no keys.
    """
    if not any(keys.values()):
        raise UsageError("everything is meant, as no key has a value", hint="give at least one, such as PatientID=123")
    level = level or level_of(keys)
    wanted = UNIQUE[level]
    if set(keys) == set(wanted) and not any(char in value for value in keys.values() for char in "*?"):
        yield {"level": level, **keys}
        return
    asked = {**dict.fromkeys(wanted, ""), **keys}
    found = [{key: str(match.get(key) or "") for key in wanted} for match in find(level=level, **asked)]
    for exact in found:
        if all(exact.values()):
            yield {"level": level, **exact}
