"""Instances out of an archive, as files.

May touch the archive and the folder that it is given. Rules:

- A file is written under a temporary name and renamed: under its final name it is whole.
- The name is the SOP Instance UID, which the archive has checked to be one; it is checked again before it becomes part
  of a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kerma.app.lookup import level_of
from kerma.errors import KermaError, OutOfResourcesError, UsageError
from kerma.formats.instance import Instance
from kerma.formats.saving import save
from kerma.query import from_keys

if TYPE_CHECKING:
    from kerma.archive import Archive

_PIECE = 1 << 20
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class Exported:
    """One instance: its file, or why there is none."""

    sop_instance_uid: str
    path: Path | None
    error: KermaError | None = None


def select(archive: Archive, keys: Mapping[str, str]) -> Sequence[Instance]:
    """The instances that match; ``UsageError`` where no key has a value."""
    if not any(keys.values()):
        raise UsageError("everything is meant, as no key has a value", hint="give at least one, such as PatientID=123")
    return archive.instances(from_keys(level_of(keys), keys))


def export(instances: Sequence[Instance], folder: Path) -> Iterator[Exported]:
    """Copy each instance's file, byte for byte, to ``folder/UID.dcm``; one outcome each. Raises where the folder is
    full."""
    for instance in instances:
        uid = instance.sop_instance_uid
        try:
            if not _UID.fullmatch(uid):
                raise KermaError("the SOP Instance UID is no UID", where=instance.name)
            yield Exported(uid, _copy(instance, folder / f"{uid}.dcm"))
        except OutOfResourcesError:
            raise
        except KermaError as error:
            yield Exported(uid, None, error)


def _copy(instance: Instance, path: Path) -> Path:
    with instance.open() as source:
        try:
            save((source.read(at, min(_PIECE, source.size - at)) for at in range(0, source.size, _PIECE)), path)
        except OSError as error:
            raise OutOfResourcesError(
                f"the file cannot be written: {error.strerror}", where=str(path), hint="check the folder and its space"
            ) from error
    return path
