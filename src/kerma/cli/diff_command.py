"""``kerma diff A B``: where two files, or the files of two folders, do not say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.comparing import Pair, pairs
from kerma.cli.options import Command, json_option, parse_tags
from kerma.cli.painting import color_option, painter, wanted
from kerma.cli.report import error_text, json_line, printable, result_line
from kerma.cli.showing import progress
from kerma.dataset import Dataset, Element
from kerma.dataset.binary import is_binary, length_of
from kerma.dataset.differences import Difference, Rules, differences
from kerma.errors import KermaError, format_path
from kerma.formats import text, whole_forms
from kerma.formats.json import to_json_object


@click.command("diff", cls=Command, short_help="Compare two files or two folders.")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--ignore", metavar="KEY,...", multiple=True, help="Pass over these attributes, wherever they are.")
@click.option("--no-private", is_flag=True, help="Pass over private elements.")
@click.option("--no-uids", is_flag=True, help="Pass over UIDs that are not those of the standard.")
@click.option("--strict", is_flag=True, help="Compare VRs, character sets and file meta information as well.")
@click.option(
    "--by",
    type=click.Choice(["uid", "name"]),
    default="uid",
    show_default=True,
    help="How files of two folders are paired: by SOP Instance UID or by their name in the folder.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say only which files differ.")
@click.option("--width", type=click.IntRange(min=8), default=64, show_default=True, help="Characters of a value.")
@json_option
@color_option
def command(first: str, second: str, by: str, color: str, **options: Any) -> int:
    """Compare two files or two folders.

    What files mean is compared: transfer syntax, lengths, padding, character set and group lengths do not count. A and
    B are DICOM files, DICOM JSON or XML, or two folders or archives, whose files are paired by SOP Instance UID. Lines
    with - are of A, lines with + of B.

    Exit status 0 when all is the same, 1 when something differs or cannot be read.
    """
    rules = Rules(
        ignore=frozenset(parse_tags(options["ignore"])),
        private=not options["no_private"],
        uids=not options["no_uids"],
        strict=options["strict"],
    )
    out = _Output(rules, options, color)
    with Collector() as collector, progress("Comparing") as bar:
        for item in pairs(first, second, collector, by_name=by == "name"):
            bar.advance()
            out.pair(item, bar.fail)
    return 1 if out.differ else 0


class _Output:
    """Prints what differs."""

    def __init__(self, rules: Rules, options: dict[str, Any], color: str) -> None:
        self.rules = rules
        self.quiet: bool = options["quiet"]
        self.as_json: bool = options["as_json"]
        self.width: int = options["width"]
        self.paint = painter(color)
        self.painted = wanted(color)
        self.differ = False

    def pair(self, item: Pair | Unusable, fail: Callable[[str], None]) -> None:
        if isinstance(item, Unusable):
            self.differ = True
            fail(str(item.error))
        elif item.first is None or item.second is None:
            self._alone(item)
        else:
            self._compare(item.first, item.second, fail)

    def _alone(self, item: Pair) -> None:
        self.differ = True
        found = item.first or item.second
        assert found is not None
        side = "first" if item.first is not None else "second"
        if self.as_json:
            json_line({side: found.name, "kind": f"only in the {side}"})
        else:
            result_line(printable(f"only in the {side}: {found.name}"))

    def _compare(self, first: Found, second: Found, fail: Callable[[str], None]) -> None:
        current = first
        try:
            with whole_forms.read(first.path) as one:
                current = second
                with whole_forms.read(second.path) as two:
                    self._files(first.name, second.name, one, two)
        except BrokenPipeError:
            raise
        except (KermaError, OSError) as error:
            self.differ = True
            if isinstance(error, KermaError) and error.where == str(current.path):
                error.where = current.name
            fail(error_text(error, where=current.name))

    def _files(self, first: str, second: str, one: Dataset, two: Dataset) -> None:
        begun = False
        for found in differences(one, two, self.rules):
            self.differ = True
            if self.quiet:
                if self.as_json:
                    json_line({"first": first, "second": second, "kind": "differ"})
                else:
                    result_line(printable(f"{first} and {second} differ"))
                return
            if self.as_json:
                json_line({"first": first, "second": second, **_object(found)})
                continue
            if not begun:
                begun = True
                self._line("heading", printable(f"--- {first}"))
                self._line("heading", printable(f"+++ {second}"))
            self._lines(found)

    def _line(self, kind: str, text: str) -> None:
        result_line(self.paint(kind, text), painted=self.painted)

    def _lines(self, found: Difference) -> None:
        inside = f"{format_path(found.path[:-1])}." if len(found.path) > 1 else ""
        for mark, element, colour in (("-", found.first, "first"), ("+", found.second, "second")):
            if element is not None:
                line = printable(f"{mark} {inside}{text.line_of(element, self.width)}")
                self._line(colour, line)


def _object(found: Difference) -> dict[str, Any]:
    """A difference as an object: its path, and the attributes in DICOM JSON, binary ones by their length."""
    steps = [f"{step:08X}" if index % 2 == 0 else step for index, step in enumerate(found.path)]
    tag = found.path[-1]
    entry: dict[str, Any] = {"path": steps, "kind": found.kind}
    for side, element in (("a", found.first), ("b", found.second)):
        if element is not None:
            entry["keyword"] = element.keyword
            entry[side] = _attribute(element, tag)
    return entry


def _attribute(element: Element, tag: int) -> dict[str, Any]:
    if element.vr == "SQ":
        return {"vr": "SQ", "items": len(element.sequence)}
    single = Dataset()
    try:
        value = element.value
    except KermaError:
        return {"vr": element.vr, "bytes": length_of(element)}
    if is_binary(value):
        return {"vr": element.vr, "bytes": length_of(element)}
    single.add(tag, element.vr, value)
    attribute: dict[str, Any] = to_json_object(single, meta=False)[f"{tag:08X}"]
    return attribute
