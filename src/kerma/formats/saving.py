"""A file that is written whole or not at all.

Pieces go to a temporary file in the same folder, which takes the name when it is complete and synced: there is never
half a file under the name. Who has to change the beginning when the end is known gives ``finish``, which may work on
the temporary file before it is synced. A name that is no file - a device, a pipe - is written into and never replaced.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from typing import BinaryIO

from kerma.encoding.source import Buffer

_FRESH = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

Path = str | os.PathLike[str]
Finish = Callable[[int], None]
"""Works on the file descriptor of a complete file, open for reading and writing."""


def save(pieces: Iterable[Buffer], target: Path | BinaryIO, finish: Finish | None = None) -> None:
    """Write ``pieces`` to a path, durably, or to a binary file. A failure leaves what was there."""
    if not isinstance(target, (str, os.PathLike)):
        _to_file(pieces, target, finish)
    elif _is_stream(target):
        with open(target, "wb", buffering=0) as out:
            _to_file(pieces, out, finish, os.fspath(target))
    else:
        _to_path(pieces, target, finish)


def _is_stream(path: Path) -> bool:
    """Whether a device, a pipe or a socket has this name: another file in its place is what nobody wants."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _to_file(pieces: Iterable[Buffer], target: BinaryIO, finish: Finish | None, name: str = "") -> None:
    if finish is None:
        for piece in pieces:
            _put(target, piece, name)
        return
    with tempfile.TemporaryFile(buffering=0) as out:
        for piece in pieces:
            write_all(out.fileno(), piece)
        finish(out.fileno())
        out.seek(0)
        shutil.copyfileobj(out, target, 1 << 20)


def _put(target: BinaryIO, piece: Buffer, name: str) -> None:
    if not name:
        target.write(piece)
        return
    try:
        write_all(target.fileno(), piece)
    except OSError as error:
        raise _named(error, name) from error


def _to_path(pieces: Iterable[Buffer], target: Path, finish: Finish | None) -> None:
    name = os.fspath(target)
    path = os.path.realpath(name)  # through a link, which stays one
    folder = os.path.dirname(path)
    try:
        temporary = os.path.join(folder, f".kerma-{secrets.token_hex(8)}.part")
        fd = os.open(temporary, _FRESH, 0o666)  # the system takes the mask off
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "there is no such folder", os.path.dirname(name)) from error
    except OSError as error:
        raise _named(error, name) from error
    try:
        with os.fdopen(fd, "r+b", buffering=0) as out:
            for piece in pieces:
                try:
                    write_all(out.fileno(), piece)
                except OSError as error:
                    raise _named(error, name) from error
            if finish is not None:
                finish(out.fileno())
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(out.fileno(), os.stat(path).st_mode & 0o777)
            os.fsync(out.fileno())
        try:
            os.replace(temporary, path)
        except OSError as error:
            raise _named(error, name) from error
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def _named(error: OSError, name: str) -> OSError:
    """The same error about the name that was asked for, not about the temporary one or none."""
    return error if error.errno is None else OSError(error.errno, error.strerror, name)


def write_all(fd: int, piece: Buffer) -> None:
    """All of ``piece`` to where ``fd`` stands."""
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def sync_folder(folder: str) -> None:
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
