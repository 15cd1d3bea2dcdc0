"""The loops over element headers, typed: one source, run as plain Python or compiled (PS3.5 7.1; PS3.10 7.1).

The build of the compiled twin reads the two lines marked ``twin:`` as ``import cython`` and as the C functions of
``raw.pxd``; every other line is the same in both. The plain one is always there, and it is what the compiled one is
tested against. ``kerma.encoding.twin`` says which is in use.

Rules:

- Nothing is read before the loop has made sure that it lies inside the held buffer: ``last`` is the last offset at
  which 8 bytes are left.
- Offsets are signed 64-bit numbers and at most the size of a buffer; a length from outside has 32 bits. A sum of one
  of each cannot overflow, and it is compared with ``last`` before anything is read at it.
- The loops decide nothing that is odd: they stop, and their caller goes over the same bytes with ``careful``.
- A compiled loop gives ``Places``: tag and offset of each element in 8 bytes, in the order of the tags, so that a
  header that is only looked into costs no object per element. A plain loop, and a compiled one where there are too
  many elements or they are out of order, gives the dict that is quickest in Python.
"""

from __future__ import annotations

from struct import Struct

from kerma.encoding import shadow as cython  # twin: import cython
from kerma.encoding.marks import Marks
from kerma.encoding.raw import KINDS
from kerma.encoding.raw import data_of, drop, header, hold, pair, put, record, size_of, taken, word  # twin: raw.pxd
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE
from kerma.encoding.walk import skip

COMPILED = cython.compiled
DIGEST = ""  # twin: digest
"""In the twin: of what it was compiled from."""

Places = bytes
"""Tag and offset of each element as one 64-bit number in the machine's byte order, ascending."""
Index = dict[int, int]

_records = Struct("=Q").iter_unpack


def unpack(places: Places) -> Index:
    """The dict that a plain loop would have given: index key -> offset, in the order of the tags."""
    index: Index = {}
    for (found,) in _records(places):
        tag = found >> 32
        index[(tag & 0xFFFF) << 16 | tag >> 16] = found & 0xFFFFFFFF
    return index


def find(places: Places, key: cython.uint) -> int:
    """The offset of the element with an index key, -1 where there is none."""
    tag: cython.ulonglong = (key & 0xFFFF) << 16 | key >> 16
    low: cython.longlong = 0
    high: cython.longlong = len(places) >> 3
    middle: cython.longlong
    found: cython.ulonglong
    while low < high:
        middle = (low + high) >> 1
        found = record(places, middle)
        if found >> 32 < tag:
            low = middle + 1
        elif found >> 32 > tag:
            high = middle
        else:
            return found & 0xFFFFFFFF
    return -1


def scan_explicit(
    buf: Buffer, start: cython.longlong, end: cython.longlong, marks: Marks, path: tuple[int, ...]
) -> tuple[Index | Places, int]:
    """Where the elements of an explicit little endian data set lie, and the offset at which the loop stopped.

    That is ``end`` where all is plain, the offset of the first header that is odd or not all in ``buf``, or beyond
    ``end`` where a value is. Raises as ``skip`` does.
    """
    index: Index | None = None if cython.compiled else {}
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    pos: cython.longlong = start
    after: cython.longlong
    count: cython.longlong = 0
    key: cython.uint
    vr: cython.uint
    length: cython.uint
    held = hold(buf)
    try:
        data = data_of(held)
        end = min(end, size_of(held)) if start >= 0 else 0
        last: cython.longlong = end - 8
        while pos <= last:
            key, vr, length = header(data, pos)
            if kinds[vr] == 1:
                after = pos + 8 + length
            elif kinds[vr] == 2:
                if pos > last - 4:
                    break
                length = word(data, pos + 8)
                if length == 0xFFFFFFFF:
                    inside = IMPLICIT_LE if vr == 0x4E55 else EXPLICIT_LE
                    after = skip(buf, pos + 12, end, inside, marks, path, (key & 0xFFFF) << 16 | key >> 16)
                else:
                    after = pos + 12 + length
            else:
                break
            if index is not None:
                index[key] = pos
            elif put(held, count, key, pos):
                count += 1
            else:
                index = unpack(taken(held, count))
                index[key] = pos
            pos = after
        return (taken(held, count) if index is None else index), pos
    finally:
        drop(held)


def scan_implicit(
    buf: Buffer, start: cython.longlong, end: cython.longlong, marks: Marks, path: tuple[int, ...]
) -> tuple[Index | Places, int]:
    """The same for implicit VR little endian."""
    index: Index | None = None if cython.compiled else {}
    pos: cython.longlong = start
    after: cython.longlong
    count: cython.longlong = 0
    key: cython.uint
    length: cython.uint
    held = hold(buf)
    try:
        data = data_of(held)
        end = min(end, size_of(held)) if start >= 0 else 0
        last: cython.longlong = end - 8
        while pos <= last:
            key, length = pair(data, pos)
            if length == 0xFFFFFFFF:
                after = skip(buf, pos + 8, end, IMPLICIT_LE, marks, path, (key & 0xFFFF) << 16 | key >> 16)
            else:
                after = pos + 8 + length
            if index is not None:
                index[key] = pos
            elif put(held, count, key, pos):
                count += 1
            else:
                index = unpack(taken(held, count))
                index[key] = pos
            pos = after
        return (taken(held, count) if index is None else index), pos
    finally:
        drop(held)


def meta(buf: Buffer, start: cython.longlong) -> tuple[Index | Places, int]:
    """Where the elements of group 0002 lie in explicit little endian, and the offset after them; that is -1 where
    anything is odd, or where no 8 bytes follow.
    """
    index: Index | None = None if cython.compiled else {}
    table: bytes = KINDS
    kinds: cython.p_uchar = table
    pos: cython.longlong = start
    count: cython.longlong = 0
    key: cython.uint
    vr: cython.uint
    length: cython.uint
    held = hold(buf)
    try:
        data = data_of(held)
        last: cython.longlong = size_of(held) - 8 if start >= 0 else -1
        while pos <= last:
            key, vr, length = header(data, pos)
            if key & 0xFFFF != 2:
                return (taken(held, count) if index is None else index), pos
            if index is not None:
                index[key] = pos
            elif put(held, count, key, pos):
                count += 1
            else:
                index = unpack(taken(held, count))
                index[key] = pos
            if kinds[vr] == 1:
                pos += 8 + length
            elif kinds[vr] == 2 and pos <= last - 4:
                pos += 12 + word(data, pos + 8)
            else:
                break
        return {}, -1
    finally:
        drop(held)
