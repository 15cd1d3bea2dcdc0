"""Where each frame's bytes lie, for every way that pixel data are laid out (PS3.5 8, A.4; PS3.3 C.7.6.3.1.8).

``index`` gives a ``FrameIndex``: ``count``, ``ranges(frame)``, ``read(frame)``. Frames are counted from 0. Rules: one
frame costs one range, wherever it lies; tables are read as they are, never made into lists of Python numbers; an offset
table is believed only as far as it leads to items, and what it gets wrong is found by walking over the items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.encoding.source import Buffer
from kerma.encoding.swap import WORD_SIZES
from kerma.errors import PixelError, TruncatedError, UsageError
from kerma.findings import Finding
from kerma.pixels.assigned import AssignedFrames
from kerma.pixels.encapsulated import EncapsulatedFrames
from kerma.pixels.items import BEGINNINGS
from kerma.pixels.layout import Layout, layout_of
from kerma.pixels.places import Place, place_of
from kerma.standard import transfer_syntaxes

_ITEM = b"\xfe\xff\x00\xe0"


class FrameIndex(Protocol):
    """The frames of one image. ``encapsulated``: their bytes are code streams; ``findings``: what was noticed."""

    layout: Layout
    encapsulated: bool
    findings: list[Finding]

    @property
    def count(self) -> int:
        """How many frames there are, as the data set says."""
        ...

    def ranges(self, frame: int) -> list[tuple[int, int]]:
        """(offset, length) in the source of the pieces that make the frame, in order."""
        ...

    def read(self, frame: int) -> Buffer:
        """The frame's bytes: a code stream, or samples as they are stored."""
        ...

    def whole_stream(self) -> tuple[list[tuple[int, int]], Callable[[int, int], Buffer]]:
        """All of it as one stream, as video is: (offset, length) of its pieces, and how to read them."""
        ...


def index(ds: Dataset) -> FrameIndex:
    """The frames of the image in ``ds``. ``PixelError`` where it has none, or says nonsense about them."""
    layout = layout_of(ds)
    place = place_of(ds, layout.tag)
    if isinstance(place, Fragments):
        return AssignedFrames(layout, place)
    row = transfer_syntaxes.get(layout.transfer_syntax_uid)
    compressed = row is not None and row.encapsulated
    if place.length is None:
        return EncapsulatedFrames(ds, layout, place)
    if compressed and place.size >= 8 and bytes(place.range(place.start, 4)) == _ITEM:
        return EncapsulatedFrames(ds, layout, place)
    if compressed and bytes(place.range(place.start, min(16, place.size))).startswith(BEGINNINGS):
        return BareStream(layout, place)
    return NativeFrames(layout, place, compressed=compressed)


class NativeFrames:
    """Frames one behind the other, by bits: a frame need not end on a byte (PS3.5 8.1.1)."""

    encapsulated = False

    def __init__(self, layout: Layout, place: Place, *, compressed: bool = False) -> None:
        self.layout = layout
        self.place = place
        self.findings = layout.findings
        if compressed:
            text = (
                "the pixel data are not encapsulated, as their transfer syntax says; they are taken for plain samples"
            )
            self.findings.append(Finding("not-encapsulated", text, place.start, (layout.tag,), "PS3.5 A.4"))
        left = place.size - (layout.native_bits * layout.frames + 7) // 8
        if left > 1:
            text = f"{left} bytes stand behind the last of {layout.frames} frames"
            self.findings.append(Finding("pixels-left", text, place.start, (layout.tag,), "PS3.5 8.1.1"))

    @property
    def count(self) -> int:
        return self.layout.frames

    def bits(self, frame: int) -> tuple[int, int]:
        """The first bit of the frame, counted from the start of the value, and the number of its bits."""
        check_frame(frame, self.count)
        return frame * self.layout.native_bits, self.layout.native_bits

    def ranges(self, frame: int) -> list[tuple[int, int]]:
        first, count = self.bits(frame)
        start, end = first // 8, (first + count + 7) // 8
        return [(self.place.start + start, end - start)]

    def read(self, frame: int) -> Buffer:
        """The frame's samples, little endian; where it does not fill bytes, from the lowest bit on, zeros behind."""
        ((offset, length),) = self.ranges(frame)
        try:
            data = self._little(offset, length)
        except TruncatedError as error:
            raise PixelError(
                f"{error.missing} bytes of it are not in the pixel data", frame=frame, path=(self.layout.tag,)
            ) from None
        count = self.layout.native_bits
        if not count % 8:
            return data
        shift = self.bits(frame)[0] % 8
        number = int.from_bytes(data, "little") >> shift & (1 << count) - 1
        return number.to_bytes((count + 7) // 8, "little")

    def whole_stream(self) -> tuple[list[tuple[int, int]], Callable[[int, int], Buffer]]:
        return [(self.place.start, self.place.size)], self.place.range

    def read_all(self) -> Buffer:
        """All frames in one piece. ``PixelError`` names the first that is not there whole."""
        length = (self.layout.native_bits * self.count + 7) // 8
        if length > self.place.bound - self.place.start:
            whole = (self.place.bound - self.place.start) * 8 // self.layout.native_bits
            self.read(min(whole, self.count - 1))
        return self._little(self.place.start, length)

    def _little(self, offset: int, length: int) -> Buffer:
        """A range of samples in little endian order.

        Big endian ones are turned by the words of their VR, which need not begin where a frame does (PS3.5 7.3).
        """
        place = self.place
        size = 1 if place.little_endian else WORD_SIZES.get(place.vr, 1)
        if size == 1:
            return place.range(offset, length)
        before = (offset - place.start) % size
        data = bytes(place.range(offset - before, min(length + before + size - 1, place.bound - offset + before)))
        turned = bytearray(data)
        whole = len(data) // size * size
        for lane in range(size):
            turned[lane:whole:size] = data[size - 1 - lane : whole : size]
        return memoryview(turned)[before : before + length].toreadonly()


class BareStream:
    """One code stream that was put into the pixel data as it is, without items: wrong, and understood all the same."""

    encapsulated = True

    def __init__(self, layout: Layout, place: Place) -> None:
        self.layout = layout
        self.place = place
        self.findings = layout.findings
        text = "the pixel data are not encapsulated, as their transfer syntax says, but are a code stream"
        self.findings.append(Finding("not-encapsulated", text, place.start, (layout.tag,), "PS3.5 A.4"))

    @property
    def count(self) -> int:
        return self.layout.frames

    def ranges(self, frame: int) -> list[tuple[int, int]]:
        check_frame(frame, self.count)
        if frame:
            raise PixelError(f"the pixel data have 1 frame of {self.count}", frame=frame)
        return [(self.place.start, self.place.size)]

    def read(self, frame: int) -> Buffer:
        ((offset, length),) = self.ranges(frame)
        return self.place.range(offset, length)

    def whole_stream(self) -> tuple[list[tuple[int, int]], Callable[[int, int], Buffer]]:
        return [(self.place.start, self.place.size)], self.place.range


def check_frame(frame: int, count: int) -> None:
    """``UsageError`` for a frame that the image does not have."""
    if not 0 <= frame < count:
        raise UsageError(f"there is no frame {frame}", hint=f"the image has {count}, counted from 0")
