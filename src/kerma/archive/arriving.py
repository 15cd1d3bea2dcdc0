"""A file (PS3.10) on its way in, in slices: it keeps its own bytes, preamble and meta information included.

For whoever has a file that arrives: an import reads it, a web server is sent it. Rules:

- Nothing is kept of it before its meta information is there; that is in the first bytes, and bounded.
- The meta information says what the data set is; the data set must agree (``facts_of``). Where there is none, the data
  set says it, and waits in memory until it has.
- Who has to say whether such an instance is welcome is asked once: ``check`` before its data set is looked at,
  ``admit`` with its header.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kerma.archive.facts import Facts, facts_of, header_syntax
from kerma.archive.ingest import Desk
from kerma.archive.recoding import sink_for
from kerma.dataset import Dataset
from kerma.errors import ArchiveError, InvalidInstanceError, TruncatedError
from kerma.formats import part10
from kerma.formats.head import HeadScanner
from kerma.formats.meta import Head
from kerma.formats.personality import recognise
from kerma.services.providers import StoreOutcome, StoreRequest, StoreSink

MAX_HEAD = 1 << 20
"""Bytes of preamble and meta information."""
_TRIES = (1 << 10, 1 << 16, MAX_HEAD)
_META_CLASS = 0x00020002
_META_INSTANCE = 0x00020003


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What came in and how it ended; ``size`` in bytes of the file."""

    sop_instance_uid: str
    sop_class_uid: str
    outcome: StoreOutcome
    size: int
    warning: str = ""
    """What whoever is responsible should know although it was taken."""
    study_instance_uid: str = ""
    series_instance_uid: str = ""


class FileSink:
    """Takes one file as it arrives. One of ``commit`` and ``abort`` ends it; abort after either is harmless.

    ``study_instance_uid``, where it is given, is the study that the instance must be of. Errors as of ``Sink``, and
    ``FormatError`` where the bytes are no file of DICOM.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        study_instance_uid: str = "",
        check: Callable[[StoreRequest], None] | None = None,
        admit: Callable[[Dataset], None] | None = None,
    ) -> None:
        self._desk = desk
        self._study = study_instance_uid
        self._check = check
        self._admit = admit
        self._held = bytearray()
        self._tries = list(_TRIES)
        self._head: Head | None = None
        self._scanner: HeadScanner | None = None
        self._fed = 0
        self._sink: StoreSink | None = None
        self._closed = False
        self.sop_class_uid = ""
        """What it says that it is; empty until that has come."""
        self.sop_instance_uid = ""
        self.size = 0
        self.warning = ""

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next slices of the file; they are the caller's again when this returns."""
        if self._closed:
            raise ArchiveError("the sink is closed")
        self.size += sum(map(len, chunks))
        try:
            if self._sink is not None:
                self._sink.write(chunks)
                return
            for chunk in chunks:
                self._held += chunk
            self._look(last=False)
        except BaseException:
            self.abort()
            raise

    def commit(self) -> IngestResult:
        """Make it durable, then findable."""
        if self._closed:
            raise ArchiveError("the sink is closed")
        try:
            self._look(last=True)
            assert self._sink is not None
            outcome = self._sink.commit()
            facts: Facts | None = getattr(self._sink, "facts", None)
            return IngestResult(
                self.sop_instance_uid,
                self.sop_class_uid,
                outcome,
                self.size,
                self.warning,
                facts.study_uid if facts is not None else "",
                facts.series_uid if facts is not None else "",
            )
        finally:
            self.abort()

    def abort(self) -> None:
        """Forget it."""
        self._closed = True
        self._held = bytearray()
        if self._sink is not None:
            self._sink.abort()

    def _look(self, *, last: bool) -> None:
        """Begin with what is held, as soon as it says what it is."""
        if self._sink is not None:
            return
        head = self._head
        if head is None:
            head = self._find_head(last)
            if head is None:
                return
            self._head = head
            self.warning = examine(self._desk, head.preamble)
            prefix = bytes(self._held[: head.dataset_offset])
            self.sop_class_uid = head.text(prefix, _META_CLASS)
            self.sop_instance_uid = head.text(prefix, _META_INSTANCE)
            self._fed = head.dataset_offset
        if not (self.sop_class_uid and self.sop_instance_uid) and not self._identify(head, last):
            return
        request = StoreRequest(
            self.sop_class_uid,
            self.sop_instance_uid,
            head.transfer_syntax_uid,
            study_instance_uid=self._study,
            admit=self._admit,
        )
        if self._check is not None:
            self._check(request)
        at = head.dataset_offset
        self._sink = sink_for(self._desk, request, head=bytes(self._held[:at]) or None)
        if len(self._held) > at:
            self._sink.write([memoryview(self._held)[at:]])
        self._held = bytearray()

    def _find_head(self, last: bool) -> Head | None:
        size = len(self._held)
        if not last and size < self._tries[0]:
            return None
        # Only a file with its mark says in its first bytes where its meta information ends.
        if not last and self._held[128:132] != b"DICM" and size < _TRIES[1]:
            return None
        while self._tries and self._tries[0] <= size:
            self._tries.pop(0)
        try:
            return part10.split(bytes(self._held))
        except TruncatedError:
            if last or not self._tries:
                raise
            return None

    def _identify(self, head: Head, last: bool) -> bool:
        """Whether the data set has said what it is, for a file whose meta information does not."""
        config = self._desk.config
        scanner = self._scanner
        if scanner is None:
            scanner = self._scanner = HeadScanner(head.transfer_syntax_uid, limits=config.limits, bound=config.max_scan)
        if not scanner.done:
            scanner.feed(bytes(self._held[self._fed :]))
            self._fed = len(self._held)
        if not scanner.done and not last:
            return False
        if last:
            scanner.finish(len(self._held) - head.dataset_offset)
        ds = Dataset.from_bytes(scanner.header_bytes, header_syntax(head.transfer_syntax_uid))
        facts = facts_of(ds, max_text=config.max_text)
        self.sop_class_uid, self.sop_instance_uid = facts.sop_class_uid, facts.sop_instance_uid
        return True


def examine(desk: Desk, preamble: bytes | None) -> str:
    """A warning where the preamble makes the file a program; ``InvalidInstanceError`` where that is refused."""
    found = recognise(preamble)
    if found is None or not found.executable:
        return ""
    if desk.config.refuse_executable:
        raise InvalidInstanceError(
            f"the preamble makes the file {found.name}",
            hint="read it and write it again without its preamble, or set archive.executable_preambles to keep",
        )
    return f"the preamble makes the file {found.name}; it is kept as it came"
