"""Writes standard/_gen/uids_data.py and storage_data.py: the UIDs of PS3.6 annex A and the storage SOP classes among
them.

pydicom's table gives the rows, DCMTK's dcuid.h the check that none of 2026b is missing but those given here by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from tools import sources

ROOT = "1.2.840.10008."


class Row(NamedTuple):
    """One UID as registered."""

    uid: str
    name: str
    keyword: str
    type: str
    retired: bool


def _storage(number: str, name: str) -> Row:
    keyword = re.sub(r"[^A-Za-z0-9]", "", name)
    return Row(f"{ROOT}5.1.4.1.1.{number}", name, keyword, "SOP Class", retired=False)


BY_HAND = (
    _storage("2.3", "CT Image Storage - For Processing"),  # Supplement 252
    _storage("2.4", "Enhanced CT Image Storage - For Processing"),
    _storage("2.5", "Legacy Converted Enhanced CT Image Storage - For Processing"),
    _storage("9.100.1", "Waveform Presentation State Storage"),
    _storage("9.100.2", "Waveform Acquisition Presentation State Storage"),
    _storage("601.5", "Ultrasound Waveform Storage"),  # DICONDE
)

NOT_STORAGE = {
    f"{ROOT}1.3.10",  # the DICOMDIR: a media storage class, never sent (PS3.4 I)
    f"{ROOT}4.2",  # the service class itself
}

NOT_REGISTERED = {f"{ROOT}5.1.4.37."}  # a prefix in dcuid.h, not a UID


def number(uid: str) -> list[int]:
    """A UID as numbers, to sort by."""
    return [int(part) for part in uid.split(".")]


def merge(folder: Path) -> list[Row]:
    """All rows in the order of their numbers."""
    table = sources.literal(sources.read(folder, "_uid_dict.py"), "UID_dictionary")
    rows = {row.uid: row for row in BY_HAND}
    for uid, (name, kind, _, retired, keyword) in table.items():
        if uid in rows:
            sys.exit(f"{uid}: no longer needed by hand")
        rows[uid] = Row(uid, name, keyword, kind, retired == "Retired")
    header = sources.read(folder, "dcuid.h")
    defined = set(re.findall(r'"(1\.2\.840\.10008\.[0-9.]+)"', header)) - NOT_REGISTERED
    if missing := sorted(defined - set(rows)):
        sys.exit(f"missing: {', '.join(missing)}")
    return sorted(rows.values(), key=lambda row: number(row.uid))


def is_storage(row: Row) -> bool:
    """Whether C-STORE of this SOP class is defined (PS3.4 B.5, B.6, GG.3 and their retired rows)."""
    return (
        row.type == "SOP Class"
        and row.uid not in NOT_STORAGE
        and ("Storage" in row.keyword and not row.keyword.startswith("StorageCommitment"))
    )


def main(folder: Path) -> None:
    """Writes both modules and prints what was counted."""
    rows = merge(folder)
    types = sorted({row.type for row in rows})
    keywords = [row.keyword for row in rows if row.keyword]
    if len(set(keywords)) != len(keywords):
        sys.exit("a keyword stands twice")
    for row in rows:
        if "|" in row.name or not row.name.isascii():
            sys.exit(f"{row.uid}: a name that cannot be written")
    names = ("_uid_dict.py", "dcuid.h")
    text = sources.header("UIDs of PS3.6 annex A: suffix, type, R for retired, keyword, name.", "gen_uids", names)
    text += f'EDITION = "{sources.EDITION}"\nROOT = "{ROOT}"\n'
    text += "TYPES = (\n" + "".join(f"    {kind!r},\n" for kind in types) + ")\n"
    lines = []
    for row in rows:
        retired = "R" if row.retired else ""
        lines.append(f"{row.uid.removeprefix(ROOT)}|{types.index(row.type)}|{retired}|{row.keyword}|{row.name}")
    sources.save("uids_data.py", text + sources.column("ROWS", lines))
    storage = [row for row in rows if is_storage(row)]
    text = sources.header("Storage SOP classes of PS3.4 B.5 and GG.3, retired ones included.", "gen_uids", names)
    text += f'EDITION = "{sources.EDITION}"\n' + "STORAGE = frozenset(\n    {\n"
    text += "".join(f'        "{row.uid}",  # {row.keyword}\n' for row in storage) + "    }\n)\n"
    sources.save("storage_data.py", text)
    print(f"{len(rows)} UIDs, {len(types)} types, {len(storage)} storage SOP classes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
