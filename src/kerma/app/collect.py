"""Which files are meant: paths, folders and archives (zip, tar) become one stream of files to probe.

May touch the file system: it reads what it is given and writes members of archives into a temporary folder of its own.
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
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Self

from kerma.errors import KermaError, LimitError

_PIECE = 1 << 20
_HEAD = 512
_DICM = slice(128, 132)
_TAR_MAGIC = slice(257, 262)
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_MAX_TAR_NAME = 1 << 16


@dataclass(frozen=True, slots=True)
class CollectLimits:
    """Bounds on what an archive may unpack to."""

    max_members: int = 1_000_000
    max_member: int = 16 << 30
    max_total: int = 256 << 30
    max_ratio: int = 1_200
    """Unpacked bytes for each packed byte; deflate itself cannot exceed 1,032."""


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

    def __init__(self, limits: CollectLimits | None = None) -> None:
        self._limits = limits or CollectLimits()
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
        for path in map(Path, paths):
            try:
                mode = path.stat().st_mode
                if stat.S_ISDIR(mode):
                    yield from _walk_folder(path)
                elif not stat.S_ISREG(mode):
                    yield Unusable(str(path), KermaError("neither a file nor a folder", where=str(path)))
                elif (kind := archive_kind(path)) is not None:
                    yield from self._unpack(path, kind)
                else:
                    yield Found(path, str(path), named=True)
            except (OSError, ValueError) as error:
                yield Unusable(str(path), _from_os(error, str(path)))

    # -- archives ------------------------------------------------------------------------------------------------------

    def _unpack(self, path: Path, kind: str) -> Iterator[Found | Unusable]:
        try:
            yield from self._unzip(path) if kind == "zip" else self._untar(path)
        except LimitError as error:
            yield Unusable(str(path), error)
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError) as error:
            # zipfile has a RuntimeError, or a kind of it, for encrypted members and for methods that it does not know.
            text = " ".join(str(error).split())[:120] or type(error).__name__
            yield Unusable(
                str(path),
                KermaError(f"broken or unreadable archive: {text}", where=str(path), hint="unpack it by hand"),
            )

    def _unzip(self, path: Path) -> Iterator[Found]:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                    continue
                if info.file_size > self._limits.max_ratio * max(info.compress_size, 1):
                    raise LimitError("a member claims to unpack beyond what its size allows", where=str(path))
                self._admit(info.file_size, path)
                with archive.open(info) as member:
                    yield self._keep(member, info.file_size, f"{path}!{info.filename}")

    def _untar(self, path: Path) -> Iterator[Found]:
        with tarfile.open(path, "r|*", tarinfo=_BoundedTarInfo) as archive:
            for info in archive:
                if not info.isreg():
                    continue
                self._admit(info.size, path)
                member = archive.extractfile(info)
                if member is not None:
                    with member:
                        yield self._keep(member, info.size, f"{path}!{info.name}")
                archive.members = []  # type: ignore[attr-defined]  # a stream never goes back; do not remember

    def _admit(self, size: int, path: Path) -> None:
        self._members += 1
        self._total += size
        limits = self._limits
        if size > limits.max_member or self._members > limits.max_members or self._total > limits.max_total:
            raise LimitError(
                f"more than is taken from archives ({limits.max_members:,} members, {limits.max_member:,} bytes "
                f"of one, {limits.max_total:,} in all)",
                where=str(path),
                hint="unpack it by hand",
            )

    def _keep(self, member: IO[bytes], size: int, name: str) -> Found:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="kerma-")
        if size > shutil.disk_usage(self._folder.name).free:
            raise LimitError(
                f"a member of {size:,} bytes has no room in {self._folder.name}", hint="set TMPDIR to a larger disk"
            )
        path = Path(self._folder.name) / str(self._members)
        left = size
        with path.open("xb") as target:
            while left and (piece := member.read(min(_PIECE, left))):
                target.write(piece)
                left -= len(piece)
        if left:
            raise EOFError(f"{left} bytes of a member are missing")
        return Found(path, name, named=False)


class _BoundedTarInfo(tarfile.TarInfo):
    """Long names and extended headers are read into memory by ``tarfile``, whatever size they claim: here they are
    bounded."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        special = (
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
            tarfile.XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.SOLARIS_XHDTYPE,
        )
        if info.type in special and info.size > _MAX_TAR_NAME:
            raise LimitError(f"a name or header of {info.size:,} bytes in the archive")
        return info


def archive_kind(path: Path) -> str | None:
    """``zip`` or ``tar`` by content, None for anything else. Compressed files count as tar only by their name.

    A file with the ``DICM`` prefix of PS3.10 7.1 is DICOM whatever its preamble pretends to be (a TIFF, say, or a zip).
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[_DICM] == b"DICM":
        return None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    packed = head.startswith(_PACKED) and (
        ".tar" in path.name.lower() or path.suffix.lower() in {".tgz", ".tbz2", ".txz"}
    )
    return "tar" if packed or head[_TAR_MAGIC] == b"ustar" else None


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
