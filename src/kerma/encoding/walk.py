"""Where an undefined length ends (PS3.5 7.5.2, A.4): a walk with its own stack, never recursion.

``skip`` goes over items, fragments and nested undefined lengths and hops over everything of defined length in one
step. Each end that it finds is kept in ``Marks.ends``, so a second walk over the same bytes, or over an inner part of
them, is a look-up.

Lenient: a delimiter that is missing at the end of what holds the sequence, or where an element follows, and a
delimiter of the wrong kind, are findings.
"""

from __future__ import annotations

from kerma.encoding.headers import encoding_inside, header_at
from kerma.encoding.marks import Marks
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.errors import FormatError, LimitError, TruncatedError

_SECTION = "PS3.5 7.5"


class _Level:
    """One open sequence (``item`` -1 or the count of items so far) or one open item of it."""

    __slots__ = ("count", "encoding", "in_item", "start", "tag")

    def __init__(self, start: int, encoding: Encoding, tag: int, *, in_item: bool) -> None:
        self.start = start
        self.encoding = encoding
        self.tag = tag
        self.in_item = in_item
        self.count = 0


def content_encoding(encoding: Encoding, vr: str) -> Encoding:
    """The encoding of the items of an undefined-length element: of UN it is implicit little endian (PS3.5 6.2.2)."""
    return IMPLICIT_LE if vr == "UN" else encoding


def _path(base: tuple[int, ...], stack: list[_Level], count: int) -> tuple[int, ...]:
    path = list(base)
    for level in stack:
        if level.in_item:
            continue
        path += (level.tag, level.count)
    if stack and not stack[-1].in_item:
        path.pop()
    # A path of 100,000 steps helps nobody.
    return tuple(path if len(path) <= 64 else path[:64])


def skip(
    buf: Buffer,
    start: int,
    end: int,
    encoding: Encoding,
    marks: Marks,
    path: tuple[int, ...],
    tag: int,
    *,
    in_item: bool = False,
) -> int:
    """The offset after the undefined-length value that begins at ``start`` and must end by ``end``.

    ``encoding`` is that of its items; ``in_item`` says that the value is one item instead of a sequence.
    ``TruncatedError`` where the bytes end inside it, ``FormatError`` where they are no items, ``LimitError`` where it
    nests deeper than ``Limits.max_depth``.
    """
    if start in marks.ends:
        return marks.after(start)
    ends = marks.ends
    level = _Level(start, encoding, tag, in_item=in_item)
    stack = [level]
    pos = start
    max_depth = 2 * marks.limits.max_depth
    pair = encoding.pair.unpack_from
    while True:
        if not level.in_item:
            if end - pos < 8:
                return _missing_end(buf, pos, end, stack, marks, path)
            key, length = pair(buf, pos)
            if key == encoding.item:
                if length != UNDEFINED:
                    pos += 8 + length
                    if pos > end:
                        raise _cut(pos, length, end, stack, path)
                    level.count += 1
                    continue
                pos += 8
                known = ends.get(pos)
                if known is not None:
                    pos = marks.after(pos)
                    level.count += 1
                    continue
                encoding = _inside(buf, pos, end, encoding, marks, path, stack)
                level = _Level(pos, encoding, 0, in_item=True)
                stack.append(level)
                pair = encoding.pair.unpack_from
                if len(stack) > max_depth:
                    raise LimitError(
                        f"sequences nest deeper than {marks.limits.max_depth}", offset=pos, path=_path(path, stack, 0)
                    )
                continue
            if key == encoding.item_end:
                marks.note("stray-delimiter", "an item delimiter without an item", offset=pos, section=_SECTION)
                pos += 8
                continue
            if key == encoding.sequence_end:
                ends[level.start] = pos
                pos += 8
            else:
                _not_an_item(buf, pos, end, encoding, stack, marks, path)
                ends[level.start] = pos
                marks.bare.add(level.start)
            stack.pop()
            if not stack:
                return pos
            level = stack[-1]
            encoding = level.encoding
            pair = encoding.pair.unpack_from
            continue
        if end - pos < 8:
            return _missing_end(buf, pos, end, stack, marks, path)
        key, length = pair(buf, pos)
        if key in {encoding.item_end, encoding.sequence_end}:
            ends[level.start] = pos
            if key == encoding.item_end:
                pos += 8
            else:
                marks.note(
                    "missing-delimiter", "an item of undefined length has no delimiter", offset=pos, section=_SECTION
                )
                marks.bare.add(level.start)
            stack.pop()
            if not stack:
                return pos
            level = stack[-1]
            level.count += 1
            encoding = level.encoding
            pair = encoding.pair.unpack_from
            continue
        header = header_at(buf, pos, end, encoding, marks, ())
        if header.length != UNDEFINED:
            pos = header.value + header.length
            continue
        pos = header.value
        if pos in ends:
            pos = marks.after(pos)
            continue
        encoding = content_encoding(encoding, header.vr)
        level = _Level(pos, encoding, key_of(header.key), in_item=False)
        stack.append(level)
        pair = encoding.pair.unpack_from


