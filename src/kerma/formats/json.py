"""DICOM JSON (PS3.18 F.2): data sets as objects of tags, and back.

Rules: group lengths and, unless asked for, file meta information are left out (F.2.2); text is UTF-8, so
SpecificCharacterSet says so where it is there; binary values are little endian and inline, or named by a URI that a
callback chooses (``bulk``). Nothing recurses, so depth has no bound but ``Limits``; ``read_many`` and ``write_many``
hold one data set at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Protocol

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import FormatError, KermaError
from kerma.formats.assembly import Fetch
from kerma.formats.json_reader import build
from kerma.formats.json_text import Splitter, parse
from kerma.formats.json_writer import json_pieces
from kerma.formats.plain_values import Bulk
from kerma.limits import Limits

__all__ = ["Bulk", "Fetch", "from_json", "json_pieces", "read_many", "to_json", "to_json_object", "write_many"]

_LIMITS = Limits()
_STEP = 1 << 20


class Readable(Protocol):
    """A file of text or bytes, as far as it is needed."""

    def read(self, size: int = ..., /) -> Any: ...


Source = str | Buffer | Mapping[str, Any] | list[Any] | os.PathLike[str] | Readable


def to_json(
    ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True, indent: int | None = None, meta: bool = False
) -> str:
    """The data set as a JSON object of "GGGGEEEE": {"vr", "Value" | "InlineBinary" | "BulkDataURI"}.

    ``bulk`` gets the path and the element of each binary value and returns its URI, or None to have it inline;
    ``inline`` False leaves binary values out (their "vr" stays). ``indent`` puts each attribute on a line of its own.
    ``meta`` adds the file meta information (group 0002), which is not in the standard but lets ``from_json`` give the
    whole file back. A value that cannot be decoded is given as its bytes with VR UN.
    """
    return "".join(json_pieces(ds, bulk=bulk, inline=inline, indent=indent, meta=meta))


def to_json_object(ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True, meta: bool = False) -> dict[str, Any]:
    """The same as a dict, for those who want to change or add something before it is written."""
    found: dict[str, Any] = parse(to_json(ds, bulk=bulk, inline=inline, meta=meta), _LIMITS)
    return found


def from_json(
    source: Source,
    *,
    bulk: Fetch | None = None,
    transfer_syntax_uid: str | None = None,
    limits: Limits = _LIMITS,
) -> Dataset:
    """The data set of one JSON object, or of an array that holds one.

    ``source`` is text, bytes, an object that was already decoded, a path (as ``os.PathLike``) or a file. ``bulk`` gets
    the path and the URI of each value that lies elsewhere and returns its bytes, or None to keep the URI: such a value
    is a ``BulkData`` and can be written to JSON and XML again, but not to a file. ``transfer_syntax_uid`` says how the
    data set will be encoded; only encapsulated pixel data needs it, if group 0002 is not there to say it.

    ``FormatError`` and its kinds with offset or tag path where the text is no JSON or no data set.
    """
    if isinstance(source, os.PathLike):
        with _placed(source), open(source, "rb") as file:
            return from_json(file.read(), bulk=bulk, transfer_syntax_uid=transfer_syntax_uid, limits=limits)
    model = source if isinstance(source, (Mapping, list)) else parse(_content(source), limits)
    if isinstance(model, list):
        if len(model) != 1:
            raise FormatError(
                f"the JSON text is an array of {len(model)} data sets", hint="kerma.formats.json.read_many reads them"
            )
        model = model[0]
    return build(model, bulk=bulk, limits=limits, transfer_syntax_uid=transfer_syntax_uid)


def read_many(
    source: str | Buffer | os.PathLike[str] | Readable, *, bulk: Fetch | None = None, limits: Limits = _LIMITS
) -> Iterator[Dataset]:
    """The data sets of a JSON array, of lines of JSON, or of one object, one after the other.

    No more than one of them is in memory, with a megabyte of text. ``FormatError`` comes where the text is wrong;
    what was before it was given by then.
    """
    if isinstance(source, os.PathLike):
        with _placed(source), open(source, "rb") as file:
            yield from read_many(file, bulk=bulk, limits=limits)
        return
    splitter = Splitter(limits.max_value)
    number = 0
    for chunk in _chunks(source):
        for text in splitter.feed(chunk):
            try:
                ds = build(parse(text, limits), bulk=bulk, limits=limits, transfer_syntax_uid=None)
            except KermaError as error:
                error.where = f"object {number + 1}" if error.where is None else error.where
                raise
            number += 1
            yield ds
    splitter.finish()


def write_many(
    datasets: Iterable[Dataset],
    target: BinaryIO,
    *,
    lines: bool = False,
    bulk: Bulk | None = None,
    inline: bool = True,
    meta: bool = False,
) -> int:
    """Write data sets to a binary file, as an array, or an object a line with ``lines``; how many there were."""
    count = 0
    for ds in datasets:
        target.write(b"" if lines else b",\n" if count else b"[")
        for piece in json_pieces(ds, bulk=bulk, inline=inline, meta=meta):
            target.write(piece.encode("utf-8"))
        if lines:
            target.write(b"\n")
        count += 1
    if not lines:
        target.write(b"]\n" if count else b"[]\n")
    return count


class _placed:  # noqa: N801  reads as a word of the with statement
    """Errors inside say which file it was."""

    def __init__(self, path: os.PathLike[str]) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KermaError):
            place = os.fspath(self.path)
            error.where = place if error.where is None else f"{place}, {error.where}"


def _content(source: Any) -> str | Buffer:
    if isinstance(source, (str, bytes, bytearray, memoryview)):
        return source
    content: str | Buffer = source.read()
    return content


def _chunks(source: Any) -> Iterator[Buffer]:
    if isinstance(source, str):
        source = source.encode("utf-8", "surrogatepass")
    if isinstance(source, (bytes, bytearray, memoryview)):
        view = memoryview(source).cast("B")
        for at in range(0, len(view), _STEP):
            yield view[at : at + _STEP]
        return
    while chunk := source.read(_STEP):
        yield chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk
