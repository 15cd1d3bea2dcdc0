"""From what somebody remembers to what a retrieve may say: C-GET and C-MOVE take unique keys only (PS3.4 C.4.2.1.4).

May touch what it is given to ask with. Rules:

- Unique keys that are given exactly are not asked for again.
- A question goes down level by level, so that peers without relational queries can answer (PS3.4 C.4.1.3.1); only where
  nothing is said of the study is the lower level asked outright.
- All answers are taken before the first is given on, so that the association is free for the retrieve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.query import keys as rows
from kerma.query.model import Level
from kerma.standard import elements

Find = Callable[..., Iterable[Dataset]]

_UNIQUE = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}


def level_of(keys: Iterable[str]) -> Level:
    """The level that the keys speak of: the lowest that one of them belongs to, the study at least."""
    return max((Level.STUDY, *map(_level_of_key, keys)))


def unique_keys(find: Find, keys: Mapping[str, str], level: str | None = None) -> Iterator[dict[str, str]]:
    """What to retrieve, one dictionary of ``level`` and unique keys each; asks with ``find`` where ``keys`` are not
    that.

    ``UsageError`` where no key has a value.
    """
    keys = {name: value for name, value in keys.items() if value}
    if not keys:
        raise UsageError("everything is meant, as no key has a value", hint="give at least one, such as PatientID=123")
    target = Level[level.upper()] if level else level_of(keys)
    if target is Level.PATIENT:
        return _ask(find, target, {}, keys)
    shares: dict[Level, dict[str, str]] = {step: {} for step in Level if Level.STUDY <= step <= target}
    for name, value in keys.items():
        home = max(_level_of_key(name), Level.STUDY)
        if home > target:
            raise UsageError(
                f"{name} belongs to the {home.name.lower()} level", hint=f"use --level {home.name.lower()}"
            )
        shares[home][name] = value
    if not shares[Level.STUDY] and target is not Level.STUDY:
        return _ask(find, target, {}, keys)
    return _descend(find, shares)


def _descend(find: Find, shares: Mapping[Level, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    found: list[dict[str, str]] = [{}]
    for level, share in shares.items():
        found = [exact for above in found for exact in _ask(find, level, above, share)]
    return iter(found)


def _ask(find: Find, level: Level, above: Mapping[str, str], share: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The unique keys of ``level`` that match ``share`` below ``above``."""
    known = {name: value for name, value in above.items() if name != "level"}
    name = level.name.lower()
    if set(share) == {_UNIQUE[level]} and not set("*?\\") & set(share[_UNIQUE[level]]):
        return iter([{"level": name, **known, **share}])
    lowest = [step for step in (Level.STUDY, Level.SERIES, Level.IMAGE) if step <= level]
    wanted = [_UNIQUE[step] for step in (lowest if level is not Level.PATIENT else [Level.PATIENT])]
    matches = list(find(name, return_keys=wanted, **known, **share))
    exact = [{key: str(match.get(key) or known.get(key, "")) for key in wanted} for match in matches]
    return iter([{"level": name, **keys} for keys in exact if all(keys.values())])


def _level_of_key(name: str) -> Level:
    """The level that an attribute belongs to; what is no key of a higher one is the image's."""
    tag = elements.parse_tag(name.partition(".")[0])
    row = rows.serves(Level.IMAGE, tag)
    return row.level if row is not None else Level.IMAGE
