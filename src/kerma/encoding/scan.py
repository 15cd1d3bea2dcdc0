"""The scan: where each element of a data set lies (PS3.5 7.1). The heart of Kerma, so it does as little as can be.

``scan`` returns a dict from key (``syntax.key_of``) to the offset of the element's header, in the order of the bytes.
Nothing is decoded, no object is made for an element, and a value of defined length, sequences included, is one
addition.

Rules:

- The fast loops (``loops``, plain or compiled) check nothing on their way but the VR. A length that goes too far makes
  the position pass the end, and a position that does not arrive exactly at the end, or anything else that is odd,
  makes ``scan`` start again with ``careful``, which checks every step, notes what it understands, and raises with
  offset and path where it does not.
- The plain loops do not walk again over a head whose headers are all where those of an earlier one were (``layouts``);
  the compiled ones are quicker than that comparison.
- So a cut data set is always an error, and a right one pays nothing for that.
- Odd lengths and elements out of order change nothing in the reading; ``lint`` finds them when somebody asks.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from kerma.encoding.headers import header_at, overrun, tag_text
from kerma.encoding.layouts import Layouts
from kerma.encoding.marks import Marks
from kerma.encoding.nested import skip
from kerma.encoding.places import Index, Places, unpack
from kerma.encoding.raw import record
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.encoding.twin import COMPILED, loops
from kerma.encoding.walk import content_encoding
from kerma.errors import FormatError, LimitError, TruncatedError
from kerma.limits import Strictness

_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE
_SHORT = EXPLICIT_LE.short
_LONG = EXPLICIT_LE.long
_scan_explicit = loops.scan_explicit
_scan_implicit = loops.scan_implicit
_explicit_header = EXPLICIT_LE.header.unpack_from
_implicit_header = IMPLICIT_LE.header.unpack_from
_u32 = EXPLICIT_LE.u32.unpack_from
_KNOWN = {EXPLICIT_LE: Layouts(EXPLICIT_LE), IMPLICIT_LE: Layouts(IMPLICIT_LE)}
_RECORD = struct.Struct("=Q")
_WORTH_KNOWING = 512  # bytes


def scan(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...] = ()
) -> dict[int, int]:
    """Key -> header offset of the elements in ``buf[start:end]``.

    Raises ``TruncatedError`` (offset, tag path and missing count) where an element goes past ``end``, ``FormatError``
    where the bytes are no elements, ``LimitError`` beyond ``Limits``.
    """
    found = scan_places(buf, start, end, encoding, marks, path)
    return unpack(found) if isinstance(found, bytes) else found


def scan_places(
    buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...] = ()
) -> Index | Places:
    """The same, as the loops give it: the ``Places`` of compiled ones cost nothing for an element."""
    if encoding.little_endian and end - start <= 8 * marks.limits.max_elements:
        loop = _scan_explicit if encoding.explicit else _scan_implicit
        if COMPILED or path or end - start < _WORTH_KNOWING:
            found, pos = loop(buf, start, end, marks, path)
            if pos == end:
                return found
        else:
            index = _scan_known(buf, start, end, encoding, marks)
            if index is not None:
                return index
    return careful(buf, start, end, encoding, marks, path)


def _scan_known(buf: Buffer, start: int, end: int, encoding: Encoding, marks: Marks) -> dict[int, int] | None:
    """The plain loop, from behind the head where that is known; None where anything is odd."""
    loop = _scan_explicit if encoding.explicit else _scan_implicit
    known = _KNOWN[encoding]
    head = known.recall(buf, start, end, marks)
    found, pos = loop(buf, start if head is None else head[1], end, marks, ())
    if pos != end:
        return None
    index = unpack(found) if isinstance(found, bytes) else found
    if head is None:
        known.note(buf, index, marks)
        return index
    head[0].update(index)
    return head[0]


def scan_window(
    window: Buffer, start: int, end: int, encoding: Encoding, marks: Marks, read: Callable[[int, int], bytes]
) -> Index | Places | None:
    """The index of a data set of which only the first bytes are at hand: ``window`` ends before ``end``.

    ``read`` (offset, length) gives bytes of the rest; what follows the pixel data is asked of it when it is little.
    None where the headers are not all within reach, or where anything is odd: then the whole is to be scanned.
    """
    if not encoding.little_endian:
        return None
    trial = Marks(marks.limits, Strictness.STRICT)
    loop = _scan_explicit if encoding.explicit else _scan_implicit
    known = None if COMPILED else _KNOWN[encoding]
    head = None if known is None else known.recall(window, start, end, trial)
    try:
        found, pos = loop(window, start if head is None else head[1], end, trial, ())
        if head is not None:
            head[0].update(unpack(found) if isinstance(found, bytes) else found)
            found = head[0]
        whole = found if pos == end else _with_tail(found, len(window), pos, end, encoding, trial, read)
    except FormatError:
        return None
    if not whole or trial.odd:
        return None
    if known is not None and head is None:
        known.note(window, unpack(whole) if isinstance(whole, bytes) else whole, trial)
    marks.ends.update(trial.ends)
    marks.bare.update(trial.bare)
    return whole


def _with_tail(
    found: Index | Places,
    size: int,
    pos: int,
    end: int,
    encoding: Encoding,
    trial: Marks,
    read: Callable[[int, int], bytes],
) -> Index | Places | None:
    """The elements of a window of ``size`` bytes, which the loop left at ``pos``, and of a short rest behind it.

    All is well if the window ended between two elements. None where it did not.
    """
    if not found or not size < pos + 12 <= end <= pos + size:
        return None
    tail = read(pos, end - pos)
    walked = len(trial.ends)
    rest, stop = (_scan_explicit if encoding.explicit else _scan_implicit)(tail, 0, len(tail), trial, ())
    if stop != len(tail) or len(trial.ends) != walked:
        return None
    if isinstance(found, bytes) and isinstance(rest, bytes):
        places = _joined(found, rest, pos)
        if places is not None:
            return places
    index = unpack(found) if isinstance(found, bytes) else found
    more = unpack(rest) if isinstance(rest, bytes) else rest
    if not more.keys().isdisjoint(index):
        return None
    index.update((key, at + pos) for key, at in more.items())
    return index


def _joined(places: Places, rest: Places, shift: int) -> Places | None:
    """The places of a data set of which ``rest``, whose offsets begin at ``shift``, was scanned by itself; None where
    they do not follow each other in order, or do not fit.
    """
    if not rest or not places:
        return places or None
    numbers = [number + shift for (number,) in _RECORD.iter_unpack(rest)]
    last = len(numbers) - 1
    if record(places, (len(places) >> 3) - 1) >> 32 >= record(rest, 0) >> 32:
        return None
    if (record(rest, last) & 0xFFFFFFFF) + shift > 0xFFFFFFFF:
        return None
    return places + b"".join([_RECORD.pack(number) for number in numbers])


def careful(
    buf: Buffer,
    start: int,
    end: int,
    encoding: Encoding,
    marks: Marks,
    path: tuple[int, ...] = (),
    found: dict[int, int] | None = None,
) -> dict[int, int]:
    """The same as ``scan`` with every step checked; for big endian, and for what the fast loops gave up on.

    Where it raises, ``found`` has the whole elements before, and ``marks.whole`` is the offset of the one that is not.
    """
    index: dict[int, int] = {} if found is None else found
    pos = start
    filled = start  # up to here the bytes are known not to be only padding to the end
    while pos < end:
        marks.whole = pos
        key, *_ = encoding.pair.unpack_from(buf, pos) if end - pos >= 8 else (0, 0)
        if key == 0 and pos >= filled:
            filled = _first_not_zero(buf, pos, end)
            # Fewer zeros than a header are, in big endian, rather the beginning of a tag.
            if filled == end and index and (encoding.little_endian or end - pos >= 8):
                text = f"{end - pos} zero bytes after the last element"
                marks.note("trailing-padding", text, offset=pos, path=path, section="PS3.5 7.1")
                break
        elif key in {encoding.item_end, encoding.sequence_end}:
            marks.note(
                "stray-delimiter", "a delimiter outside any sequence", offset=pos, path=path, section="PS3.5 7.5"
            )
            pos += 8
            continue
        elif key == encoding.item:
            pos = _past_stray_item(buf, pos, end, encoding, marks, path)
            continue
        header = header_at(buf, pos, end, encoding, marks, path)
        if header.length == UNDEFINED:
            tag = key_of(header.key)
            after = skip(buf, header.value, end, content_encoding(encoding, header.vr), marks, path, tag)
        else:
            after = header.value + header.length
            if after > end:
                raise overrun(header, pos, end, path)
        if header.key in index:
            marks.note(
                "duplicate",
                f"{tag_text(header.key)} occurs twice; the last counts",
                offset=pos,
                path=path,
                section="PS3.5 7.1",
            )
        index[header.key] = pos
        if len(index) > marks.limits.max_elements:
            raise LimitError(f"more than {marks.limits.max_elements} elements", offset=pos, path=path)
        pos = after
    return index


def _past_stray_item(buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...]) -> int:
    """The offset after an item that is in no sequence."""
    length: int = encoding.pair.unpack_from(buf, pos)[1]
    if length > end - pos - 8:
        raise FormatError("an item outside any sequence", offset=pos, path=path)
    marks.note("stray-item", "an item outside any sequence is left out", offset=pos, path=path, section="PS3.5 7.5")
    return pos + 8 + length


def _first_not_zero(buf: Buffer, pos: int, end: int) -> int:
    """The offset of the first byte that is not zero, or ``end``."""
    step = 64
    while pos < end:
        piece = bytes(buf[pos : min(end, pos + step)])
        rest = piece.lstrip(b"\0")
        if rest:
            return pos + len(piece) - len(rest)
        pos += len(piece)
        step = min(step * 4, 1 << 20)
    return end


_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_PATIENCE = 1 << 20


_PIXEL_KEYS = frozenset(key_of(tag) for tag in _PIXELS)
_STOPS = _PIXEL_KEYS | {0, _ITEM, _ITEM_END, _SEQUENCE_END}


def _plain_run(buf: Buffer, pos: int, end: int, encoding: Encoding, index: dict[int, int]) -> int:
    """The start of the first element from ``pos`` that is not plain: pixel data, cut by ``end``, of undefined length,
    padding, nonsense.

    The elements before it go into ``index``.
    """
    if not encoding.little_endian:
        return pos
    last = pos
    key = 0
    try:
        if encoding.explicit:
            header, short, long = _explicit_header, _SHORT, _LONG
            while pos <= end:
                if pos != last:
                    index[key] = last
                    last = pos
                key, vr, length = header(buf, pos)
                if key in _STOPS:
                    return last
                if vr in short:
                    pos += length + 8
                elif vr in long and (length := _u32(buf, pos + 8)[0]) != UNDEFINED:
                    pos += length + 12
                else:
                    return last
        else:
            implicit = _implicit_header
            while pos <= end:
                if pos != last:
                    index[key] = last
                    last = pos
                key, length = implicit(buf, pos)
                if key in _STOPS or length == UNDEFINED:
                    return last
                pos += length + 8
    except struct.error:
        return last
    return last


def scan_head(
    buf: Buffer, end: int, encoding: Encoding, marks: Marks, *, last: bool, index: dict[int, int] | None = None
) -> int:
    """The offset of the header of pixel data in ``buf[:end]``, which may end anywhere unless ``last``; -1 while it
    has not come.

    ``marks.whole`` is then the end of the last whole element. Raises as ``scan`` does; an end inside an element is an
    error only when ``last``. Elements after pixel data are of no interest and not looked at; those before it go into
    ``index``.
    """
    found: dict[int, int] = {} if index is None else index
    known = _KNOWN.get(encoding) if end >= _WORTH_KNOWING else None
    head = None if known is None else known.recall(buf, 0, end, marks)
    if head is not None:
        found.update(head[0])
    pos = _plain_run(buf, 0 if head is None else head[1], end, encoding, found)
    top = end
    while pos < top:
        marks.whole = pos
        try:
            key, *_ = encoding.pair.unpack_from(buf, pos) if top - pos >= 8 else (0, 0)
            tag = key_of(key) if encoding.little_endian else key
            if tag in _PIXELS and top - pos >= 12:
                if known is not None and head is None:
                    known.note(buf, found, marks)
                return pos
            if key == 0 and _first_not_zero(buf, pos, end) == end and (last or pos == 0):
                return -1
            header = header_at(buf, pos, end, encoding, marks, ())
            if header.length == UNDEFINED:
                after = skip(buf, header.value, end, content_encoding(encoding, header.vr), marks, (), tag)
            else:
                after = header.value + header.length
            found[header.key] = pos
            pos = _plain_run(buf, after, end, encoding, found)
        except FormatError as error:
            # An odd header may make sense once more is here; but nonsense is not collected for ever.
            if last or (end - pos > _PATIENCE and not isinstance(error, TruncatedError)):
                raise
            return -1
    marks.whole = pos
    return -1
