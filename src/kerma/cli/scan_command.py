"""``kerma scan PATH...``: a table of what is in folders."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from kerma.app.scan_columns import DEFAULT_KEYS, ScanColumn
from kerma.app.scan_groups import Groups
from kerma.app.scan_tables import Row, cell_text, json_object, parquet_at_hand
from kerma.app.scanning import Problem, Scan, scan
from kerma.cli.options import Command, json_option, split_names
from kerma.cli.report import Progress, note, result_line
from kerma.cli.showing import progress, table
from kerma.errors import UsageError

_OFTEN = 64  # files between two drawings of the bar
_BEGIN = 1 << 16  # bytes in which the names of all columns are


@click.command("scan", cls=Command, short_help="A table of what is in folders.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--key",
    "keys",
    metavar="KEY,...",
    multiple=True,
    help="The attributes to ask for, with commas between them: keywords, tags, Sequence.Attribute, or size.",
)
@click.option(
    "--by", type=click.Choice(["series", "study", "patient"]), help="One row for each of these instead of each file."
)
@click.option("--csv", metavar="FILE", help="Write the table as CSV; - is standard output.")
@click.option("--parquet", metavar="FILE", help="Write the table as Parquet (pip install 'kerma[parquet]').")
@json_option
@click.option("--force", is_flag=True, help="Write over a file that is there and is no table.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes that read (default: one for each core)."
)
def command(
    paths: tuple[str, ...],
    keys: tuple[str, ...],
    by: str | None,
    csv: str | None,
    parquet: str | None,
    as_json: bool,
    force: bool,
    workers: int | None,
) -> int:
    """A table of chosen attributes of every DICOM file in folders and archives.

    To a terminal as a table, in a pipe as tab-separated lines, or to a file. Files that are no DICOM are counted;
    broken ones are told one by one. An older table is written over, any other file only where --force says so, and a
    DICOM file never.
    """
    if sum((csv is not None, parquet is not None, as_json)) > 1:
        raise UsageError("one of --csv, --parquet and --json is enough", hint="scan twice, or convert one")
    if parquet is not None and not parquet_at_hand():
        raise UsageError("Parquet is written by pyarrow, which is not installed", hint="pip install 'kerma[parquet]'")
    for target in (csv, parquet):
        if target is not None:
            _check_target(target, paths, force)
    asked = [name for word in keys for name in split_names(word)]
    with progress("Scanning") as bar:
        told = _Told(bar)
        found = scan(paths, asked or None, by=by, workers=workers, on_problem=told.problem)
        files = found.scan if isinstance(found, Groups) else found
        files.on_file = told.file
        written = _write(found, csv, parquet, as_json, plain=bool(asked))
    return _finish(files, written, told)


def _check_target(target: str, paths: tuple[str, ...], force: bool) -> None:
    """An older table may be written over, anything else if that is said; an image never, which a slip of the hand would
    name.
    """
    place = Path(target)
    if not place.is_file():
        return
    with place.open("rb") as file:
        begin = file.read(_BEGIN)
    is_image = begin[128:132] == b"DICM"
    if is_image or any(Path(path).is_file() and place.samefile(path) for path in paths):
        raise UsageError("the table would be written over a DICOM file", where=target, hint="give another name")
    if not force and not _is_table(begin):
        raise UsageError("the file is there already and is no table", where=target, hint="--force writes over it")


def _is_table(begin: bytes) -> bool:
    """Whether a file begins as the tables do that are written here; an empty one may become one."""
    columns = begin.split(b"\n", 1)[0].strip().split(b",")
    by_file, by_group = columns[0] == b"path", columns[-3:] == [b"files", b"bytes", b"folder"]
    return not begin or begin.startswith(b"PAR1") or by_file or by_group


class _Told:
    """What is said while the work goes on."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._files = 0
        self.problems = 0

    def file(self) -> None:
        """One more file was looked at."""
        self._files += 1
        if not self._files % _OFTEN:
            self._bar.advance(_OFTEN)

    def problem(self, problem: Problem) -> None:
        """A line for a file that is broken."""
        self.problems += 1
        self._bar.fail(str(problem))


def _write(found: Scan | Groups, csv: str | None, parquet: str | None, as_json: bool, *, plain: bool) -> int:
    """Write the table where it was asked for; the number of rows."""
    if csv == "-":
        return found.to_csv(sys.stdout.buffer)
    if csv is not None:
        return found.to_csv(csv)
    if parquet is not None:
        return found.to_parquet(parquet)
    if as_json:
        count = 0
        for row in found:
            result_line(json_object(found.columns, row))
            count += 1
        return count
    shown = found.columns if plain or not sys.stdout.isatty() else _for_people(found.columns)
    places = [found.columns.index(column) for column in shown]
    return table([column.name for column in shown], _fields(found, places))


def _for_people(columns: tuple[ScanColumn, ...]) -> tuple[ScanColumn, ...]:
    """Without the UIDs, which fill a terminal and are read by nobody."""
    return tuple(column for column in columns if not column.name.endswith("UID") or column.name not in DEFAULT_KEYS)


def _fields(found: Scan | Groups, places: list[int]) -> Iterator[list[str]]:
    row: Row
    for row in found:
        yield [cell_text(row[place]) for place in places]


def _finish(files: Scan, written: int, told: _Told) -> int:
    counts = files.counts
    rows = f"{written:,} row{'' if written == 1 else 's'}"
    words = [rows, f"{counts.rows:,} DICOM files", f"{counts.foreign:,} others"]
    if told.problems:
        words.append(f"{counts.failed:,} broken")
    note(", ".join(words))
    return 1 if told.problems else 0
