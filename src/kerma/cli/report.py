"""What a command says, line by line.

May touch standard output and standard error. Rules:

- Results go to standard output, everything about the work to standard error.
- What comes from files and peers is stripped of control characters before it reaches a terminal.
- Results and a bar do not mix on one terminal: ``before_results`` takes the bar away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click


def printable(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if char in "\t\r\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def fail_line(text: str) -> None:
    """One line on standard error."""
    click.echo(f"kerma: {printable(text)}", err=True)


def note(text: str) -> None:
    """One line about the work on standard error, not a failure."""
    click.echo(printable(text), err=True)


def error_text(error: BaseException, *, where: str = "") -> str:
    """An error as one sentence: what, where, what to do. ``where`` is said when the error does not say it."""
    if isinstance(error, OSError):
        place = str(error.filename) if error.filename else where
        text = f"{error.strerror or type(error).__name__} (check the path, its rights and the space there)"
        return f"{place}: {text}" if place else text
    text = str(error)
    return text if where in text else f"{where}: {text}"


_clear: list[Callable[[], None]] = []


def clear_with(action: Callable[[], None]) -> None:
    """Have ``action`` done once, before the next result: what is drawn on the same terminal goes away."""
    _clear.append(action)


def forget_clearing() -> None:
    """Nothing is drawn any more."""
    _clear.clear()


def before_results() -> None:
    """Called before anything goes to standard output."""
    while _clear:
        _clear.pop()()


def result_line(text: str, *, painted: bool = False) -> None:
    """One line on standard output; what the terminal's encoding lacks is replaced. ``painted`` keeps its colours also
    where no terminal is.
    """
    before_results()
    try:
        click.echo(text, color=painted or None)
    except UnicodeEncodeError:
        click.echo(text.encode("utf-8", "replace"))


def json_line(value: Mapping[str, Any]) -> None:
    """One object as a line of JSON on standard output, in ASCII: names of files need not be text."""
    before_results()
    click.echo(json.dumps(value))


class Progress:
    """Counts work. ``total`` may be set or raised at any time; None is unknown."""

    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None

    def advance(self, count: int = 1) -> None:
        """``count`` more are done."""
        self.done += count

    def update(self, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` are done."""
        self.total = total if total is not None else self.total
        self.advance(done - self.done)

    def note(self, text: str) -> None:
        """A line on standard error, beside the bar."""
        note(text)

    def fail(self, text: str) -> None:
        """A line of failure on standard error, beside the bar."""
        fail_line(text)
