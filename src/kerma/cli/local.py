"""The local archive that a command works on. May touch the folder of the archive through ``kerma.archive``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerma.cli.options import config_option, data_option, load_config, stacked
from kerma.errors import UsageError

if TYPE_CHECKING:
    from kerma.archive import Archive

local_options = stacked(data_option, config_option)


def open_local(data: str | None, config_file: str | None, *, make: bool = False, salvage: bool = False) -> Archive:
    """The archive of ``--data`` or the configuration. Unless ``make``, one that is not there is a usage error."""
    config = load_config(config_file, server__data=data)
    folder = Path(config.server.data)
    if not make and not folder.is_dir():
        raise UsageError("no archive is there", where=str(folder), hint="name its folder with --data")
    # Loaded now, so that the help and a refusal come quickly.
    from kerma.app.archives import archive_settings
    from kerma.archive import Archive

    return Archive.open(folder, config=archive_settings(config), salvage=salvage)


def size_text(size: int) -> str:
    """Bytes for people: 1.4 GB."""
    value, units = float(size), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def say(line: str) -> None:
    """A line of a result."""
    click.echo(line)
