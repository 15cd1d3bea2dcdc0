"""Files and data sets into the archive: a file keeps its own bytes, preamble and meta information included (PS3.10).

Rules: a file is read in pieces and goes in as one that arrives (``arriving``); a data set without a file gets a head of
ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerma.archive.arriving import FileSink, IngestResult
from kerma.archive.ingest import Desk
from kerma.archive.recoding import sink_for
from kerma.dataset import Dataset
from kerma.encoding.source import ByteSource, BytesSource
from kerma.errors import FormatError, InvalidInstanceError, NotFoundError, UsageError
from kerma.formats.source import FileSource
from kerma.services.providers import StoreRequest
from kerma.standard import transfer_syntaxes

__all__ = ["IngestResult", "ingest"]

_PIECE = 1 << 20


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
    sink = FileSink(desk)
    try:
        for at in range(0, source.size, _PIECE):
            sink.write([memoryview(source.read(at, min(_PIECE, source.size - at)))])
        return sink.commit()
    finally:
        sink.abort()


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
