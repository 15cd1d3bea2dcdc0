"""The progress bar and the table on a terminal.

May touch standard output and error; apart from ``report`` because it costs the import of rich.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import rich.progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerma.cli.report import Progress, printable


class Bar(Progress):
    """A ``Progress`` that is drawn."""

    def __init__(self, view: rich.progress.Progress, task: rich.progress.TaskID) -> None:
        super().__init__()
        self._view = view
        self._task = task

    def advance(self, count: int = 1) -> None:
        super().advance(count)
        self._view.update(self._task, completed=self.done, total=self.total)

    def note(self, text: str) -> None:
        self._view.console.print(Text(printable(text)), soft_wrap=True)

    def fail(self, text: str) -> None:
        self._view.console.print(Text(f"kerma: {printable(text)}"), soft_wrap=True)


def drawn_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One table on standard output."""
    view = Table(header_style="bold", pad_edge=False)
    for column in columns:
        view.add_column(column, overflow="fold")  # half a UID is none
    for row in rows:
        view.add_row(*(Text(printable(field)) for field in row))
    Console().print(view)


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
