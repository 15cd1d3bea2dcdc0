"""Metadata of instances as JSON and XML: all of a data set, its bulk data by URI (PS3.18 10.4.1.1.2, 10.4.3.3, F.2).

Rules:

- Complete: whatever the header holds is there, private attributes and functional groups too. A binary value is inline
  where it is small, else a BulkDataURI; none is left out.
- BulkDataURI is absolute: not every client resolves a relative one, and those that do have different bases in mind.
- What lies behind the pixels, at its place or not, is read as a reader of the file reads it. A sequence that is so
  damaged that its items cannot be found is told as its bytes, with VR UN: the rest of the series is not lost for it.
- AvailableTransferSyntaxUID (0008,3002) says how the instance is stored; the pixels are a BulkDataURI although they are
  not looked at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kerma.dataset import Dataset, Element
from kerma.dataset.walking import walk
from kerma.dicomweb.bulkdata import name_of, namer
from kerma.dicomweb.uris import Templates
from kerma.errors import FormatError, KermaError
from kerma.formats.json import json_pieces
from kerma.formats.json_alike import AlikeJSON
from kerma.formats.xml_writer import xml_pieces

_AVAILABLE_SYNTAX = 0x00083002
_STAND_IN = bytes(8)
"""Instead of the pixels, of which nothing but their name is written."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one instance: ``data`` encoded in ``encoding``, the stored transfer syntax, and tag and VR of the
    pixel data that follows it, None where there is none.
    """

    study: str
    series: str
    instance: str
    transfer_syntax_uid: str
    data: bytes
    encoding: str
    pixel: tuple[int, str] | None
    tail: bytes = b""
    """The elements behind the pixel data, if there are any."""


def dataset_of(header: Header, *, mended: bool = True) -> Dataset:
    """The whole data set, its pixels only named. ``mended``: every sequence in it can be read, see above."""
    ds = _read(header)
    ds.add(_AVAILABLE_SYNTAX, "UI", header.transfer_syntax_uid)
    if mended:
        for tag in list(ds):
            if ds.vr_of(tag) == "SQ" and damaged(ds[tag]):
                _as_bytes(ds, tag)
    return ds


def _read(header: Header) -> Dataset:
    if header.pixel is None:
        return Dataset.from_bytes(header.data, header.encoding)
    tag, vr = header.pixel
    if header.tail:
        pixels = Dataset()
        pixels.add(tag, vr, _STAND_IN)
        try:
            data = b"".join((header.data, pixels.to_bytes(header.encoding), header.tail))
            return Dataset.from_bytes(data, header.encoding)
        except KermaError:
            pass  # what is behind the pixels is no element
    ds = Dataset.from_bytes(header.data, header.encoding)
    ds.add(tag, vr, _STAND_IN)
    return ds


def damaged(element: Element) -> bool:
    """Whether the items of a sequence, or what is in them, cannot be found."""
    try:
        for item in element.sequence.transient():
            for _ in walk(item, max_path=2):
                pass
    except FormatError:
        return True
    return False


def _as_bytes(ds: Dataset, tag: int) -> None:
    try:
        raw = ds[tag].raw
    except FormatError:  # nobody can tell where it ends
        raw = None
    ds.add(tag, "UN", raw)


def json_of(header: Header, urls: Templates, *, mended: bool = True) -> Iterator[str]:
    """One instance as a JSON object, in pieces."""
    return json_pieces(dataset_of(header, mended=mended), bulk=namer(_prefix(header, urls)))


def xml_of(header: Header, urls: Templates) -> Iterator[str]:
    """One instance as a document of the Native DICOM Model, in pieces."""
    return xml_pieces(dataset_of(header), bulk=namer(_prefix(header, urls)))


def objects_of(headers: Iterable[Header], urls: Templates, *, mended: bool = False) -> Iterator[str]:
    """Many instances as JSON objects with commas between them, in pieces; what they share is written once. Where they
    are not ``mended``, which takes longer, a sequence that is damaged is a ``FormatError``.
    """
    if mended:
        for number, header in enumerate(headers):
            yield "," if number else ""
            yield from json_of(header, urls)
        return
    alike = AlikeJSON(cut=_AVAILABLE_SYNTAX)
    first = True
    for header in headers:
        if not first:
            yield ","
        first = False
        text = _alike(header, urls, alike)
        if text is None:
            yield from json_of(header, urls, mended=False)
        else:
            yield text


def _alike(header: Header, urls: Templates, alike: AlikeJSON) -> str | None:
    if header.tail:
        return None
    prefix = _prefix(header, urls)
    found = alike.elements(header.data, header.encoding, namer(prefix))
    if found is None:
        return None
    tags, texts = list(found[0]), list(found[1])
    at = bisect_left(tags, _AVAILABLE_SYNTAX)
    stored = f'"{_AVAILABLE_SYNTAX:08X}":{{"vr":"UI","Value":["{header.transfer_syntax_uid}"]}}'
    texts[at : at + (tags[at : at + 1] == [_AVAILABLE_SYNTAX])] = [stored]
    if header.pixel is not None:
        tag, vr = header.pixel
        if tags and tags[-1] >= tag:
            return None
        texts.append(f'"{tag:08X}":{{"vr":"{vr}","BulkDataURI":"{prefix}{name_of((tag,))}"}}')
    return "{" + ",".join(texts) + "}"


def _prefix(header: Header, urls: Templates) -> str:
    # Not by the templates, which refuse UIDs that no standard has and real files do.
    return f"{urls.root}/studies/{header.study}/series/{header.series}/instances/{header.instance}/bulkdata/"
