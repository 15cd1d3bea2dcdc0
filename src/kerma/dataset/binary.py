"""Binary values wherever they lie: their length, and their bytes in pieces and in little endian (PS3.5 7.3, A.4).

Rules: nothing larger than a megabyte is made at once; encapsulated pixel data is its items as they lie in the data set,
without the sequence delimiter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerma.dataset.element import Element
from kerma.dataset.fragments import Fragments
from kerma.encoding.source import Buffer
from kerma.encoding.swap import swapped
from kerma.encoding.syntax import EXPLICIT_LE
from kerma.encoding.writer import PIECE, item_header


def is_binary(value: Any) -> bool:
    """Whether a value, as ``walking.given`` gives it, is bytes."""
    return isinstance(value, (Element, memoryview, Fragments, bytes))


def length_of(source: Any) -> int:
    """Bytes that ``pieces_of`` gives."""
    if isinstance(source, Fragments):
        return sum(8 + len(fragment) + (len(fragment) & 1) for fragment in source)
    if isinstance(source, Element):
        raw = source.raw
        return length_of(source.value) if raw is None else len(raw)
    return 0 if source is None else len(source)


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
        yield from _cut(memoryview(b"" if source is None else source))
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


def same_bytes(one: Any, two: Any) -> bool:
    """Whether two binary values have the same bytes; a byte of padding at the end of one does not count."""
    first, second = length_of(one), length_of(two)
    if abs(first - second) > 1:
        return False
    ours, theirs = _stream(one), _stream(two)
    common = min(first, second)
    while common > 0:
        left, right = ours(min(PIECE, common)), theirs(min(PIECE, common))
        if left != right:
            return False
        common -= len(left)
    rest = ours(1) or theirs(1)
    return rest in (b"", b"\0", b" ")


def _stream(source: Any) -> Any:
    """A reader of so many bytes of the pieces."""
    pieces = pieces_of(source)
    held = b""

    def read(count: int) -> bytes:
        nonlocal held
        parts = [held]
        have = len(held)
        while have < count:
            piece = next(pieces, None)
            if piece is None:
                break
            parts.append(bytes(piece))
            have += len(piece)
        data = b"".join(parts)
        held = data[count:]
        return data[:count]

    return read
