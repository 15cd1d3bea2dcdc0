"""``kerma dump FILE...``: what is in files, as text, as DICOM JSON or as XML."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.gather import Passed, probe
from kerma.app.opening import is_address, read
from kerma.cli.options import Command, json_option, parse_tags
from kerma.cli.painting import color_option, dump_painter, wanted
from kerma.cli.report import error_text, fail_line, printable, result_line
from kerma.dataset import Dataset, Element
from kerma.errors import KermaError, UsageError
from kerma.formats import text, whole_forms
from kerma.formats.json import json_pieces
from kerma.formats.xml import xml_pieces
from kerma.limits import Strictness

_SMALL = 1024


@click.command("dump", cls=Command, short_help="Show what is in files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
@click.option("--xml", "as_xml", is_flag=True, help="Print XML, the Native DICOM Model (PS3.19 A.1).")
@click.option(
    "--dialect",
    type=click.Choice(["native", "dcmtk"]),
    default="native",
    show_default=True,
    help="With --xml: that of the standard, or what DCMTK's xml2dcm reads.",
)
@click.option("--key", metavar="KEY,...", multiple=True, help="Show only these attributes, wherever they are.")
@click.option("--depth", type=click.IntRange(min=0), help="How deep to show items; 0 shows none.")
@click.option("--width", type=click.IntRange(min=8), default=64, show_default=True, help="Characters of a value.")
@click.option("--bulk", is_flag=True, help="With --json or --xml: large binary values inline, not named by a URI.")
@click.option("--meta", is_flag=True, help="With --json or --xml: the file meta information as well.")
@click.option("--indent", is_flag=True, help="With --json: an attribute a line.")
@color_option
def command(files: tuple[str, ...], **options: Any) -> int:
    """Show what is in files.

    As text, an element a line; with --json as DICOM JSON (PS3.18 F), a file a line; with --xml as XML. FILE is a DICOM
    file, also in a zip or tar or at an https:// or s3:// address, DICOM JSON or XML, or a folder or archive of DICOM
    files. Of a damaged file all that is whole is shown; then comes the error.
    """
    if options["as_json"] and options["as_xml"]:
        raise UsageError("--json and --xml exclude each other")
    show = _Show(options)
    failed = 0
    with Collector(late=True) as collector:
        found = list(_collected(files, collector)) if len(files) == 1 else _collected(files, collector)
        show.heading = len(files) > 1 or (isinstance(found, list) and len(found) > 1)
        for item in found:
            failed += _one(item, show)
    return 1 if failed else 0


def _collected(files: tuple[str, ...], collector: Collector) -> Iterator[Found | Unusable]:
    """The files to show; of a folder or an archive those that hold DICOM."""
    for item in collector.walk(files):
        if isinstance(item, Found) and not item.named:
            probed = probe(item)
            if isinstance(probed, Passed):
                continue
        yield item


def _one(item: Found | Unusable, show: _Show) -> int:
    """Show one file; how many failures it came to."""
    if isinstance(item, Unusable):
        fail_line(error_text(item.error, where=item.name))
        return 1
    try:
        return show.file(item)
    except BrokenPipeError:
        raise  # nobody reads any more: that is no failure of this file
    except (KermaError, OSError) as error:
        if isinstance(error, KermaError) and error.where is not None:
            error.where = error.where.replace(str(item.path), item.name)
        fail_line(error_text(error, where=item.name))
        return 1


class _Show:
    """Prints one file after the other in the form that was asked for."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.keys = frozenset(parse_tags(options["key"])) if options["key"] else None
        self.paint = dump_painter(options["color"])
        self.painted = wanted(options["color"])
        self.heading = False

    def file(self, item: Found) -> int:
        with _read(item) as ds:
            if self.options["as_json"] or self.options["as_xml"]:
                self._form(item, ds)
            else:
                if self.heading:
                    self._line(f"# {printable(item.name)}")
                options = self.options
                for line in text.dump_lines(ds, width=options["width"], depth=options["depth"], keys=self.keys):
                    self._line(printable(line))
            damage = [finding for finding in ds.findings if finding.severity == "error"]
            for finding in damage:
                fail_line(f"{item.name}: {finding}")
            return len(damage)

    def _line(self, line: str) -> None:
        result_line(self.paint(line), painted=self.painted)

    def _form(self, item: Found, ds: Dataset) -> None:
        """JSON or XML. Unless ``--bulk``, a large binary value is a URI: the file's, with its tag path behind the #."""
        options = self.options
        place = "" if item.path.name != Path(item.name).name else item.path.absolute().as_uri()

        def uri(path: tuple[int, ...], element: Element) -> str | None:
            if options["bulk"] or not place or (element.length is not None and element.length <= _SMALL):
                return None
            steps = (f"{step:08X}" if index % 2 == 0 else str(step) for index, step in enumerate(path))
            return f"{place}#{'/'.join(steps)}"

        if self.keys is not None:
            ds = _only(ds, self.keys)
        if options["as_json"]:
            pieces = json_pieces(ds, bulk=uri, meta=options["meta"], indent=2 if options["indent"] else None)
        else:
            pieces = xml_pieces(ds, bulk=uri, meta=options["meta"], dialect=options["dialect"])
        sys.stdout.flush()
        out = sys.stdout.buffer
        for piece in pieces:
            out.write(piece.encode("utf-8"))
        if options["as_json"]:
            out.write(b"\n")
        out.flush()


def _read(item: Found) -> Dataset:
    """The data set of a file; of one on another machine only what is shown is fetched."""
    if is_address(item.name):
        return read(item.name, strictness=Strictness.SALVAGE)
    return whole_forms.read(item.path, strictness=Strictness.SALVAGE)


def _only(ds: Dataset, keys: frozenset[int]) -> Dataset:
    """The data set with those elements alone."""
    few = copy.copy(ds)
    for tag in list(few):
        if tag not in keys:
            del few[tag]
    return few