def _inside(
    buf: Buffer, pos: int, end: int, encoding: Encoding, marks: Marks, path: tuple[int, ...], stack: list[_Level]
) -> Encoding:
    inside = encoding_inside(buf, pos, end, encoding)
    if inside is not encoding:
        note_other_encoding(marks, pos, _path(path, stack, 0), encoding, inside)
    return inside


def note_other_encoding(marks: Marks, pos: int, path: tuple[int, ...], outside: Encoding, inside: Encoding) -> None:
    if outside is IMPLICIT_LE and inside is EXPLICIT_LE:
        marks.note("explicit-item", "an item of UN is in explicit VR", offset=pos, path=path, section="PS3.5 6.2.2")
    else:
        marks.note(
            "implicit-item",
            "an item of an explicit VR data set is in implicit VR",
            offset=pos,
            path=path,
            section="PS3.5 7.5",
        )


def _cut(pos: int, length: int, end: int, stack: list[_Level], path: tuple[int, ...]) -> TruncatedError:
    missing = pos - end
    return TruncatedError(
        f"an item is {length} bytes long, {missing} of them are missing",
        missing=missing,
        offset=pos - length - 8,
        path=_path(path, stack, 0),
    )


def _missing_end(buf: Buffer, pos: int, end: int, stack: list[_Level], marks: Marks, path: tuple[int, ...]) -> int:
    """All open levels end with what holds them: a finding where only delimiters are missing, an error where a header
    was cut.
    """
    if end > pos and any(bytes(buf[pos:end])):
        raise TruncatedError(
            f"an item header of 8 bytes begins, {8 - (end - pos)} are missing",
            missing=8 - (end - pos),
            offset=pos,
            path=_path(path, stack, 0),
        )
    if marks.partial or len(stack) > 2 or stack[-1].in_item:
        raise TruncatedError(
            "the bytes end inside an item of undefined length", missing=8, offset=pos, path=_path(path, stack, 0)
        )
    marks.note(
        "missing-delimiter",
        "a sequence of undefined length has no delimiter at the end",
        offset=pos,
        path=_path(path, stack, 0),
        section=_SECTION,
    )
    for level in stack:
        marks.ends[level.start] = pos
        marks.bare.add(level.start)
    return pos


def _not_an_item(
    buf: Buffer, pos: int, end: int, encoding: Encoding, stack: list[_Level], marks: Marks, path: tuple[int, ...]
) -> None:
    """Neither item nor delimiter: a finding where the next element of the level above plausibly begins here."""
    outer = stack[-2].encoding if len(stack) > 1 else encoding
    where = _path(path, stack, 0)
    try:
        header = header_at(buf, pos, end, outer, marks, where)
    except FormatError:
        header = None
    if header is None or key_of(header.key) <= stack[-1].tag or key_of(header.key) >> 16 == 0xFFFE:
        raise FormatError("neither an item nor a delimiter where one must be", offset=pos, path=where)
    marks.note(
        "missing-delimiter", "a sequence of undefined length has no delimiter", offset=pos, path=where, section=_SECTION
    )
