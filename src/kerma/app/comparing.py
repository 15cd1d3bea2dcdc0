"""Which files of two places are compared with each other: two files, or the files of two folders or archives.

May touch the file system through ``collect`` and ``gather``. Rules:

- Two files are a pair whatever they are. Files of two folders are pairs where they hold the same SOP Instance, or, by
  name, where they have the same name below their folder.
- What is no DICOM and merely lay in a folder is passed over; what is broken is said.
- Several files with the same SOP Instance are paired in the order of their names.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.gather import Passed, probe
from kerma.app.opening import is_address
from kerma.errors import UsageError
from kerma.formats.containers import archive_kind


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files that belong together; one of them may be absent."""

    first: Found | None
    second: Found | None


def pairs(first: str, second: str, collector: Collector, *, by_name: bool = False) -> Iterator[Pair | Unusable]:
    """The pairs of two files or of two folders, in the order of the first, those of the second alone at the end.

    ``UsageError`` where one is a file and the other a folder.
    """
    several = _holds_files(first), _holds_files(second)
    if several[0] != several[1]:
        raise UsageError("a file cannot be compared with a folder", hint="give two files or two folders")
    if not several[0]:
        one, other = _single(first, collector), _single(second, collector)
        if isinstance(one, Unusable):
            yield one
        elif isinstance(other, Unusable):
            yield other
        else:
            yield Pair(one, other)
        return
    others: dict[str, deque[Found]] = defaultdict(deque)
    for item in _keyed(second, collector, by_name):
        if isinstance(item, Unusable):
            yield item
        else:
            others[item[0]].append(item[1])
    for item in _keyed(first, collector, by_name):
        if isinstance(item, Unusable):
            yield item
            continue
        waiting = others.get(item[0])
        yield Pair(item[1], waiting.popleft() if waiting else None)
    for waiting in others.values():
        for found in waiting:
            yield Pair(None, found)


def _single(path: str, collector: Collector) -> Found | Unusable:
    """One of two files; what lies on another machine is fetched."""
    if is_address(path):
        return next(iter(collector.walk([path])))
    return Found(Path(path), path, named=True)


def _holds_files(path: str) -> bool:
    place = Path(path)
    return place.is_dir() or (place.is_file() and archive_kind(place) in {"zip", "tar"})


def _keyed(path: str, collector: Collector, by_name: bool) -> Iterator[tuple[str, Found] | Unusable]:
    for item in collector.walk([path]):
        probed = probe(item)
        if isinstance(probed, Unusable):
            yield probed
        elif not isinstance(probed, Passed):
            key = probed.found.name[len(path) :].lstrip("/") if by_name else probed.instance.sop_instance_uid
            yield key, probed.found
