"""What the file system under the archive promises about names.

POSIX makes a name durable only by syncing its folder. XFS, and ext4 with a journal, keep one ordered log: syncing a
file that was just created or renamed commits the transaction of that change, so its name is on the disk when its bytes
are. Syncing the folder as well buys nothing but a second flush (docs/decisions/0003-durability.md).

ext4 can be made without a journal, and then promises nothing of the kind: it counts only where the kernel shows its
journal. Everywhere else, and wherever something is not known, the folder is synced.
"""

from __future__ import annotations

import os
from pathlib import Path


def names_follow_files(
    folder: Path, table: Path = Path("/proc/self/mountinfo"), journals: Path = Path("/proc/fs/jbd2")
) -> bool:
    """Whether syncing a file in ``folder`` makes its new name durable too. False wherever that is not known."""
    try:
        device = os.stat(folder).st_dev
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    answers = []
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, what = left.split(), right.split()
        if len(fields) > 2 and fields[2] == number:
            answers.append(len(what) > 1 and _one_ordered_log(what[0], what[1], journals))
    return bool(answers) and all(answers)


def _one_ordered_log(kind: str, source: str, journals: Path) -> bool:
    if kind == "xfs":
        return True
    if kind != "ext4":
        return False
    name = os.path.basename(os.path.realpath(source))
    try:
        return any(one.startswith(f"{name}-") for one in os.listdir(journals))
    except OSError:
        return False
