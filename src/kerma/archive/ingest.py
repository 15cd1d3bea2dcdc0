"""One instance on its way in: bytes to a blob, head scanned as it passes, durable, indexed
(docs/decisions/0003-durability.md).

Rules:

- Memory is bounded by the header, not by the instance. Slices go to the file as they come.
- Success is returned after the blob is durable under its final name and the index transaction is committed, in this
  order. The rows are written while the disk syncs the blob; the commit waits for it.
- Whatever goes wrong leaves nothing behind; the one who sends hears of it by the error.
- Two stores of one SOP Instance UID at the same time are settled by the index, inside its transaction: one is first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Protocol

import xxhash

from kerma.archive.blobs import BlobName, BlobStore, BlobWriter
from kerma.archive.config import ArchiveConfig, Duplicates
from kerma.archive.facts import Facts, Rows, facts_of, header_syntax, is_uid, rows_of
from kerma.archive.index import headers
from kerma.archive.index.writer import Entry, Known
from kerma.dataset import Dataset
from kerma.encoding.source import ByteSource
from kerma.errors import (
    ArchiveError,
    FormatError,
    InvalidInstanceError,
    NotFoundError,
    UnsupportedSyntaxError,
    WrongStudyError,
)
from kerma.formats import part10
from kerma.formats.head import HeadScanner
from kerma.services.providers import StoreOutcome, StoreRequest

_COMPARE = 1 << 20
_LARGE_VALUE = 1 << 12
_SCAN = 1 << 14


class IngestIndex(Protocol):
    """What ingest needs of the index."""

    def known(self, sop_instance_uid: str) -> Known | None: ...

    def base_of(self, study_uid: str, series_uid: str) -> bytes | None: ...

    def add(self, entry: Entry, *, when: Callable[[], None] | None = None) -> Known | None: ...

    def replace(self, entry: Entry) -> str | None: ...

    def quarantine(self, sop_instance_uid: str, blob: str, reason: str, calling_aet: str) -> None: ...

    def purged(self, blobs: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What all sinks of an archive share. ``enter`` and ``leave`` frame the time between sealing and indexing."""

    blobs: BlobStore
    index: IngestIndex
    config: ArchiveConfig
    enter: Callable[[], int]
    leave: Callable[[int], None]


