"""Colour on a terminal: which, and whether there is to be any.

Rules: only to a terminal, unless asked for; NO_COLOR in the environment, whatever it holds, means none
(https://no-color.org), and so does TERM=dumb. Nothing here changes what is said.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable

import click

_CODES = {
    "heading": "1",
    "comment": "2",
    "tag": "36",
    "vr": "33",
    "name": "32",
    "first": "31",
    "second": "32",
}
_LINE = re.compile(r"(?P<before>.*?)(?P<tag>\([0-9A-F]{4},[0-9A-F]{4}\)) (?P<vr>..) (?P<rest>.*)")

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour: on a terminal, always or never (NO_COLOR is obeyed).",
)


def wanted(choice: str) -> bool:
    """Whether to paint."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painter(choice: str) -> Callable[[str, str], str]:
    """(what it is, text) -> the text, painted or not."""
    if not wanted(choice):
        return lambda kind, text: text
    return lambda kind, text: f"\x1b[{_CODES[kind]}m{text}\x1b[0m"


def dump_painter(choice: str) -> Callable[[str], str]:
    """A line of a dump -> the line, painted or not."""
    if not wanted(choice):
        return lambda line: line
    paint = painter("always")

    def painted(line: str) -> str:
        found = _LINE.fullmatch(line)
        if line.startswith("#") or found is None:
            return paint("comment", line) if line else line
        value, mark, name = found["rest"].rpartition(" # ")
        shown = f"{value}{paint('comment', mark)}{paint('name', name)}"
        return f"{found['before']}{paint('tag', found['tag'])} {paint('vr', found['vr'])} {shown}"

    return painted
