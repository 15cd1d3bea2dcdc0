"""XML of data sets: the Native DICOM Model (PS3.19 A.1), written and read, and the dialect of DCMTK's tools.

Rules: group lengths and, unless asked for, file meta information are left out; text is UTF-8; binary values are little
endian and inline, or named by a URI that a callback chooses. Nothing recurses.
"""

from __future__ import annotations

import os
from typing import IO, Any, Literal

from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import KermaError, UsageError
from kerma.formats.assembly import Fetch
from kerma.formats.plain_values import Bulk
from kerma.formats.xml_reader import XMLReader
from kerma.formats.xml_writer import xml_pieces
from kerma.limits import Limits

__all__ = ["Bulk", "Fetch", "from_xml", "to_xml", "xml_pieces"]

Dialect = Literal["native", "dcmtk"]
_LIMITS = Limits()
_STEP = 1 << 18


def to_xml(
    ds: Dataset,
    *,
    dialect: Dialect = "native",
    bulk: Bulk | None = None,
    inline: bool = True,
    meta: bool = False,
) -> str:
    """The data set as an XML document of the Native DICOM Model, or in the dialect that DCMTK's ``xml2dcm`` reads.

    ``bulk`` gets the path and the element of each binary value and returns its URI, or None to have it inline;
    ``inline`` False leaves binary values out. ``meta`` adds the file meta information (group 0002), which is not in the
    standard but lets ``from_xml`` give the whole file back; DCMTK's dialect always has it. DCMTK's dialect has no
    URIs: what ``bulk`` names is marked as hidden there.
    """
    if dialect not in {"native", "dcmtk"}:
        raise UsageError(f"{dialect!r} is no dialect of XML", hint='"native" and "dcmtk" are')
    return "".join(xml_pieces(ds, dialect=dialect, bulk=bulk, inline=inline, meta=meta))


def from_xml(
    source: str | Buffer | os.PathLike[str] | IO[Any],
    *,
    bulk: Fetch | None = None,
    transfer_syntax_uid: str | None = None,
    limits: Limits = _LIMITS,
) -> Dataset:
    """The data set of an XML document, in the Native DICOM Model or in the dialect of DCMTK's ``dcm2xml``.

    ``source`` is text, bytes, a path (as ``os.PathLike``) or a file. ``bulk`` gets the path and the URI of each value
    that lies elsewhere and returns its bytes, or None to keep the URI: such a value is a ``BulkData``. So is a value
    that DCMTK marked as hidden, with an empty URI. ``transfer_syntax_uid`` says how the data set will be encoded; only
    encapsulated pixel data needs it, if nothing in the document says it.

    ``FormatError`` and its kinds with line and tag path where the text is no XML or no data set. Documents that declare
    entities are refused.
    """
    reader = XMLReader(bulk, limits, transfer_syntax_uid)
    if isinstance(source, os.PathLike):
        place = os.fspath(source)
        try:
            with open(source, "rb") as file:
                return _fed(reader, file)
        except KermaError as error:
            error.where = place if error.where is None else f"{place}, {error.where}"
            raise
    if isinstance(source, (str, bytes, bytearray, memoryview)):
        reader.feed(source)
        return reader.close()
    return _fed(reader, source)


def _fed(reader: XMLReader, file: IO[Any]) -> Dataset:
    while chunk := file.read(_STEP):
        reader.feed(chunk)
    return reader.close()
