"""Files inside zip, tar and compressed files: listed, and read where a path says so.

A path goes on behind the name of an archive: ``study.zip/inner/IM1``, ``scan.tar.gz/a/b.dcm``, ``all.zip/one.tar/IM1``.
A file that is only compressed, ``ct.dcm.gz``, needs nothing behind its name.

Rules:

- What a file is is told by its first bytes, never by its name.
- A name inside an archive is compared and shown, never used as a path of ours. Links, devices and folders in it are
  passed over.
- Everything is counted before or while it is unpacked, against ``ArchiveLimits``: a bomb ends as ``LimitError``. Large
  members go to a nameless temporary file, not into memory.
- Whatever is wrong with an archive is ``FormatError`` or one of its kinds. Of two members of one name the first counts.
"""

from __future__ import annotations

import difflib
import io
import mmap
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Self

from kerma.encoding.source import Buffer
from kerma.errors import FormatError, KermaError, LimitError, NotDicomError, UsageError
from kerma.formats.unpacking import Unpacked, kind_of
from kerma.limits import ArchiveLimits, Limits

_PIECE = 1 << 20
_HEAD = 512
_DICM = slice(128, 132)
_TAR_MAGIC = slice(257, 262)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MAX_TAR_NAME = 1 << 16
_IN_MEMORY = 16 << 20
_SUGGESTED = 2_000
_LIMITS = Limits()
_FOREIGN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive; ``size`` is what it claims, None where only unpacking tells."""

    name: str
    size: int | None
    open: Callable[[], IO[bytes]]
    """Its content; of a tar only until the next member is asked for."""


def archive_kind(path: str | os.PathLike[str]) -> str | None:
    """``zip``, ``tar`` (compressed or not), ``gzip``, ``bzip2`` or ``xz`` by content, None for anything else.

    A file with the ``DICM`` prefix of PS3.10 7.1 is DICOM whatever its preamble pretends to be (a TIFF, say, or a zip).
    """
    with open(path, "rb") as file:
        return _kind(file, os.fstat(file.fileno()).st_size)


def _kind(file: IO[bytes], size: int) -> str | None:
    head = file.read(_HEAD)
    file.seek(0)
    if head[_DICM] == b"DICM":
        return None
    if head.startswith(_ZIP):
        return "zip"
    if head[_TAR_MAGIC] == b"ustar":
        return "tar"
    packed = kind_of(head)
    if packed is None:
        return None
    try:
        inside = io.BufferedReader(Unpacked(file, packed, size, ArchiveLimits())).read(_HEAD)
    except FormatError:
        return packed
    finally:
        file.seek(0)
    return "tar" if inside[_TAR_MAGIC] == b"ustar" else packed


# -- walking -----------------------------------------------------------------------------------------------------------


def walk(path: str | os.PathLike[str], limits: ArchiveLimits = _LIMITS.archives) -> Iterator[Member]:
    """The regular files in an archive, in its order. ``FormatError`` and its kinds with the archive's name."""
    with open(path, "rb") as file, _reading(os.fspath(path)):
        size = os.fstat(file.fileno()).st_size
        yield from _members(file, _kind(file, size), size, os.path.basename(os.fspath(path)), limits)


def _members(file: IO[bytes], kind: str | None, size: int, name: str, limits: ArchiveLimits) -> Iterator[Member]:
    if kind == "zip":
        found = _zip_members(file, limits)
    elif kind == "tar":
        found = _tar_members(file, size, limits)
    elif kind is not None:
        yield Member(_stem(name), None, lambda: io.BufferedReader(Unpacked(file, kind, size, limits)))
        return
    else:
        raise NotDicomError("this is no archive", hint="zip, tar, gzip, bzip2 and xz are read")
    total = 0
    for count, member in enumerate(found, 1):
        total += member.size or 0
        if count > limits.max_members or total > limits.max_total or (member.size or 0) > limits.max_member:
            raise LimitError(
                f"more than is taken from archives ({limits.max_members:,} members, {limits.max_member:,} bytes "
                f"of one, {limits.max_total:,} in all)",
                hint="unpack it by hand",
            )
        yield member


