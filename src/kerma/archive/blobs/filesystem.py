"""What the file system under the archive promises about names.

POSIX makes a name durable only by syncing its folder. ext4 and XFS keep one ordered journal: syncing a file that was
just created or renamed commits the transaction of that change, so its name is on the disk when its bytes are. Syncing
the folder as well buys nothing but a second flush of the disk (docs/decisions/0003-durability.md has what that costs).
Everywhere else the folder is synced.
"""

from __future__ import annotations

import os
from pathlib import Path

_ORDERED = frozenset({"ext4", "xfs"})


def names_follow_files(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether syncing a file in ``folder`` makes its new name durable too. False wherever that is not known."""
    try:
        device = os.stat(folder).st_dev
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    kinds = set()
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) > 2 and fields[2] == number and right:
            kinds.add(right.split()[0])
    return bool(kinds) and kinds <= _ORDERED
