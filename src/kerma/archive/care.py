"""Care: the index against the blobs both ways, and the index rebuilt from the blobs alone.

Rules:

- ``check`` may run while others store and delete: what looks wrong is looked at again, and a blob that came a moment
  ago is let be.
- Nothing is ever destroyed by a repair: bytes that fit nothing go to ``lost+found``.
- ``rebuild`` fills a new index beside the old one and changes them in one transaction, so that a crash leaves the old
  one and whoever has the archive open goes on.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kerma.archive.blobs import BlobName, FileBlobs
from kerma.archive.index.index import Index, Stored
from kerma.archive.index.schema import metadata
from kerma.archive.index.writer import Entry
from kerma.archive.ingest import Desk
from kerma.archive.recovery import MARK, Recovered, adopt, entry_of, purge
from kerma.errors import ArchiveError, FormatError, InvalidInstanceError, NotFoundError

Progress = Callable[[int, int], None]
_FRESH = 120.0
"""Seconds in which a blob may be sealed and not yet indexed."""
_MAX_LISTED = 1000
_BATCH = 200


@dataclass(slots=True)
class CheckReport:
    """What a check found. Lists name blobs by key (at most 1,000 each), counts count all; ``repaired`` says that they
    were mended.
    """

    instances: int = 0
    blobs: int = 0
    size: int = 0
    missing: list[str] = field(default_factory=list)
    """Indexed, but there is no blob: a repair takes them out of the index."""
    damaged: list[str] = field(default_factory=list)
    """Indexed, but size or checksum are wrong: a repair moves the bytes to ``lost+found`` and takes them out of the
    index.
    """
    orphans: list[str] = field(default_factory=list)
    """Whole, but not indexed: a repair indexes them."""
    strays: list[str] = field(default_factory=list)
    """Neither indexed nor whole: a repair moves them to ``lost+found``."""
    miscounted: int = 0
    problems: list[str] = field(default_factory=list)
    """What SQLite says of its file; ``reindex`` helps."""
    unpurged: int = 0
    """Deleted, but the file is still there: a repair deletes it."""
    counts: dict[str, int] = field(default_factory=dict)
    repaired: bool = False

    @property
    def clean(self) -> bool:
        """True where nothing was wrong."""
        return not (
            self.missing
            or self.damaged
            or self.orphans
            or self.strays
            or self.problems
            or self.miscounted
            or self.unpurged
        )

    def note(self, kind: str, key: str) -> None:
        """Count one finding, and list it while the list is short."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        listed: list[str] = getattr(self, kind)
        if len(listed) < _MAX_LISTED:
            listed.append(key)


def check(
    desk: Desk,
    blobs: FileBlobs,
    index: Index,
    *,
    repair: bool,
    checksums: bool,
    progress: Progress | None,
    quiet: Callable[[], bool],
) -> CheckReport:
    """Compare index and blobs, mend with ``repair``. ``quiet`` says whether nothing can be on its way in."""
    report = CheckReport(repaired=repair)
    report.problems = index.problems()
    report.unpurged = sum(1 for blob in index.to_purge() if blobs.exists(blob))
    if repair:
        purge(blobs, index)
    _indexed(blobs, index, report, repair=repair, checksums=checksums, progress=progress)
    _unindexed(desk, blobs, index, report, repair=repair, quiet=quiet())
    report.miscounted = index.miscounted()
    if repair and report.miscounted:
        index.recount()
    return report


def _indexed(
    blobs: FileBlobs, index: Index, report: CheckReport, *, repair: bool, checksums: bool, progress: Progress | None
) -> None:
    total = index.totals().instances if progress is not None else 0
    gone: list[str] = []
    for item in index.blobs():
        report.instances += 1
        report.size += item.size
        kind = _verdict(blobs, item, checksums)
        if kind and index.names(item.blob):  # it may have been deleted meanwhile
            report.note(kind, item.blob)
            if repair:
                if kind == "damaged":
                    with contextlib.suppress(ArchiveError):
                        blobs.set_aside(item.blob)
                gone.append(item.blob)
        if progress is not None:
            progress(report.instances, max(total, report.instances))
    if gone:
        index.purged(index.remove(gone))


def _verdict(blobs: FileBlobs, item: Stored, checksums: bool) -> str:
    size = blobs.size(item.blob)
    if size < 0:
        return "missing"
    if size != item.size or (checksums and not blobs.verify(item.blob)):
        return "damaged" if blobs.size(item.blob) >= 0 else "missing"
    return ""


def _unindexed(desk: Desk, blobs: FileBlobs, index: Index, report: CheckReport, *, repair: bool, quiet: bool) -> None:
    waiting = set(index.to_purge())
    for key in blobs.list():
        report.blobs += 1
        name = BlobName.parse(key)
        if name is not None and (index.names(key) or key in waiting):
            continue
        if name is not None and not quiet and _fresh(blobs, key):
            continue
        whole = name is not None and blobs.verify(key)
        if name is not None and (index.names(key) or not blobs.exists(key)):
            continue
        report.note("orphans" if whole else "strays", key)
        if repair:
            adopt(desk, blobs, index, [key], Recovered())


def _fresh(blobs: FileBlobs, key: str) -> bool:
    """True for a blob that may be sealed and not yet indexed by somebody else."""
    try:
        return time.time() - blobs.path(key).stat().st_ctime < _FRESH
    except OSError:
        return True


# -- rebuilding --------------------------------------------------------------------------------------------------------


def rebuild(desk: Desk, blobs: FileBlobs, index: Index, progress: Progress | None) -> int:
    """A new index from the blobs, put in the place of the old one's rows; the number of instances."""
    fresh = index.path.with_name("index.new.db")
    _remove(fresh)
    waiting = set(_quietly(index.to_purge))
    total = sum(1 for _ in blobs.list()) if progress is not None else 0
    try:
        new = Index(fresh, desk.config)
        try:
            target = Desk(blobs, new, desk.config, desk.enter, desk.leave)
            _fill(target, new, (key for key in blobs.list() if key not in waiting), total, progress)
            new.settle()
        finally:
            new.close()
        _swap(desk, blobs, index, fresh)
    finally:
        _remove(fresh)
    return index.totals().instances


def _quietly(ask: Callable[[], list[str]]) -> list[str]:
    """An answer of an index that may be too broken to give one."""
    try:
        return ask()
    except ArchiveError:
        return []


def _fill(desk: Desk, index: Index, keys: Iterable[str], total: int, progress: Progress | None) -> None:
    batch = []
    for done, key in enumerate(keys, 1):
        name = BlobName.parse(key)
        if name is not None and desk.blobs.size(key) == name.size:
            with contextlib.suppress(FormatError, InvalidInstanceError, NotFoundError):
                batch.append(entry_of(desk, key))
        if len(batch) >= _BATCH:
            index.add_many(batch)
            batch = []
        if progress is not None:
            progress(done, max(done, total))
    if batch:
        index.add_many(batch)


def _swap(desk: Desk, blobs: FileBlobs, index: Index, fresh: Path) -> None:
    """Put the rows of ``fresh`` in the place of the index's, without what went and with what came meanwhile."""

    def late(newest: str) -> Iterator[Entry]:
        for key in blobs.list(newest):
            if BlobName.parse(key) is not None and not filled.names(key):
                with contextlib.suppress(FormatError, InvalidInstanceError, NotFoundError):
                    yield entry_of(desk, key)

    tables = [table.name for table in metadata.sorted_tables if not table.info.get("kept")]
    filled = Index(fresh, desk.config)
    try:
        index.take_over(fresh, tables, MARK, blobs.exists, late)
    finally:
        filled.close()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")
