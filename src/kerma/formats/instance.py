"""An instance as a sender needs it: what it is, how it is encoded, and where its data set lies.

Made without opening the file by the archive (from its index), or by ``formats.part10`` from the first kilobytes of a
file. The storage, C-GET and C-MOVE flows take nothing else, so bytes go from disk to wire without a data set being
built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kerma.encoding.source import ByteSource


@dataclass(frozen=True, slots=True)
class Instance:
    """One stored composite instance. ``dataset_offset`` and ``dataset_length`` bound the data set, without meta
    information, in the source.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset_offset: int
    dataset_length: int
    open: Callable[[], ByteSource]
    """Opens the source that holds it; the caller closes it."""
    name: str = ""
    """What to call it in messages: a path as given, or a blob key."""
