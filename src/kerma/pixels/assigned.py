"""Frames of encapsulated pixel data that was assigned and is not yet in a file (``dataset.fragments.Fragments``)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from itertools import pairwise

from kerma.dataset.fragments import Fragments
from kerma.encoding.source import Buffer
from kerma.errors import PixelError, UsageError
from kerma.pixels.encapsulated import joined
from kerma.pixels.items import Spans, group
from kerma.pixels.layout import Layout
from kerma.pixels.syntaxes import ONE_FRAGMENT_EACH, VIDEO


class AssignedFrames:
    """The frames of fragments in memory. Offsets count as they will in the file, from the first fragment's header."""

    encapsulated = True

    def __init__(self, layout: Layout, fragments: Fragments) -> None:
        self.layout = layout
        self.findings = layout.findings
        self._fragments = fragments[1:]
        self._spans = Spans()
        at = 0
        for fragment in self._fragments:
            self._spans.add(at + 8, len(fragment))
            at += 8 + len(fragment) + (len(fragment) & 1)
        self._starts = self._by_table(fragments[0]) or self._by_heads()

    @property
    def count(self) -> int:
        return self.layout.frames

    def _by_table(self, table: Buffer) -> array[int] | None:
        """The first fragment of each frame by the basic offset table; None where it is empty or leads elsewhere."""
        if len(table) != 4 * self.count:
            return None
        number_of = {offset - 8: number for number, offset in enumerate(self._spans.offsets)}
        numbers = [number_of.get(offset) for (offset,) in struct.iter_unpack("<I", table)]
        starts = array("Q", (number for number in numbers if number is not None))
        if len(starts) != self.count or starts[0] or any(a >= b for a, b in pairwise(starts)):
            return None
        starts.append(len(self._fragments))
        return starts

    def _by_heads(self) -> array[int]:
        one_each = self.layout.transfer_syntax_uid in ONE_FRAGMENT_EACH | VIDEO
        heads = self._fragments
        starts = group(len(heads), self.count, lambda number: bytes(heads[number][:16]), one_each=one_each)
        if starts is None:
            raise PixelError(f"nothing tells which of {len(heads)} fragments belong to which of {self.count} frames")
        return starts

    def _numbers(self, frame: int) -> tuple[int, int]:
        if not 0 <= frame < self.count:
            raise UsageError(f"there is no frame {frame}", hint=f"the image has {self.count}, counted from 0")
        if frame + 1 >= len(self._starts):
            raise PixelError(f"the pixel data have {len(self._starts) - 1} frames of {self.count}", frame=frame)
        return self._starts[frame], self._starts[frame + 1]

    def ranges(self, frame: int) -> list[tuple[int, int]]:
        return self._spans.between(*self._numbers(frame))

    def whole_stream(self) -> tuple[list[tuple[int, int]], Callable[[int, int], Buffer]]:
        data = joined(list(self._fragments))
        return [(0, len(data))], lambda offset, length: memoryview(data)[offset : offset + length]

    def read(self, frame: int) -> Buffer:
        first, last = self._numbers(frame)
        return joined(list(self._fragments[first:last]))
