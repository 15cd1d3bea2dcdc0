"""``kerma stats``: how much a local archive holds."""

from __future__ import annotations

import dataclasses

import click

from kerma.cli.local import local_options, open_local, say, size_text
from kerma.cli.options import Command, json_option
from kerma.cli.report import json_line


@click.command("stats", cls=Command, short_help="Count what a local archive holds.")
@local_options
@json_option
def command(data: str | None, config_file: str | None, as_json: bool) -> int:
    """Count what a local archive holds, running or not."""
    with open_local(data, config_file) as archive:
        stats = archive.stats()
        folder = archive.root.resolve()
    if as_json:
        json_line({"data": str(folder), **dataclasses.asdict(stats)})
        return 0
    for name in ("patients", "studies", "series", "instances", "quarantined"):
        say(f"{name:<12}{getattr(stats, name)}")
    say(f"{'size':<12}{size_text(stats.size)}")
    say(f"{'index':<12}{size_text(stats.index_size)}")
    return 0
