"""Bringing an index to the newest schema with Alembic; the usual start only reads one row and loads nothing of it.

All migrations that are missing are one transaction: whatever ends it leaves the index as it was, and of several
processes that start at once one migrates while the others wait.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from kerma.archive.index.schema import HEAD
from kerma.archive.wal import PATIENCE, use_wal
from kerma.errors import ArchiveError


def ensure(path: Path) -> None:
    """Create the index at ``path`` or migrate it; ``ArchiveError`` where it was made by a newer Kerma."""
    found = version(path)
    if found != HEAD:
        upgrade(path, found)


def version(path: Path) -> str | None:
    """The migration that the index stands at; None for a new one."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)) as connection:
        use_wal(connection)
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return None if row is None else str(row[0])


def upgrade(path: Path, found: str | None) -> None:
    """Run the migrations that are missing."""
    from alembic import command  # noqa: PLC0415  (heavy, and needed once in an archive's life)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy import create_engine, exc  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in revisions:
        raise ArchiveError(
            f"the index has schema {found}, which this version does not know",
            where=str(path),
            hint="use the newer version that made it, or rebuild it with kerma reindex",
        )
    # sqlite3 by itself begins no transaction for what changes the schema
    engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None, "timeout": PATIENCE})
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from None  # as from ``version``: a full disk is told like any other
        raise
    finally:
        engine.dispose()
