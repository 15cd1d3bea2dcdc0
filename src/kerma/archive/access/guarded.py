"""An archive as one principal may use it: the providers of ``services.providers`` with every right looked after.

Rules:

- Whoever may write to a part of the archive only is asked twice: what the instance says of itself, and what the archive
  says of the study and the instance that are there already under these UIDs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from kerma.archive.archive import Archive
from kerma.archive.permissions import Principal, Right
from kerma.dataset import Dataset
from kerma.errors import AccessError
from kerma.formats.instance import Instance
from kerma.query.identifier import from_keys, unique_query
from kerma.query.model import Level, Query
from kerma.services.providers import StoreRequest, StoreSink


class Guarded:
    """What a principal sees of an archive, and may add to it."""

    def __init__(self, archive: Archive, principal: Principal) -> None:
        self.archive = archive
        self.principal = principal

    def begin(self, request: StoreRequest) -> StoreSink:
        self.principal.require(Right.WRITE)
        return self.archive.begin(replace(request, admit=admission(self.archive, self.principal)))

    def search(self, query: Query) -> Iterator[Dataset]:
        return self.archive.search(self.principal.narrow(query))

    def instances(self, query: Query) -> list[Instance]:
        return self.archive.instances(self.principal.narrow(query))


def admission(archive: Archive, principal: Principal) -> Callable[[Dataset], None] | None:
    """What ``StoreRequest.admit`` is for a principal: None where it may write anything."""
    if principal.areas(Right.WRITE) is None:
        return None

    def admit(ds: Dataset) -> None:
        study, instance = str(ds.StudyInstanceUID), str(ds.SOPInstanceUID)
        labels = archive.labels(study)
        seen = [ds]
        keys = ("PatientID", "IssuerOfPatientID")
        for there in archive.search(from_keys("study", {"StudyInstanceUID": study}, keys)):
            there.StudyInstanceUID, there.SeriesInstanceUID = study, ds.SeriesInstanceUID
            seen.append(there)
        one = unique_query(Level.IMAGE, (instance,))
        taken = archive.instances(one) and not archive.instances(principal.narrow(one, Right.WRITE))
        if taken or not all(principal.covers(item, Right.WRITE, labels) for item in seen):
            raise AccessError(f"{principal.name} may not store this instance here")

    return admit
