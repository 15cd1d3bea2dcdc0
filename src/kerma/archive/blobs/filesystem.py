"""What the file system under the archive promises about names.

POSIX makes a name durable only by syncing its folder. Linux's XFS and ext4 do more (docs/decisions/0003-durability.md):

- with a journal, which is one ordered log, the sync of a file that was just created or renamed commits the
  transaction of that change, so its name is on the disk when its bytes are;
- ext4 without a journal writes the folder of a file whose entry is new when it syncs the file (``ext4_sync_parent``).

Syncing the folder as well buys nothing there but a second flush. Everywhere else, and wherever something is not known,
the folder is synced. ``tests/archive/test_power_cut.py`` cuts the power of both kinds of ext4.

File systems without a journal keep the changed blocks of a folder on one list, which a sync takes away with it while it
writes (``fsync_buffers_list`` in the kernel's ``fs/buffer.c``). A second sync that comes meanwhile finds nothing to
write and returns before the block is on the disk. There only one sync may run at a time, in all processes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, which has none of these file systems
    fcntl = None  # type: ignore[assignment]

_NAMES_FOLLOW = frozenset({"ext4", "xfs"})
_ON_ONE_LIST = frozenset({"ext2", "exfat", "minix", "msdos", "udf", "vfat"})
_JOURNALS = Path("/proc/fs/jbd2")


def names_follow_files(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether syncing a file in ``folder`` makes its new name durable too. False wherever that is not known."""
    kinds = _kinds(folder, table)
    return bool(kinds) and _NAMES_FOLLOW.issuperset(kinds)


def syncs_meet(folder: Path, table: Path = Path("/proc/self/mountinfo"), journals: Path = _JOURNALS) -> bool:
    """Whether two syncs at once may leave the second one's name behind: the file system has no journal."""
    kinds = _kinds(folder, table)
    if not kinds or not kinds <= _ON_ONE_LIST | {"ext3", "ext4"}:
        return False
    return bool(kinds & _ON_ONE_LIST) or not _has_journal(folder, journals)


def _has_journal(folder: Path, journals: Path) -> bool:
    """Whether the kernel runs a journal for the device of ``folder``; False where that cannot be seen."""
    try:
        device = os.stat(folder).st_dev
        name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
        return any(entry.rpartition("-")[0] == name for entry in os.listdir(journals))
    except OSError:
        return False


def _kinds(folder: Path, table: Path) -> set[str]:
    """What the file system of ``folder`` is mounted as; empty where that cannot be seen."""
    try:
        device = os.stat(folder).st_dev
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    number = f"{os.major(device)}:{os.minor(device)}"
    kinds = set()
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, what = left.split(), right.split()
        if len(fields) > 2 and fields[2] == number:
            kinds.add(what[0] if what else "")
    return kinds


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else, in this process or another one, is in this block for the same folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
