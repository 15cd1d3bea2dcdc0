"""The archive: real studies go in, are kept, are found and come back (PS3.4 B, C without their network).

``Archive`` is the core that ``kerma serve`` runs. ``blobs`` holds bytes, ``index`` answers questions, ``ingest``
brings instances in, ``recovery`` and ``care`` hold the two together. Knows no association and no HTTP request.
"""

from __future__ import annotations

from kerma.archive.archive import Archive, ArchiveStats
from kerma.archive.care import CheckReport
from kerma.archive.config import ArchiveConfig, Duplicates
from kerma.archive.importing import IngestResult
from kerma.archive.recovery import Recovered

__all__ = ["Archive", "ArchiveConfig", "ArchiveStats", "CheckReport", "Duplicates", "IngestResult", "Recovered"]
