"""DICOM JSON as text: a data set as pieces that are ready to be written (PS3.18 F.2).

Rules: what each value says is decided in ``json_values``; plain ASCII text, which most values are, goes straight from
its bytes to JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

import msgspec

from kerma.dataset import Dataset, Element
from kerma.dataset.binary import is_binary, length_of
from kerma.dataset.bulk import BulkData
from kerma.dataset.flat import Inner, TextRow
from kerma.dataset.walking import Row, given_value
from kerma.encoding.rows import ITEM, SEQUENCE_END
from kerma.encoding.source import Buffer
from kerma.formats.form_writer import LARGE, TOGETHER, FormWriter, Level, base64_pieces
from kerma.formats.json_values import json_parts
from kerma.formats.plain_values import CHARSET, UNICODE, Bulk

_SIMPLE = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UI"})
_BOTH_ENDS = frozenset({"AE", "CS", "LO", "SH", "UI"})
SHORT = frozenset({*_SIMPLE, "DS", "IS", "PN", "US", "SS", "UL", "SL"})
_BARE = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"})
_BACKSLASH = "\\"
_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4}
# Numbers that JSON writes as DICOM does and that every double holds, with backslashes between them.
_DECIMALS = re.compile(r"(?:(?=[^\\]{1,16}(?:\\|$))(?![0-9]{16})-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:\\(?=.)|$))+")
_INTEGERS = re.compile(r"(?:(?=[^\\]{1,16}(?:\\|$))(?![0-9]{16})-?(?:0|[1-9][0-9]*)(?:\\(?=.)|$))+")
_encode = msgspec.json.Encoder().encode


def json_pieces(
    ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True, indent: int | None = None, meta: bool = False
) -> Iterator[str]:
    """The JSON object of ``ds`` in pieces of some kilobytes. The arguments are those of ``to_json``."""
    return _JSONWriter(bulk, inline, indent).run(ds, meta)


class _JSONWriter(FormWriter):
    """DICOM JSON; ``indent`` puts each attribute on a line of its own."""

    def __init__(self, bulk: Bulk | None, inline: bool, indent: int | None) -> None:
        super().__init__(bulk, inline)
        self.indent = indent
        self.colon = ":" if indent is None else ": "
        self.comma = "," if indent is None else ", "

    def line(self, depth: int) -> str:
        return "" if self.indent is None else "\n" + " " * (self.indent * depth)

    def begin(self, ds: Dataset) -> None:
        self.out.append("{")

    def end(self, level: Level) -> None:
        self.out.append("}" if level.empty else self.line(0) + "}")

    def next_item(self, level: Level, depth: int) -> None:
        self.out.append("," + self.line(2 * depth) + "{")

    def end_item(self, level: Level, depth: int) -> None:
        self.out.append("}" if level.empty else self.line(2 * depth) + "}")

    def end_sequence(self, depth: int) -> None:
        self.out.append(self.line(2 * depth - 1) + "]}")

    def end_large(self) -> str:
        return '"}'

    def elements(self, level: Level) -> Level | None:
        out = self.out
        for texts, row, inner in level.batches:
            if texts:
                self._texts(level, texts)
            if row is None or not row[0] & 0xFFFF:
                continue
            found = self._row(level, row, inner)
            if found is not None:
                return found
            if self.large is not None or len(out) > TOGETHER:
                return level
        return None

    def _texts(self, level: Level, texts: list[TextRow]) -> None:
        """Write plain values, and the sequences and items that they are in."""
        out, colon = self.out, self.colon
        depth = level.depth + level.open
        separator = "," + self.line(2 * depth - 1)
        before = separator[1:] if level.empty else separator
        middle = '":{"vr":"' if self.indent is None else '": {"vr": "'
        start = f'"{self.comma}"Value"{colon}['
        for tag, vr, text, number in texts:
            if not tag & 0xFFFF:
                continue
            if text:
                head = f'{before}"{tag:08X}{middle}{vr}{start}'
                before = separator
                if vr in _BARE:
                    out.append(f"{head}{text.replace(_BACKSLASH, ',')}]}}")
                elif vr == "PN":
                    out.append(f'{head}{{"Alphabetic":"{text}"}}]}}')
                else:
                    out.append(f'{head}"{UNICODE if tag == CHARSET and vr == "CS" else text}"]}}')
            elif text is not None:
                out.append(f'{before}"{tag:08X}{middle}{vr}"}}')
                before = separator
            elif vr == "SQ":
                if number >> 32:
                    out.append(f'{before}"{tag:08X}{middle}SQ{start}')
                else:
                    out.append(f'{before}"{tag:08X}{middle}SQ"}}')
                    before = separator
            elif tag == SEQUENCE_END:
                out.append(self.line(2 * depth - 1) + "]}")
                before = separator
            else:
                if tag == ITEM:
                    out.append(("," if number else "") + self.line(2 * depth) + "{")
                    depth += 1
                else:
                    depth -= 1
                    out.append(self.line(2 * depth) + "}" if before[:1] == "," else "}")
                separator = "," + self.line(2 * depth - 1)
                before = separator[1:]
        level.open = depth - level.depth
        level.empty = before != separator

    def _row(self, level: Level, row: Row, inner: Inner | None) -> Level | None:
        """Write an element that is not plain; the level of the first item if it is a sequence that has one."""
        out, colon = self.out, self.colon
        depth = level.depth + level.open
        line = self.line(2 * depth - 1)
        tag, vr, raw, value = row
        head = f'{line if level.empty else "," + line}"{tag:08X}"{colon}{{"vr"{colon}"'
        level.empty = False
        if raw is not None:
            if vr in SHORT and (tag != CHARSET or vr != "CS"):
                simple = simple_parts(vr, raw, level.little)
                if simple is not None:
                    out.append(f'{head}{vr}"{self.comma}"Value"{colon}[{simple}]}}' if simple else f'{head}{vr}"}}')
                    return None
        elif vr == "SQ":
            items = value.transient()
            item = next(items, None)
            if item is None:
                out.append(f'{head}SQ"}}')
                return None
            out.append(f'{head}SQ"{self.comma}"Value"{colon}[{self.line(2 * depth)}{{')
            return Level(item, level.within(inner).place(tag), items, depth + 1)
        where = level.within(inner)
        given, found = given_value(where.ds, row)
        out.append(f'{head}{given}"')
        self._value(where, tag, given, found)
        return None

    def _value(self, level: Level, tag: int, vr: str, value: Any) -> None:
        """What follows the VR, up to the closing brace; of a large binary value up to its quotation mark."""
        out = self.out
        start = f'{self.comma}"'
        if value is None:
            out.append("}")
        elif isinstance(value, BulkData):
            out.append(f'{start}BulkDataURI"{self.colon}{encode_basestring(value.uri)}}}')
        elif is_binary(value):
            size = length_of(value)
            if not size:
                out.append("}")
                return
            uri = None if self.bulk is None else self.bulk(level.place(tag), Element(level.ds, tag))
            if uri is not None:
                out.append(f'{start}BulkDataURI"{self.colon}{encode_basestring(uri)}}}')
            elif not self.inline:
                out.append("}")
            else:
                out.append(f'{start}InlineBinary"{self.colon}"')
                if size > LARGE:
                    self.large = value
                else:
                    out.extend(base64_pieces(value))
                    out.append('"}')
        else:
            parts = json_parts(vr, UNICODE if tag == CHARSET and vr == "CS" else value)
            if parts == [None]:
                out.append("}")
                return
            text = str(_encode(parts), "utf-8")
            out.append(f'{start}Value"{self.colon}{text}}}')


def simple_parts(vr: str, raw: Buffer, little: bool) -> str | None:
    """The parts of a plain value as JSON, "" for none; None where more than that is needed."""
    if vr in _SIZES:
        if len(raw) == _SIZES[vr] and little:
            return str(int.from_bytes(raw, "little", signed=vr[0] == "S"))
        return None
    try:
        text = str(raw, "ascii")
    except UnicodeDecodeError:
        return None
    if vr in _SIMPLE:
        text = text.strip(" \0") if vr in _BOTH_ENDS else text.rstrip(" \0")
        if not text:
            return ""
        # Escapes, values that are several, and the one character of ASCII that Japan's (ISO_IR 13) has not.
        if "\x1b" in text or "\\" in text or "~" in text:
            return None
        return encode_basestring(text)
    if vr == "PN":
        text = text.rstrip(" \0")
        if not text or any(mark in text for mark in "\x1b\\~="):
            return None
        return f'{{"Alphabetic":{encode_basestring(text)}}}'
    text = text.strip(" \0")
    if (_DECIMALS if vr == "DS" else _INTEGERS).fullmatch(text) is None:
        return None
    return text.replace("\\", ",")
