"""The progress bar and the table on a terminal.

May touch standard output and error; apart from ``report`` because it costs the import of rich.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import rich.progress
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerma.cli.report import Progress, printable

_LEGIBLE = 12  # a column of a table may become that narrow


class Bar(Progress):
    """A ``Progress`` that is drawn."""

    def __init__(self, view: rich.progress.Progress, task: rich.progress.TaskID) -> None:
        super().__init__()
        self._view = view
        self._task = task

    def advance(self, count: int = 1) -> None:
        super().advance(count)
        self._view.update(self._task, completed=self.done, total=self.total)

    def hide(self) -> None:
        """Take the bar away: results are shown on the same terminal now, and tell how far the work is."""
        self._view.stop()

    def note(self, text: str) -> None:
        self._view.console.print(Text(printable(text)), soft_wrap=True)

    def fail(self, text: str) -> None:
        self._view.console.print(Text(f"kerma: {printable(text)}"), soft_wrap=True)


def drawn_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One table on standard output; where the terminal is too narrow for it, a block of lines for each row."""
    console = Console()
    rows = [[printable(field) for field in row] for row in rows]
    least = [min(max(map(cell_len, cells)), _LEGIBLE) for cells in zip(columns, *rows, strict=True)]
    if sum(least) + 3 * len(least) > console.width:
        _blocks(console, columns, rows)
        return
    view = Table(header_style="bold", pad_edge=False)
    for column, width in zip(columns, least, strict=True):
        view.add_column(column, overflow="fold", min_width=width)  # half a UID is none
    for row in rows:
        view.add_row(*map(Text, row))
    console.print(view)


def _blocks(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    width = max(map(cell_len, columns))
    for row in rows:
        for column, field in zip(columns, row, strict=True):
            if field:
                console.print(Text.assemble((column.ljust(width), "bold"), "  ", field), soft_wrap=True)
        console.print()


@contextmanager
def bar(title: str, total: int | None) -> Iterator[Bar]:
    """A bar on standard error; it goes away when the work is done."""
    view = rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
        rich.progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with view:
        shown = Bar(view, view.add_task(title, total=total))
        shown.total = total
        yield shown
