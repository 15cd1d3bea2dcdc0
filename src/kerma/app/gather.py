"""From paths to instances: every file is probed, and what is no instance is said or counted.

May touch the file system through ``collect`` and ``formats.part10``. Rules:

- A file is opened and its first kilobytes are read; nothing is decoded.
- What was named and is no DICOM is a failure; what merely lay in a folder or archive is passed over. DICOM that is
  broken is a failure wherever it lay. A DICOMDIR (PS3.3 F) is no instance and is passed over, with a word where it was
  named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kerma.app.collect import Found, Unusable
from kerma.errors import KermaError, NotDicomError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.standard import sop_classes


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that is no instance and that nobody named; ``reason`` is worth a line where it is not empty."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """A file that holds an instance."""

    found: Found
    instance: Instance


def probe(item: Found | Unusable) -> Probed | Passed | Unusable:
    """What one collected file is. Never raises for a bad file."""
    if isinstance(item, Unusable):
        return item
    try:
        instance = part10.probe(item.path)
    except KermaError as error:
        error.where = item.name  # the file of an archive's member has a number only
        foreign = isinstance(error, NotDicomError) or not _has_prefix(item)
        return Passed(item.name) if foreign and not item.named else Unusable(item.name, error)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Unusable(item.name, KermaError(f"cannot be read: {reason}", where=item.name))
    if instance.sop_class_uid == sop_classes.MEDIA_STORAGE_DIRECTORY:
        return Passed(item.name, "a DICOMDIR is no instance" if item.named else "")
    return Probed(item, replace(instance, name=item.name))


def probe_all(items: Iterator[Found | Unusable]) -> Iterator[Probed | Passed | Unusable]:
    """``probe`` for each, as they come."""
    return map(probe, items)


def _has_prefix(item: Found) -> bool:
    """Whether the file says that it is DICOM (PS3.10 7.1); many other files read like a data set for a while."""
    try:
        with item.path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False
