"""A file that is written whole or not at all.

Pieces go to a temporary file in the same folder, which takes the name when it is complete and synced: there is never
half a file under the name. Who has to change the beginning when the end is known gives ``finish``, which may work on
the temporary file before it is synced.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from typing import BinaryIO

from kerma.encoding.source import Buffer

Path = str | os.PathLike[str]
Finish = Callable[[int], None]
"""Works on the file descriptor of a complete file, open for reading and writing."""


def save(pieces: Iterable[Buffer], target: Path | BinaryIO, finish: Finish | None = None) -> None:
    """Write ``pieces`` to a path, durably, or to a binary file. A failure leaves what was there."""
    if isinstance(target, (str, os.PathLike)):
        _to_path(pieces, target, finish)
    elif finish is None:
        for piece in pieces:
            target.write(piece)
    else:
        with tempfile.TemporaryFile(buffering=0) as out:
            for piece in pieces:
                write_all(out.fileno(), piece)
            finish(out.fileno())
            out.seek(0)
            shutil.copyfileobj(out, target, 1 << 20)


def _to_path(pieces: Iterable[Buffer], target: Path, finish: Finish | None) -> None:
    path = os.path.abspath(os.fspath(target))
    folder = os.path.dirname(path)
    fd, temporary = tempfile.mkstemp(prefix=".kerma-", suffix=".part", dir=folder)
    try:
        with os.fdopen(fd, "r+b", buffering=0) as out:
            for piece in pieces:
                write_all(out.fileno(), piece)
            if finish is not None:
                finish(out.fileno())
            os.fchmod(out.fileno(), _mode_for(path))
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def write_all(fd: int, piece: Buffer) -> None:
    """All of ``piece`` to where ``fd`` stands."""
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def _mode_for(path: str) -> int:
    """The mode that a file opened the plain way would have."""
    try:
        return os.stat(path).st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: str) -> None:
    """Make the new name itself durable, where the system lets a folder be synced."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)
