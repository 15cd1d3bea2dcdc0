"""What the file system under the archive promises about names.

POSIX makes a name durable only by syncing its folder. Linux's XFS and ext4 do more (docs/decisions/0003-durability.md):

- with a journal, which is one ordered log, the sync of a file that was just created or renamed commits the
  transaction of that change, so its name is on the disk when its bytes are;
- ext4 without a journal writes the folder of a file whose entry is new when it syncs the file (``ext4_sync_parent``).

Syncing the folder as well buys nothing there but a second flush. Everywhere else, and wherever something is not known,
the folder is synced. ``tests/archive/test_power_cut.py`` cuts the power of both kinds of ext4.
"""

from __future__ import annotations

import os
from pathlib import Path

_NAMES_FOLLOW = frozenset({"ext4", "xfs"})


def names_follow_files(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether syncing a file in ``folder`` makes its new name durable too. False wherever that is not known."""
    try:
        device = os.stat(folder).st_dev
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    kinds = []
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, what = left.split(), right.split()
        if len(fields) > 2 and fields[2] == number:
            kinds.append(what[0] if what else "")
    return bool(kinds) and _NAMES_FOLLOW.issuperset(kinds)
