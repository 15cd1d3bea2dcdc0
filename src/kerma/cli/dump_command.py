"""``kerma dump FILE...``: what is in files, as text or as DICOM JSON."""

from __future__ import annotations

from pathlib import Path

import click

from kerma.cli.options import Command, json_option
from kerma.cli.report import error_text, fail_line, printable, result_line
from kerma.dataset import Element
from kerma.errors import KermaError
from kerma.formats import json as dicom_json
from kerma.formats import part10, text

_SMALL = 1024


@click.command("dump", cls=Command, short_help="Show what is in files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
@click.option("--bulk", is_flag=True, help="With --json: have large binary values inline instead of named by a URI.")
def command(files: tuple[str, ...], as_json: bool, bulk: bool) -> int:
    """Show what is in files.

    As text, an element a line; with --json as DICOM JSON (PS3.18 F), a file a line.
    """
    failed = 0
    for name in files:
        try:
            if as_json:
                result_line(as_object(name, bulk=bulk))
            else:
                show(name, heading=len(files) > 1)
        except BrokenPipeError:
            raise  # nobody reads any more: that is no failure of this file
        except (KermaError, OSError) as error:
            failed += 1
            fail_line(error_text(error, where=name))
    return 1 if failed else 0


def show(name: str, *, heading: bool) -> None:
    """Print one file as text."""
    with part10.open(name) as ds:
        if heading:
            result_line(f"# {printable(name)}")
        for line in text.dump_lines(ds):
            result_line(printable(line))


def as_object(name: str, *, bulk: bool) -> str:
    """One file as DICOM JSON. Unless ``bulk``, a large binary value is a URI: the file's, with its tag path behind the
    #."""
    place = Path(name).absolute().as_uri()

    def uri(path: tuple[int, ...], element: Element) -> str | None:
        if bulk or (element.length is not None and element.length <= _SMALL):
            return None
        steps = (f"{step:08X}" if index % 2 == 0 else str(step) for index, step in enumerate(path))
        return f"{place}#{'/'.join(steps)}"

    with part10.open(name) as ds:
        return dicom_json.to_json(ds, bulk=uri)
