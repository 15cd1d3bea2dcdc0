"""``kerma unwrap FILE...``: the documents out of their DICOM envelopes."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kerma.cli.options import Command, json_option
from kerma.cli.report import error_text, fail_line, json_line, result_line
from kerma.errors import KermaError, UsageError
from kerma.formats.building import Document, unwrap
from kerma.formats.saving import save


@click.command("unwrap", cls=Command, short_help="Take the documents out of encapsulated objects.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-o", "--output", metavar="OUT", help="The file to write, or the folder for several (default: the current folder)."
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@json_option
def command(files: tuple[str, ...], output: str | None, force: bool, as_json: bool) -> int:
    """Take the documents out of encapsulated PDF, CDA, STL, OBJ and MTL objects.

    Each is written byte for byte under its object's name with the ending of its kind; with one FILE, -o may name the
    file.
    """
    folder = Path(output) if output is not None else Path()
    whole = output is not None and len(files) == 1 and not output.endswith(os.sep) and not folder.is_dir()
    if output is not None and not whole:
        folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in files:
        try:
            document = unwrap(name)
            target = folder if whole else folder / (Path(name).stem + document.suffix)
            put(document, target, force)
        except (KermaError, OSError) as error:
            failed += 1
            fail_line(error_text(error, where=name))
            continue
        if as_json:
            json_line(
                {"path": str(target), "type": document.mime, "title": document.title, "bytes": len(document.data)}
            )
        else:
            result_line(str(target))
    return 1 if failed else 0


def put(document: Document, target: Path, force: bool) -> None:
    """Write the document, whole or not at all."""
    if target.exists() and not force:
        raise UsageError("the file is there already", where=str(target), hint="--force writes over it")
    save([document.data], target)