class Sink:
    """Takes one data set; ``head`` is what lies before it in the blob, ours unless a file brings its own."""

    def __init__(self, desk: Desk, request: StoreRequest, *, head: bytes | None = None) -> None:
        for name, uid in (
            ("SOP Class", request.sop_class_uid),
            ("SOP Instance", request.sop_instance_uid),
            ("Transfer Syntax", request.transfer_syntax_uid),
        ):
            if not is_uid(uid):
                raise InvalidInstanceError(f"the {name} UID of the request is no UID")
        self._desk = desk
        self._request = request
        try:
            self._scanner = HeadScanner(
                request.transfer_syntax_uid, limits=desk.config.limits, bound=desk.config.max_scan
            )
        except UnsupportedSyntaxError as error:
            raise InvalidInstanceError("the transfer syntax is not known") from error
        self._head = head if head is not None else _own_head(request)
        self._digest = xxhash.xxh3_128()
        self._writer: BlobWriter = desk.blobs.create()
        self._size = len(self._head)
        self._scanning = True
        self._ready: Prepared | None = None
        self.facts: Facts | None = None
        """What it is, once its header has come."""
        self._open = True
        self._first: list[bytes | memoryview] = [self._head]

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next slices of the data set."""
        if not self._open:
            raise ArchiveError("the sink is closed")
        try:
            if self._scanning:
                self._scan(chunks)
            fragments = self._scanner.fragments
            for chunk in chunks:
                if fragments is not None:
                    fragments.feed(self._size - len(self._head), chunk)
                self._digest.update(chunk)
                self._size += len(chunk)
            if self._first:
                self._writer.write([*self._first, *chunks])
                self._first = []
            else:
                self._writer.write(chunks)
            if self._ready is None and not self._scanning:
                # Now, while the sender is still sending, not when it waits for the answer.
                self._ready = self._prepare(self._scanner.header_bytes)
        except BaseException:
            self.abort()
            raise

    def _scan(self, chunks: Sequence[memoryview]) -> None:
        try:
            for chunk in chunks:
                for start in range(0, len(chunk), _SCAN):
                    if self._scanner.feed(chunk[start : start + _SCAN]):
                        self._scanning = False
                        return
        except FormatError as error:
            raise InvalidInstanceError(f"the data set cannot be read: {error}") from error

    def commit(self) -> StoreOutcome:
        """Make it durable, then findable."""
        if not self._open:
            raise ArchiveError("the sink is closed")
        try:
            return self._commit()
        except BaseException:
            self.abort()
            raise
        finally:
            self._open = False

    def _commit(self) -> StoreOutcome:
        try:
            header = self._scanner.finish(self._size - len(self._head))
        except FormatError as error:
            raise InvalidInstanceError(f"the data set cannot be read: {error}") from error
        ready = self._ready or self._prepare(header)
        facts = ready.facts
        checksum = self._digest.hexdigest()
        self._digest.update(self._head)
        desk = self._desk
        # What was not there a moment ago is not asked for twice: the index settles a race, in its transaction.
        there = desk.index.known(facts.sop_instance_uid) if ready.known else None
        if there is not None and self._same(there, checksum):
            self.abort()
            return StoreOutcome.IDENTICAL
        if there is not None and desk.config.duplicates is Duplicates.KEEP_FIRST and whole(desk.blobs, there):
            self.abort()
            return StoreOutcome.KEPT_FIRST
        ticket = desk.enter()
        try:
            blob = self._writer.seal(len(self._head), self._digest.hexdigest())
            try:
                sealed = Sealed(blob, len(self._head), self._size, checksum)
                entry = make_entry(ready, self._request.transfer_syntax_uid, sealed, self._scanner.rest)
                add = partial(desk.index.add, when=self._writer.durable)
                return settle(desk, entry, self._request.calling_aet, add=add)
            except BaseException:
                self._writer.abort()
                discard(desk.blobs, blob)
                raise
        finally:
            desk.leave(ticket)

    def _prepare(self, header: bytes) -> Prepared:
        try:
            facts = facts_of(
                self._scanner.dataset(),
                max_text=self._desk.config.max_text,
                sop_class_uid=self._request.sop_class_uid,
                sop_instance_uid=self._request.sop_instance_uid,
            )
        except FormatError as error:
            raise InvalidInstanceError(f"the data set cannot be read: {error}") from error
        self.facts = facts
        if self._request.study_instance_uid not in ("", facts.study_uid):
            raise WrongStudyError("Study Instance UID (0020,000D) is not the one that was asked for", mismatch=True)
        if self._request.admit is not None:
            self._request.admit(facts.ds)
        return prepare(self._desk, facts, header, self._request.transfer_syntax_uid)

    def _same(self, there: Known, checksum: str) -> bool:
        """True where the data set that came is byte for byte the one that is there."""
        length = self._size - len(self._head)
        if there.checksum != checksum or there.size - there.dataset_offset != length:
            return False
        with self._writer.source() as mine:
            return same_bytes(self._desk.blobs, there, mine, len(self._head), length)

    def abort(self) -> None:
        """Forget it."""
        self._open = False
        self._writer.abort()


def _own_head(request: StoreRequest) -> bytes:
    """Preamble and file meta information of ours; all but the instance's UID is made once for each kind of request."""
    uid = request.sop_instance_uid
    head = _head_with_hole(request.sop_class_uid, request.transfer_syntax_uid, request.calling_aet, len(uid))
    return head.replace(b"9" * len(uid), uid.encode("ascii"), 1) if head else _file_head(request, uid)


@lru_cache(maxsize=256)
def _head_with_hole(sop_class_uid: str, transfer_syntax_uid: str, aet: str, length: int) -> bytes:
    """A head with a UID of ``length`` nines; empty where nines stand elsewhere in it as well."""
    hole = "9" * length
    head = _file_head(StoreRequest(sop_class_uid, hole, transfer_syntax_uid, calling_aet=aet), hole)
    return head if head.count(hole.encode()) == 1 else b""


def _file_head(request: StoreRequest, uid: str) -> bytes:
    return part10.file_head(
        sop_class_uid=request.sop_class_uid,
        sop_instance_uid=uid,
        transfer_syntax_uid=request.transfer_syntax_uid,
        source_aet=request.calling_aet,
    )


@dataclass(frozen=True, slots=True)
class Sealed:
    """A blob that is durable: its key, where its data set starts, size of all in bytes, checksum of the data set."""

    blob: str
    dataset_offset: int
    size: int
    checksum: str


@dataclass(slots=True)
class Prepared:
    """All that an entry of the index needs of the header, so that nothing of it is left for the writer's turn."""

    facts: Facts
    header: bytes
    rows: Rows | None
    packed: bytes | None
    base: bytes | None
    known: bool
    """Whether an instance with this UID was there already when the header had come."""
    cut: bool
    """Whether the header is not all of it."""


