"""``kerma reindex``: a local archive's index from its files alone."""

from __future__ import annotations

import click

from kerma.cli.local import local_options, open_local, say
from kerma.cli.options import Command, json_option
from kerma.cli.report import json_line
from kerma.cli.showing import progress


@click.command("reindex", cls=Command, short_help="Build a local archive's index anew from its files.")
@local_options
@json_option
def command(data: str | None, config_file: str | None, as_json: bool) -> int:
    """Build a local archive's index anew from its files.

    The old index stays in use until the new one is whole.
    """
    with open_local(data, config_file, salvage=True) as archive, progress("Indexing") as bar:
        count = archive.reindex(progress=bar.update)
    if as_json:
        json_line({"instances": count})
    else:
        say(f"{count} instances indexed")
    return 0
