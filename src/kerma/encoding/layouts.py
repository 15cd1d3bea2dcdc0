"""Layouts seen before: the index of a data set's head without walking over it.

The images of a series, and often all images of one scanner program, have their elements at the same offsets: same
tags, same VRs, same lengths, other values. Where a scan goes is decided by the element headers alone. So when all
bytes of all headers of a known head are where they were, the scan would find what it found then, and its index is
taken over. The comparison is exact, not a guess: the bytes as one integer, masked to the headers, against the masked
headers of the known head.

Rules:

- Only what the fast loops of ``scan`` accepted without a finding is kept, and only the head: elements before group
  7FE0. What follows, pixel data above all, is walked as ever.
- An element of undefined length counts with all its bytes, so where its items end is also as it was.
- A head is learnt when one like it comes the second time, so a folder in which no two files are alike pays next to
  nothing.
- Learning costs what a few recalls save, so it is paid from them: where heads come back too seldom, it stops.
- The memory is bounded: ``KEEP`` layouts of at most ``LARGEST`` bytes. What comes from outside can push layouts out;
  it cannot make one wrong.
"""

from __future__ import annotations

from kerma.encoding.headers import read_header
from kerma.encoding.marks import Marks
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, Encoding

KEEP = 24
LARGEST = 16_384
PRICE = 8
"""Recalls that must have been for each head that is learnt; the first ``KEEP`` are free."""
SMALLEST = 24
"""Fewer elements than this are walked sooner than compared."""

_PIXELS = 0x7FE0


class Layout:
    """One known head, at one offset in its buffer. ``bits``: its bytes as one integer, masked by ``mask``."""

    __slots__ = ("after", "bare", "bits", "ends", "index", "last", "mask", "probe", "size", "start")

    def __init__(
        self, buf: Buffer, index: dict[int, int], spans: list[tuple[int, int]], after: int, marks: Marks
    ) -> None:
        """``spans``: offset and length of the bytes of each element that decide where the walk goes."""
        self.start = spans[0][0]
        self.after = after
        self.index = index
        self.last = spans[-1][0]
        self.probe = bytes(buf[self.last : self.last + 8])
        self.size = self.last + spans[-1][1] - self.start
        mask = bytearray(self.size)
        for pos, length in spans:
            mask[pos - self.start : pos - self.start + length] = b"\xff" * length
        self.mask = int.from_bytes(mask, "little")
        self.bits = int.from_bytes(buf[self.start : self.start + self.size], "little") & self.mask
        self.ends = {pos: end for pos, end in marks.ends.items() if pos < after}
        self.bare = frozenset(pos for pos in marks.bare if pos < after)


class Layouts:
    """The layouts of one encoding, the last used first. Threads may share it: tuples are replaced, never changed."""

    __slots__ = ("_credit", "_encoding", "_known", "_seen")

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._credit = KEEP * PRICE
        self._known: tuple[Layout, ...] = ()
        self._seen: tuple[tuple[int, int, int], ...] = ()

    def recall(self, buf: Buffer, start: int, end: int, marks: Marks) -> tuple[dict[int, int], int] | None:
        """The index of the known head that begins at ``start``, and the offset after it; None when it is not known."""
        known = self._known
        for layout in known:
            last = layout.last
            if layout.start == start and layout.after <= end and buf[last : last + 8] == layout.probe:
                bits = int.from_bytes(buf[start : start + layout.size], "little")
                if bits & layout.mask == layout.bits:
                    self._credit += 1
                    if layout is not known[0]:
                        self._known = (layout, *(other for other in known if other is not layout))
                    if layout.ends:
                        marks.ends.update(layout.ends)
                        marks.bare.update(layout.bare)
                    return layout.index.copy(), layout.after
        return None

    def note(self, buf: Buffer, index: dict[int, int], marks: Marks) -> None:
        """A fast scan gave ``index``: learn its head, when one like it was seen before."""
        count = len(index)
        if count < SMALLEST or marks.odd or marks.findings:
            return
        keys = list(index)
        while count and keys[count - 1] & 0xFFFF >= _PIXELS:
            count -= 1
        if count < SMALLEST:
            return
        start, last = index[keys[0]], index[keys[count - 1]]
        if last - start > LARGEST:
            return
        signature = (start, last, count)
        if signature not in self._seen:
            self._seen = (signature, *self._seen[: 4 * KEEP])
            return
        if self._credit < PRICE:
            return
        self._credit = min(self._credit, 2 * KEEP * PRICE) - PRICE
        self._learn(buf, {key: index[key] for key in keys[:count]}, marks)

    def _learn(self, buf: Buffer, head: dict[int, int], marks: Marks) -> None:
        spans = []
        after = next(iter(head.values()))
        for pos in head.values():
            if pos != after:
                return  # an element that occurs twice is not in the index twice
            header = read_header(buf, pos, self._encoding)
            undefined = header.length == UNDEFINED
            after = marks.after(header.value) if undefined else header.value + header.length
            spans.append((pos, (after if undefined else header.value) - pos))
        if after - spans[0][0] <= 2 * LARGEST:
            self._known = (Layout(buf, head, spans, after, marks), *self._known[: KEEP - 1])