def prepare(desk: Desk, facts: Facts, header: bytes, syntax: str) -> Prepared:
    """Pack the header against its series', or make the rows that a new series needs."""
    cut = len(header) > desk.config.max_header
    header = bounded(header, syntax, desk.config.max_header)
    base = desk.index.base_of(facts.study_uid, facts.series_uid)
    known = desk.index.known(facts.sop_instance_uid) is not None
    if base is None:
        return Prepared(facts, header, rows_of(facts, max_text=desk.config.max_text), None, None, known, cut)
    return Prepared(facts, header, None, headers.pack(header, base), base, known, cut)


def make_entry(ready: Prepared, syntax: str, sealed: Sealed, rest: str | None) -> Entry:
    """The entry of a blob; ``rest`` is what its scanner says of what follows the header."""
    name = BlobName.parse(sealed.blob)
    stored_at = int(name.stem[:12], 16) if name is not None else time.time_ns() // 1_000_000
    return Entry(
        ready.facts,
        ready.header,
        syntax,
        sealed.blob,
        sealed.dataset_offset,
        sealed.size,
        sealed.checksum,
        stored_at,
        rows=ready.rows,
        packed=ready.packed,
        base=ready.base,
        rest=None if ready.cut else rest,
    )


def bounded(header: bytes, syntax: str, limit: int) -> bytes:
    """The header, or where it is larger than ``limit`` only its small values."""
    if len(header) <= limit:
        return header
    full = Dataset.from_bytes(header, header_syntax(syntax))
    out = Dataset()
    room = limit
    for tag in full:
        element = full[tag]
        raw = element.raw
        if element.vr == "SQ" or raw is None or len(raw) > _LARGE_VALUE or room < len(raw) + 12:
            continue
        try:
            out.add(tag, element.vr, element.value)
        except (FormatError, ArchiveError):
            continue
        room -= len(raw) + 12
    return out.to_bytes(header_syntax(syntax))


def settle(
    desk: Desk, entry: Entry, calling_aet: str, *, add: Callable[[Entry], Known | None] | None = None
) -> StoreOutcome:
    """Index a sealed blob by the rules for duplicates; ``add`` instead of the index's own."""
    policy = desk.config.duplicates
    there = (add or desk.index.add)(entry)
    if there is None or there.blob == entry.blob:  # a check or rebuild that runs beside us may have found it first
        return StoreOutcome.STORED
    if there.checksum == entry.checksum and there.size - there.dataset_offset == entry.size - entry.dataset_offset:
        with desk.blobs.open(entry.blob) as mine:
            same = same_bytes(desk.blobs, there, mine, entry.dataset_offset, entry.size - entry.dataset_offset)
        if same:
            discard(desk.blobs, entry.blob)
            return StoreOutcome.IDENTICAL
    healed = not whole(desk.blobs, there)
    if policy is Duplicates.KEEP_FIRST and not healed:
        discard(desk.blobs, entry.blob)
        return StoreOutcome.KEPT_FIRST
    if policy is Duplicates.REPLACE or healed:
        old = desk.index.replace(replace(entry, packed=None, base=None, rows=None))
        if old is not None:
            discard(desk.blobs, old)
            desk.index.purged([old])
        return StoreOutcome.STORED if healed else StoreOutcome.REPLACED
    desk.blobs.quarantine(entry.blob)
    desk.index.quarantine(
        entry.facts.sop_instance_uid, entry.blob, "another instance has this SOP Instance UID", calling_aet
    )
    return StoreOutcome.QUARANTINED


def whole(blobs: BlobStore, there: Known) -> bool:
    """False where the blob of what is there is missing or short: who sends it again heals it, whatever the policy."""
    return blobs.size(there.blob) == there.size


def discard(blobs: BlobStore, blob: str) -> None:
    """Delete a blob that nothing names; what cannot be deleted now is found by the next check."""
    try:
        blobs.delete(blob)
    except ArchiveError:
        return


def same_bytes(blobs: BlobStore, there: Known, mine: ByteSource, offset: int, length: int) -> bool:
    """True where ``length`` bytes of ``mine`` from ``offset`` are the data set that is there."""
    try:
        with blobs.open(there.blob) as other:
            for start in range(0, length, _COMPARE):
                size = min(_COMPARE, length - start)
                if other.read(there.dataset_offset + start, size) != mine.read(offset + start, size):
                    return False
    except (NotFoundError, FormatError):
        return False
    return True
