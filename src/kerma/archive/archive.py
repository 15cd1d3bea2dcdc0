"""The archive: ingest, find, open, delete and care over blobs and an index; knows no association and no HTTP request.

Rules:

- It satisfies the provider interfaces of ``services.providers`` structurally and is safe to use from many threads.
- Several processes may have one archive open. Recovery is done by one that has it alone (a shared lock on ``lock``
  while it is open).
- UIDs from outside are compared, never made into paths.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

from kerma.archive import care, recovery
from kerma.archive.arriving import FileSink
from kerma.archive.blobs import FileBlobs
from kerma.archive.blobs.files import bucket_of, resources
from kerma.archive.care import CheckReport
from kerma.archive.config import ArchiveConfig
from kerma.archive.importing import IngestResult, ingest
from kerma.archive.index.index import Index, Quarantined, Stored, Totals
from kerma.archive.index.rescue import rescue
from kerma.archive.ingest import Desk
from kerma.archive.metadata import Metadata
from kerma.archive.permissions import check_labels
from kerma.archive.recoding import sink_for
from kerma.archive.recovery import MARK, Recovered
from kerma.archive.work import Work
from kerma.dataset import Dataset
from kerma.encoding.source import ByteSource
from kerma.errors import NotFoundError, OutOfResourcesError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.query.identifier import from_keys, level_of, unique_query
from kerma.query.model import Area, Level, Page, Query
from kerma.services.providers import StoreRequest, StoreSink

_LOCK_WAIT = 30.0
_MARK_LAG = 120.0


@dataclass(frozen=True, slots=True)
class ArchiveStats:
    """How much an archive holds; sizes in bytes."""

    patients: int
    studies: int
    series: int
    instances: int
    size: int
    index_size: int
    quarantined: int


class _Open:
    """``open`` on the class opens an archive, on an archive an instance: both names are in the public face."""

    @overload
    def __get__(self, archive: None, owner: type[Archive]) -> Callable[..., Archive]: ...

    @overload
    def __get__(self, archive: Archive, owner: type[Archive]) -> Callable[[str], Dataset]: ...

    def __get__(
        self, archive: Archive | None, owner: type[Archive]
    ) -> Callable[..., Archive] | Callable[[str], Dataset]:
        return owner.open_folder if archive is None else archive.read


class Archive:
    """One archive in a folder. ``Archive.open`` makes or recovers it."""

    def __init__(self, root: Path, blobs: FileBlobs, index: Index, lock: int, config: ArchiveConfig) -> None:
        self.root = root
        self.config = config
        self.recovered: Recovered | None = None
        """What the start had to mend; None where others have the archive open too."""
        self._blobs = blobs
        self.index = index
        self._lock = lock
        self._beside = False
        self._minute = ""
        self._tickets: dict[int, str] = {}
        self._guard = threading.Lock()
        self._next_ticket = 0
        self._marked = time.monotonic()
        self._desk = Desk(blobs, index, config, self._enter, self._leave)
        self.metadata = Metadata(index, blobs, config.limits, 2 * config.max_header)
        """Headers of what is stored, and what was made of them and kept."""
        self.work = Work(index, blobs.size)
        """Procedure steps, the modality worklist, subscriptions and commitments."""

    open = _Open()
    """``Archive.open(path)`` is the archive in a folder, ``archive.open(uid)`` the data set with a SOP Instance UID."""

    @classmethod
    def open_folder(
        cls,
        path: str | os.PathLike[str],
        *,
        config: ArchiveConfig | None = None,
        salvage: bool = False,
        beside: bool = False,
    ) -> Self:
        """The archive in folder ``path``, made where there is none, recovered where the last owner was interrupted.

        With ``salvage`` an index that cannot be read is moved aside and built anew from the blobs, if nobody else has
        the archive open. ``beside`` is for a process that lives no longer than another one which has the archive open,
        and needs no hold of its own: it never recovers, and whoever starts after the other one's death is alone.
        ``OutOfResourcesError`` where the folder or the index cannot be used.
        """
        config = config or ArchiveConfig()
        root = Path(path)
        blobs = FileBlobs(root)
        lock, alone = _lock(root, beside=beside)
        try:
            index = _index(root, config, salvage=salvage and alone)
            archive = cls(root, blobs, index, lock, config)
            archive._beside = beside
            if alone:
                archive.recovered = recovery.recover(archive._desk, blobs, index)
                archive._mark(alone=True)
            else:
                blobs.floor(index.state(MARK))
            if not beside:
                fcntl.flock(lock, fcntl.LOCK_SH)
        except BaseException:
            os.close(lock)
            raise
        return archive

    def close(self) -> None:
        """Settle and let go; what is open stays readable."""
        if self._lock < 0:
            return
        with contextlib.suppress(OutOfResourcesError):
            self._mark(alone=self._quiet())
            self.index.settle()
        self.index.close()
        self._blobs.close()
        lock, self._lock = self._lock, -1
        os.close(lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- in ------------------------------------------------------------------------------------------------------------

    def begin(self, request: StoreRequest) -> StoreSink:
        """A sink for one data set. ``InvalidInstanceError`` where the request names impossible UIDs,
        ``OutOfResourcesError``.
        """
        return sink_for(self._desk, request)

    def begin_file(
        self,
        *,
        study_instance_uid: str = "",
        check: Callable[[StoreRequest], None] | None = None,
        admit: Callable[[Dataset], None] | None = None,
    ) -> FileSink:
        """A sink for one file (PS3.10) as it arrives, which keeps its bytes; ``study_instance_uid`` is the study that
        it has to be of. ``check`` is asked once the file has said what it is, ``admit`` with its header; they raise
        where it is not welcome.
        """
        return FileSink(self._desk, study_instance_uid=study_instance_uid, check=check, admit=admit)

    def ingest(self, source: Any) -> IngestResult:
        """Take a file (path, bytes, binary file) byte for byte, or a ``Dataset``; ``ArchiveError`` or ``FormatError``
        where it cannot be kept.
        """
        return ingest(self._desk, source)

    # -- questions -----------------------------------------------------------------------------------------------------

    def search(self, query: Query) -> Iterator[Dataset]:
        """One data set a match with the keys that were asked for; closing the iterator ends the work."""
        return self.index.search(query)

    def counted(self, query: Query) -> tuple[int | None, Iterator[Dataset]]:
        """``search`` with the number of matches, the page of the query aside; None where SQL alone cannot tell it."""
        return self.index.counted(query)

    def find(
        self,
        level: Level | str = Level.STUDY,
        return_keys: tuple[str, ...] = (),
        limit: int | None = None,
        offset: int = 0,
        keys: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Iterator[Dataset]:
        """``search`` by keywords, with wildcards and ranges as in a C-FIND: ``find(level="series", Modality="CT")``."""
        wanted = {**(keys or {}), **more}
        return self.search(from_keys(level, wanted, return_keys, page=Page(limit, offset)))

    def instances(self, query: Query) -> list[Instance]:
        """The instances below the matches of ``query``, by series and instance number."""
        return [self._instance(item) for item in self.index.instances(query)]

    def _instance(self, item: Stored) -> Instance:
        blob = item.blob
        return Instance(
            item.sop_class_uid,
            item.sop_instance_uid,
            item.transfer_syntax_uid,
            item.dataset_offset,
            item.size - item.dataset_offset,
            lambda: self._blobs.open(blob),
            blob,
        )

    def open_instance(self, uid: str) -> Instance:
        """The instance with a SOP Instance UID; ``NotFoundError``."""
        found = self.instances(unique_query(Level.IMAGE, (uid,)))
        if not found:
            raise NotFoundError("no instance has this SOP Instance UID")
        return found[0]

    def read(self, uid: str) -> Dataset:
        """The data set with a SOP Instance UID, lazily over its blob; ``NotFoundError``."""
        key = self.open_instance(uid).name
        try:
            return part10.read(self._blobs.path(key))
        except FileNotFoundError as error:
            raise NotFoundError("the blob of this instance is missing", where=key, hint="run kerma check") from error
        except OSError as error:
            raise resources("cannot read a blob", error) from error

    def file_bytes(self, uid: str) -> bytes:
        """The stored file (PS3.10) with a SOP Instance UID, byte for byte."""
        with self.open_instance(uid).open() as source:
            return source.read(0, source.size)

    def source(self, uid: str) -> ByteSource:
        """The stored file as a source; the caller closes it."""
        return self.open_instance(uid).open()

    # -- out -----------------------------------------------------------------------------------------------------------

    def delete(self, level: Level | str, uid: str, *, within: tuple[Area, ...] | None = None) -> int:
        """Delete everything below a unique key (a Patient ID or a UID), durably; how many instances that were.

        ``within`` limits it to parts of the archive: those where a principal has the right (``principal.areas``).
        """
        blobs = self.index.delete(level_of(level) if isinstance(level, str) else level, uid, within)
        for blob in blobs:
            self._blobs.delete(blob)
        if blobs:
            self.index.purged(blobs)
        return len(blobs)

    # -- labels --------------------------------------------------------------------------------------------------------

    def labels(self, study_uid: str) -> tuple[str, ...]:
        """The labels of a study, in alphabetical order."""
        return self.index.labels(study_uid)

    def set_labels(self, study_uid: str, names: Iterable[str]) -> tuple[str, ...]:
        """Give a study exactly these labels, which grants can refer to; ``NotFoundError``, ``UsageError``."""
        wanted = check_labels(names)
        if not self.index.set_labels(study_uid, wanted):
            raise NotFoundError("no study has this Study Instance UID")
        return wanted

    # -- care ----------------------------------------------------------------------------------------------------------

    def check(
        self, repair: bool = False, *, checksums: bool = True, progress: Callable[[int, int], None] | None = None
    ) -> CheckReport:
        """Compare index and blobs both ways, with ``checksums`` every byte; ``repair`` mends what can be mended.

        ``progress(done, total)`` counts instances.
        """
        return care.check(
            self._desk,
            self._blobs,
            self.index,
            repair=repair,
            checksums=checksums,
            progress=progress,
            quiet=self._quiet,
        )

    def _quiet(self) -> bool:
        """True where nothing is between sealing and indexing: not here, and nobody else has the archive open."""
        if self._beside:
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        with self._guard:
            return not self._tickets

    def reindex(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Build the index anew from the blobs alone; how many instances it has then. ``progress(done, total)`` counts
        blobs.
        """
        return care.rebuild(self._desk, self._blobs, self.index, progress)

    def quarantined(self) -> list[Quarantined]:
        """What lies in quarantine for somebody to decide, oldest first; the files are in the folder ``quarantine``."""
        return self.index.quarantined()

    def stats(self) -> ArchiveStats:
        """How much there is."""
        totals: Totals = self.index.totals()
        index_size = sum(path.stat().st_size for path in self.root.glob("index.db*") if path.is_file())
        return ArchiveStats(
            totals.patients,
            totals.studies,
            totals.series,
            totals.instances,
            totals.size,
            index_size,
            totals.quarantined,
        )

    # -- how far the index is durable ----------------------------------------------------------------------------------

    def _enter(self) -> int:
        """A blob is about to be sealed: no mark may pass its bucket until it is indexed."""
        minute = bucket_of(time.time())
        if minute != self._minute:
            # Another process may have marked a later bucket than this clock, set back since, would give.
            self._blobs.floor(self.index.state(MARK))
            self._minute = minute
        with self._guard:
            self._next_ticket += 1
            self._tickets[self._next_ticket] = self._blobs.bucket
            return self._next_ticket

    def _leave(self, ticket: int) -> None:
        with self._guard:
            self._tickets.pop(ticket, None)
            due = time.monotonic() - self._marked > self.config.mark_interval
            if due:
                self._marked = time.monotonic()
        if due:
            with contextlib.suppress(OutOfResourcesError):
                self._mark()

    def _mark(self, *, alone: bool = False) -> None:
        """Note up to where all is durable. Others may be between sealing and indexing and have tickets that are not
        seen here: unless ``alone``, the mark stays behind the clock by more than that can take.
        """
        with self._guard:
            bucket = min(self._tickets.values(), default=self._blobs.bucket)
        if not alone:
            bucket = max(min(bucket, bucket_of(time.time() - _MARK_LAG)), self.index.state(MARK))
        self.index.set_state(MARK, bucket)


def _index(root: Path, config: ArchiveConfig, *, salvage: bool) -> Index:
    """The index of an archive; with ``salvage`` a new one where it cannot be read."""
    path = root / "index.db"
    try:
        index = Index(path, config)
        if not salvage or not index.problems():
            return index
        index.close()
    except OutOfResourcesError:
        if not salvage:
            raise
    aside = f"index.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.db"
    try:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{path}{suffix}", root / f"{aside}{suffix}")
    except OSError as error:
        raise resources("cannot move the damaged index aside", error) from error
    index = Index(path, config)
    rescue(root / aside, index.database)
    return index


def _lock(root: Path, *, beside: bool) -> tuple[int, bool]:
    """A handle with the archive's lock, and whether nobody else has the archive open."""
    try:
        handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise resources(f"cannot use the folder of the archive {root}", error) from error
    if beside:
        return handle, False
    deadline = time.monotonic() + _LOCK_WAIT
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle, True
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return handle, False
        if time.monotonic() > deadline:
            os.close(handle)
            raise OutOfResourcesError(
                "another process is recovering the archive", where=str(root), hint="try again later"
            )
        time.sleep(0.05)
