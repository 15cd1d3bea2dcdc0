"""The front of a large data set: its elements up to the first that cannot be passed without walking over megabytes.

A value of undefined length ends where a walk over its items ends (PS3.5 7.5, A.4), and nothing but the walk tells
where. A slide of 180,000 frames has two such values, one behind the other: the functional groups of its frames and its
pixel data. Whoever opens it to see what it is does not want either. So the walk stops in front of the first of them,
and goes on when somebody asks for what lies behind, for the whole, or for where that value ends.

Rules:

- Elements stand in ascending order of their tags (PS3.5 7.1). So what is not in the front, and has a lower tag than the
  front's last element, is absent. That is used only where the front itself is in order and nothing in it is odd.
- Only lengths of more than ``SHORT_WALK`` bytes are left for later; what ends before is walked at once.
- Compressed pixel data are left for later only in a file whose last bytes are a sequence delimiter: a file that was cut
  is refused at once, as ever. What is cut in front of that is an error when somebody asks for what lies behind.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from kerma.encoding.headers import read_header
from kerma.encoding.long import long_sequence
from kerma.encoding.marks import Marks
from kerma.encoding.nested import skip
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED, Encoding, key_of
from kerma.encoding.walk import content_encoding
from kerma.errors import FormatError, TruncatedError
from kerma.limits import Limits, Strictness

SHORT_WALK = 1 << 16
_PIECE = 1 << 12
_PIECES = 32  # reads beyond the first; more are not cheaper than a map of the whole
_PIXELS = 0x7FE00010
_DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"

Read = Callable[[int, int], bytes]


class Front:
    """What is known of a data set: ``index`` of its first elements, ``last`` the tag of the last of them, which is not
    walked.
    """

    __slots__ = ("index", "last")

    def __init__(self, index: dict[int, int], last: int) -> None:
        self.index = index
        self.last = last

    def tells(self, key: int) -> bool:
        """Whether the element of ``key`` is in ``index`` or absent; otherwise the rest must be walked to know."""
        return key_of(key) <= self.last

    def value_end(self, buf: Buffer, value: int, vr: str, end: int, encoding: Encoding, marks: Marks) -> int | None:
        """Where the undefined-length value of the last element ends, without a look behind it; None where it is odd."""
        trial = Marks(marks.limits, Strictness.STRICT)
        try:
            return long_sequence(buf, value, end, content_encoding(encoding, vr), trial, self.last)
        except FormatError:
            return None

    def rest(self, buf: Buffer, end: int, encoding: Encoding, marks: Marks) -> dict[int, int] | None:
        """The whole index; None where the rest is odd in some way, and is to be scanned with care."""
        index = self.index.copy()
        trial = Marks(marks.limits, Strictness.STRICT)
        last = -1
        pos = next(reversed(index.values()))
        try:
            while pos < end:
                key, vr, length, value = read_header(buf, pos, encoding)
                tag = key_of(key)
                if tag <= last or tag >> 16 == 0xFFFE or not tag:
                    return None
                index[key] = pos
                last = tag
                if length != UNDEFINED:
                    pos = value + length
                    continue
                found = marks.ends.get(value)
                if found is None:
                    found = long_sequence(buf, value, end, content_encoding(encoding, vr), trial, tag)
                if found is None:
                    return None
                trial.ends[value] = found
                pos = found + 8
        except (FormatError, struct.error):
            return None
        if pos != end:
            return None
        marks.ends.update(trial.ends)
        return index


def find_front(
    window: bytes, start: int, end: int, encoding: Encoding, marks: Marks, read: Read, *, compressed: bool
) -> Front | None:
    """The front of the data set from ``start`` to ``end`` of a file that begins with ``window``; ``read`` (offset,
    length) gives the rest. ``last`` is ``WHOLE`` where nothing had to be left for later. ``compressed`` says that the
    transfer syntax gives pixel data an undefined length (PS3.5 A.4).

    None where anything is odd, or not worth it: then the whole is to be scanned.
    """
    if not encoding.little_endian:
        return None
    pieces = _Pieces(window, end, read)
    ends: dict[int, int] = {}
    index: dict[int, int] = {}
    last, pos = -1, start
    try:
        while pos < end:
            piece, base = pieces.at(pos, min(12, end - pos))
            key, vr, length, value = read_header(piece, pos - base, encoding)
            value += base
            tag = key_of(key)
            known = not encoding.explicit or _known_vr(piece, pos - base, encoding)
            if tag <= last or tag >> 16 == 0xFFFE or not tag or not known:
                return None
            index[key] = pos
            last = tag
            if length != UNDEFINED:
                pos = value + length
                continue
            if tag == _PIXELS:
                return Front(index, tag) if read(end - 8, 8) == _DELIMITER and _keep(marks, ends) else None
            after = _short(pieces, value, end, content_encoding(encoding, vr), marks.limits, tag, ends)
            if after is None:
                cut = compressed and tag < _PIXELS and read(end - 8, 8) != _DELIMITER
                return None if cut or not _keep(marks, ends) else Front(index, tag)
            pos = after
    except (FormatError, struct.error):
        return None
    return Front(index, WHOLE) if pos == end and _keep(marks, ends) else None


WHOLE = 1 << 32
"""A ``last`` above every tag."""


def _keep(marks: Marks, ends: dict[int, int]) -> bool:
    marks.ends.update(ends)
    return True


def _known_vr(piece: bytes, at: int, encoding: Encoding) -> bool:
    code = encoding.u16.unpack_from(piece, at + 4)[0]
    return code in encoding.short or code in encoding.long


class _Pieces:
    """A file of which the first bytes are at hand and others are read where they are wanted, few at a time."""

    __slots__ = ("base", "end", "left", "piece", "read")

    def __init__(self, window: bytes, end: int, read: Read) -> None:
        self.piece = window
        self.base = 0
        self.end = end
        self.read = read
        self.left = _PIECES

    def at(self, pos: int, length: int) -> tuple[bytes, int]:
        """Bytes that hold ``length`` of them from ``pos`` on, and the offset of the first."""
        if not self.base <= pos <= self.base + len(self.piece) - length:
            if not self.left or pos + length > self.end:
                raise TruncatedError("too many pieces, or the end", missing=length, offset=pos)
            self.left -= 1
            self.piece = self.read(pos, min(max(length, _PIECE), self.end - pos))
            self.base = pos
            if len(self.piece) < length:
                raise TruncatedError("the file became shorter", missing=length, offset=pos)
        return self.piece, self.base


def _short(
    pieces: _Pieces, value: int, end: int, encoding: Encoding, limits: Limits, tag: int, ends: dict[int, int]
) -> int | None:
    """The offset after an undefined-length value that ends within ``SHORT_WALK`` bytes, None where it does not."""
    for size in (_PIECE, SHORT_WALK):
        piece, base = pieces.at(value, min(size, end - value))
        trial = Marks(limits, Strictness.STRICT)
        try:
            after = skip(piece, value - base, len(piece), encoding, trial, (), tag)
        except TruncatedError:
            continue
        if trial.odd or trial.findings:
            raise FormatError("odd", offset=value)
        ends.update((at + base, stop + base) for at, stop in trial.ends.items())
        return after + base
    if end - value <= SHORT_WALK:
        raise TruncatedError("the sequence does not end", missing=8, offset=value)
    return None