def _stem(name: str) -> str:
    stem, extension = os.path.splitext(name)
    return stem if extension.lower() in {".gz", ".bz2", ".xz", ".z"} else name


def _zip_members(file: IO[bytes], limits: ArchiveLimits) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                continue
            if info.file_size > limits.max_ratio * max(info.compress_size, 1):
                raise LimitError("a member claims to unpack beyond what its size allows")
            if info.flag_bits & 1:
                opener: Callable[[], IO[bytes]] = _encrypted
            else:
                opener = _zip_opener(archive, info)
            yield Member(info.filename, info.file_size, opener)


def _zip_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(info)


def _encrypted() -> IO[bytes]:
    raise FormatError("the member is encrypted", hint="unpack it by hand, with its password")


def _tar_members(file: IO[bytes], size: int, limits: ArchiveLimits) -> Iterator[Member]:
    head = file.read(_HEAD)
    file.seek(0)
    packed = None if head[_TAR_MAGIC] == b"ustar" else kind_of(head)
    source: Any = file if packed is None else io.BufferedReader(Unpacked(file, packed, size, limits))
    with tarfile.open(fileobj=source, mode="r|", tarinfo=_BoundedTarInfo) as archive:
        for info in archive:
            if info.isreg() and not info.issparse():
                yield Member(info.name, info.size, _tar_opener(archive, info))
            archive.members = []  # type: ignore[attr-defined]  # a stream never goes back; do not remember


