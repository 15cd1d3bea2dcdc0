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
  it cannot make one wrong. Values of group 0010, the patient's, are not kept.
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

PIECES = 48
"""More runs than this are not quicker than one long integer."""

_PATIENT = 0x0010
_PIXELS = 0x7FE0


class Layout:
    """One known head, at one offset in its buffer.

    ``bits``: its bytes as one integer, masked by ``mask``. ``pieces``: offset, end and bytes of runs that were the same
    in all files so far, values among them, which is quicker to compare; together they hold every header. None when the
    values differ in too many places for that.
    """

    __slots__ = ("_spans", "after", "bare", "bits", "ends", "index", "last", "mask", "pieces", "probe", "size", "start")

    def __init__(
        self, buf: Buffer, index: dict[int, int], spans: list[tuple[int, int, int]], after: int, marks: Marks
    ) -> None:
        """``spans``: of each element its offset, the end of the bytes that decide where the walk goes, and its end."""
        self.start = spans[0][0]
        self.after = after
        self.index = index
        self.last = spans[-1][0]
        self.probe = bytes(buf[self.last : self.last + 8])
        self.size = spans[-1][1] - self.start
        mask = bytearray(self.size)
        for pos, decided, _ in spans:
            mask[pos - self.start : decided - self.start] = b"\xff" * (decided - pos)
        self.mask = int.from_bytes(mask, "little")
        self.bits = int.from_bytes(buf[self.start : self.start + self.size], "little") & self.mask
        self.ends = {pos: end for pos, end in marks.ends.items() if pos < after}
        self.bare = frozenset(pos for pos in marks.bare if pos < after)
        self._spans = [
            (pos, decided if key & 0xFFFF == _PATIENT else end)
            for key, (pos, decided, end) in zip(index, spans, strict=True)
        ]
        self.pieces = self._join(buf)

    def matches(self, buf: Buffer) -> bool:
        """Whether every header of this head is in ``buf`` where it was."""
        pieces = self.pieces
        if pieces is not None:
            for pos, end, piece in pieces:
                if buf[pos:end] != piece:
                    break
            else:
                return True
        bits = int.from_bytes(buf[self.start : self.start + self.size], "little")
        if bits & self.mask != self.bits:
            return False
        if pieces is not None:
            self._loosen(buf, pieces)
        return True

    def _join(self, buf: Buffer) -> tuple[tuple[int, int, bytes], ...] | None:
        """The spans as few runs; None where they are too many to be quicker than ``bits``."""
        runs: list[list[int]] = []
        for pos, end in self._spans:
            if runs and runs[-1][1] == pos:
                runs[-1][1] = end
            else:
                runs.append([pos, end])
        if len(runs) > PIECES:
            return None
        return tuple([(pos, end, bytes(buf[pos:end])) for pos, end in runs])

    def _loosen(self, buf: Buffer, pieces: tuple[tuple[int, int, bytes], ...]) -> None:
        """Some value differs in ``buf``: leave it out of the pieces."""
        spans = []
        base = self.start
        whole = bytearray(self.after - base)
        for pos, end, piece in pieces:
            whole[pos - base : end - base] = piece
        starts = list(self.index.values())
        for (pos, end), after in zip(self._spans, [*starts[1:], self.after], strict=True):
            same = buf[pos:end] == whole[pos - base : end - base]
            spans.append((pos, end if same else self._decided(pos, after)))
        self._spans = spans
        self.pieces = self._join(buf)

    def _decided(self, pos: int, after: int) -> int:
        """The end of the bytes of the element at ``pos`` that the mask holds."""
        at = 8 * (pos - self.start)
        field = self.mask >> at & (1 << 8 * (after - pos)) - 1
        return pos + (field.bit_length() + 7) // 8


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
            if layout.start != start or layout.after > end or buf[last : last + 8] != layout.probe:
                continue
            if layout.matches(buf):
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
            spans.append((pos, after if undefined else header.value, after))
        if after - spans[0][0] <= LARGEST:
            self._known = (Layout(buf, head, spans, after, marks), *self._known[: KEEP - 1])
