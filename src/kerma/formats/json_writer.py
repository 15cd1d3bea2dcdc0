"""DICOM JSON as text: a data set as pieces that are ready to be written (PS3.18 F.2).

Rules: one pass, no recursion, and no more in memory than some kilobytes of text; a large binary value becomes base64 a
megabyte at a time. What each value says is decided in ``json_values``.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

import msgspec

from kerma.dataset import Dataset, Element
from kerma.dataset.bulk import BulkData
from kerma.dataset.walking import plain
from kerma.encoding.source import Buffer
from kerma.formats import plain_values
from kerma.formats.json_values import json_parts
from kerma.formats.plain_values import CHARSET, UNICODE, Bulk

_SIMPLE = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UI"})
_BOTH_ENDS = frozenset({"AE", "CS", "LO", "SH", "UI"})
_TOGETHER = 1000  # elements of one piece
_LARGE = 1 << 16
_LONGEST_PATH = 64
_encode = msgspec.json.Encoder().encode


class _Level:
    """One data set that is being written. ``items`` are those that follow it in its sequence."""

    __slots__ = ("ds", "empty", "items", "number", "path", "rows")

    def __init__(self, ds: Dataset, path: tuple[int, ...], items: Iterator[Dataset] | None, number: int = 0) -> None:
        self.ds = ds
        self.path = path  # of the sequence
        self.rows = plain(ds)
        self.empty = True
        self.items = items
        self.number = number

    def place(self, tag: int) -> tuple[int, ...]:
        """The path of an element."""
        if not self.path:
            return (tag,)
        return (*self.path, self.number, tag) if len(self.path) < _LONGEST_PATH else (*self.path, tag)


def json_pieces(
    ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True, indent: int | None = None, meta: bool = False
) -> Iterator[str]:
    """The JSON object of ``ds`` in pieces of some kilobytes. The arguments are those of ``to_json``."""
    return _Writer(bulk, inline, indent).run(ds, meta)


class _Writer:
    """One run over one data set. ``out`` gathers text, ``large`` is the binary value that is to follow it."""

    def __init__(self, bulk: Bulk | None, inline: bool, indent: int | None) -> None:
        self.bulk = bulk
        self.inline = inline
        self.indent = indent
        self.colon = ":" if indent is None else ": "
        self.comma = "," if indent is None else ", "
        self.out: list[str] = []
        self.large: Any = None

    def line(self, depth: int) -> str:
        return "" if self.indent is None else "\n" + " " * (self.indent * depth)

    def run(self, ds: Dataset, meta: bool) -> Iterator[str]:
        stack = [_Level(ds, (), None)]
        out = self.out
        out.append("{")
        if meta and ds.meta is not None:
            level = _Level(ds.meta, (), None)
            while self._elements(level, 1) is not None:
                yield from self._flush()
            stack[0].empty = level.empty
        while stack:
            level = stack[-1]
            found = self._elements(level, len(stack))
            if found is not None:
                if found is not level:
                    stack.append(found)
                yield from self._flush()
            elif self._next(stack):
                yield from self._flush()
        yield "".join(out)

    def _next(self, stack: list[_Level]) -> bool:
        """End the innermost data set; go to the next item or end the sequence. Whether it is time to flush."""
        level, out = stack.pop(), self.out
        depth = 2 * len(stack)
        out.append("}" if level.empty else self.line(depth) + "}")
        if level.items is None:
            return False
        item = next(level.items, None)
        if item is None:
            out.append(self.line(depth - 1) + "]}")
        else:
            out.append("," + self.line(depth) + "{")
            stack.append(_Level(item, level.path, level.items, level.number + 1))
        return len(out) > _TOGETHER

    def _flush(self) -> Iterator[str]:
        out, large = self.out, self.large
        if large is None:
            if len(out) > _TOGETHER:
                yield "".join(out)
                out.clear()
            return
        yield "".join(out)
        out.clear()
        self.large = None
        rest = b""
        for piece in plain_values.pieces_of(large):
            data = rest + bytes(piece) if rest else piece
            whole = len(data) - len(data) % 3
            rest = bytes(data[whole:])
            yield str(binascii.b2a_base64(data[:whole], newline=False), "ascii")
        out.append(str(binascii.b2a_base64(rest, newline=False), "ascii") + '"}')

    def _elements(self, level: _Level, depth: int) -> _Level | None:
        """Write elements: up to the first item of a sequence, whose level is given; to a pause, then ``level`` itself;
        or to the end, then None.
        """
        out, colon = self.out, self.colon
        before = self.line(2 * depth - 1)
        separator = "," + before
        if not level.empty:
            before = separator
        for row in level.rows:
            tag, vr, raw, value = row
            if not tag & 0xFFFF:
                continue
            head = f'{before}"{tag:08X}"{colon}{{"vr"{colon}"'
            before = separator
            level.empty = False
            if raw is not None:
                if vr in _SIMPLE and tag != CHARSET:
                    text = _simple(vr, raw)
                    if text is not None:
                        out.append(f'{head}{vr}"{self.comma}"Value"{colon}[{text}]}}' if text else f'{head}{vr}"}}')
                        continue
            elif vr == "SQ":
                items = value.transient()
                item = next(items, None)
                if item is not None:
                    out.append(f'{head}SQ"{self.comma}"Value"{colon}[{self.line(2 * depth)}{{')
                    return _Level(item, level.place(tag), items)
                out.append(f'{head}SQ"}}')
                continue
            given, found = plain_values.given(level.ds, row)
            out.append(f'{head}{given}"')
            self._value(level, tag, given, found)
            if self.large is not None or len(out) > _TOGETHER:
                return level
        return None

    def _value(self, level: _Level, tag: int, vr: str, value: Any) -> None:
        """What follows the VR, up to the closing brace; of a large binary value up to its quotation mark."""
        out = self.out
        start = f'{self.comma}"'
        if value is None:
            out.append("}")
        elif isinstance(value, BulkData):
            out.append(f'{start}BulkDataURI"{self.colon}{encode_basestring(value.uri)}}}')
        elif plain_values.is_binary(value):
            size = plain_values.length_of(value)
            if not size:
                out.append("}")
                return
            uri = None if self.bulk is None else self.bulk(level.place(tag), Element(level.ds, tag))
            if uri is not None:
                out.append(f'{start}BulkDataURI"{self.colon}{encode_basestring(uri)}}}')
            elif not self.inline:
                out.append("}")
            elif size > _LARGE:
                out.append(f'{start}InlineBinary"{self.colon}"')
                self.large = value
            else:
                data = b"".join(plain_values.pieces_of(value))
                text = str(binascii.b2a_base64(data, newline=False), "ascii")
                out.append(f'{start}InlineBinary"{self.colon}"{text}"}}')
        else:
            if tag == CHARSET:
                value = UNICODE
            text = str(_encode(json_parts(vr, value)), "utf-8")
            out.append(f'{start}Value"{self.colon}{text}}}')


def _simple(vr: str, raw: Buffer) -> str | None:
    """The parts of plain ASCII text as JSON, "" for none; None where more than that is needed."""
    try:
        text = str(raw, "ascii")
    except UnicodeDecodeError:
        return None
    text = text.strip(" \0") if vr in _BOTH_ENDS else text.rstrip(" \0")
    if not text:
        return ""
    if "\x1b" in text or "\\" in text:
        return None
    return encode_basestring(text)
