"""Providers in memory, and small data sets, for tests of the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kerma.dataset import Dataset
from kerma.encoding.source import BytesSource
from kerma.formats.instance import Instance
from kerma.query.model import Query
from kerma.services.providers import StoreOutcome, StoreRequest

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"
STUDY = "1.2.3.1"
SERIES = "1.2.3.1.1"


def make(number: int = 1, *, sop_class: str = CT, size: int = 100) -> Dataset:
    """A small instance with ``size`` bytes of pixel data."""
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = f"{SERIES}.{number}"
    ds.StudyInstanceUID = STUDY
    ds.SeriesInstanceUID = SERIES
    ds.PatientName = "DOE^JANE"
    ds.PatientID = "P1"
    ds.InstanceNumber = number
    ds.BitsAllocated = 8
    ds.add("PixelData", "OW", bytes(size))
    return ds


def instance(number: int = 1, *, syntax: str = EXPLICIT_LE, sop_class: str = CT, size: int = 100) -> Instance:
    """The same as an instance in a source."""
    data = make(number, sop_class=sop_class, size=size).to_bytes(
        syntax if syntax in (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE) else EXPLICIT_LE
    )
    uid = f"{SERIES}.{number}"
    return Instance(sop_class, uid, syntax, 3, len(data), lambda: BytesSource(b"abc" + data), uid)


class Sink:
    def __init__(self, store: MemoryStore, request: StoreRequest) -> None:
        self.store = store
        self.request = request
        self.data = bytearray()
        self.ended = ""

    def write(self, chunks: Sequence[memoryview]) -> None:
        for chunk in chunks:
            self.data += chunk
        if self.store.on_write is not None:
            self.store.on_write(self)

    def commit(self) -> StoreOutcome:
        assert not self.ended
        commit = self.store.on_commit
        outcome = StoreOutcome.STORED if commit is None else commit(self)
        self.ended = "committed"
        with self.store.changed:
            self.store.kept[self.request.sop_instance_uid] = (self.request, bytes(self.data))
            self.store.changed.notify_all()
        return outcome

    def abort(self) -> None:
        with self.store.changed:
            if not self.ended:
                self.ended = "aborted"
                self.store.aborted += 1
            self.store.changed.notify_all()


class MemoryStore:
    """A storage, find and retrieve provider that keeps everything."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.kept: dict[str, tuple[StoreRequest, bytes]] = {}
        self.aborted = 0
        self.on_write: Callable[[Sink], None] | None = None
        self.on_commit: Callable[[Sink], StoreOutcome] | None = None
        self.on_begin: Callable[[StoreRequest], None] | None = None
        self.found: Sequence[Dataset] = ()
        self.holds: Sequence[Instance] = ()
        self.queries: list[Query] = []
        self.searches_closed = 0

    def begin(self, request: StoreRequest) -> Sink:
        if self.on_begin is not None:
            self.on_begin(request)
        return Sink(self, request)

    def search(self, query: Query) -> Iterator[Dataset]:
        self.queries.append(query)
        try:
            yield from self.found
        finally:
            self.searches_closed += 1

    def instances(self, query: Query) -> Sequence[Instance]:
        self.queries.append(query)
        return self.holds

    def wait_for(self, condition: Callable[[], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 10)
