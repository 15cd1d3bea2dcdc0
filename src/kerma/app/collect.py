"""Which files are meant: paths, folders and archives (``formats.containers``) become one stream of files to probe.

May touch the file system: it reads what it is given and writes members of archives, and files of other machines, into a
temporary folder of its own.
Rules:

- A name inside an archive is never a path of ours: members are numbered files. Links, devices and folders in it are
  passed over.
- Members are bounded in number, size and sum before they are written, so a bomb ends as an error, not as a full disk.
- A folder is walked in the order of its names, without following links to folders; only regular files are opened.
- What somebody named and is not usable is a failure; what merely lay in a folder or archive is counted.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from kerma.app.opening import is_address, open_source
from kerma.errors import KermaError, LimitError
from kerma.formats.containers import Member, archive_kind, copy, plain_name, split_path, walk
from kerma.limits import ArchiveLimits
from kerma.net.address import named

_PIECE = 8 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A file to look at. ``name`` is what to call it, ``named`` says that somebody asked for exactly this one."""

    path: Path
    name: str
    named: bool


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something that cannot be taken, and why."""

    name: str
    error: KermaError


class Collector:
    """Walks paths; holds the temporary folder that members of archives lie in until it is closed.

    Use as a context manager. The files that it gives out are gone after that.
    """

    def __init__(self, limits: ArchiveLimits | None = None, *, late: bool = False) -> None:
        """``late`` leaves files on other machines there, for who reads only ranges of them (``opening.read_found``)."""
        self._late = late
        self._limits = limits or ArchiveLimits()
        self._folder: TemporaryDirectory[str] | None = None
        self._members = 0
        self._total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def walk(self, paths: Iterable[str | Path]) -> Iterator[Found | Unusable]:
        """Every file below ``paths``, in order. Never raises for one bad path: it comes as ``Unusable``."""
        for given in paths:
            if isinstance(given, str) and is_address(given):
                yield from self._remote(given)
                continue
            path = Path(given)
            try:
                mode = path.stat().st_mode
                if stat.S_ISDIR(mode):
                    yield from _walk_folder(path)
                elif not stat.S_ISREG(mode):
                    yield Unusable(str(path), KermaError("neither a file nor a folder", where=str(path)))
                elif archive_kind(path) is not None:
                    yield from self._unpack(path)
                else:
                    yield Found(path, str(path), named=True)
            except (FileNotFoundError, NotADirectoryError) as error:
                place = split_path(path)
                if place is None or archive_kind(place[0]) is None:
                    yield Unusable(str(path), _from_os(error, str(path)))
                else:
                    yield from self._unpack(Path(place[0]), place[1])
            except (OSError, ValueError) as error:
                yield Unusable(str(path), _from_os(error, str(path)))

    # -- archives ------------------------------------------------------------------------------------------------------

    def _remote(self, address: str) -> Iterator[Found | Unusable]:
        """A file on another machine: fetched as a whole, unless it is to be read late."""
        if self._late:
            yield Found(Path(address), address, named=True)
            return
        try:
            place = self._fetch(address)
            archive = archive_kind(place) is not None
        except (KermaError, OSError) as error:
            yield Unusable(named(address), error if isinstance(error, KermaError) else _from_os(error, named(address)))
        else:
            yield from self._unpack(place, called=named(address)) if archive else [Found(place, named(address), True)]

    def _fetch(self, address: str) -> Path:
        place = self._place()
        with open_source(address) as source, place.open("xb") as target:
            if source.size > self._limits.max_member:
                raise LimitError(f"more than {self._limits.max_member:,} bytes", where=named(address))
            self._room_for(source.size)
            for at in range(0, source.size, _PIECE):
                target.write(source.read(at, min(_PIECE, source.size - at)))
        return place

    def _unpack(self, path: Path, below: str = "", called: str = "") -> Iterator[Found | Unusable]:
        """The files of an archive; with ``below``, the one of that name, or those in that folder of it."""
        seen = False
        called = called or str(path)
        below = plain_name(below)
        try:
            for member in walk(path, self._limits):
                name = plain_name(member.name)  # of `tar c .` they begin with "./"
                if not below or name == below or name.startswith(below + "/"):
                    seen = True
                    yield self._keep(member, called, named=bool(below) and name == below)
        except (KermaError, OSError) as error:
            known = error if isinstance(error, KermaError) else _from_os(error, str(path))
            known.where = (known.where or called).replace(str(path), called)
            yield Unusable(known.where, known)
            return
        if below and not seen:
            where = f"{called}/{below}"
            yield Unusable(where, KermaError("no such file in the archive", where=where))

    def _keep(self, member: Member, archive: str, *, named: bool) -> Found:
        place = self._place()
        self._room_for(member.size or 0)
        name = archive if member.size is None else f"{archive}/{member.name}"
        left = self._limits.max_total - self._total
        with place.open("xb") as target:
            self._total += copy(member, target.write, min(self._limits.max_member, left), name)
        return Found(place, name, named=named or member.size is None)

    def _place(self) -> Path:
        """A new name in the temporary folder."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="kerma-")
        self._members += 1
        return Path(self._folder.name) / str(self._members)

    def _room_for(self, size: int) -> None:
        assert self._folder is not None
        if size > shutil.disk_usage(self._folder.name).free:
            raise LimitError(
                f"a file of {size:,} bytes has no room in {self._folder.name}", hint="set TMPDIR to a larger disk"
            )


def _walk_folder(folder: Path) -> Iterator[Found | Unusable]:
    """Not recursive, so that depth costs nothing; the folders that wait are kept in reverse, to come in order."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield Unusable(str(current), _from_os(error, str(current)))
            continue
        waiting.extend(Path(entry.path) for entry in reversed(entries) if entry.is_dir(follow_symlinks=False))
        for entry in entries:
            if entry.is_file():
                yield Found(Path(entry.path), entry.path, named=False)


def _from_os(error: OSError | ValueError, where: str) -> KermaError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return KermaError(f"cannot be read: {reason}", where=where, hint="check the path and its rights")
