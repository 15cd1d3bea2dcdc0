"""Where instances go that come in an answer: files in a folder, or data sets (PS3.18 10.4.4).

Rules:

- A file is written under a temporary name, synced and renamed; its bytes are those that came, head included.
- Its name is its SOP Instance UID, if it is one; nothing else from outside becomes part of a path.
- A data set that is small stays in memory, a large one lies in a temporary file of which only what is read is loaded.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from kerma.dataset import Dataset
from kerma.dicomweb.accept import parse as parse_media
from kerma.dicomweb.multipart import Data, End, Parser, Part, PartEnd
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import AnswerError, FormatError, OutOfResourcesError
from kerma.formats import part10
from kerma.formats.saving import sync_folder, write_all
from kerma.formats.spool import Spool

STRETCH = 1 << 20
"""Bytes that are worked on together."""


class Keeper(Protocol):
    """Takes one part after the other."""

    def write(self, data: memoryview) -> None: ...

    def end(self) -> Any:
        """The part is whole: what became of it."""
        ...

    def abort(self) -> None:
        """Forget what is not whole."""
        ...


class FileKeeper:
    """Files ``folder/UID.dcm``."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._path: Path | None = None
        self._handle = -1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error

    def write(self, data: memoryview) -> None:
        try:
            if self._handle < 0:
                self._path = self.folder / f".kerma-{secrets.token_hex(8)}.part"
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            write_all(self._handle, data)
        except OSError as error:
            self.abort()
            raise self._failed(error) from error

    def end(self) -> Path:
        path = self._path
        if path is None:
            raise AnswerError("the server sent an instance without a byte")
        try:
            found = part10.probe(path)
            if not _is_uid(found.sop_instance_uid):
                raise FormatError("the SOP Instance UID of an instance is none")
            os.fsync(self._handle)
            os.close(self._handle)
            self._handle = -1
            final = self.folder / f"{found.sop_instance_uid}.dcm"
            path.replace(final)
            sync_folder(os.fspath(self.folder))
        except FormatError as error:
            self.abort()
            raise AnswerError(f"the server sent something that is no instance: {error.message}") from error
        except OSError as error:
            self.abort()
            raise self._failed(error) from error
        self._path = None
        return final

    def abort(self) -> None:
        handle, self._handle = self._handle, -1
        path, self._path = self._path, None
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.close(handle)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> OutOfResourcesError:
        return OutOfResourcesError(f"the file cannot be written: {error.strerror}", where=str(self.folder))


class OneFileKeeper:
    """One part into one file, which takes its name when it is whole."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._part = self.path.with_name(f".kerma-{secrets.token_hex(8)}.part")
        self._handle = -1
        self._ended = False

    def write(self, data: memoryview) -> None:
        try:
            self._open()
            write_all(self._handle, data)
        except OSError as error:
            raise self._failed(error) from error

    def end(self) -> Path:
        if self._ended:
            raise AnswerError("the server sent more than one part where one was asked for")
        try:
            self._open()
            os.fsync(self._handle)
            os.close(self._handle)
            self._handle = -1
            self._part.replace(self.path)
            sync_folder(os.fspath(self.path.parent))
        except OSError as error:
            raise self._failed(error) from error
        self._ended = True
        return self.path

    def abort(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _open(self) -> None:
        if self._handle < 0 and not self._ended:
            self._handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)

    def _failed(self, error: OSError) -> OutOfResourcesError:
        return OutOfResourcesError(f"the file cannot be written: {error.strerror}", where=str(self.path))


class DatasetKeeper:
    """Data sets."""

    def __init__(self) -> None:
        self._spool = Spool()

    def write(self, data: memoryview) -> None:
        self._spool.add(bytes(data))

    def end(self) -> Dataset:
        spool, self._spool = self._spool, Spool()
        try:
            return part10.read(spool.whole())
        except FormatError as error:
            raise AnswerError(f"the server sent something that is no instance: {error.message}") from error

    def abort(self) -> None:
        self._spool.close()


class BytesKeeper:
    """The bytes of each part, with its media type."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._data = bytearray()

    def write(self, data: memoryview) -> None:
        if len(self._data) + len(data) > self._longest:
            raise AnswerError(f"a part is longer than {self._longest} bytes", hint="write it to a file")
        self._data += data

    def end(self) -> bytes:
        data, self._data = bytes(self._data), bytearray()
        return data

    def abort(self) -> None:
        self._data = bytearray()


class Sorter:
    """The bytes of an answer to a keeper, part by part; a single part, of type ``content_type``, is the whole body."""

    def __init__(self, parser: Parser | None, keeper: Keeper, content_type: str) -> None:
        self._parser = parser
        self._keeper = keeper
        self._type = content_type

    def take(self, chunks: Sequence[bytes], *, last: bool) -> list[tuple[Any, str]]:
        """What became whole by these bytes, with its Content-Type; ``AnswerError`` where the body was cut."""
        done: list[tuple[Any, str]] = []
        parser = self._parser
        if parser is None:
            for chunk in chunks:
                if chunk:
                    self._keeper.write(memoryview(chunk))
            return [(self._keeper.end(), self._type)] if last else []
        try:
            for chunk in chunks:
                for event in parser.feed(chunk):
                    match event:
                        case Data():
                            self._keeper.write(event.data)
                        case Part():
                            self._type = event.content_type
                        case PartEnd():
                            done.append((self._keeper.end(), self._type))
                        case End():
                            pass
        except HTTPProblem as error:
            raise AnswerError(f"the answer is no multipart: {error.message}") from error
        if last and not parser.ended:
            raise AnswerError("the answer ends before its closing boundary", hint="ask again")
        return done


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= 64 and text.isascii() and text[0].isdigit() and text.replace(".", "").isdigit()


def syntax_of(content_type: str) -> tuple[str, str]:
    """Media type and transfer syntax of a part; the latter empty where it is not said."""
    try:
        media = parse_media(content_type)
    except HTTPProblem:
        return "application/octet-stream", ""
    return media.type, media.transfer_syntax or ""
