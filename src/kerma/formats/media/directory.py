"""The records of a DICOMDIR and how they hang together (PS3.3 F.2.2, F.3.2).

A DICOMDIR holds its records in one flat sequence. Each has the offset, counted from the first byte of the file, of the
next record of its directory entity and of the first one of the entity below it; that is the tree.

Rules:

- An offset leads to a record or nowhere: it is looked up among the places where items begin, never used to read.
- A record belongs to one place. One that is reached twice (a circle, or two parents) is kept where it was reached
  first. Nothing recurses.
- Where offsets lead nowhere, the tree is mended, with a finding: all offsets may be off by the same amount, as when a
  writer counts from elsewhere; else records hang below the nearest record before them that can be above them.
- A record that is not in use (0004,1410) and what hangs below it do not count (PS3.3 F.3.2.2).
- The data set of a record is built when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Any, NamedTuple

from kerma.dataset import Dataset, Sequence
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE
from kerma.errors import FormatError, KermaError
from kerma.findings import Finding
from kerma.formats.media import types
from kerma.formats.media.ids import FileID, parse

RECORDS = 0x00041220
FIRST, LAST = 0x00041200, 0x00041202
NEXT, IN_USE, LOWER, TYPE = 0x00041400, 0x00041410, 0x00041420, 0x00041430
FILE_ID, MRDR = 0x00041500, 0x00041504
USED = 0xFFFF
_LINK_TAGS = frozenset({NEXT, IN_USE, LOWER})

_LINKS = Struct("<8sI8sH8sI6sH")
_HEADS = (b"\x04\0\0\x14UL\x04\0", b"\x04\0\x10\x14US\x02\0", b"\x04\0\x20\x14UL\x04\0", b"\x04\0\x30\x14CS")
LINKS_SIZE = 34
"""Bytes of the three links in front of a record's type, explicit VR little endian."""

_SECTION = "PS3.3 F.3.2.2"


class Links(NamedTuple):
    """What the first elements of a record say."""

    following: int
    in_use: int
    lower: int
    type: str


class Record:
    """One directory record. ``dataset`` holds its elements; ``children`` the records of the entity below it."""

    __slots__ = ("_make", "_type", "children", "index", "offset", "parent", "raw")

    def __init__(self, make: Any, kind: str, *, offset: int = 0, index: int = -1, raw: Buffer | None = None) -> None:
        self._make = make
        self._type = kind
        self.children: list[Record] = []
        self.parent: Record | None = None
        self.index = index
        self.offset = offset
        """Where it lies in the DICOMDIR that was read; 0 for one that was made since."""
        self.raw = raw
        """Its bytes behind the links, if they are as they are to be written; None otherwise."""

    @property
    def type(self) -> str:
        """The Directory Record Type, "IMAGE" for one."""
        return self._type

    @property
    def row(self) -> types.RecordType | None:
        """What the standard says of its type; None for one that it does not know."""
        return types.of_name(self._type)

    @property
    def dataset(self) -> Dataset:
        """The elements of the record, its keys among them. What is changed here is written by ``FileSet.save``."""
        if not isinstance(self._make, Dataset):
            self._make = self._make(self.index)
        ds: Dataset = self._make
        return ds

    @property
    def built(self) -> Dataset | None:
        """The data set, if somebody asked for it."""
        return self._make if isinstance(self._make, Dataset) else None

    @property
    def file_id(self) -> FileID | None:
        """The components of its Referenced File ID; None where it refers to no file. Not checked."""
        value = self.dataset.get(FILE_ID)
        if value is None:
            return None
        parts = value if isinstance(value, tuple) else (value,)
        return parse([part if isinstance(part, str) else repr(part) for part in parts])

    @property
    def sop_instance_uid(self) -> str:
        """The instance that it refers to, "" for none."""
        return str(self.dataset.get("ReferencedSOPInstanceUIDInFile") or "")

    @property
    def above(self) -> list[Record]:
        """The records on the way from the root to this one, without it."""
        found: list[Record] = []
        record = self.parent
        while record is not None:
            found.append(record)
            record = record.parent
        return found[::-1]

    def merged(self) -> Dataset:
        """The elements of this record and of those above it in one data set: what the DICOMDIR says of an instance."""
        ds = Dataset()
        for record in (*self.above, self):
            for element in record.dataset.elements():
                if element.tag not in _LINK_TAGS:
                    ds[element.tag] = element
        return ds

    def find_above(self, kind: str) -> Record | None:
        """The record of that type on the way to the root, itself included."""
        record: Record | None = self
        while record is not None and record.type != kind:
            record = record.parent
        return record

    def __repr__(self) -> str:
        return f"<Record {self._type} with {len(self.children)} below>"


