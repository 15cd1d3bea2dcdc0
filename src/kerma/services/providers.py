"""What a service class provider of PS3.4 needs behind it, as narrow interfaces.

``kerma.archive.Archive`` satisfies all of them structurally; ``kerma listen`` brings a smaller storage provider of its
own. Nothing here knows an association, a socket or a table. All methods may block; the server calls them on the worker
of the association.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kerma.dataset import Dataset
    from kerma.formats.instance import Instance
    from kerma.query.model import Query


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """What a C-STORE-RQ and its association say of the data set that follows (PS3.7 9.3.1). All of it is the peer's
    word."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_aet: str = ""
    called_aet: str = ""
    peer: str = ""
    study_instance_uid: str = ""
    """The study that it has to be of (PS3.18 10.5); empty where nobody said."""
    admit: Callable[[Dataset], None] | None = None
    """Asked once with the header; raises ``AccessError`` where whoever sends may not store such an instance."""


class StoreOutcome(enum.Enum):
    """How an instance ended that was taken in without error."""

    STORED = "stored"
    IDENTICAL = "identical"
    """The same bytes were there already; nothing was done."""
    KEPT_FIRST = "kept-first"
    """Another instance has this UID, and policy keeps that one; the new one was dropped."""
    REPLACED = "replaced"
    QUARANTINED = "quarantined"
    """Another instance has this UID; the new bytes are durable in quarantine and not findable."""


class StoreSink(Protocol):
    """Takes one data set as it arrives. Exactly one of commit and abort ends it; abort after either is harmless."""

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next slices; they are the caller's again when this returns. ``ArchiveError`` where they cannot be
        kept."""
        ...

    def commit(self) -> StoreOutcome:
        """Make it durable, then findable; returns only then. ``ArchiveError`` where that fails, with nothing left
        behind."""
        ...

    def abort(self) -> None:
        """Forget it; leaves nothing behind and never raises."""
        ...


class StorageProvider(Protocol):
    def begin(self, request: StoreRequest) -> StoreSink: ...


class FindProvider(Protocol):
    def search(self, query: Query) -> Iterator[Dataset]:
        """One data set per match with the keys that were asked for; closing the iterator ends the work."""
        ...


class RetrieveProvider(Protocol):
    def instances(self, query: Query) -> Sequence[Instance]:
        """The instances below what the query's unique keys name."""
        ...
