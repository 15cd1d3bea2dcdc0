"""What a body is made of: literal bytes, ranges of stored objects, and what is made on the way.

Rules:

- A body is read in a worker thread, one chunk at a time, and only as fast as the client takes it: what is in memory is
  a chunk, however long the body is.
- A length that is known before is said before: then a part of the body can be asked for (RFC 9110 14).
- What was opened is closed with the iterator, also where a client goes away in between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kerma.encoding.source import Buffer, ByteSource
from kerma.formats.instance import Instance

CHUNK = 1 << 18
"""Bytes that are read and sent at a time. Measured: allocating 512 KB and more costs several times what reading it
does, as the C library gives such memory back to the system each time; a slow client holds two of them."""
SMALL = 1 << 20
"""A body up to this size is read at once and sent in one piece."""
_APART = 1 << 16
"""Buffers of this size are sent by themselves: joining would copy them."""


class Piece(Protocol):
    """One stretch of a body."""

    @property
    def length(self) -> int | None:
        """Bytes; None where that is known at the end only."""
        ...

    def read(self, start: int, stop: int | None) -> Iterator[Buffer]:
        """The bytes from ``start`` to before ``stop`` (None for the end), in buffers of any size."""
        ...


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are there."""

    data: Buffer

    @property
    def length(self) -> int:
        return len(self.data)

    def read(self, start: int, stop: int | None) -> Iterator[Buffer]:
        yield memoryview(self.data)[start:stop] if start or stop is not None else self.data


@dataclass(frozen=True, slots=True)
class Stored:
    """``size`` bytes of a stored object from ``offset`` on; it is opened when its turn comes."""

    opener: Callable[[], ByteSource]
    offset: int
    size: int

    @classmethod
    def file_of(cls, instance: Instance) -> Stored:
        """The whole stored file: preamble, meta information and data set, byte for byte."""
        return cls(instance.open, 0, instance.dataset_offset + instance.dataset_length)

    @property
    def length(self) -> int:
        return self.size

    def read(self, start: int, stop: int | None) -> Iterator[Buffer]:
        end = self.size if stop is None else min(stop, self.size)
        with self.opener() as source:
            for at in range(start, end, CHUNK):
                yield source.read(self.offset + at, min(CHUNK, end - at))


@dataclass(frozen=True, slots=True)
class Ranged:
    """Ranges of something that is open: ``read_range`` (offset, length) gives the bytes of each piece in turn."""

    ranges: tuple[tuple[int, int], ...]
    read_range: Callable[[int, int], Buffer]

    @property
    def length(self) -> int:
        return sum(length for _, length in self.ranges)

    def read(self, start: int, stop: int | None) -> Iterator[Buffer]:
        left = (self.length if stop is None else stop) - start
        for offset, length in self.ranges:
            skipped = min(start, length)
            start -= skipped
            end = min(length, skipped + left)
            for at in range(skipped, end, CHUNK):
                yield self.read_range(offset + at, min(CHUNK, end - at))
            left -= max(0, end - skipped)


@dataclass(frozen=True, slots=True)
class Made:
    """What ``make`` yields, made anew for each reading."""

    make: Callable[[], Iterator[Buffer]]
    size: int | None = None
    """Bytes, where they are known although they are made."""

    @property
    def length(self) -> int | None:
        return self.size

    def read(self, start: int, stop: int | None) -> Iterator[Buffer]:
        at = 0
        for buffer in self.make():
            end = at + len(buffer)
            if end > start:
                yield memoryview(buffer)[max(0, start - at) : None if stop is None else stop - at]
            at = end
            if stop is not None and at >= stop:
                return


class Body:
    """Pieces in turn. ``pieces`` is called for each reading, so that a body of many need not hold them."""

    def __init__(self, pieces: Callable[[], Iterable[Piece]], length: int | None) -> None:
        self.pieces = pieces
        self.length = length

    @classmethod
    def of(cls, *pieces: Piece) -> Body:
        """A body of a few pieces."""
        lengths = [piece.length for piece in pieces]
        known = [length for length in lengths if length is not None]
        return cls(lambda: pieces, sum(known) if len(known) == len(lengths) else None)

    def chunks(self, start: int = 0, stop: int | None = None) -> Generator[bytes]:
        """The bytes from ``start`` to before ``stop``, in chunks to be sent: small buffers go together, large ones as
        they are.
        """
        pending: list[Buffer] = []
        size = 0
        for buffer in self._buffers(start, stop):
            if pending and size + len(buffer) > _APART:
                yield b"".join(pending)
                pending, size = [], 0
            if len(buffer) >= _APART:
                yield bytes(buffer)  # no copy where they are bytes
            else:
                pending.append(buffer)
                size += len(buffer)
        if size:
            yield b"".join(pending)

    def _buffers(self, start: int, stop: int | None) -> Iterator[Buffer]:
        at = 0
        for piece in self.pieces():
            length = piece.length
            if stop is not None and at >= stop:
                return
            if length is not None and at + length <= start:
                at += length
                continue
            yield from piece.read(max(0, start - at), None if stop is None else stop - at)
            if length is not None:
                at += length
