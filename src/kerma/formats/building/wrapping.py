"""``wrap`` and ``unwrap``: one call for every kind of file that becomes a new object.

What a file is follows from its bytes, and only for OBJ and MTL, which are plain text, from its name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import KermaError, UsageError
from kerma.formats.building.encapsulated import Code, Document, encapsulate, extract, kind_of
from kerma.formats.building.modules import MAKER, Maker, Share
from kerma.formats.building.secondary_capture import secondary_capture
from kerma.formats.part10 import read

Source = str | os.PathLike[str] | Buffer


def wrap(
    source: Source | Sequence[Source],
    *,
    kind: str | None = None,
    like: Dataset | Source | None = None,
    share: Share = "study",
    title: str = "",
    concept: Code | None = None,
    unit: str = "mm",
    multi_frame: bool | None = None,
    frame_time: float | None = None,
    maker: Maker = MAKER,
    **attributes: Any,
) -> Dataset:
    """A new DICOM object around files: Secondary Capture of pictures, or an encapsulated PDF, CDA, STL, OBJ or MTL.

    ``source`` is a path or bytes, or several of pictures for a multi-frame image. ``like`` is a data set or file whose
    patient, and as ``share`` says study or series, the new object belongs to. ``kind`` is "image", "pdf", "cda",
    "stl", "obj" or "mtl" where the bytes do not tell. ``attributes`` are keywords with their values. ``title``,
    ``concept`` (code, scheme, meaning) and ``unit`` are for documents, ``multi_frame`` and ``frame_time``
    (milliseconds) for pictures.

    Raises ``FormatError`` for files that are not what they should be, ``UsageError`` for what cannot be meant.
    """
    sources = [source] if isinstance(source, (str, bytes, bytearray, memoryview, os.PathLike)) else list(source)
    if not sources:
        raise UsageError("nothing is given to wrap")
    template = like if isinstance(like, Dataset) or like is None else read(like)
    first, name = _bytes_of(sources[0])
    chosen = kind_of(first, name) if kind is None else None if kind == "image" else kind
    try:
        if chosen is None:
            rest = (_bytes_of(each)[0] for each in sources[1:])
            return secondary_capture(
                _chain(first, rest),
                multi_frame=multi_frame,
                frame_time=frame_time,
                template=template,
                share=share,
                attributes=attributes,
                maker=maker,
            )
        if len(sources) > 1:
            raise UsageError("a document is wrapped alone", hint="only pictures are joined in one object")
        return encapsulate(
            first,
            chosen,
            title=title,
            concept=concept,
            unit=unit,
            template=template,
            share=share,
            attributes=attributes,
            maker=maker,
        )
    except KermaError as error:
        if error.where is None and name and not isinstance(error, UsageError):
            error.where = name
        raise


def unwrap(source: Dataset | Source) -> Document:
    """The document that an encapsulated object holds: ``.data``, ``.mime``, ``.title``, ``.suffix``."""
    if isinstance(source, Dataset):
        return extract(source)
    try:
        return extract(read(source))
    except KermaError as error:
        if error.where is None and isinstance(source, (str, os.PathLike)):
            error.where = os.fspath(source)
        raise


def _bytes_of(source: Source) -> tuple[Buffer, str]:
    """The bytes and the name of a source."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return source, ""
    name = os.fspath(source)
    with open(name, "rb") as file:
        return file.read(), name


def _chain(first: Buffer, rest: Any) -> Any:
    yield first
    yield from rest
