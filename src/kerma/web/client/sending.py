"""What is sent to be stored: files, folders and data sets as parts of a body that is made while it goes out.

Rules:

- Nothing is read before it is sent but the first kilobytes of each file, which say what it is; a folder gives its files
  in the order of their names, and what in it is no DICOM is passed over.
- A body has a bounded number of parts and bytes; more items are more requests. A file larger than the bound is a
  request of its own.
- Where the length of every part is known, so is the length of the body: servers like to know.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerma.dataset import Dataset
from kerma.dicomweb.media_types import DICOM
from kerma.dicomweb.multipart import Writer
from kerma.errors import FormatError, KermaError, UsageError
from kerma.formats import part10
from kerma.formats.source import FileSource
from kerma.standard import transfer_syntaxes
from kerma.web.client.effects import Content

Storable = str | os.PathLike[str] | Dataset | bytes
MAX_PARTS = 500
MAX_BYTES = 512 << 20
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """One instance to send. ``size`` is None where it is known at the end only."""

    source: str
    sop_class_uid: str
    sop_instance_uid: str
    make: Callable[[], Iterator[bytes]]
    size: int | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """What somebody named and cannot be sent."""

    source: str
    error: KermaError


def several(items: Iterable[Storable] | Storable) -> Iterable[Storable]:
    """One item is a list of one."""
    if isinstance(items, (str, os.PathLike, Dataset, bytes, bytearray, memoryview)):
        return [bytes(items) if isinstance(items, (bytearray, memoryview)) else items]
    return items


def items_of(things: Iterable[Storable]) -> Iterator[Item | Unusable]:
    """The instances in files, folders, data sets and bytes, in order."""
    for number, thing in enumerate(things):
        if isinstance(thing, (str, os.PathLike)):
            yield from _below(Path(thing))
            continue
        name = f"item {number + 1}"
        try:
            yield _of_dataset(thing, name) if isinstance(thing, Dataset) else _of_bytes(thing, name)
        except KermaError as error:
            yield Unusable(name, error)


def _below(path: Path) -> Iterator[Item | Unusable]:
    if not path.is_dir():
        try:
            yield _of_file(path)
        except KermaError as error:
            yield Unusable(str(path), error)
        except OSError as error:
            yield Unusable(str(path), UsageError(f"cannot be opened: {error.strerror}", where=str(path)))
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file = Path(folder, name)
            try:
                if file.is_file():
                    yield _of_file(file)
            except (KermaError, OSError):
                continue  # it merely lay there


def _of_file(path: Path) -> Item:
    found = part10.probe(path)
    size = found.dataset_offset + found.dataset_length
    prefix = b""
    if not found.dataset_offset:  # a bare data set
        prefix = _head(found.sop_class_uid, found.sop_instance_uid, found.transfer_syntax_uid)

    def pieces() -> Iterator[bytes]:
        if prefix:
            yield prefix
        with FileSource(path) as source:
            if source.size != size:
                raise FormatError("the file has changed since it was looked at", where=str(path))
            for at in range(0, size, _PIECE):
                yield bytes(source.read(at, min(_PIECE, size - at)))

    return Item(str(path), found.sop_class_uid, found.sop_instance_uid, pieces, size + len(prefix))


def _head(sop_class: str, sop_instance: str, syntax: str) -> bytes:
    return part10.file_head(sop_class_uid=sop_class, sop_instance_uid=sop_instance, transfer_syntax_uid=syntax)


def _of_bytes(data: bytes, name: str) -> Item:
    ds = part10.read(data)
    if not part10.split(data).dataset_offset:
        return _of_dataset(ds, name)
    return Item(name, *_uids(ds), lambda: iter([data]), len(data))


def _of_dataset(ds: Dataset, name: str) -> Item:
    syntax = ds.transfer_syntax_uid or transfer_syntaxes.EXPLICIT_LE.uid
    head = _head(*_uids(ds), syntax)

    def pieces() -> Iterator[bytes]:
        yield head
        for chunk in ds.chunks(syntax):
            yield bytes(chunk)

    return Item(name, *_uids(ds), pieces, None)


def _uids(ds: Dataset) -> tuple[str, str]:
    sop_class, sop_instance = ds.get("SOPClassUID"), ds.get("SOPInstanceUID")
    if not isinstance(sop_class, str) or not isinstance(sop_instance, str):
        raise UsageError("the data set has no SOP Class UID or SOP Instance UID", hint="give it both")
    return str(sop_class), str(sop_instance)


def batches(found: Iterable[Item | Unusable]) -> Iterator[list[Item] | Unusable]:
    """Items for one request each, and what cannot be sent."""
    batch: list[Item] = []
    size = 0
    for item in found:
        if isinstance(item, Unusable):
            yield item
            continue
        length = item.size or 0
        if batch and (len(batch) >= MAX_PARTS or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def body_of(items: Sequence[Item]) -> tuple[str, Content]:
    """Content-Type and body of a request that stores ``items``."""
    boundary = Writer().boundary

    def make() -> Iterator[bytes]:
        writer = Writer(boundary)
        for item in items:
            yield writer.part(DICOM)
            yield from item.make()
        yield writer.end()

    writer = Writer(boundary)
    around = sum(len(writer.part(DICOM)) for _ in items) + len(writer.end())
    sizes = [item.size for item in items if item.size is not None]
    length = around + sum(sizes) if len(sizes) == len(items) else None
    return Writer(boundary).content_type(DICOM), Content(make, length)