def walk(records: Iterable[Record]) -> Iterator[tuple[int, Record]]:
    """(depth, record) of all, each before those below it."""
    stack = [iter(records)]
    while stack:
        record = next(stack[-1], None)
        if record is None:
            stack.pop()
            continue
        yield len(stack) - 1, record
        if record.children:
            stack.append(iter(record.children))


class Directory:
    """The records of one DICOMDIR, read. ``root`` is the root directory entity; ``findings`` what was mended."""

    def __init__(self, ds: Dataset) -> None:
        self.ds = ds
        self.findings: list[Finding] = []
        self.root: list[Record] = []
        self.unreached: list[Record] = []
        """Records in use that nothing leads to. They do not belong to the file-set; ``save`` leaves them out."""
        self.referenced: dict[int, Record] = {}
        """Multi-referenced file records (retired) by their offset."""
        self._records: list[Record] = []
        self._links: list[Links] = []
        self._children: list[list[int]] = []
        self._top: list[int] = []
        self._cut = False
        self._read()

    def note(self, code: str, text: str, offset: int | None = None) -> None:
        self.findings.append(Finding(code, text, offset=offset, section=_SECTION))

    # -- the records ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        ds = self.ds
        if RECORDS not in ds:
            self.note("no-records", "there is no Directory Record Sequence (0004,1220)")
            return
        sequence = ds.value_of(RECORDS)
        if not isinstance(sequence, Sequence):
            raise FormatError("the Directory Record Sequence is no sequence", path=(RECORDS,))
        # Items that were not yet built are known by where they lie.
        offsets = [place for place in sequence._items if isinstance(place, int)]
        if len(offsets) != len(sequence):
            raise FormatError("the records were changed before the DICOMDIR was read", path=(RECORDS,))
        buf = ds._body.buf
        plain = ds._body.encoding is EXPLICIT_LE
        for index, offset in enumerate(offsets):
            links, raw = _quick_links(buf, offset, plain)
            if links is None:
                links = self._careful_links(sequence[index], index, offset)
            record = Record(sequence.__getitem__, links.type, offset=offset, index=index, raw=raw)
            self._records.append(record)
            self._links.append(links)
            self._children.append([])
        self._hang(offsets)

    def _careful_links(self, item: Dataset, index: int, offset: int) -> Links:
        try:
            found = [item.get(tag) for tag in (NEXT, IN_USE, LOWER)]
            kind = item.get(TYPE)
        except KermaError as error:
            raise FormatError(error.message, offset=offset, path=(RECORDS, index)) from error
        numbers = [value if isinstance(value, int) else None for value in found]
        if numbers[0] is None or numbers[2] is None:
            self.note("no-links", f"record {index} lacks its offsets", offset)
            self._cut = True
        if not isinstance(kind, str):
            self.note("no-type", f"record {index} has no Directory Record Type", offset)
            kind = ""
        in_use = USED if numbers[1] is None else numbers[1]
        return Links(numbers[0] or 0, in_use, numbers[2] or 0, kind)

    # -- the tree ------------------------------------------------------------------------------------------------------

    def _hang(self, offsets: list[int]) -> None:
        place = {offset: index for index, offset in enumerate(offsets)}
        shift = self._shift(offsets, place)
        if offsets and shift is None:
            self.note("offsets", "the offsets lead nowhere; the tree follows the order of the records")
            self._by_order([index for index in range(len(offsets)) if self._links[index].in_use])
            self._link_up()
            return
        reached, broken = self._follow(place, shift or 0, self._entrances(place, shift or 0))
        lost = [i for i, links in enumerate(self._links) if not reached[i] and links.in_use and links.type != "MRDR"]
        if broken and lost:
            self.note("mended", f"{len(lost)} records hang below those before them, as offsets lead nowhere")
            self._by_order(lost)
        elif lost:
            self.note("unreached", f"nothing leads to {len(lost)} records; they do not count")
            self.unreached = [self._records[index] for index in lost]
        self._link_up()

    def _shift(self, offsets: list[int], place: dict[int, int]) -> int | None:
        """What has to be added to every offset; None where nothing makes sense of the first one."""
        first = self.ds.get(FIRST)
        if not isinstance(first, int):
            return None
        if not offsets or first in place or first == 0:
            return 0 if first or not any(links.in_use for links in self._links) else None
        shift = offsets[0] - first
        values = {links.following for links in self._links} | {links.lower for links in self._links}
        if all(value + shift in place for value in values if value):
            self.note("offsets", f"all offsets are off by {shift}", offsets[0])
            return shift
        return 0

    def _entrances(self, place: dict[int, int], shift: int) -> list[int]:
        """The offsets that the root directory entity begins with: the one that is written, unless that record has its
        place elsewhere, or is below the top while others of the top wait; then those that nothing leads to.
        """
        first: int = self.ds.get(FIRST) or 0
        index = place.get(first + shift)
        if index is None:
            return [first]
        led = {links.following + shift for links in self._links} | {links.lower + shift for links in self._links}
        waiting = [
            offset
            for offset, other in place.items()
            if offset not in led and self._links[other].in_use and self._links[other].type != "MRDR"
        ]
        if first + shift not in led:
            top = [offset for offset in waiting if self._level(place[offset]) == types.TOP]
            waiting = [] if self._level(index) == types.TOP else top
        if not waiting:
            return [first]
        self.note("root", "the offset of the first record is wrong; the root has the records that nothing leads to")
        return [offset - shift for offset in waiting]

    def _level(self, index: int) -> int:
        row = types.of_name(self._links[index].type)
        return types.LEAF if row is None else row.level

    def _follow(self, place: dict[int, int], shift: int, entrances: list[int]) -> tuple[bytearray, bool]:
        """Hang each record where the offsets say; which were reached, and whether an offset led nowhere."""
        reached = bytearray(len(self._links))
        broken = self._cut
        entities: list[tuple[list[int] | None, int]] = [(self._top, first) for first in reversed(entrances)]
        while entities:
            entity, value = entities.pop()
            while value:
                index = place.get(value + shift, -1)
                if index < 0 or reached[index]:
                    what = "leads to no record" if index < 0 else "leads to a record that has its place already"
                    self.note("offset", f"the offset {value} {what}")
                    broken = True
                    break
                reached[index] = 1
                links = self._links[index]
                below: list[int] | None = None
                if entity is not None and links.in_use:
                    entity.append(index)
                    below = self._children[index]
                if links.lower:
                    entities.append((below, links.lower))
                value = links.following
        return reached, broken

    def _by_order(self, indexes: Iterable[int]) -> None:
        """Hang ``indexes`` below the nearest record before them that can be above them, by the levels of F.4."""
        wanted = frozenset(indexes)
        above: list[int] = []  # the last record of each level that has something below it
        for index, links in enumerate(self._links):
            kind = types.of_name(links.type)
            level = self._level(index)
            nearest = above[:level]
            if index in wanted:
                (self._children[nearest[-1]] if nearest else self._top).append(index)
            if kind is not None and not kind.refers:
                above = [*nearest, index]

    def _link_up(self) -> None:
        self.root = [self._records[index] for index in self._top]
        for record, children in zip(self._records, self._children, strict=True):
            record.children = [self._records[index] for index in children]
            for child in record.children:
                child.parent = record
        self.referenced = {
            record.offset: record
            for record, links in zip(self._records, self._links, strict=True)
            if links.type == "MRDR"
        }


def _quick_links(buf: Buffer, offset: int, plain: bool) -> tuple[Links | None, Buffer | None]:
    """The links of the record at ``offset`` and its bytes behind them, where it is laid out as usual."""
    if not plain or len(buf) < offset + 8 + _LINKS.size:
        return None, None
    head, following, used, in_use, down, lower, kind, size = _LINKS.unpack_from(buf, offset + 8)
    length = EXPLICIT_LE.pair.unpack_from(buf, offset)[1]
    start = offset + 8 + _LINKS.size
    if (head, used, down, kind) != _HEADS or size > 32 or length == 0xFFFFFFFF or start + size > len(buf):
        return None, None
    end = offset + 8 + length
    if not start + size <= end <= len(buf):
        return None, None
    try:
        name = str(bytes(buf[start : start + size]), "ascii").strip(" \0")
    except UnicodeDecodeError:
        return None, None
    return Links(following, in_use, lower, name), memoryview(buf)[offset + 8 + LINKS_SIZE : end]
