"""How an archive is kept: frozen settings with defaults, passed to ``Archive.open``."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from kerma.limits import Limits


class Duplicates(enum.Enum):
    """What to do with other bytes under a SOP Instance UID that is there already."""

    KEEP_FIRST = "keep-first"
    """Keep what is there, drop the new one and say so."""
    REPLACE = "replace"
    """Keep the new one only."""
    QUARANTINE = "quarantine"
    """Keep what is there findable, and the new one on disk in ``quarantine/`` for somebody to decide."""


@dataclass(frozen=True, slots=True)
class ArchiveConfig:
    """Settings of one archive."""

    duplicates: Duplicates = Duplicates.QUARANTINE
    retrieve_aet: str = "KERMA"
    """Retrieve AE Title (0008,0054) of answers: where C-MOVE and C-GET find what was found."""
    busy_timeout: float = 5.0
    """Seconds to wait for an index that another process has locked."""
    max_header: int = 1 << 20
    """Bytes of a header that the index keeps; of a larger one the large values are left out."""
    max_scan: int = 12 << 20
    """Bytes of a data set that are held in memory until pixel data comes; what lies beyond is stored, not indexed."""
    max_text: int = 4096
    """Characters of one attribute that the index keeps; no attribute that it matches may be longer by the standard."""
    mark_interval: float = 60.0
    """Seconds between two marks of how far the index is durable, which bounds the work of the next start after a
    crash.
    """
    refuse_executable: bool = False
    """Refuse a file whose preamble makes it a program (PS3.10 7.1); otherwise it is taken with a warning."""
    store_as: str = ""
    """The transfer syntax to keep images in, one that loses nothing; empty: as they came."""
    limits: Limits = field(default_factory=Limits)
