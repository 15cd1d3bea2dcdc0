"""The graphic character sets that DICOM invokes, as tables (PS3.3 C.12.1.1.2, PS3.5 6.1 and its table of escape
sequences).

Rules:

- A ``CodeElement`` is one set as ISO 2022 designates it to G0 (bytes 21-7E) or G1 (bytes A0-FF). Its tables are made
  from Python's codecs, cell by cell, on first use, so that decoding and encoding are each other's inverse.
- ISO-IR 14 (JIS X 0201 romaji) has a yen sign at 5C and an overline at 7E, as registered; where 5C is the delimiter
  of values it stays a backslash (PS3.5 6.1.3 and 6.2).
- Code that understands a term of Specific Character Set is a row of ``NUMBERS`` or ``STAND_ALONE``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

Buffer = bytes | bytearray | memoryview

REPLACEMENT = "\ufffd"
"""What bytes become that are no character of the declared set."""


@dataclass(frozen=True)
class CodeElement:
    """One graphic set: where it is invoked, how it is designated, and the codec that knows its characters."""

    name: str
    upper: bool
    """Designated to G1, its bytes have the high bit."""
    width: int
    """Bytes of one character."""
    escape: bytes
    """The escape sequence that designates it."""
    codec: str
    lead: bytes = b""
    """What the codec wants before each character."""
    supersets: tuple[str, ...] = ()
    """Codecs of larger sets that writers put under this name."""
    at_head: bool = False
    """Designated at the head of a line rather than where it is needed."""

    @cached_property
    def characters(self) -> dict[int, str]:
        """Cell (without regard to the high bit) to character."""
        if self.width == 2:
            cells = ((high << 8 | low) for high in range(0x21, 0x7F) for low in range(0x21, 0x7F))
        elif self.upper:
            cells = (cell for cell in range(0x80))
        else:
            return {cell: chr(cell) for cell in range(0x80)} | (
                {0x5C: "\u00a5", 0x7E: "\u203e"} if self is IR14 else {}
            )
        table: dict[int, str] = {}
        for cell in cells:
            data = self.lead + (cell | (0x8080 if self.width == 2 else 0x80)).to_bytes(self.width, "big")
            try:
                character = data.decode(self.codec)
            except UnicodeDecodeError:
                continue
            if len(character) == 1:
                table[cell] = character
        return table

    @cached_property
    def codes(self) -> dict[str, bytes]:
        """Character to its bytes; of two cells with one character the first counts."""
        mask = (0x8080 if self.width == 2 else 0x80) if self.upper else 0
        codes: dict[str, bytes] = {}
        for cell, character in self.characters.items():
            codes.setdefault(character, (cell | mask).to_bytes(self.width, "big"))
        return codes

    def decode(self, data: bytes) -> str:
        """Characters of ``data``, whose bytes all have the high bit (G1) or all lack it (G0)."""
        table = self.characters
        if self.width == 1:
            return "".join([table.get(byte & 0x7F, REPLACEMENT) for byte in data])
        out: list[str] = []
        at = 0
        while at < len(data):
            byte = data[at] & 0x7F
            if byte == 0x20 and not self.upper:
                out.append(" ")
                at += 1
            else:
                cell = byte << 8 | data[at + 1] & 0x7F if at + 1 < len(data) else 0
                out.append(table.get(cell, REPLACEMENT))
                at += 2
        return "".join(out)


IR6 = CodeElement("ISO-IR 6", False, 1, b"\x1b(B", "ascii")
IR14 = CodeElement("ISO-IR 14", False, 1, b"\x1b(J", "ascii")
IR87 = CodeElement("ISO-IR 87", False, 2, b"\x1b$B", "euc_jp")
IR159 = CodeElement("ISO-IR 159", False, 2, b"\x1b$(D", "euc_jp", lead=b"\x8f")
IR13 = CodeElement("ISO-IR 13", True, 1, b"\x1b)I", "shift_jis", supersets=("cp932",))
IR149 = CodeElement("ISO-IR 149", True, 2, b"\x1b$)C", "euc_kr", supersets=("euc_kr", "cp949"), at_head=True)
IR58 = CodeElement("ISO-IR 58", True, 2, b"\x1b$)A", "gb2312", supersets=("gbk", "gb18030"))


def _latin(number: int, final: bytes, codec: str) -> CodeElement:
    return CodeElement(f"ISO-IR {number}", True, 1, b"\x1b-" + final, codec)


# number in the term -> (G0 or None where the set in use stays, G1 or None). PS3.3 tables C.12-2, C.12-3 and C.12-4.
NUMBERS: dict[int, tuple[CodeElement | None, CodeElement | None]] = {
    6: (IR6, None),
    100: (IR6, _latin(100, b"A", "iso8859_1")),
    101: (IR6, _latin(101, b"B", "iso8859_2")),
    109: (IR6, _latin(109, b"C", "iso8859_3")),
    110: (IR6, _latin(110, b"D", "iso8859_4")),
    144: (IR6, _latin(144, b"L", "iso8859_5")),
    127: (IR6, _latin(127, b"G", "iso8859_6")),
    126: (IR6, _latin(126, b"F", "iso8859_7")),
    138: (IR6, _latin(138, b"H", "iso8859_8")),
    148: (IR6, _latin(148, b"M", "iso8859_9")),
    203: (IR6, _latin(203, b"b", "iso8859_15")),
    13: (IR14, IR13),
    166: (IR6, _latin(166, b"T", "iso8859_11")),
    87: (IR87, None),
    159: (IR159, None),
    149: (None, IR149),
    58: (None, IR58),
}

EXTENSION_ONLY = frozenset({87, 159, 149, 58})
"""Sets of several bytes, which have no term without code extensions (PS3.3 table C.12-4)."""

STAND_ALONE: dict[str, tuple[str, str]] = {
    "ISO_IR 192": ("utf-8", "utf-8"),
    "GB18030": ("gb18030", "gb18030"),
    "GBK": ("gbk", "gb18030"),
}
"""Terms without code extensions (PS3.3 table C.12-5): codec, and the superset to read with."""

ESCAPES: dict[bytes, CodeElement] = {
    element.escape: element for pair in NUMBERS.values() for element in pair if element is not None
} | {
    b"\x1b$@": IR87,
    b"\x1b$(B": IR87,
    b"\x1b$)E": IR58,
}  # older forms of the same designation: JIS C 6226, and with the final byte of four; ISO-IR 165 is a larger IR 58
"""Escape sequence -> what it designates."""

_WILD = re.compile(r"(?:ISO[ _-]*(?:IR[ _-]*)?|(?=IR))(2022[ _-]*)?(?:IR[ _-]*)?0?([0-9]{1,3})")
_NAMES: dict[str, tuple[str, ...]] = {  # what the sets are called elsewhere, without spaces and marks
    "ISO_IR 192": ("UTF8", "UNICODE", "UNICODEUTF8", "ISO10646", "ISO106461", "ISOIRUTF8", "CP65001"),
    "GB18030": ("GB180302000", "GB180302005", "GB180302022", "ISO2022GB18030"),
    "GBK": ("CP936", "MS936", "XGBK", "WINDOWS936", "ISO2022GBK"),
    "ISO_IR 6": ("ASCII", "USASCII", "ISO646", "ISO646US", "DEFAULT"),
    "ISO_IR 100": ("LATIN1", "WINDOWS1252", "CP1252"),
    "ISO_IR 101": ("LATIN2",),
    "ISO_IR 109": ("LATIN3",),
    "ISO_IR 110": ("LATIN4",),
    "ISO_IR 144": ("CYRILLIC",),
    "ISO_IR 127": ("ARABIC",),
    "ISO_IR 126": ("GREEK",),
    "ISO_IR 138": ("HEBREW",),
    "ISO_IR 148": ("LATIN5",),
    "ISO_IR 203": ("LATIN9",),
    "ISO_IR 166": ("TIS620", "THAI"),
    "ISO_IR 13": ("JISX0201", "SHIFTJIS", "SJIS", "CP932", "WINDOWS31J"),
    "ISO 2022 IR 87": ("JISX0208", "ISO2022JP"),
    "ISO 2022 IR 159": ("JISX0212",),
    "ISO 2022 IR 149": ("EUCKR", "KSX1001", "KSC5601", "KSC56011987", "ISO2022KR", "CP949"),
    "ISO 2022 IR 58": ("GB2312", "GB231280", "EUCCN", "ISO2022CN", "ISO2022IR165", "ISOIR165"),
}
_ALIASES = {alias: term for term, aliases in _NAMES.items() for alias in aliases}
_MARKS = re.compile(r"[^A-Z0-9]")
_ISO_8859 = {1: 100, 2: 101, 3: 109, 4: 110, 5: 144, 6: 127, 7: 126, 8: 138, 9: 148, 11: 166, 15: 203}
_LATIN_NAME = re.compile(r"ISO[ _-]?8859[ _-]([0-9]{1,2})(?::[0-9]{4})?")


def canonical(term: str) -> str | None:
    """The defined term that ``term`` means, misspelt ones understood; "" for none at all, None for an unknown one."""
    text = " ".join(term.replace("\0", " ").upper().split())
    if text in {"", *STAND_ALONE}:
        return text
    bare = _MARKS.sub("", text)
    if bare in _ALIASES or bare in STAND_ALONE:
        return _ALIASES.get(bare, bare)
    if match := _LATIN_NAME.fullmatch(text):
        number = _ISO_8859.get(int(match[1]))
        return None if number is None else f"ISO_IR {number}"
    if match := _WILD.fullmatch(text):
        number = int(match[2])
        if number == 192:
            return "ISO_IR 192"
        if number in NUMBERS:
            extended = match[1] is not None or number in EXTENSION_ONLY
            return f"ISO 2022 IR {number}" if extended else f"ISO_IR {number}"
    return None
