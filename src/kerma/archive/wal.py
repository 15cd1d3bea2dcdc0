"""Write-ahead logging of a SQLite file, which several processes may ask for at the same time."""

from __future__ import annotations

import sqlite3
import time

PATIENCE = 60.0
"""Seconds to wait for other processes that are at the file."""
_STEP = 0.01


def use_wal(connection: sqlite3.Connection) -> None:
    """Turn it on; the file remembers it. SQLite does not wait for others when the mode is to change, whatever the
    time-out of the connection: that is done here.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_STEP)
        else:
            return
