"""How the configuration keeps an archive. May touch nothing but its arguments; apart from the servers because scripts
need it too."""

from __future__ import annotations

from kerma.app.settings import Config
from kerma.archive.config import ArchiveConfig, Duplicates


def archive_settings(config: Config) -> ArchiveConfig:
    """The part of the configuration that the archive takes."""
    return ArchiveConfig(
        duplicates=Duplicates(config.archive.duplicates),
        retrieve_aet=config.server.aet,
        store_as=config.archive.store_as,
        refuse_executable=config.archive.executable_preambles == "refuse",
    )
