"""Frames of encapsulated pixel data in a file: by the extended offset table, the basic one, or the items themselves
(PS3.5 A.4, PS3.3 C.7.6.3.1.8).

Rules: a table costs its own bytes and is kept as they are; each of its entries is checked where it leads when it is
used. As soon as one is wrong, the items are walked and the table is not used again, which is a finding.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.encoding.source import Buffer
from kerma.errors import FormatError, PixelError, TruncatedError, UsageError
from kerma.findings import Finding
from kerma.pixels.items import PAIR, SEQUENCE_END, Spans, group, item_at, walk
from kerma.pixels.layout import Layout
from kerma.pixels.places import Place, place_of
from kerma.pixels.syntaxes import ONE_FRAGMENT_EACH, VIDEO

EXTENDED = 0x7FE00001
EXTENDED_LENGTHS = 0x7FE00002
_WIDE = struct.Struct("<Q")
_NARROW = struct.Struct("<I")
_HEAD = 16


class EncapsulatedFrames:
    """The frames of ``place``, whose items hold code streams."""

    encapsulated = True

    def __init__(self, ds: Dataset, layout: Layout, place: Place) -> None:
        self.layout = layout
        self.place = place
        self.findings = layout.findings
        self._first, self._basic = self._offset_table()
        self._extended = self._extended_table(ds)
        self._spans: Spans | None = None
        self._starts: array[int] | None = None
        if self.count == 1:
            self._extended, self._basic = None, bytes(4)  # all fragments are the one frame, whatever a table says
        elif self._extended is None and not self._basic_fits():
            self._basic = b""

    @property
    def count(self) -> int:
        return self.layout.frames

    # -- tables --------------------------------------------------------------------------------------------------------

    def _offset_table(self) -> tuple[int, Buffer]:
        """The offset of the first fragment's header, and the basic offset table."""
        place = self.place
        try:
            length = item_at(place.range(place.start, 8), 0, place.start)
            return place.start + 8 + length, place.range(place.start + 8, length)
        except FormatError as error:
            raise PixelError(f"the pixel data do not begin with an offset table: {error.message}") from None

    def _basic_fits(self) -> bool:
        """Whether the basic offset table has an entry for each frame. Of an empty one nothing need be said."""
        size = len(self._basic)
        if size == 4 * self.count and _NARROW.unpack_from(self._basic)[0] == 0:
            return True
        if size:
            self._note(
                "wrong-offset-table", f"the basic offset table of {size} bytes is not one of {self.count} frames"
            )
        return False

    def _extended_table(self, ds: Dataset) -> tuple[Buffer, Buffer] | None:
        """The extended offset table and its lengths, where they are there and have an entry for each frame."""
        if EXTENDED not in ds or EXTENDED_LENGTHS not in ds:
            return None
        tables = []
        for tag in (EXTENDED, EXTENDED_LENGTHS):
            place = place_of(ds, tag)
            if isinstance(place, Fragments) or place.size != 8 * self.count:
                self._note("wrong-offset-table", f"the extended offset table is not one of {self.count} frames")
                return None
            tables.append(place.range(place.start, place.size))
        return tables[0], tables[1]

    def _note(self, code: str, text: str) -> None:
        self.findings.append(Finding(code, text, self.place.start, (self.layout.tag,), "PS3.5 A.4"))

    def _distrust(self, frame: int) -> None:
        self._extended, self._basic = None, b""
        if self.count > 1:
            self._note("wrong-offset-table", f"the offset table does not lead to frame {frame}; the items were walked")

    # -- frames --------------------------------------------------------------------------------------------------------

    def ranges(self, frame: int) -> list[tuple[int, int]]:
        self._check(frame)
        if self._extended is not None or self._basic:
            try:
                return self._by_table(frame)[0]
            except FormatError:
                self._distrust(frame)
        return self._by_walk(frame)

    def told(self, frame: int) -> tuple[int, int] | None:
        """(offset, length) of what ``read`` will read, by the table alone: nothing is read or checked. None where the
        table does not tell.
        """
        if self._extended is not None:
            offset = _WIDE.unpack_from(self._extended[0], 8 * frame)[0]
            return self._first + offset, 8 + _WIDE.unpack_from(self._extended[1], 8 * frame)[0]
        if len(self._basic) < 4 * frame + 8 or self.count == 1:
            return None
        at, end = struct.unpack_from("<II", self._basic, 4 * frame)
        return self._first + at, end - at

    def read(self, frame: int) -> Buffer:
        self._check(frame)
        if self._extended is not None or self._basic:
            try:
                pieces, data, base = self._by_table(frame)
                if data is not None:
                    return joined([memoryview(data)[at - base : at - base + length] for at, length in pieces])
            except FormatError:
                self._distrust(frame)
                pieces = self._by_walk(frame)
        else:
            pieces = self._by_walk(frame)
        try:
            return joined([self.place.range(at, length) for at, length in pieces])
        except TruncatedError as error:
            raise PixelError(f"{error.missing} bytes of it are not there", frame=frame) from None

    def whole_stream(self) -> tuple[list[tuple[int, int]], Callable[[int, int], Buffer]]:
        return self._to_delimiter(self._first), self.place.range

    def _check(self, frame: int) -> None:
        if not 0 <= frame < self.count:
            raise UsageError(f"there is no frame {frame}", hint=f"the image has {self.count}, counted from 0")
        if self.layout.transfer_syntax_uid in VIDEO and self.count > 1:
            raise PixelError("the frames of a video have no bytes of their own", hint="take the stream as a whole")

    def _by_table(self, frame: int) -> tuple[list[tuple[int, int]], Buffer | None, int]:
        """The frame's fragments by a table; with them its bytes from an offset on, where they had to be read."""
        place, first = self.place, self._first
        if self._extended is not None:
            offset = first + _WIDE.unpack_from(self._extended[0], 8 * frame)[0]
            length = _WIDE.unpack_from(self._extended[1], 8 * frame)[0]
            data = place.range(offset, 8 + length)
            stored = item_at(data, 0, offset)
            if stored != length + (length & 1) and stored != length:
                raise FormatError("the extended offset table has another length than the fragment", offset=offset)
            return [(offset + 8, length)], data, offset
        at = _NARROW.unpack_from(self._basic, 4 * frame)[0]
        if frame + 1 == self.count:
            return self._to_delimiter(first + at), None, 0
        end = first + _NARROW.unpack_from(self._basic, 4 * frame + 4)[0]
        offset = first + at
        data = place.range(offset, max(end - offset, 8))
        pieces, pos = [], 0
        while pos < end - offset:
            length = item_at(data, pos, offset + pos)
            pieces.append((offset + pos + 8, length))
            pos += 8 + length
        if not pieces or pos != end - offset:
            raise FormatError("the basic offset table leads into a fragment", offset=offset)
        return pieces, data, offset

    def _to_delimiter(self, offset: int) -> list[tuple[int, int]]:
        """The fragments from ``offset`` to the end of the pixel data."""
        place = self.place
        pieces: list[tuple[int, int]] = []
        while offset + 8 <= place.bound:
            header = place.range(offset, 8)
            if pieces and PAIR.unpack_from(header)[0] == SEQUENCE_END:
                break
            length = item_at(header, 0, offset)
            if offset + 8 + length > place.bound:
                raise FormatError("a fragment goes past the pixel data", offset=offset)
            pieces.append((offset + 8, length))
            offset += 8 + length
        if not pieces:
            raise FormatError("no fragment begins there", offset=offset)
        return pieces

    # -- without a table -----------------------------------------------------------------------------------------------

    def _walked(self) -> tuple[Spans, array[int]]:
        if self._spans is None or self._starts is None:
            buf = self.place.whole()
            spans, whole = walk(buf, self._first, self.place.bound)
            if not whole:
                self._note("cut-fragments", "the pixel data end before their delimiter")
            view = memoryview(buf)

            def head(number: int) -> bytes:
                return bytes(view[spans.offsets[number] : spans.offsets[number] + min(_HEAD, spans.lengths[number])])

            one_each = self.layout.transfer_syntax_uid in ONE_FRAGMENT_EACH
            starts = group(len(spans), self.count, head, one_each=one_each)
            if starts is None:
                raise PixelError(
                    f"nothing tells which of {len(spans)} fragments belong to which of {self.count} frames"
                )
            self._spans, self._starts = spans, starts
        return self._spans, self._starts

    def _by_walk(self, frame: int) -> list[tuple[int, int]]:
        spans, starts = self._walked()
        if frame + 1 >= len(starts):
            raise PixelError(f"the pixel data have {len(starts) - 1} frames of {self.count}", frame=frame)
        return spans.between(starts[frame], starts[frame + 1])


def joined(pieces: list[Buffer]) -> Buffer:
    """Fragments as one stream; a single one as it is."""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
