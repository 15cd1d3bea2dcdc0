"""Disks whose power can be cut: a file system in an image file on a loop device, and what of it had reached the disk.

A copy of the image file holds what was written to the device and nothing of what the kernel still had in memory, as a
disk without power would. Needs root and loop devices; ``reason_why_not`` says what is missing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

SIZE = 192 << 20
MAKERS = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "ext4 without a journal": ["mkfs.ext4", "-q", "-F", "-O", "^has_journal"],
}


def reason_why_not() -> str | None:
    """What stands in the way of such disks here; None where nothing does."""
    if os.name != "posix" or os.geteuid() != 0:
        return "only root may mount"
    if not Path("/dev/loop-control").exists():
        return "no loop devices"
    missing = [name for name in ("mkfs.ext4", "e2fsck", "mount", "losetup") if shutil.which(name) is None]
    return f"{', '.join(missing)} missing" if missing else None


def make_disk(image: Path, kind: str) -> None:
    with image.open("wb") as file:
        file.truncate(SIZE)
    _run(*MAKERS[kind], image)


@contextlib.contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", image, place)
    try:
        yield place
    finally:
        _run("umount", place)


def cut(image: Path, copy: Path) -> None:
    """The disk as it would be had the power gone now, mended as the system does when it starts again."""
    _run("cp", "--sparse=always", image, copy)
    done = subprocess.run(["e2fsck", "-fy", str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode < 4, done.stdout


def _run(*argv: str | Path) -> None:
    subprocess.run([str(part) for part in argv], check=True, capture_output=True)
