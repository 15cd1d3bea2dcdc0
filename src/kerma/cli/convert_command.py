"""``kerma convert IN OUT --to SYNTAX``: the same data set in another transfer syntax or form."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.converting import FORMS, Conversion, convert
from kerma.app.gather import Passed, probe
from kerma.cli.options import Command, json_option, stacked
from kerma.cli.report import error_text, json_line
from kerma.cli.showing import progress
from kerma.errors import KermaError, UsageError
from kerma.formats.containers import archive_kind
from kerma.formats.whole_forms import SHORT_NAMES, syntax_uid
from kerma.pixels.pipeline import ordered

codec_options = stacked(
    click.option("--quality", type=int, metavar="N", help="Of a lossy syntax: 1 to 100, more is better."),
    click.option("--rate", type=float, metavar="N", help="JPEG 2000 and HTJ2K lossy: compress to 1/N."),
    click.option("--near", type=int, metavar="N", help="JPEG-LS near-lossless: how far a sample may be off."),
    click.option("--distance", type=float, metavar="X", help="JPEG XL lossy: 0.1 (best) to 15; 1 looks lossless."),
    click.option("--effort", type=int, metavar="N", help="JPEG XL and deflated frames: 1 (fast) to 9 (small)."),
    click.option("--levels", type=int, metavar="N", help="JPEG 2000 and HTJ2K: resolutions below the full one."),
    click.option("--predictor", type=int, metavar="N", help="JPEG lossless (process 14): 1 to 7."),
    click.option("--subsampling", metavar="S", help="JPEG: chroma 444, 422 or 420."),
)


@click.command("convert", cls=Command, short_help="Write files in another transfer syntax or form.")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option(
    "--to",
    metavar="SYNTAX",
    help=f"A transfer syntax by UID, keyword or short name ({', '.join(SHORT_NAMES)}), or a form: {', '.join(FORMS)}.",
)
@click.option("--tiff/--no-tiff", default=None, help="Make the file a TIFF as well, or no longer one (PS3.10 7.1).")
@codec_options
@click.option("--keep-uid", is_flag=True, help="Keep the SOP Instance UID also where something is lost.")
@click.option("--leave-out", is_flag=True, help="ACR-NEMA: drop what it cannot hold, sequences above all.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@json_option
def command(
    source: str,
    target: str,
    to: str | None,
    tiff: bool | None,
    keep_uid: bool,
    leave_out: bool,
    force: bool,
    as_json: bool,
    **codec: Any,
) -> int:
    """Write files in another transfer syntax or form.

    IN is a DICOM file, DICOM JSON or XML, or a folder or archive of DICOM files; OUT is a file or a folder, where files
    get the names that they have in IN. Without --to a file keeps its transfer syntax. Values are the same afterwards,
    also those that nobody knows; pixels are compressed and decompressed as the syntax asks for. A lossy one makes
    another instance, with a SOP Instance UID of its own and the old one as its source. ACR-NEMA streams become DICOM
    files. Nothing is written over a file that is there, unless --force says so, and no file is ever half written.
    """
    if to is None and tiff is None and not Path(source).is_file():
        raise UsageError("what to convert to?", hint="--to SYNTAX, --tiff or --no-tiff")
    if target == "-":
        raise UsageError(
            "OUT is a file or a folder", hint="kerma dump --json and --xml print; ./- is a file of that name"
        )
    options = {name: value for name, value in codec.items() if value is not None}
    uid = "" if to is None else to if to in FORMS else syntax_uid(to)
    if options and (to is None or to in FORMS):
        raise UsageError(f"--{min(options)} is for compressed transfer syntaxes", hint="name one with --to")
    conversion = Conversion(uid, tiff, force, options, keep_uid, leave_out=leave_out)
    if leave_out and to != "acr-nema":
        raise UsageError("--leave-out is for --to acr-nema")
    if tiff is not None and to in FORMS:
        raise UsageError("--tiff is for DICOM files")
    work = _Work(conversion, as_json)
    with Collector() as collector, progress("Converting") as bar:
        if _holds_files(source):
            folder = Path(target)
            if folder.exists() and not folder.is_dir():
                raise UsageError("many files cannot be written into one", where=target, hint="name a folder as OUT")
            work.conversion = replace(conversion, threads=1)  # the cores are busy with files
            for done in ordered(collector.walk([source]), lambda item: work.several(item, source, folder)):
                bar.advance()
                work.say(done, bar.fail)
        else:
            items = list(collector.walk([source]))
            bar.total = len(items)
            for item in items:
                place, name = Path(target), Path(item.name).name
                if _is_folder(target):
                    work.say(work.one(item, place / name, place), bar.fail)
                else:
                    work.say(work.one(item, place / name if place.is_dir() else place), bar.fail)
                bar.advance()
    return 1 if work.failed else 0


def _is_folder(path: str) -> bool:
    """Whether a name says that it is a folder's, there or not."""
    return path.endswith(("/", os.sep))


def _holds_files(path: str) -> bool:
    place = Path(path)
    return place.is_dir() or (place.is_file() and archive_kind(place) in {"zip", "tar"})


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one file."""

    name: str
    target: Path
    error: Exception | None


class _Work:
    """Converts one file after the other, on any thread, and counts the failures when they are said."""

    def __init__(self, conversion: Conversion, as_json: bool) -> None:
        self.conversion = conversion
        self.as_json = as_json
        self.failed = 0
        self._taken: dict[Path, Found | Unusable] = {}  # who has which name: asked and claimed in one step

    def several(self, item: Found | Unusable, source: str, folder: Path) -> _Done | None:
        """A file of a folder or archive; what is no DICOM and merely lay there is passed over."""
        probed = probe(item)
        if isinstance(probed, Passed):
            return None
        target = folder / self.conversion.name_of(os.path.relpath(item.name, source))
        if self._taken.setdefault(target, item) is not item:
            error = UsageError("two files would get this name", where=str(target), hint="convert them one by one")
            return _Done(item.name, target, error)
        return self.one(probed if isinstance(probed, Unusable) else probed.found, target, folder)

    def one(self, item: Found | Unusable, target: Path, folder: Path | None = None) -> _Done:
        """One file."""
        try:
            if isinstance(item, Unusable):
                return _Done(item.name, target, item.error)
            convert(item.path, target, self.conversion, within=folder)
        except (KermaError, OSError) as caught:
            if isinstance(caught, KermaError) and isinstance(item, Found) and caught.where == str(item.path):
                caught.where = item.name
            return _Done(item.name, target, caught)
        return _Done(item.name, target, None)

    def say(self, done: _Done | None, fail: Any) -> None:
        """A failure is a line, and the others go on."""
        if done is None:
            return
        if done.error is not None:
            self.failed += 1
            fail(error_text(done.error, where=done.name))
        if self.as_json:
            error = None if done.error is None else str(done.error)
            json_line({"in": done.name, "out": str(done.target), "error": error})
