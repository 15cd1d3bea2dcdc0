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
from kerma.encoding.salvage import mend
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, UNDEFINED, Encoding, key_of
from kerma.errors import FormatError, LimitError, TruncatedError

_SECTION = "PS3.5 7.5"
_LONGEST = 64


class Level:
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


def _path(base: tuple[int, ...], stack: list[Level]) -> tuple[int, ...]:
    """Where the walk is: tag, item, tag ...; of a deep nesting only the beginning."""
    path = list(base)
    for level in stack[:_LONGEST]:
        if not level.in_item:
            path += (level.tag, level.count)
    if stack and not stack[min(len(stack), _LONGEST) - 1].in_item:
        path.pop()
    return tuple(path)


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
    walk = Walk(buf, end, marks, path, Level(start, encoding, tag, in_item=in_item))
    while True:
        try:
            return walk.run()
        except FormatError as error:
            within = _path(path, walk.stack)
            if error.path[:1] != within[:1]:  # from a header, which does not know where it lies
                error.path = (*within, *error.path)
            if marks.salvage is None or not marks.salvage.active or isinstance(error, LimitError):
                raise
            mend(walk, error, marks.salvage)


class Walk:
    """One walk: the open levels, the innermost last, and where it is."""

    __slots__ = ("buf", "end", "marks", "path", "pos", "stack")

    def __init__(self, buf: Buffer, end: int, marks: Marks, path: tuple[int, ...], level: Level) -> None:
        self.buf = buf
        self.end = end
        self.marks = marks
        self.path = path
        self.stack = [level]
        self.pos = level.start

    def run(self) -> int:
        stack = self.stack
        while stack:
            level = stack[-1]
            if level.in_item:
                self._elements(level)
            else:
                self._items(level)
        return self.pos

    def _items(self, level: Level) -> None:
        """Over the items of a sequence, to its end or to an item of undefined length."""
        buf, end, marks = self.buf, self.end, self.marks
        encoding = level.encoding
        pair, item = encoding.pair.unpack_from, encoding.item
        pos = self.pos
        while end - pos >= 8:
            key, length = pair(buf, pos)
            if key == item:
                level.count += 1
                if length != UNDEFINED:
                    pos += 8 + length
                    if pos > end:
                        level.count -= 1
                        raise _cut(pos, length, end, _path(self.path, self.stack))
                    continue
                pos += 8
                if pos in marks.ends:
                    pos = marks.after(pos)
                    continue
                level.count -= 1
                self.pos = pos
                self._open(Level(pos, self._inside(pos, encoding), 0, in_item=True))
                return
            if key == encoding.item_end:
                marks.note("stray-delimiter", "an item delimiter without an item", offset=pos, section=_SECTION)
                pos += 8
                continue
            if key != encoding.sequence_end:
                _not_an_item(buf, pos, end, self.stack, marks, _path(self.path, self.stack))
                marks.bare.add(level.start)
            marks.ends[level.start] = pos
            if key == encoding.sequence_end:
                pos += 8
            self.pos = pos
            self.stack.pop()
            return
        self._missing_end(pos)

    def _elements(self, level: Level) -> None:
        """Over the elements of an item, to its end or to an element of undefined length."""
        buf, end, marks = self.buf, self.end, self.marks
        encoding = level.encoding
        pair, ends = encoding.pair.unpack_from, (encoding.item_end, encoding.sequence_end)
        header_of, short = encoding.header.unpack_from, encoding.short if encoding.explicit else ()
        pos = self.pos
        while end - pos >= 8:
            if short:
                _, code, length = header_of(buf, pos)
                if code in short and pos + 8 + length <= end and not marks.odd:
                    pos += 8 + length
                    continue
            key, _ = pair(buf, pos)
            if key in ends:
                self._close_item(level, pos, is_item_end=key == encoding.item_end)
                return
            header = header_at(buf, pos, end, encoding, marks, ())
            if header.length != UNDEFINED:
                pos = header.value + header.length
                continue
            pos = header.value
            if pos in marks.ends:
                pos = marks.after(pos)
                continue
            self.pos = pos
            inside = content_encoding(encoding, header.vr)
            self._open(Level(pos, inside, key_of(header.key), in_item=False))
            return
        self._missing_end(pos)

    def _close_item(self, level: Level, pos: int, *, is_item_end: bool) -> None:
        marks = self.marks
        marks.ends[level.start] = pos
        if is_item_end:
            pos += 8
        else:
            text = "an item of undefined length has no delimiter"
            marks.note("missing-delimiter", text, offset=pos, section=_SECTION)
            marks.bare.add(level.start)
        self.pos = pos
        self.stack.pop()
        if self.stack:
            self.stack[-1].count += 1

    def _open(self, level: Level) -> None:
        self.stack.append(level)
        depth = self.marks.limits.max_depth
        if len(self.stack) > 2 * depth:
            path = _path(self.path, self.stack)
            raise LimitError(f"sequences nest deeper than {depth}", offset=level.start, path=path)

    def _inside(self, pos: int, encoding: Encoding) -> Encoding:
        inside = encoding_inside(self.buf, pos, self.end, encoding)
        if inside is not encoding:
            note_other_encoding(self.marks, pos, _path(self.path, self.stack), encoding, inside)
        return inside

    def _missing_end(self, pos: int) -> None:
        """All open levels end with what holds them: a finding where only a delimiter is missing, else an error."""
        end, stack, marks = self.end, self.stack, self.marks
        path = _path(self.path, stack)
        if end > pos and any(bytes(self.buf[pos:end])):
            missing = 8 - (end - pos)
            text = f"an item header of 8 bytes begins, {missing} are missing"
            raise TruncatedError(text, missing=missing, offset=pos, path=path)
        if marks.partial or len(stack) > 2 or stack[-1].in_item:
            text = "the bytes end inside an item of undefined length"
            raise TruncatedError(text, missing=8, offset=pos, path=path)
        text = "a sequence of undefined length has no delimiter at the end"
        marks.note("missing-delimiter", text, offset=pos, path=path, section=_SECTION)
        for level in stack:
            marks.ends[level.start] = pos
            marks.bare.add(level.start)
        stack.clear()
        self.pos = pos


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


def _cut(pos: int, length: int, end: int, path: tuple[int, ...]) -> TruncatedError:
    missing = pos - end
    return TruncatedError(
        f"an item is {length} bytes long, {missing} of them are missing",
        missing=missing,
        offset=pos - length - 8,
        path=path,
    )


def _not_an_item(buf: Buffer, pos: int, end: int, stack: list[Level], marks: Marks, path: tuple[int, ...]) -> None:
    """Neither item nor delimiter: a finding where the next element of the level above plausibly begins here."""
    outer = stack[-2].encoding if len(stack) > 1 else stack[-1].encoding
    try:
        header = header_at(buf, pos, end, outer, marks, path)
    except FormatError:
        header = None
    if header is None or key_of(header.key) <= stack[-1].tag or key_of(header.key) >> 16 == 0xFFFE:
        raise FormatError("neither an item nor a delimiter where one must be", offset=pos, path=path)
    text = "a sequence of undefined length has no delimiter"
    marks.note("missing-delimiter", text, offset=pos, path=path, section=_SECTION)
