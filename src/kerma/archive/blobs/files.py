"""Blobs as files: ``incoming/`` while they arrive, ``blobs/DAY/MINUTE/`` once they are whole, ``quarantine/`` and
``lost+found/`` aside.

PS3 has no say here; docs/decisions/0003-durability.md has. Rules:

- A file is written under a temporary name in ``incoming/``, renamed to its final name, and then synced, with its
  folder where the file system asks for that: a name in ``blobs/`` whose bytes fit it is whole, any other was never
  acknowledged.
- Buckets never run backwards, even where the clock does: recovery looks at the newest buckets only.
- A key becomes a path only after it was parsed; every ``OSError`` of this module's calls becomes
  ``OutOfResourcesError`` or ``NotFoundError``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import cast

import xxhash

from kerma.archive.blobs.filesystem import alone, names_follow_files, syncs_meet
from kerma.archive.blobs.recent import Recent
from kerma.archive.blobs.store import BlobName, new_stem
from kerma.encoding.source import ByteSource
from kerma.errors import ArchiveError, NotFoundError, OutOfResourcesError
from kerma.formats.source import FileSource

_MAX_IOV = 512
_PIECE = 1 << 20
_WRITE_BACK = 1 << 17
_SYNCERS = 16


def resources(what: str, error: OSError) -> OutOfResourcesError:
    """An ``OSError`` of the blob store as ours."""
    reason = error.strerror or type(error).__name__
    return OutOfResourcesError(f"{what}: {reason}", hint="check free space and permissions of the data folder")


def bucket_of(seconds: float) -> str:
    """The bucket of a moment, given as seconds since the epoch; buckets sort as time does."""
    return time.strftime("%Y%m%d/%H%M", time.gmtime(seconds))


class FileBlobs:
    """A blob store in the folder ``root``; created where it is missing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self.syncers = ThreadPoolExecutor(_SYNCERS, thread_name_prefix="kerma-sync")
        """Threads that wait for the disk, so that the index is written meanwhile; started when first needed."""
        self.arriving: set[FileBlobWriter] = set()
        self.recent = Recent()
        self._bucket = ""
        self._made: set[str] = set()
        self._synced = ""
        self._bucket_handle = -1
        try:
            for name in ("incoming", "blobs", "quarantine", "lost+found"):
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise resources(f"cannot make the folders of the archive in {root}", error) from error
        self._names_follow = names_follow_files(root)
        self._syncs_meet = syncs_meet(root)

    @property
    def bucket(self) -> str:
        """The newest bucket that was used or set as the floor."""
        return self._bucket

    def floor(self, bucket: str) -> None:
        """New blobs go to ``bucket`` or a later one."""
        with self._lock:
            self._bucket = max(self._bucket, bucket)

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            handle, self._bucket_handle, self._synced = self._bucket_handle, -1, ""
        self.syncers.shutdown()
        self.recent.close()
        if handle >= 0:
            os.close(handle)

    def create(self) -> FileBlobWriter:
        return FileBlobWriter(self)

    def path(self, key: str) -> Path:
        """The path of a key; ``NotFoundError`` where it is none of ours."""
        if BlobName.parse(key) is None:
            raise NotFoundError("the index names a blob by something that is no key", hint="run kerma check")
        return self.root / "blobs" / key

    def open(self, key: str) -> ByteSource:
        path = self.path(key)
        try:
            return FileSource(path)
        except FileNotFoundError as error:
            raise NotFoundError("the blob of this instance is missing", where=key, hint="run kerma check") from error
        except OSError as error:
            raise resources("cannot open a blob", error) from error

    def exists(self, key: str) -> bool:
        return self.size(key) >= 0

    def size(self, key: str) -> int:
        """Bytes on disk; -1 where it is not there."""
        if BlobName.parse(key) is None:
            return -1
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return -1

    def delete(self, key: str) -> bool:
        name = BlobName.parse(key)
        if name is None:
            return False  # an index that was tampered with must not delete other files
        self.recent.forget(name.stem)
        try:
            self.path(key).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise resources("cannot delete a blob", error) from error
        return True

    def list(self, since: str = "") -> Iterator[str]:
        top = self.root / "blobs"
        for day in sorted(os.listdir(top)):
            if day < since[:8] or not (top / day).is_dir():
                continue
            for minute in sorted(os.listdir(top / day)):
                bucket = f"{day}/{minute}"
                if bucket < since or not (top / day / minute).is_dir():
                    continue
                yield from (f"{bucket}/{name}" for name in sorted(os.listdir(top / day / minute)))

    def verify(self, key: str) -> bool:
        name = BlobName.parse(key)
        if name is None or self.size(key) != name.size or name.dataset_offset > name.size:
            return False
        try:
            return self.digests(key)[1] == name.checksum
        except NotFoundError:
            return False

    def digests(self, key: str) -> tuple[str, str]:
        """Checksum of the data set, and of the whole blob."""
        name = BlobName.parse(key)
        if name is None:
            raise ArchiveError("no key of a blob")
        buffer = memoryview(bytearray(_PIECE))
        try:
            with open(self.path(key), "rb", buffering=0) as file:
                head = file.read(name.dataset_offset)
                digest = xxhash.xxh3_128()
                while count := file.readinto(buffer):
                    digest.update(buffer[:count])
        except FileNotFoundError as error:
            raise NotFoundError("the blob is missing", where=key) from error
        except OSError as error:
            raise resources("cannot read a blob", error) from error
        dataset = digest.hexdigest()
        digest.update(head)
        return dataset, digest.hexdigest()

    def quarantine(self, key: str) -> None:
        self._move(key, "quarantine")

    def set_aside(self, key: str) -> None:
        self._move(key, "lost+found")

    def quarantined(self) -> Sequence[str]:
        """The names in ``quarantine/``."""
        return sorted(os.listdir(self.root / "quarantine"))

    def _move(self, key: str, folder: str) -> None:
        source = self.root / "blobs" / key
        try:
            target = self.root / folder / source.name
            os.rename(source, target)
            sync_folder(target.parent)
            sync_folder(source.parent)
        except OSError as error:
            raise resources(f"cannot move a blob to {folder}", error) from error

    def clear_incoming(self) -> int:
        count = 0
        for path in (self.root / "incoming").iterdir():
            with contextlib.suppress(OSError):
                path.unlink()
                count += 1
        return count

    def new_bucket(self) -> str:
        """The bucket of now, made and durable; never before one that was used."""
        now = bucket_of(time.time())
        with self._lock:
            bucket = self._bucket = max(now, self._bucket)
            if bucket not in self._made:
                day = self.root / "blobs" / bucket[:8]
                with self.syncing():
                    (day / bucket[9:]).mkdir(parents=True, exist_ok=True)
                    sync_folder(day)
                    sync_folder(day.parent)
                self._made = {bucket}
        return bucket

    def syncing(self) -> contextlib.AbstractContextManager[None]:
        """Around each sync of names: where two at once would leave one of them behind, they take turns."""
        return alone(self.root / "blobs") if self._syncs_meet else contextlib.nullcontext()

    def sync_bucket(self, bucket: str) -> None:
        """Make the names in a bucket durable, through a handle that is kept while the bucket is the newest."""
        if self._names_follow:
            return
        with self._lock:
            if self._synced != bucket:
                handle = os.open(self.root / "blobs" / bucket, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                old, self._bucket_handle, self._synced = self._bucket_handle, handle, bucket
                if old >= 0:
                    os.close(old)
            handle = os.dup(self._bucket_handle)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _find_sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """Linux's ``sync_file_range``, which Python does not offer; None elsewhere."""
    try:
        function = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    function.restype = ctypes.c_int
    return cast("Callable[[int, int, int, int], int]", function)


_sync_file_range = _find_sync_file_range()
_SYNC_FILE_RANGE_WRITE = 2


def start_write_back(handle: int, offset: int, length: int) -> None:
    """Let the disk begin with these bytes while more arrive, so that the sync finds little left. A hint."""
    if _sync_file_range is not None:
        _sync_file_range(handle, offset, length, _SYNC_FILE_RANGE_WRITE)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _done(work: Callable[[str], None], argument: str) -> Future[None]:
    """What a thread would have made of ``work``, done here and now."""
    future: Future[None] = Future()
    try:
        work(argument)
    except OSError as error:
        future.set_exception(error)
    else:
        future.set_result(None)
    return future


class FileBlobWriter:
    """One file on its way in."""

    def __init__(self, store: FileBlobs) -> None:
        self._store = store
        self.stem = new_stem(time.time_ns() // 1_000_000)
        self._path = f"{store.root}/incoming/{self.stem}"
        self.size = 0
        self._sent = 0
        self._syncing: Future[None] | None = None
        try:
            self._handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise resources("cannot write to the archive", error) from error
        store.arriving.add(self)

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        try:
            if len(chunks) <= _MAX_IOV:
                self._writev(chunks)
            else:
                for start in range(0, len(chunks), _MAX_IOV):
                    self._writev(chunks[start : start + _MAX_IOV])
            if self.size - self._sent >= _WRITE_BACK:
                start_write_back(self._handle, self._sent, self.size - self._sent)
                self._sent = self.size
        except OSError as error:
            self.abort()
            raise resources("cannot write to the archive", error) from error

    def _writev(self, chunks: Sequence[bytes | memoryview]) -> None:
        total = sum(map(len, chunks))
        done = os.writev(self._handle, chunks)
        self.size += done
        while done < total:
            rest = []
            skip = done
            for chunk in chunks:
                if skip < len(chunk):
                    rest.append(memoryview(chunk)[skip:])
                skip = max(0, skip - len(chunk))
            chunks, total = rest, total - done
            done = os.writev(self._handle, chunks)
            self.size += done

    def seal(self, dataset_offset: int, checksum: str) -> str:
        try:
            name = BlobName(self._store.new_bucket(), self.stem, dataset_offset, self.size, checksum)
            target = f"{self._store.root}/blobs/{name.key}"
            os.rename(self._path, target)
            self._path = target
        except OSError as error:
            self.abort()
            raise resources("cannot make an instance durable", error) from error
        if len(self._store.arriving) == 1:
            # Nobody else has work for this core while the disk works. With several, the hand-over costs more than
            # it gains.
            self._syncing = self._store.syncers.submit(self._sync, name.bucket)
        else:
            self._syncing = _done(self._sync, name.bucket)
        return name.key

    def _sync(self, bucket: str) -> None:
        with self._store.syncing():
            os.fsync(self._handle)
            self._store.sync_bucket(bucket)

    def durable(self) -> None:
        if self._syncing is None:
            raise ArchiveError("a blob is durable after it was sealed only")
        try:
            self._syncing.result()
        except OSError as error:
            self.abort()
            raise resources("cannot make an instance durable", error) from error
        handle, self._handle = self._handle, -1
        self._store.arriving.discard(self)
        if handle >= 0:
            self._store.recent.add(handle, self.size, self.stem)

    def abort(self) -> None:
        if self._handle >= 0:
            if self._syncing is not None:
                wait((self._syncing,))  # a file descriptor in use is not closed
            self._close()
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def source(self) -> ByteSource:
        return FileSource(Path(self._path))

    def _close(self) -> None:
        handle, self._handle = self._handle, -1
        self._store.arriving.discard(self)
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.close(handle)
