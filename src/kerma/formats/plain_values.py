"""What JSON and XML say of one value: its parts as text and numbers (PS3.18 F.2.3, PS3.19 A.1.5).

Rules:

- A value that cannot be decoded is no value of its VR: it is given as its bytes, with VR UN (PS3.5 6.2.2). So a data
  set with one wrong value can still be given as a whole, and nothing of it is lost.
- Binary values are little endian, whatever they lay in.
- Encapsulated pixel data is given as its items lie in the data set, without the sequence delimiter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kerma import values
from kerma.dataset import Dataset, Element
from kerma.dataset.fragments import Fragments
from kerma.dataset.walking import BULK
from kerma.encoding.source import Buffer
from kerma.encoding.swap import swapped
from kerma.encoding.syntax import EXPLICIT_LE
from kerma.encoding.writer import PIECE, item_header
from kerma.errors import ValueFormatError

CHARSET = 0x00080005
UNICODE = "ISO_IR 192"

Bulk = Callable[[tuple[int, ...], Element], str | None]
"""Given the path and the element of a binary value: the URI to name it by, or None to have it inline."""


def given(ds: Dataset, row: tuple[int, str, Buffer | None, Any]) -> tuple[str, Any]:
    """(VR, value) of what ``walking.plain`` gave: the decoded value, the ``Element`` for bulk, and that with VR UN for
    what cannot be decoded.
    """
    tag, vr, raw, value = row
    if raw is None:
        if not isinstance(value, Element) or vr in BULK:
            return vr, value
        raw = value.raw
        assert raw is not None
    body = ds._body
    try:
        return vr, values.decode(vr, raw, little_endian=body.encoding.little_endian, charsets=body.charsets)
    except ValueFormatError:
        return "UN", Element(ds, tag)


def pieces_of(source: Any) -> Iterator[Buffer]:
    """The bytes of a binary value in pieces of at most a megabyte, in little endian: of an ``Element``, of bytes that
    were assigned, or of ``Fragments``.
    """
    if isinstance(source, Fragments):
        for fragment in source:
            odd = len(fragment) & 1
            yield item_header(EXPLICIT_LE, len(fragment) + odd)
            yield from _cut(memoryview(fragment))
            if odd:
                yield b"\0"
        return
    if not isinstance(source, Element):
        yield from _cut(memoryview(source))
        return
    raw = source.raw
    if raw is None:  # assigned after all
        yield from pieces_of(source.value)
        return
    size = source.dataset.word_size(source.tag)
    for piece in _cut(raw):
        yield piece if size == 1 else swapped(piece, size)


def _cut(view: memoryview) -> Iterator[memoryview]:
    for at in range(0, len(view), PIECE):
        yield view[at : at + PIECE]


def length_of(source: Any) -> int:
    """Bytes that ``pieces_of`` gives."""
    if isinstance(source, Fragments):
        return sum(8 + len(fragment) + (len(fragment) & 1) for fragment in source)
    if isinstance(source, Element):
        raw = source.raw
        return length_of(source.value) if raw is None else len(raw)
    return len(source)


def is_binary(value: Any) -> bool:
    """Whether a value is bytes, wherever they lie."""
    return isinstance(value, (Element, memoryview, Fragments, bytes))
