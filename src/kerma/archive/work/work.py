"""The stores of work of one archive, over its index and its blobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kerma.archive.index.index import Index
from kerma.archive.work.commitment import Commitments, Held
from kerma.archive.work.events import EventStore
from kerma.archive.work.items import WorkItems
from kerma.archive.work.modality import PerformedSteps, ScheduledSteps
from kerma.archive.work.rows import Clock, utc_now
from kerma.archive.work.subscribers import Subscribers
from kerma.query.identifier import unique_query
from kerma.query.model import Level

_BATCH = 500


class Work:
    """What is to be done, what was done, who is told, what was promised.

    ``size_of`` gives the size of a blob by its key, less than 0 where there is none.
    """

    def __init__(self, index: Index, size_of: Callable[[str], int], clock: Clock = utc_now) -> None:
        database = index.database
        self._index = index
        self._size_of = size_of
        self.events = EventStore(database)
        self.items = WorkItems(database, self.events, clock)
        self.scheduled = ScheduledSteps(database)
        self.performed = PerformedSteps(database, self.scheduled, clock)
        self.commitments = Commitments(database, self._held, clock)

    @property
    def subscribers(self) -> Subscribers:
        return self.items.subscribers

    def _held(self, uids: list[str]) -> Mapping[str, Held]:
        held: dict[str, Held] = {}
        for start in range(0, len(uids), _BATCH):
            for stored in self._index.instances(unique_query(Level.IMAGE, uids[start : start + _BATCH])):
                whole = self._size_of(stored.blob) == stored.size
                held[stored.sop_instance_uid] = Held(stored.sop_class_uid, whole)
        return held
