"""``kerma check``: a local archive's index against its files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from kerma.cli.local import local_options, open_local, say, size_text
from kerma.cli.options import Command, json_option
from kerma.cli.report import fail_line, json_line
from kerma.cli.showing import progress

if TYPE_CHECKING:
    from kerma.archive.care import CheckReport

FINDINGS = {
    "missing": "indexed, but the file is gone",
    "damaged": "the file is not what it was when it was stored",
    "orphans": "whole, but not indexed",
    "strays": "neither indexed nor whole",
    "problems": "the index file itself",
}


@click.command("check", cls=Command, short_help="Compare a local archive's index with its files.")
@local_options
@click.option("--repair", is_flag=True, help="Mend what can be mended; no image is deleted.")
@click.option("--quick", is_flag=True, help="Do not read the files to compare checksums, only their sizes.")
@json_option
def command(data: str | None, config_file: str | None, repair: bool, quick: bool, as_json: bool) -> int:
    """Compare a local archive's index with its files, running or not.

    Both ways, checksums included. One line a finding on standard error; the exit status is 1 when there are some that
    are not mended, or when an image is lost.
    """
    with open_local(data, config_file, salvage=repair) as archive, progress("Checking") as bar:
        report = archive.check(repair, checksums=not quick, progress=bar.update)
    for kind, text in FINDINGS.items():
        for key in getattr(report, kind):
            fail_line(f"{key}: {text}")
    if report.miscounted:
        fail_line(f"{report.miscounted} counts of the index are wrong")
    if report.unpurged:
        fail_line(f"{report.unpurged} deleted files are still there")
    if as_json:
        json_line({**dataclasses.asdict(report), "clean": report.clean})
    else:
        say(f"{report.instances} instances, {size_text(report.size)}: {verdict(report)}")
    lost = report.missing or report.damaged
    return 0 if report.clean or (report.repaired and not lost) else 1


def verdict(report: CheckReport) -> str:
    """One phrase for the whole."""
    if report.clean:
        return "clean"
    if not report.repaired:
        return "not clean (`kerma check --repair` mends what can be mended)"
    return "mended" if not (report.missing or report.damaged) else "mended, but images are lost"
