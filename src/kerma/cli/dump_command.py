"""``kerma dump FILE...``: what is in files, as text or as DICOM JSON."""

from __future__ import annotations

import click

from kerma.cli.options import Command, json_option
from kerma.cli.report import fail_line, printable
from kerma.errors import KermaError
from kerma.formats import json as dicom_json
from kerma.formats import part10, text


@click.command("dump", cls=Command, short_help="Show what is in files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Show what is in files.

    As text, an element a line; with --json as DICOM JSON (PS3.18 F), a file a line.
    """
    failed = 0
    for name in files:
        try:
            _dump(name, as_json, heading=len(files) > 1)
        except (KermaError, OSError) as error:
            failed += 1
            fail_line(str(error) if name in str(error) else f"{name}: {error}")
    return 1 if failed else 0


def _dump(name: str, as_json: bool, *, heading: bool) -> None:
    with part10.open(name) as ds:
        if as_json:
            click.echo(dicom_json.to_json(ds))
            return
        if heading:
            click.echo(f"# {printable(name)}")
        for line in text.dump_lines(ds):
            click.echo(printable(line))
