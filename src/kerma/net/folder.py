"""A storage provider that writes files to a folder: what stands behind ``kerma listen`` and ``kerma get -o``.

Rules:

- A file is written under a temporary name, synced, and renamed: under its final name it is whole. The folder is synced
  after the rename.
- The name is the SOP Instance UID, if it is one (digits and dots, at most 64 characters); nothing else from outside
  becomes part of a path.
- A file that is there already is replaced, unless it is the same.

Sources: PS3.10 7.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import itertools
import os
import re
from collections.abc import Sequence
from pathlib import Path

from kerma.errors import InvalidInstanceError, OutOfResourcesError
from kerma.formats.part10 import file_head
from kerma.formats.saving import sync_folder
from kerma.services.providers import StoreOutcome, StoreRequest

_UID = re.compile(r"[0-9][0-9.]{0,63}")
_TEMPORARY = itertools.count()
_VECTORS = 1_000


class FolderProvider:
    """Writes each instance as ``folder/UID.dcm``. The folder is made where it is not there. ``sync=False`` leaves
    durability to the system."""

    def __init__(self, folder: str | os.PathLike[str], *, sync: bool = True) -> None:
        self.folder = Path(folder)
        self.sync = sync
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutOfResourcesError(f"the folder cannot be made: {error.strerror}", where=str(self.folder)) from error

    def begin(self, request: StoreRequest) -> FolderSink:
        """``InvalidInstanceError`` for a UID that is none, ``OutOfResourcesError`` where the folder takes no file."""
        if not _UID.fullmatch(request.sop_instance_uid) or not _UID.fullmatch(request.sop_class_uid):
            raise InvalidInstanceError("the SOP Instance UID or SOP Class UID is no UID")
        return FolderSink(self.folder, request, sync=self.sync)


class FolderSink:
    """One file on its way."""

    __slots__ = ("_descriptor", "_final", "_sync", "_temporary")

    def __init__(self, folder: Path, request: StoreRequest, *, sync: bool) -> None:
        head = file_head(
            sop_class_uid=request.sop_class_uid,
            sop_instance_uid=request.sop_instance_uid,
            transfer_syntax_uid=request.transfer_syntax_uid,
            source_aet=request.calling_aet,
        )
        self._final = folder / f"{request.sop_instance_uid}.dcm"
        self._temporary = folder / f".kerma-{os.getpid()}-{next(_TEMPORARY)}.part"
        self._sync = sync
        try:
            self._descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise _mapped(error, folder) from error
        self.write([memoryview(head)])

    def write(self, chunks: Sequence[memoryview]) -> None:
        try:
            for start in range(0, len(chunks), _VECTORS):
                self._write_all(list(chunks[start : start + _VECTORS]))
        except OSError as error:
            self.abort()
            raise _mapped(error, self._final.parent) from error

    def commit(self) -> StoreOutcome:
        try:
            if self._sync:
                os.fdatasync(self._descriptor) if hasattr(os, "fdatasync") else os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            outcome = self._outcome()
            self._temporary.replace(self._final)
            if self._sync:
                sync_folder(os.fspath(self._final.parent))
        except OSError as error:
            self.abort()
            raise _mapped(error, self._final.parent) from error
        return outcome

    def abort(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _outcome(self) -> StoreOutcome:
        if not self._final.exists():
            return StoreOutcome.STORED
        same = filecmp.cmp(self._temporary, self._final, shallow=False)
        return StoreOutcome.IDENTICAL if same else StoreOutcome.REPLACED

    def _write_all(self, chunks: list[memoryview]) -> None:
        total = sum(map(len, chunks))
        done = os.writev(self._descriptor, chunks) if hasattr(os, "writev") else 0
        while done < total:
            # A short write: the disk is nearly full, or a signal came. What is left goes piece by piece until an error
            # says why.
            for chunk in _rest(chunks, done):
                done += os.write(self._descriptor, chunk)
                break


def _rest(chunks: Sequence[memoryview], skip: int) -> Sequence[memoryview]:
    """``chunks`` without their first ``skip`` bytes."""
    for index, chunk in enumerate(chunks):
        if skip < len(chunk):
            return [chunk[skip:], *chunks[index + 1 :]]
        skip -= len(chunk)
    return []


def _mapped(error: OSError, folder: Path) -> OutOfResourcesError:
    hints = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space, or raise the quota",
        errno.EACCES: "check the rights of the folder",
        errno.EROFS: "the file system is read-only",
    }
    return OutOfResourcesError(
        f"the file cannot be written: {error.strerror}", where=str(folder), hint=hints.get(error.errno or 0)
    )
