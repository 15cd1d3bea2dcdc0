"""From what a caller says to the flow that does it: shared by the blocking and the asyncio client.

Rules: files are probed, not read; what cannot be sent is an outcome, not an exception. Nothing here waits for a peer.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import KermaError, StatusError, UsageError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.net.peer import check_aet
from kerma.net.receiver import DatasetProvider
from kerma.query import from_keys
from kerma.query.model import Level, Query, Root
from kerma.services.find_scu import find
from kerma.services.flow import Emit, Flow, Stop
from kerma.services.get_scu import get
from kerma.services.incoming import Incoming
from kerma.services.providers import StorageProvider
from kerma.services.retrieve_scu import Progress, Received, move
from kerma.services.sendable import Sendable
from kerma.services.storage_needs import storage_rounds
from kerma.services.storage_scp import store_request
from kerma.services.storage_scu import StoreResult, store

Storable = str | os.PathLike[str] | Dataset | Instance


def several(items: Iterable[Storable] | Storable) -> Iterable[Storable]:
    """A single item as a list of one."""
    if isinstance(items, (str, os.PathLike, Dataset, Instance)):
        return [items]
    return items


def sendable(item: Storable) -> Sendable | StoreResult:
    """What ``item`` is to a sender, or why it cannot be sent."""
    name = str(item.sop_instance_uid) if isinstance(item, Instance) else ""
    try:
        if isinstance(item, Instance):
            return Sendable.of_instance(item)
        if isinstance(item, Dataset):
            return Sendable.of_dataset(item)
        name = os.fspath(item)
        return Sendable.of_instance(part10.probe(name))
    except KermaError as error:
        return StoreResult(name, "", "", None, error.message)
    except OSError as error:
        return StoreResult(name, "", "", None, f"cannot be read: {error.strerror}")


def store_flow(items: Iterable[Storable], *, priority: int = 0) -> Flow[None]:
    """Send ``items``; emits a ``StoreResult`` for each, those that cannot be sent first."""
    ready: list[Sendable] = []
    try:
        for item in items:
            found = sendable(item)
            if isinstance(found, Sendable):
                ready.append(found)
            else:
                yield Emit(found)
    except Stop:
        return
    yield from store(ready, priority=priority)


def find_flow(
    level: str | Level, root: str | Root | None, return_keys: Iterable[str], keys: Mapping[str, Any]
) -> Flow[None]:
    """Ask; emits a ``Dataset`` for each match."""
    query = from_keys(level, keys, tuple(return_keys), root=_root(root))
    return find(dataclasses.replace(query, relational=_relational(query)))


def get_flow(
    level: str | Level | None,
    root: str | Root | None,
    keys: Mapping[str, Any],
    provider: StorageProvider,
    *,
    sop_classes: Sequence[str] = (),
    transfer_syntaxes: Sequence[str] = (),
    aets: tuple[str, str] = ("", ""),
    peer: str = "",
) -> Flow[Progress | None]:
    """Retrieve into ``provider``; emits ``Received`` and ``Progress``. ``aets`` are the peer's and ours."""

    def open_sink(context: Any, command: Any) -> Incoming:
        return Incoming(store_request(context, command, aets[0], aets[1], peer), provider.begin)

    return get(retrieve_query(level, root, keys), storage_rounds(sop_classes, transfer_syntaxes), open_sink)


def move_flow(
    level: str | Level | None, root: str | Root | None, keys: Mapping[str, Any], to: str
) -> Flow[Progress | None]:
    """Have the peer send to the AE title ``to``; emits ``Progress``."""
    return move(retrieve_query(level, root, keys), check_aet(to))


def retrieve_query(level: str | Level | None, root: str | Root | None, keys: Mapping[str, Any]) -> Query:
    """A question of unique keys only, at ``level`` or at the lowest level that ``keys`` name one of (PS3.4
    C.4.2.2.1)."""
    names = {
        "PatientID": "patient",
        "StudyInstanceUID": "study",
        "SeriesInstanceUID": "series",
        "SOPInstanceUID": "image",
    }
    unknown = [key for key in keys if key not in names]
    if unknown:
        raise UsageError(
            f"{unknown[0]} is no unique key",
            hint="retrieve by PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID",
        )
    given = [name for key, name in names.items() if keys.get(key)]
    if not given:
        raise UsageError("nothing says what to retrieve", hint="give a StudyInstanceUID, for example")
    query = from_keys(level or given[-1], keys, root=_root(root) or (Root.PATIENT if "patient" in given else None))
    return dataclasses.replace(query, return_keys=(), relational=_relational(query))


def _relational(query: Query) -> bool:
    """Whether the question names no single value for the unique key of a level above its own (PS3.4 C.4.1.3.2.2)."""
    return any(len(query.uids(level)) != 1 for level in query.root.levels if level < query.level)


def _root(root: str | Root | None) -> Root | None:
    if root is None or isinstance(root, Root):
        return root
    try:
        return Root(root)
    except ValueError:
        raise UsageError(f"no query root is called {root!r}", hint="patient, study or patient-study-only") from None


class Sorter:
    """What of a C-GET's emissions its consumer is given: data sets (or ``Received``, without ``keeper``); counts go to
    ``progress``.

    A final response that tells of failures is raised as ``StatusError``: nothing is missing silently.
    """

    def __init__(self, keeper: DatasetProvider | None, progress: Callable[[Progress], None] | None) -> None:
        self._keeper = keeper
        self._progress = progress

    def __call__(self, value: Received | Progress) -> Received | Dataset | None:
        if isinstance(value, Received):
            return value if self._keeper is None else self._keeper.take()
        if self._progress is not None:
            self._progress(value)
        if value.final and value.failed:
            raise StatusError(
                value.error or f"{value.failed} sub-operations failed", status=value.status, comment=value.error
            )
        return None