def _tar_opener(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        member = archive.extractfile(info)
        assert member is not None
        return member

    return opened


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


@contextmanager
def _reading(where: str) -> Iterator[None]:
    """What the libraries raise becomes ours; an error of the system stays what it is."""
    try:
        yield
    except KermaError as error:
        if error.where is None:
            error.where = where
        raise
    except _FOREIGN as error:
        # zipfile has a RuntimeError, or a kind of it, for encrypted members and for methods that it does not know.
        text = " ".join(str(error).split())[:120] or type(error).__name__
        raise FormatError(f"broken or unreadable archive: {text}", where=where, hint="unpack it by hand") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise FormatError(f"broken or unreadable archive: {error}", where=where, hint="unpack it by hand") from None


def copy(member: Member, write: Callable[[bytes], Any], bound: int, where: str) -> int:
    """The content of a member through ``write``, in pieces; how many bytes it was.

    ``LimitError`` beyond ``bound``, ``FormatError`` where it is not as long as the archive says.
    """
    with _reading(where), member.open() as content:
        count = 0
        while piece := content.read(_PIECE):
            count += len(piece)
            if count > bound:
                raise LimitError(f"the member unpacks to more than {bound:,} bytes", hint="unpack it by hand")
            write(piece)
        if member.size is not None and count != member.size:
            raise FormatError(f"the member has {count} bytes instead of {member.size}")
    return count


# -- one file ----------------------------------------------------------------------------------------------------------


def split_path(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """The file of the system that ``path`` goes through, and what follows it; None where there is no such file."""
    begin, rest = os.fspath(path), ""
    while begin:
        if os.path.isfile(begin):
            return begin, rest
        shorter, tail = os.path.split(begin)
        if shorter == begin:
            return None
        begin = shorter
        if tail:
            rest = f"{tail}/{rest}" if rest else tail
    return None


def read_packed(path: str | os.PathLike[str], limits: Limits = _LIMITS) -> Buffer | None:
    """The bytes of the file that ``path`` names inside an archive; None where no part of the path is one.

    ``UsageError`` where the archive has no such file, or several and none was named; ``LimitError`` and ``FormatError``
    as ``walk``.
    """
    place = split_path(path)
    if place is None:
        return None
    archive, rest = place
    with open(archive, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        kind = _kind(file, size)
        return None if kind is None else _descend(file, kind, size, archive, plain_name(rest), limits, 1)


def _descend(file: IO[bytes], kind: str, size: int, shown: str, rest: str, limits: Limits, depth: int) -> Buffer:
    """The file ``rest`` of the archive ``file``, which people call ``shown``."""
    if depth > limits.archives.max_nested:
        raise LimitError(f"more than {limits.archives.max_nested} archives inside one another", where=shown)
    single = kind not in {"zip", "tar"}
    with _reading(shown):
        if not rest and not single:
            rest = _only(_members(file, kind, size, shown, limits.archives), kind, shown)
            file.seek(0)
        found: tuple[Any, str, str] | None = None
        seen: list[str] = []
        for member in _members(file, kind, size, os.path.basename(shown), limits.archives):
            name = plain_name(member.name)
            if single or rest == name or rest.startswith(name + "/"):
                found = _content(member, shown, limits), name, rest if single else rest[len(name) + 1 :]
                break
            seen.append(name)
        if found is None:
            raise _absent(seen, rest, shown)
    name, left = found[1:]
    data: Any = found[0]
    stream: IO[bytes] = io.BufferedReader(_MapFile(data)) if isinstance(data, mmap.mmap) else io.BytesIO(data)
    inner = _kind(stream, len(data))
    where = shown if single else f"{shown}/{name}"
    if inner is not None and (left or inner not in {"zip", "tar"}):
        return _descend(stream, inner, len(data), where, left, limits, depth + 1)
    if left:
        raise UsageError("a file and no archive, so nothing is in it", where=where)
    whole: Buffer = data
    return whole


def _only(members: Iterator[Member], kind: str, shown: str) -> str:
    """The name of the one file of an archive."""
    names = [plain_name(member.name) for member, _ in zip(members, range(2), strict=False)]
    if not names:
        raise UsageError("an archive without a file in it", where=shown)
    if len(names) > 1:
        raise NotDicomError(f"a {kind} archive of several files", hint=f"name one of them, as in {shown}/{names[0]}")
    return names[0]


def _content(member: Member, shown: str, limits: Limits) -> Any:
    """Bytes, or the map of a nameless file where they are many."""
    bound = min(limits.max_inflated, limits.archives.max_member)
    where = f"{shown}/{member.name}"
    small = bytearray()
    spill: list[IO[bytes]] = []

    def write(piece: bytes) -> None:
        if spill:
            spill[0].write(piece)
        elif len(small) + len(piece) <= _IN_MEMORY:
            small.extend(piece)
        else:
            spill.append(tempfile.TemporaryFile())  # noqa: SIM115  (closed below; the map outlives it)
            spill[0].write(small)
            spill[0].write(piece)
            small.clear()

    try:
        copy(member, write, bound, where)
        if not spill:
            return bytes(small)
        spill[0].flush()
        return mmap.mmap(spill[0].fileno(), 0, access=mmap.ACCESS_READ)
    finally:
        for file in spill:
            file.close()


class _MapFile(io.RawIOBase):
    """A memory map as a file that can be read and sought."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._at, len(self._data))[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._data[self._at : self._at + len(view)]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def _absent(seen: list[str], rest: str, shown: str) -> UsageError:
    below = [name for name in seen if name.startswith(rest + "/")]
    if below:
        return UsageError(
            f"{rest!r} is a folder of {len(below)} files in the archive",
            where=shown,
            hint=f"name one of them, as in {shown}/{below[0]}",
        )
    near = difflib.get_close_matches(rest, seen[:_SUGGESTED], n=1)
    hint = f"did you mean {shown}/{near[0]}?" if near else f"it holds {seen[0]}" if seen else "it is empty"
    return UsageError(f"no file {rest!r} in the archive", where=shown, hint=hint)


def plain_name(name: str) -> str:
    """A name without what does not change its meaning: empty steps and dots."""
    return "/".join(step for step in name.split("/") if step not in {"", "."})
