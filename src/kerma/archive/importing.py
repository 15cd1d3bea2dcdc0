"""Files and data sets into the archive: a file keeps its own bytes, preamble and meta information included (PS3.10).

Rules:

- A file is read in pieces; the first ones must hold its meta information.
- The meta information says what the data set is; the data set must agree (``facts_of``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kerma.archive.facts import facts_of, header_syntax
from kerma.archive.ingest import Desk
from kerma.archive.recoding import sink_for
from kerma.dataset import Dataset
from kerma.encoding.source import ByteSource, BytesSource
from kerma.errors import FormatError, InvalidInstanceError, NotFoundError, TruncatedError, UsageError
from kerma.formats import part10
from kerma.formats.head import HeadScanner
from kerma.formats.meta import Head
from kerma.formats.personality import recognise
from kerma.formats.source import FileSource
from kerma.services.providers import StoreOutcome, StoreRequest
from kerma.standard import transfer_syntaxes

_HEAD = 1 << 16
_MAX_HEAD = 1 << 20
_PIECE = 1 << 20
_META_CLASS = 0x00020002
_META_INSTANCE = 0x00020003


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What came in and how it ended; ``size`` in bytes of the file."""

    sop_instance_uid: str
    sop_class_uid: str
    outcome: StoreOutcome
    size: int
    warning: str = ""
    """What whoever is responsible should know although it was taken."""


def ingest(desk: Desk, source: Any) -> IngestResult:
    """Take one file or data set."""
    if isinstance(source, Dataset):
        return _dataset(desk, source)
    with _opened(source) as opened:
        return _file(desk, opened)


@contextmanager
def _opened(source: Any) -> Iterator[ByteSource]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield BytesSource(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            opened = FileSource(source)
        except OSError as error:
            raise NotFoundError(f"cannot be opened: {error.strerror}", where=os.fspath(source)) from error
        with opened:
            yield opened
    elif hasattr(source, "read"):
        yield BytesSource(source.read())
    else:
        raise UsageError(f"a path, bytes, a binary file or a Dataset is wanted, not {type(source).__name__}")


def _file(desk: Desk, source: ByteSource) -> IngestResult:
    head = _head(source)
    prefix = source.read(0, head.dataset_offset)
    warning = _examine(desk, head.preamble)
    sop_class, sop_instance = head.text(prefix, _META_CLASS), head.text(prefix, _META_INSTANCE)
    if not sop_class or not sop_instance:  # no meta information, or not enough: the data set knows
        sop_class, sop_instance = _identity(desk, source, head)
    own = prefix or None
    sink = sink_for(desk, StoreRequest(sop_class, sop_instance, head.transfer_syntax_uid), head=own)
    try:
        for at in range(head.dataset_offset, source.size, _PIECE):
            sink.write([memoryview(source.read(at, min(_PIECE, source.size - at)))])
        outcome = sink.commit()
    finally:
        sink.abort()
    return IngestResult(sop_instance, sop_class, outcome, source.size, warning)


def _examine(desk: Desk, preamble: bytes | None) -> str:
    """A warning where the preamble makes the file a program; ``InvalidInstanceError`` where that is refused."""
    found = recognise(preamble)
    if found is None or not found.executable:
        return ""
    if desk.config.refuse_executable:
        raise InvalidInstanceError(
            f"the preamble makes the file {found.name}",
            hint="read it and write it again without its preamble, or set archive.executable_preambles to keep",
        )
    return f"the preamble makes the file {found.name}; it is kept as it came"


def _identity(desk: Desk, source: ByteSource, head: Head) -> tuple[str, str]:
    scanner = HeadScanner(head.transfer_syntax_uid, limits=desk.config.limits, bound=desk.config.max_scan)
    at = head.dataset_offset
    while at < source.size and not scanner.done:
        scanner.feed(source.read(at, min(_HEAD, source.size - at)))
        at += _HEAD
    scanner.finish(source.size - head.dataset_offset)
    ds = Dataset.from_bytes(scanner.header_bytes, header_syntax(head.transfer_syntax_uid))
    facts = facts_of(ds, max_text=desk.config.max_text)
    return facts.sop_class_uid, facts.sop_instance_uid


def _head(source: ByteSource) -> Head:
    try:
        return part10.split(source.read(0, min(_HEAD, source.size)))
    except TruncatedError:
        if source.size <= _HEAD:
            raise
    return part10.split(source.read(0, min(_MAX_HEAD, source.size)))


def _dataset(desk: Desk, ds: Dataset) -> IngestResult:
    try:
        sop_class = str(ds.get("SOPClassUID") or "")
        sop_instance = str(ds.get("SOPInstanceUID") or "")
    except FormatError as error:
        raise InvalidInstanceError("SOP class or instance UID cannot be read") from error
    syntax = ds.transfer_syntax_uid or transfer_syntaxes.EXPLICIT_LE.uid
    sink = sink_for(desk, StoreRequest(sop_class, sop_instance, syntax))
    size = 0
    try:
        for chunk in ds.chunks(syntax):
            size += len(chunk)
            sink.write([memoryview(chunk)])
        outcome = sink.commit()
    finally:
        sink.abort()
    return IngestResult(sop_instance, sop_class, outcome, size)
