"""The configuration keys as text: for ``kerma serve --help`` and for the user guide. May touch ``settings`` only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from kerma.app.settings import CONFIG_VARIABLE, PEERS_VARIABLE, Row, as_toml, rows

INTRODUCTION = {
    "server": "Who we are and where we listen.",
    "web": "How HTTP is served.",
    "access": "Who may do what over HTTP; users, keys and links are made with `kerma access`.",
    "limits": "Bounds on what comes from the network.",
    "tls": "Certificates, for listening and for connecting.",
    "archive": "What is kept, and how.",
    "uids": "The UIDs of new objects.",
    "log": "Structured logs on standard error.",
    "peer": f"A peer by name; any number of them. In the environment {PEERS_VARIABLE} holds "
    "`name=AET@HOST:PORT`, several with commas, `+tls` at the end of one for TLS.",
}


def heading(section: str) -> str:
    """The section as it is written in the file."""
    return "[[peer]]" if section == "peer" else f"[{section}]"


def markdown() -> str:
    """The reference of the user guide: a table for each section."""
    lines: list[str] = []
    for section, group in groupby(rows(), key=lambda row: row.section):
        lines += [f"### `{heading(section)}`", "", INTRODUCTION[section], ""]
        lines += ["| key | default | values | what it is | in the environment |", "|---|---|---|---|---|"]
        lines += [_markdown_row(row) for row in group]
        lines.append("")
    lines.append(f"The path of the file itself may be given as `{CONFIG_VARIABLE}`.")
    return "\n".join(lines) + "\n"


def _markdown_row(row: Row) -> str:
    variable = f"`{row.variable}`" if row.variable else ""
    return f"| `{row.key}` | `{as_toml(row.default)}` | {row.kind.wanted} | {row.help} | {variable} |"


def help_rows() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """For ``--help``: each section with its keys, their defaults and variables."""
    for section, group in groupby(rows(), key=lambda row: row.section):
        entries = [(row.key, _help_text(row)) for row in group]
        if section == "peer":
            entries.append(
                (PEERS_VARIABLE, "in the environment: name=AET@HOST:PORT, several with commas, +tls for TLS")
            )
        yield heading(section), entries


def _help_text(row: Row) -> str:
    default = as_toml(row.default)
    parts = [row.variable] if row.variable else []
    if default != "-":
        parts.append(f"default: {default}")
    return f"{row.help}  [{'; '.join(parts)}]" if parts else row.help
