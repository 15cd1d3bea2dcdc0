"""Every element of a data set and its items, in order, without recursion (PS3.5 7.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kerma import values
from kerma.dataset.element import Element
from kerma.dataset.items import read_sequence
from kerma.dataset.sequence import Sequence
from kerma.encoding.source import Buffer
from kerma.errors import ValueFormatError
from kerma.standard import vrs
from kerma.standard.elements import TAG_TO_VR

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

Path = tuple[int, ...]

BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""VRs whose values are bytes that nobody interprets here."""
LONG = 1 << 16
"""Bytes of the longest value that ``plain`` gives as it lies."""
_SURE = frozenset(vrs.ALL) - BULK - {"SQ", "US"}
"""VRs of the dictionary that nothing else can change (PS3.5 A.1)."""


def walk(ds: Dataset, *, max_path: int = 64) -> Iterator[tuple[Path, Element]]:
    """(path, element) of every element; a sequence comes before its items. The path is tag, item index, tag ..., and
    ends with the element's tag; below ``max_path`` steps it is cut short in the middle, so that a deep nesting costs
    no quadratic work.

    Items are built for the walk and not kept, unless they were built before.
    """
    # A frame: data set, its tags, the path of the item, and, once inside a sequence, that sequence's items.
    stack: list[tuple[Dataset, Iterator[int], Path]] = [(ds, iter(ds), ())]
    items: list[tuple[Iterator[tuple[int, Dataset]], Path]] = []
    while stack:
        current, tags, base = stack[-1]
        tag = next(tags, None)
        if tag is None:
            stack.pop()
            _next_item(stack, items, max_path)
            continue
        path = (*base, tag)
        element = Element(current, tag)
        yield path, element
        if element.vr == "SQ":
            items.append((enumerate(element.sequence.transient()), path))
            _next_item(stack, items, max_path)


def _next_item(
    stack: list[tuple[Dataset, Iterator[int], Path]],
    items: list[tuple[Iterator[tuple[int, Dataset]], Path]],
    max_path: int,
) -> None:
    """Go to the next item of the innermost open sequence, or leave it."""
    if len(items) <= len(stack) - 1 or not items:
        return
    entries, path = items[-1]
    found = next(entries, None)
    if found is None:
        items.pop()
        return
    number, item = found
    base = (*path, number) if len(path) < max_path else path[:-1]
    stack.append((item, iter(item), base))


Row = tuple[int, str, Buffer | None, Any]
"""What ``plain`` gives of an element."""
KIND_OF = {
    **dict.fromkeys(("AE", "CS", "LO", "SH", "UI"), 1),
    **dict.fromkeys(("AS", "DA", "DT", "LT", "ST", "TM", "UC", "UR", "UT"), 2),
    "PN": 3,
    "DS": 4,
    "IS": 5,
    "FL": 6,
    "FD": 7,
    "US": 16,
    "SS": -16,
    "UL": 32,
    "SL": -32,
}
"""What ``encoding.rows`` is to do with a VR."""


def plain(ds: Dataset) -> Iterator[Row]:
    """(tag, VR, raw, value) of each element of ``ds`` in tag order, its items not included: for those who look at
    everything once (JSON, XML, text, comparison), so nothing that they see is kept.

    ``raw`` holds the bytes of a value that was not changed and is no bulk; the reader decodes them with the VR if it
    wants to. Otherwise ``raw`` is None, and ``value`` is a ``Sequence``, the value that was assigned, or, of bulk data
    and whatever is longer than ``LONG``, the ``Element``.
    """
    body = ds._body
    index, cache = body.index, body.cache
    encoding = body.encoding
    unpack, vr_of = encoding.header.unpack_from, encoding.vr_of
    explicit, odd = encoding.explicit, bool(body.marks.odd)
    fast = encoding.short if explicit and not odd else frozenset()
    known = TAG_TO_VR if not explicit and encoding.little_endian and not odd else None
    window = body.window
    room = len(window)
    for tag in sorted([(key & 0xFFFF) << 16 | key >> 16 for key in index]):
        key = (tag & 0xFFFF) << 16 | tag >> 16
        at = index[key]
        if isinstance(at, str):
            yield tag, at, None, cache[key]
            continue
        if at + 8 <= room:
            if fast:
                _, code, length = unpack(window, at)
                if code in fast and at + 8 + length <= room and length <= LONG:
                    yield tag, vr_of[code], window[at + 8 : at + 8 + length], None
                    continue
            elif known is not None and not tag & 0x10000:
                vr, length = known[tag], unpack(window, at)[1]
                if vr in _SURE and at + 8 + length <= room and length <= LONG:
                    yield tag, vr, window[at + 8 : at + 8 + length], None
                    continue
        yield row_of(ds, tag, key, at)


def row_of(ds: Dataset, tag: int, key: int, at: int) -> Row:
    """What ``plain`` gives of an element that may be anything."""
    body = ds._body
    head = body.header(at)
    vr = body.vr_of(head)
    if vr == "SQ":
        kept = body.cache.get(key)
        return tag, vr, None, kept if isinstance(kept, Sequence) else read_sequence(body, head, type(ds).from_body)
    if head.length > LONG or vr in BULK or (head.vr == "UN" and not body.encoding.little_endian):
        return tag, vr, None, Element(ds, tag)
    return tag, vr, body.slice(head), None


def given_value(ds: Dataset, row: Row) -> tuple[str, Any]:
    """(VR, value) of a row that is no sequence: the decoded value, or the ``Element`` of bulk data. A value that cannot
    be decoded is none of its VR: it comes as the ``Element`` with VR UN (PS3.5 6.2.2), so that nothing of it is lost.
    """
    tag, vr, raw, value = row
    body = ds._body
    little = body.encoding.little_endian
    if raw is None:
        head = value.header if isinstance(value, Element) and vr not in BULK else None
        if head is None:
            return vr, value
        raw = body.slice(head)
        little = little or head.vr == "UN"
    try:
        return vr, values.decode(vr, raw, little_endian=little, charsets=body.charsets)
    except ValueFormatError:
        return "UN", Element(ds, tag)
