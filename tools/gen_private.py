"""Writes standard/_gen/private_data.py: private data elements by creator, from pydicom's and DCMTK's tables.

A row is the group, the last byte of the element number, the VR, the VM and a name. Where both tables know a row,
pydicom's is taken (it is the larger and has names with spaces). Creators that stand for nothing stable (a pattern, no
printable name) and rows outside a private block are left out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from tools import sources


class Row(NamedTuple):
    """One private element: ``key`` is the group as four and the element byte as two hexadecimal digits."""

    key: str
    vr: str
    vm: str
    name: str


VRS = {"ox": "OW", "px": "OW", "xs": "US", "US or SS": "US", "OB_OW": "OW", "OB or OW": "OW", "na": "UN"}


def clean(text: str) -> str:
    """A name on one line, without the separator; unknown ones are empty."""
    text = " ".join(text.replace("|", "/").replace("\\", "/").replace('"', "'").split())
    return "" if text.strip("?").lower() in {"", "unknown", "internal"} else text


def dcmtk_rows(text: str) -> dict[str, dict[str, Row]]:
    """creator -> key -> row of private.dic."""
    rows: dict[str, dict[str, Row]] = {}
    pattern = re.compile(r'\(([0-9A-Fa-f]{4}),"([^"]*)",([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})\)\t(\S+)\t(\S+)\t(\S+)')
    for line in text.splitlines():
        if found := pattern.match(line):
            group, creator, element, vr, name, vm = found.groups()
            key = (group + element[-2:]).upper()
            rows.setdefault(creator, {})[key] = Row(key, VRS.get(vr, vr), vm, clean(name))
    return rows


def pydicom_rows(text: str) -> dict[str, dict[str, Row]]:
    """creator -> key -> row; patterns with an x outside the block number are left out."""
    rows: dict[str, dict[str, Row]] = {}
    for creator, table in sources.literal(text, "private_dictionaries").items():
        for pattern, (vr, vm, name, _) in table.items():
            if re.fullmatch(r"[0-9A-Fa-f]{4}..[0-9A-Fa-f]{2}", pattern):
                key = (pattern[:4] + pattern[6:]).upper()
                rows.setdefault(creator, {})[key] = Row(key, VRS.get(vr, vr), vm, clean(name))
    return rows


def main(folder: Path) -> None:
    """Writes the module and prints what was counted."""
    merged = dcmtk_rows(sources.read(folder, "private.dic"))
    for creator, table in pydicom_rows(sources.read(folder, "_private_dict.py")).items():
        merged.setdefault(creator, {}).update(table)
    names = ("_private_dict.py", "private.dic")
    what = "Private data elements by creator: group and element byte, VR, VM, name."
    text = sources.header(what, "gen_private", names) + "CREATORS: dict[str, str] = {\n"
    count = 0
    for creator in sorted(merged):
        rows = [row for _, row in sorted(merged[creator].items()) if int(row.key[:4], 16) & 1 and row.name.isascii()]
        if not rows or not creator.isascii() or not creator.isprintable():
            continue
        body = "\n".join("|".join(row) for row in rows)
        text += f'    {creator!r}: """{body}""",\n'
        count += len(rows)
    sources.save("private_data.py", text + "}\n")
    print(f"{len(merged)} creators, {count} elements")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
