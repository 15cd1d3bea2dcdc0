"""Lists and progress: drawn on a terminal, plain in a pipe.

May touch standard output and standard error. Rules: to a terminal a list is a table; in a pipe it is lines of
tab-separated fields under a header, and progress is silent. What draws is loaded only for a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

import click

from kerma.cli.report import Progress, before_results, clear_with, forget_clearing, printable, result_line

_TABLE_PAGE = 500


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], headings: Mapping[str, str] | None = None) -> int:
    """Print rows under a header; the number of rows. Streams in a pipe, and by pages of a few hundred to a terminal.

    ``headings`` are shorter names of columns for people.
    """
    if not sys.stdout.isatty():
        return _fields(columns, rows)
    from kerma.cli.bar import drawn_table

    columns = [(headings or {}).get(column, column) for column in columns]
    count, source = 0, iter(rows)
    while page := list(islice(source, _TABLE_PAGE)):
        before_results()
        drawn_table(columns, page)
        count += len(page)
    return count


def _fields(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    click.echo("\t".join(columns))
    count = 0
    for row in rows:
        result_line("\t".join(printable(field) for field in row))
        count += 1
    return count


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Progress]:
    """A progress bar on standard error when that is a terminal; counts silently otherwise."""
    if not sys.stderr.isatty():
        silent = Progress()
        silent.total = total
        yield silent
        return
    from kerma.cli.bar import bar

    with bar(title, total) as shown:
        if sys.stdout.isatty():
            clear_with(shown.hide)
        try:
            yield shown
        finally:
            forget_clearing()
