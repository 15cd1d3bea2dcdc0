"""A DICOMDIR as bytes: the records in the order of the tree, with offsets that are right (PS3.3 F.3, PS3.10 8.6).

Rules:

- A record that was not changed is copied behind new links; only its three offsets and its in-use flag are made.
- Always explicit VR little endian, as PS3.10 8.6 wants, and defined lengths.
- What else stood in the DICOMDIR, at the top level and in records, is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise

from kerma.dataset import Dataset, Sequence
from kerma.dataset.copying import selected
from kerma.dataset.writing import touched
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, key_of
from kerma.encoding.writer import element_header, item_header
from kerma.errors import KermaError, ValueEncodeError
from kerma.formats.media.directory import FIRST, IN_USE, LAST, LINKS_SIZE, LOWER, NEXT, RECORDS, USED, Record, walk
from kerma.standard import transfer_syntaxes

_UID = transfer_syntaxes.EXPLICIT_LE.uid
_LINK_TAGS = frozenset({NEXT, IN_USE, LOWER})


def _element(tag: int, vr: str, raw: bytes) -> bytes:
    return element_header(EXPLICIT_LE, tag, vr, len(raw)) + raw


def _links(following: int, lower: int) -> bytes:
    return (
        _element(NEXT, "UL", struct.pack("<I", following))
        + _element(IN_USE, "US", struct.pack("<H", USED))
        + _element(LOWER, "UL", struct.pack("<I", lower))
    )


def _content(record: Record) -> Buffer:
    """The bytes of a record behind its links."""
    ds = record.built
    if record.raw is not None and (ds is None or not touched(ds._body)):
        return record.raw
    return _rest(record.dataset)


def _rest(ds: Dataset) -> bytes:
    """The elements of a record behind its links. Those whose headers are odd get right ones: what such a header means
    may hang on what stands around it.
    """
    rest = selected(ds, [tag for tag in ds if tag not in _LINK_TAGS])
    body = ds._body
    for tag in rest:
        at = body.index[key_of(tag)]
        if isinstance(at, int) and at in body.marks.odd:
            try:
                value = ds.value_of(tag)
                rest.add(tag, ds.vr_of(tag), list(value) if isinstance(value, Sequence) else value)
            except KermaError:
                rest.add(tag, "UN", bytes(ds[tag].raw or b""))
    return rest.to_bytes(_UID)


def encode(top: Dataset, root: Iterable[Record], head: bytes) -> Iterator[Buffer]:
    """The file: ``head`` (preamble and meta information), the elements of ``top`` and the records below ``root``."""
    records = [record for _, record in walk(root)]
    contents = [_content(record) for record in records]
    # Elements of the meta information that strayed into the data set would be read as such behind ``head``.
    own = selected(top, [tag for tag in top if tag >> 16 > 2 and tag not in {FIRST, LAST, RECORDS}])
    before = selected(own, [tag for tag in own if tag < FIRST]).to_bytes(_UID)
    between = selected(own, [tag for tag in own if FIRST < tag < RECORDS]).to_bytes(_UID)
    after = selected(own, [tag for tag in own if tag > RECORDS]).to_bytes(_UID)
    # Two offsets of 12 bytes each, and the header of the sequence.
    start = len(head) + len(before) + 24 + len(between) + 12
    places: dict[int, int] = {}
    at = start
    for record, content in zip(records, contents, strict=True):
        places[id(record)] = at
        at += 8 + LINKS_SIZE + len(content)
    if at > 0xFFFFFFFE:
        raise ValueEncodeError("a DICOMDIR of more than 4 GB has no offsets (PS3.3 F.3.2.2)", hint="make two file-sets")
    following = _following(root, records)
    entity = list(root)
    yield head + before
    for tag, number in ((FIRST, 0), (LAST, -1)):
        yield _element(tag, "UL", struct.pack("<I", places[id(entity[number])] if entity else 0))
    yield between
    yield element_header(EXPLICIT_LE, RECORDS, "SQ", at - start)
    for record, content in zip(records, contents, strict=True):
        lower = places[id(record.children[0])] if record.children else 0
        behind = following.get(id(record))
        yield item_header(EXPLICIT_LE, LINKS_SIZE + len(content))
        yield _links(0 if behind is None else places[id(behind)], lower)
        yield content
    yield after


def _following(root: Iterable[Record], records: list[Record]) -> dict[int, Record]:
    """The next record of its entity, by the id of each that has one."""
    found: dict[int, Record] = {}
    for entity in (list(root), *(record.children for record in records)):
        found.update((id(one), other) for one, other in pairwise(entity))
    return found
