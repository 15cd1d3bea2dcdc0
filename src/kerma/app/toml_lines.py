"""Where the keys of a TOML file stand, so that an error can name the line.

May touch nothing but its arguments. ``tomllib`` gives values without positions; this reads only table headers and the
left sides of assignments, of a text that ``tomllib`` has already taken. Rule: a key that cannot be placed has no line,
never a wrong one.
"""

from __future__ import annotations

import re

Place = tuple[str, int, str]
"""Table name ("" at the top), index of the table in its array (0 for plain ones), key ("" for the header itself)."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"'-]+)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=(.*)$")
_MULTILINE = re.compile(r'"""|' + "'''")


def key_lines(text: str) -> dict[Place, int]:
    """Line numbers, from 1, of the headers and keys in ``text``."""
    found: dict[Place, int] = {}
    counts: dict[str, int] = {}
    table, index, inside = "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = "" if line.count(inside) % 2 else inside
            continue
        header, assignment = _HEADER.match(line), _ASSIGNMENT.match(line)
        if header is not None:
            table = _bare(header[2])
            index = counts.get(table, 0) if header[1] == "[[" else 0
            counts[table] = index + 1
            found.setdefault((table, index, ""), number)
        elif assignment is not None:
            path = _bare(assignment[1])
            owner, _, key = path.rpartition(".") if not table else ("", "", path)
            found.setdefault((table or owner, index, key), number)
        marks = _MULTILINE.findall(line)
        inside = marks[-1] if len(marks) % 2 else ""
    return found


def _bare(name: str) -> str:
    return name.replace('"', "").replace("'", "")
