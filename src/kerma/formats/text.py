"""A data set as lines for people, in the manner of the usual dump tools.

One element a line: tag, VR, value in brackets, length, keyword or name. Values are shortened, bulk data is named by
its size, nothing recurses, and whatever cannot be decoded is shown as bytes with a mark.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import IntEnum
from functools import lru_cache
from typing import Any

from kerma import values
from kerma.dataset import Dataset, Element
from kerma.dataset.bulk import BulkData
from kerma.dataset.flat import TextRow, batches
from kerma.dataset.fragments import Fragments
from kerma.dataset.walking import BULK, Row, plain
from kerma.encoding.rows import ITEM, ITEM_END
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED
from kerma.errors import KermaError, format_path
from kerma.formats.personality import personality
from kerma.standard import elements, private, uids

_DEEPEST = 24  # indentation stops growing here
_LONGEST_PATH = 64
_SIMPLE = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UI"})
_NUMBERS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"})
_INTEGERS = {"US": 2, "SS": 2, "UL": 4, "SL": 4}


class Shown(IntEnum):
    """What is shown of a data set: only what was asked for by tag, all of it but not of all items as it is, or all."""

    NOTHING = 0
    WHOLE = 1
    ALL = 2


def dump_lines(
    ds: Dataset,
    *,
    width: int = 64,
    depth: int | None = None,
    keys: Collection[int] | None = None,
    meta: bool = True,
    findings: bool = True,
) -> Iterator[str]:
    """The lines of ``ds``: meta information first, items indented below their sequence, findings at the end.

    ``width`` is how many characters of a value are shown, ``depth`` how deep items are shown (0 is none). ``keys`` are
    tags: then only those elements are shown, wherever they are, with what is in them, each with its path.
    ``FormatError`` where an item cannot be read; the lines before it are given.
    """
    if keys is not None:
        if ds.meta is not None:
            yield from _Lines(width, depth, keys).run(ds.meta)
        yield from _Lines(width, depth, keys).run(ds)
        return
    if meta and ds.meta is not None:
        yield "# File meta information"
        yield from _Lines(width, depth, None).run(ds.meta)
        yield ""
    if ds.transfer_syntax_uid is not None:
        name = uids.name_of(ds.transfer_syntax_uid)
        yield f"# Data set, {name or ds.transfer_syntax_uid}"
    yield from _Lines(width, depth, None).run(ds)
    if findings:
        other = personality(ds)
        if other is not None and not other.executable and not other.stale:
            yield f"# By its preamble the file is {other.name} as well"
        _ = ds._body.charsets  # what is odd about them is noted when somebody asks
        for finding in ds.findings:
            yield f"# {finding.code}: {finding}"


class _Level:
    """A data set whose lines are given, and the items after it. ``shown`` says what is asked for; ``creators`` has, of
    the data set and of the items inside it that rows of text have begun, block -> private creator.
    """

    __slots__ = ("batches", "creators", "depth", "ds", "items", "number", "path", "shown")

    def __init__(
        self, ds: Dataset, items: Iterator[Dataset], path: tuple[int, ...], number: int, depth: int, shown: Shown
    ) -> None:
        self.ds = ds
        self.items = items
        self.path = path
        self.number = number
        self.depth = depth  # 0 for the whole data set
        self.shown = shown
        self.batches = batches(ds, deep=shown is Shown.ALL) if shown else (([], row, None) for row in plain(ds))
        self.creators: list[dict[int, str]] = [{}]

    def place(self, tag: int) -> tuple[int, ...]:
        if not self.path:
            return (tag,)
        return (*self.path, self.number, tag) if len(self.path) < _LONGEST_PATH else (*self.path, tag)

    @property
    def deep(self) -> int:
        """How deep the innermost open item is."""
        return self.depth + len(self.creators) - 1


class _Lines:
    """One run over one data set."""

    def __init__(self, width: int, depth: int | None, keys: Collection[int] | None) -> None:
        self.width = width
        self.depth = depth
        self.keys = keys

    def run(self, ds: Dataset) -> Iterator[str]:
        keys = self.keys
        everything = Shown.ALL if self.depth is None and keys is None else Shown.WHOLE
        stack = [_Level(ds, iter(()), (), 0, 0, everything if keys is None else Shown.NOTHING)]
        while stack:
            level = stack[-1]
            for texts, row, inner in level.batches:
                if texts:
                    yield from self._texts(level, texts)
                if row is None:
                    continue
                tag, vr = row[:2]
                shown = level.shown or (everything if keys is not None and tag in keys else Shown.NOTHING)
                if shown:
                    yield self._line(level, row, level.ds if inner is None else inner.ds)
                deep = level.deep
                if vr == "SQ" and (self.depth is None or deep < self.depth):
                    items = row[3].transient()
                    item = next(items, None)
                    if item is not None:
                        stack.append(_Level(item, items, level.place(tag), 0, deep + 1, shown))
                        if keys is None:
                            yield _item_line(deep, 0)
                        break
            else:
                stack.pop()
                item = next(level.items, None)
                if item is not None:
                    number = level.number + 1
                    stack.append(_Level(item, level.items, level.path, number, level.depth, level.shown))
                    if keys is None:
                        yield _item_line(level.depth - 1, number)

    def _texts(self, level: _Level, texts: list[TextRow]) -> list[str]:
        """The lines of plain values, and of the sequences and items that they are in."""
        width, creators = self.width, level.creators
        indent = self._indent(level)
        lines = []
        for tag, vr, text, number in texts:
            if text is not None:
                label, name = _label(tag)
                if not name:
                    name = _private_name(level, tag)
                    if tag & 0xFFFF <= 0xFF:
                        creators[-1][(tag & 0xFFFF0000) | (tag & 0xFF) << 8] = _creator(vr, text)
                lines.append(f"{indent}{label} {_plain_text(vr, text, width):<43} # {number}, {name}")
            elif vr == "SQ":
                label, name = _label(tag)
                count, size = _count_text(number >> 32), _size_text(number & UNDEFINED)
                lines.append(f"{indent}{label} {count:<43} # {size}{name or _private_name(level, tag)}")
            elif tag == ITEM:
                lines.append(_item_line(level.deep, number))
                creators.append({})
                indent = self._indent(level)
            elif tag == ITEM_END:
                creators.pop()
                indent = self._indent(level)
        return lines

    def _indent(self, level: _Level) -> str:
        """What stands before the elements of the innermost open item."""
        if self.keys is None:
            return "    " * min(level.deep, _DEEPEST)
        return f"{format_path(level.place(0)[:-1])}." if level.path else ""

    def _line(self, level: _Level, row: Row, ds: Dataset) -> str:
        """The line of an element that comes by itself, of ``level`` or of an item inside it."""
        tag, vr, raw, value = row
        indent = self._indent(level)
        label, name = _label(tag)
        if not name:
            name = _private_name(level, tag)
            if tag & 0xFFFF <= 0xFF and ds is not level.ds:
                block = (tag & 0xFFFF0000) | (tag & 0xFF) << 8
                level.creators[-1][block] = ds._body.creator_of(block)
        if raw is not None:
            return f"{indent}{label} {_raw_text(ds, row, self.width):<43} # {len(raw)}, {name}"
        if vr == "SQ":
            return f"{indent}{label} {_count_text(len(value)):<43} # {_size(Element(ds, tag))}{name}"
        return indent + _line(Element(ds, tag), self.width, name)


def _item_line(deep: int, number: int) -> str:
    """What stands before an item, the sequence of which is so deep."""
    return f"{'  ' * (2 * min(deep + 1, _DEEPEST) - 1)}- item {number + 1}"


def _creator(vr: str, text: str) -> str:
    """The private creator that a plain value names; "" where it names none (PS3.5 7.8.1)."""
    return "" if vr in _NUMBERS or "\\" in text else text.strip(" \0")


def _private_name(level: _Level, tag: int) -> str:
    """The name that its maker gave a private element."""
    element = tag & 0xFFFF
    if element < 0x1000:
        return "Private Creator" if 0x10 <= element <= 0xFF else "Private"
    block = tag & 0xFFFFFF00
    creators = level.creators[-1]
    creator = creators.get(block)
    if creator is None:
        # In items that rows have begun, creators have passed before what they made, as tags ascend.
        creator = creators[block] = level.ds._body.creator_of(tag) if len(level.creators) == 1 else ""
    known = private.lookup(creator, tag) if creator else None
    return (known.name if known is not None else "") or "Private"


@lru_cache(maxsize=8192)
def _label(tag: int) -> tuple[str, str]:
    """The tag as it is shown, and the keyword or the name; "" for a private element."""
    if tag & 0x10000:
        return _tag(tag), ""
    row = elements.lookup(tag)
    return _tag(tag), elements.keyword_of(tag) or ("" if row is None else row.name) or "Unknown"


def _count_text(count: int) -> str:
    return f"SQ (sequence of {count} item{'' if count == 1 else 's'})"


def _size(element: Element) -> str:
    length = element.length
    return "" if length is None else _size_text(length)


def _size_text(length: int) -> str:
    return "u/l, " if length == UNDEFINED else f"{length}, "


def _tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _plain_text(vr: str, text: str, width: int) -> str:
    """VR and value of what needs no decoding."""
    if not text:
        return f"{vr} (no value)"
    short = text
    if len(text) > width and (vr not in _INTEGERS or "\\" in text):
        short = _short(text, width)
    if vr in _NUMBERS:
        return f"{vr} {short}"
    name = uids.name_of(text) if vr == "UI" else ""
    return f"{vr} [{short}] {name}" if name else f"{vr} [{short}]"


def _raw_text(ds: Dataset, row: Row, width: int) -> str:
    """VR and value of short raw bytes."""
    vr, raw = row[1], row[2]
    assert raw is not None
    body = ds._body
    if vr in _SIMPLE:
        data = bytes(raw)
        if data.isascii():
            text = str(data, "ascii").rstrip(" \0")
            # "~" is the one character of ASCII that Japan's (ISO_IR 13) has not.
            if len(text) <= width and text.isprintable() and "\\" not in text and "~" not in text and text[:1] != " ":
                name = uids.name_of(text) if vr == "UI" else ""
                return f"{vr} [{text}]{' ' if name else ''}{name}" if text else f"{vr} (no value)"
    elif vr in _INTEGERS and len(raw) == _INTEGERS[vr] and body.encoding.little_endian:
        return f"{vr} {int.from_bytes(raw, 'little', signed=vr[0] == 'S')}"
    try:
        value = values.decode(vr, raw, little_endian=body.encoding.little_endian, charsets=body.charsets)
        return f"{vr} {decoded_text(vr, value, width)}"
    except KermaError as error:
        return f"?? <{error.message}: {_bytes_text(raw, width)}>"


def line_of(element: Element, width: int = 64) -> str:
    """One element as a line, without indentation."""
    return _line(element, width, _label(element.tag)[1] or element.name or "Private")


def _line(element: Element, width: int, name: str) -> str:
    try:
        text = f"{element.vr} {value_text(element, width)}"
    except KermaError as error:
        text = f"?? <{error.message}: {_bytes_text(element.raw or b'', width)}>"
    return f"{_tag(element.tag)} {text:<43} # {_size(element)}{name}"


def value_text(element: Element, width: int = 64) -> str:
    """The value, shortened: text in brackets, numbers with backslashes, bulk data as its size."""
    if element.vr == "SQ":
        count = len(element.sequence)
        return f"(sequence of {count} item{'' if count == 1 else 's'})"
    if element.undefined_length:
        count = len(element.fragments)
        return f"(encapsulated, {count} item{'' if count == 1 else 's'})"
    if element.vr in BULK and element.raw is not None:
        return _bytes_text(element.raw, width) if len(element.raw) else "(no value)"
    return decoded_text(element.vr, element.value, width)


def decoded_text(vr: str, value: Any, width: int) -> str:
    """A decoded value, shortened."""
    if value is None:
        return "(no value)"
    if isinstance(value, BulkData):
        return f"(elsewhere: {_short(_clean(value.uri), width)})" if value.uri else "(not here)"
    if isinstance(value, Fragments):
        return f"(encapsulated, {len(value)} items)"
    if isinstance(value, memoryview):
        return _bytes_text(value, width)
    if vr == "AT":
        tags = value if isinstance(value, tuple) else (value,)
        return _short("\\".join(map(_tag, tags[:width])), width)
    if isinstance(value, str):
        name = uids.name_of(value) if vr == "UI" else ""
        return f"[{_short(_clean(value), width)}]" + (f" {name}" if name else "")
    if isinstance(value, tuple):
        text = "\\".join(_one(part) for part in value[: width + 1])
        return f"[{_short(text, width)}]" if isinstance(value[0], str) else _short(text, width)
    return _short(_one(value), width)


def _one(value: Any) -> str:
    if value is None:
        return ""
    text = getattr(value, "text", None)
    return _clean(text if isinstance(text, str) else str(value))


def _clean(text: str) -> str:
    if text.isprintable() and len(text) <= 4096:
        return str(text)
    return "".join(character if character.isprintable() else "." for character in text[:4096])


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 3, 1)] + "..."


def _bytes_text(raw: Buffer, width: int) -> str:
    shown = bytes(memoryview(raw)[: max(width // 3, 1)])
    text = shown.hex("\\")
    return text + f"... ({len(raw)} bytes)" if len(raw) > len(shown) else text
