"""The loop that JSON and XML share: a data set as pieces of text, in one pass and without recursion.

A form says how an element looks (``elements``) and what stands around items and sequences; the loop keeps the open
levels, hands text on in pieces of some kilobytes, and gives a large binary value as base64 a megabyte at a time.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any

from kerma.dataset import Dataset
from kerma.dataset.binary import pieces_of
from kerma.dataset.flat import Inner, batches
from kerma.dataset.walking import plain
from kerma.formats.plain_values import Bulk

TOGETHER = 1000
"""Texts of one piece."""
LARGE = 1 << 16
"""Bytes of a binary value from which on it is given in pieces."""
_LONGEST_PATH = 64


class Level:
    """One data set that is being written: its rows, whether it has any yet, and the items that follow it in its
    sequence. ``open`` counts the items inside it that rows of its own have begun; then ``empty`` is of the innermost.
    """

    __slots__ = ("batches", "depth", "ds", "empty", "items", "little", "number", "open", "path", "rows")

    def __init__(
        self, ds: Dataset, path: tuple[int, ...], items: Iterator[Dataset] | None, depth: int = 1, number: int = 0
    ) -> None:
        self.ds = ds
        self.depth = depth  # 1 for the whole data set
        self.path = path  # of the sequence
        self.rows = plain(ds)
        self.batches = batches(ds)
        self.little = ds._body.encoding.little_endian
        self.empty = True
        self.items = items
        self.number = number
        self.open = 0

    def place(self, tag: int) -> tuple[int, ...]:
        """The path of an element."""
        if not self.path:
            return (tag,)
        return (*self.path, self.number, tag) if len(self.path) < _LONGEST_PATH else (*self.path, tag)

    def within(self, inner: Inner | None) -> Level:
        """The level of a row that lies inside an item that rows have begun."""
        if inner is None:
            return self
        level = self
        for tag, _, number, _ in inner.steps:
            level = Level(inner.ds, level.place(tag), None, level.depth + 1, number)
        return level


class FormWriter:
    """One run over one data set. ``out`` gathers text; ``large`` is the binary value that follows it."""

    def __init__(self, bulk: Bulk | None, inline: bool) -> None:
        self.bulk = bulk
        self.inline = inline
        self.out: list[str] = []
        self.large: Any = None

    # -- what a form says ----------------------------------------------------------------------------------------------

    def elements(self, level: Level) -> Level | None:
        """Write elements: up to the first item of a sequence, whose level is given, its beginning written; to a pause,
        then ``level`` itself; or to the end, then None.
        """
        raise AssertionError("each form has its own")

    def begin(self, ds: Dataset) -> None:
        """What stands before the elements of the whole data set."""

    def after_meta(self, ds: Dataset) -> None:
        """What stands between meta information and data set."""

    def end(self, level: Level) -> None:
        """What stands after the elements of the whole data set."""

    def next_item(self, level: Level, depth: int) -> None:
        """What stands before an item that is not the first one."""

    def end_item(self, level: Level, depth: int) -> None:
        """What stands after the elements of an item."""

    def end_sequence(self, depth: int) -> None:
        """What stands after the last item."""

    def end_large(self) -> str:
        """What stands after a binary value."""
        raise AssertionError("each form has its own")

    # -- the loop ------------------------------------------------------------------------------------------------------

    def run(self, ds: Dataset, meta: bool) -> Iterator[str]:
        """The pieces of ``ds``, its meta information before it where that is wanted and there."""
        self.begin(ds)
        top = Level(ds, (), None)
        if meta and ds.meta is not None:
            level = Level(ds.meta, (), None)
            yield from self._through(level)
            top.empty = level.empty
        self.after_meta(ds)
        yield from self._through(top)
        self.end(top)
        yield "".join(self.out)

    def _through(self, top: Level) -> Iterator[str]:
        """The elements of ``top`` and all that they hold."""
        stack = [top]
        while stack:
            level = stack[-1]
            found = self.elements(level)
            if found is not None:
                if found is not level:
                    stack.append(found)
            else:
                self._leave(stack)
            yield from self._flush()

    def _leave(self, stack: list[Level]) -> None:
        level = stack.pop()
        if level.items is None:
            return
        self.end_item(level, level.depth - 1)
        item = next(level.items, None)
        if item is None:
            self.end_sequence(level.depth - 1)
            return
        stack.append(Level(item, level.path, level.items, level.depth, level.number + 1))
        self.next_item(stack[-1], level.depth - 1)

    def _flush(self) -> Iterator[str]:
        out, large = self.out, self.large
        if large is not None:
            self.large = None
            yield "".join(out)
            out.clear()
            yield from base64_pieces(large)
            out.append(self.end_large())
        elif len(out) > TOGETHER:
            yield "".join(out)
            out.clear()


def base64_pieces(source: Any) -> Iterator[str]:
    """A binary value in base64, a megabyte at a time."""
    rest = b""
    for piece in pieces_of(source):
        data = rest + bytes(piece) if rest else piece
        whole = len(data) - len(data) % 3
        rest = bytes(data[whole:])
        yield str(binascii.b2a_base64(data[:whole], newline=False), "ascii")
    yield str(binascii.b2a_base64(rest, newline=False), "ascii")
