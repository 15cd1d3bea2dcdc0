"""``kerma convert IN OUT --to SYNTAX``: the same data set in another transfer syntax or form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.converting import FORMS, Conversion, convert
from kerma.app.gather import Passed, probe
from kerma.cli.options import Command, json_option
from kerma.cli.report import error_text, json_line
from kerma.cli.showing import progress
from kerma.errors import KermaError, UsageError
from kerma.formats.containers import archive_kind
from kerma.formats.whole_forms import SHORT_NAMES, syntax_uid


@click.command("convert", cls=Command, short_help="Write files in another transfer syntax or form.")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option(
    "--to",
    metavar="SYNTAX",
    help=f"A transfer syntax by UID, keyword or short name ({', '.join(SHORT_NAMES)}), or a form: {', '.join(FORMS)}.",
)
@click.option("--tiff/--no-tiff", default=None, help="Make the file a TIFF as well, or no longer one (PS3.10 7.1).")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@json_option
def command(source: str, target: str, to: str | None, tiff: bool | None, force: bool, as_json: bool) -> int:
    """Write files in another transfer syntax or form.

    IN is a DICOM file, DICOM JSON or XML, or a folder or archive of DICOM files; OUT is a file or a folder, where files
    get the names that they have in IN. Without --to a file keeps its transfer syntax. Values are the same afterwards,
    also those that nobody knows; compressed pixel data is neither compressed nor decompressed. ACR-NEMA streams become
    DICOM files. Nothing is written over a file that is there, unless --force says so, and no file is ever half written.
    """
    if to is None and tiff is None and not Path(source).is_file():
        raise UsageError("what to convert to?", hint="--to SYNTAX, --tiff or --no-tiff")
    conversion = Conversion("" if to is None else to if to in FORMS else syntax_uid(to), tiff, force)
    if tiff is not None and to in FORMS:
        raise UsageError("--tiff is for DICOM files")
    work = _Work(conversion, as_json)
    with Collector() as collector, progress("Converting") as bar:
        if _holds_files(source):
            folder = Path(target)
            if folder.exists() and not folder.is_dir():
                raise UsageError("many files cannot be written into one", where=target, hint="name a folder as OUT")
            for item in collector.walk([source]):
                bar.advance()
                work.several(item, source, folder, bar.fail)
        else:
            items = list(collector.walk([source]))
            bar.total = len(items)
            for item in items:
                place = Path(target)
                name = Path(item.name).name
                work.one(item, place / name if place.is_dir() else place, bar.fail)
                bar.advance()
    return 1 if work.failed else 0


def _holds_files(path: str) -> bool:
    place = Path(path)
    return place.is_dir() or (place.is_file() and archive_kind(place) in {"zip", "tar"})


class _Work:
    """Converts one file after the other and counts the failures."""

    def __init__(self, conversion: Conversion, as_json: bool) -> None:
        self.conversion = conversion
        self.as_json = as_json
        self.failed = 0

    def several(self, item: Found | Unusable, source: str, folder: Path, fail: Any) -> None:
        """A file of a folder or archive; what is no DICOM and merely lay there is passed over."""
        probed = probe(item)
        if isinstance(probed, Passed):
            return
        name = self.conversion.name_of(item.name[len(source) :].lstrip("/\\"))
        self.one(probed if isinstance(probed, Unusable) else probed.found, folder / name, fail, folder)

    def one(self, item: Found | Unusable, target: Path, fail: Any, folder: Path | None = None) -> None:
        """One file; a failure is a line, and the others go on."""
        error: Exception | None = None
        try:
            if isinstance(item, Unusable):
                error = item.error
            else:
                convert(item.path, target, self.conversion, within=folder)
        except (KermaError, OSError) as caught:
            error = caught
            if isinstance(caught, KermaError) and isinstance(item, Found) and caught.where == str(item.path):
                caught.where = item.name
        if error is not None:
            self.failed += 1
            fail(error_text(error, where=item.name))
        if self.as_json:
            json_line({"in": item.name, "out": str(target), "error": None if error is None else str(error)})
