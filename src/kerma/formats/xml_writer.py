"""The Native DICOM Model as XML (PS3.19 A.1), and the dialect of DCMTK's xml2dcm.

Rules:

- UTF-8, and SpecificCharacterSet says so where it is there.
- A private element is named by its creator, its block number 00, where the creator is declared once in its group;
  otherwise by its whole tag.
- Text that XML 1.0 cannot hold (control characters) is InlineBinary of its UTF-8 bytes, so that nothing is lost.
- Components of a name that are empty are left out; what five components do not hold stays in the last.
- DCMTK's dialect holds the file meta information always, and binary values as hexadecimal bytes or words; it has
  nothing for control characters, which become question marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kerma.dataset import Dataset, Element
from kerma.dataset.binary import is_binary, length_of, pieces_of
from kerma.dataset.bulk import BulkData
from kerma.dataset.fragments import Fragments
from kerma.dataset.walking import given_value
from kerma.encoding.source import Buffer
from kerma.encoding.swap import swapped
from kerma.formats.form_writer import LARGE, TOGETHER, FormWriter, Level, base64_pieces
from kerma.formats.plain_values import CHARSET, UNICODE, Bulk
from kerma.standard import elements, uids, vrs
from kerma.values import PersonName

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">\n'
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_IMPOSSIBLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile('[&<>"\r]')
_EXPLICIT_LE = "1.2.840.10008.1.2.1"
_WORDS = frozenset({"OW"})
_OF_CHARSETS = frozenset(code for code, row in vrs.ALL.items() if row.charset)


def xml_pieces(
    ds: Dataset, *, bulk: Bulk | None = None, inline: bool = True, meta: bool = False, dialect: str = "native"
) -> Iterator[str]:
    """The XML document of ``ds`` in pieces of some kilobytes. The arguments are those of ``to_xml``."""
    if dialect == "dcmtk":
        return _DCMTKWriter(bulk, inline).run(ds, meta=True)
    return _NativeWriter(bulk, inline).run(ds, meta)


def _escaped(text: str) -> str:
    if _SPECIAL.search(text) is None:
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\r", "&#13;")


def _attribute(text: str) -> str:
    """The same in an attribute, where a reader takes white space for blanks (XML 1.0, 3.3.3)."""
    return _escaped(text).replace("\n", "&#10;").replace("\t", "&#9;")


def _part_text(vr: str, part: Any) -> str:
    """One value as text; numbers that are text as they are stored."""
    if part is None:
        return ""
    if isinstance(part, str):
        return str(part)
    if vr == "AT":
        return f"{part:08X}"
    text = getattr(part, "text", None)
    return text if isinstance(text, str) else str(part)


class _NativeWriter(FormWriter):
    """PS3.19 A.1."""

    def begin(self, ds: Dataset) -> None:
        self.out.append(_HEAD)

    def end(self, level: Level) -> None:
        self.out.append("</NativeDicomModel>\n")

    def next_item(self, level: Level, depth: int) -> None:
        self.out.append(f'<Item number="{level.number + 1}">\n')

    def end_item(self, level: Level, depth: int) -> None:
        self.out.append("</Item>\n")

    def end_sequence(self, depth: int) -> None:
        self.out.append("</DicomAttribute>\n")

    def end_large(self) -> str:
        return "</InlineBinary>\n</DicomAttribute>\n"

    def elements(self, level: Level) -> Level | None:
        out = self.out
        creators: dict[int, str] | None = None
        for row in level.rows:
            tag, vr, _, value = row
            if not tag & 0xFFFF:
                continue
            level.empty = False
            if tag & 0x10000:
                if creators is None:
                    creators = _creators(level.ds)
                name = _private_name(tag, creators)
            else:
                keyword = elements.keyword_of(tag)
                name = f'tag="{tag:08X}" vr="@" keyword="{keyword}"' if keyword else f'tag="{tag:08X}" vr="@"'
            if vr == "SQ":
                items = value.transient()
                item = next(items, None)
                start = f"<DicomAttribute {name.replace('@', vr, 1)}"
                if item is not None:
                    out.append(f'{start}>\n<Item number="1">\n')
                    return Level(item, level.place(tag), items, level.depth + 1)
                out.append(start + "/>\n")
                continue
            vr, found = given_value(level.ds, row)
            self._attribute(level, tag, vr, f"<DicomAttribute {name.replace('@', vr, 1)}", found)
            if self.large is not None or len(out) > TOGETHER:
                return level
        return None

    def _attribute(self, level: Level, tag: int, vr: str, start: str, value: Any) -> None:
        out = self.out
        if isinstance(value, BulkData):
            out.append(f'{start}>\n<BulkData uri="{_attribute(value.uri)}"/>\n</DicomAttribute>\n')
        elif value is None or (is_binary(value) and not length_of(value)):
            out.append(start + "/>\n")
        elif is_binary(value):
            uri = None if self.bulk is None else self.bulk(level.place(tag), Element(level.ds, tag))
            if uri is not None:
                out.append(f'{start}>\n<BulkData uri="{_attribute(uri)}"/>\n</DicomAttribute>\n')
            elif not self.inline:
                out.append(start + "/>\n")
            else:
                out.append(start + ">\n<InlineBinary>")
                self._binary(value)
        else:
            self._values(vr, start, UNICODE if tag == CHARSET and vr == "CS" else value)

    def _binary(self, value: Any) -> None:
        if length_of(value) > LARGE:
            self.large = value
        else:
            self.out.extend(base64_pieces(value))
            self.out.append(self.end_large())

    def _values(self, vr: str, start: str, value: Any) -> None:
        out = self.out
        parts = value if isinstance(value, tuple) else (value,)
        texts = [_part_text(vr, part) for part in parts]
        if any(_IMPOSSIBLE.search(text) for text in texts):
            out.append(start + ">\n<InlineBinary>")
            self._binary(_as_bytes(vr, "\\".join(texts)))
            return
        lines = [start + ">\n"]
        for number, (part, text) in enumerate(zip(parts, texts, strict=True), 1):
            if vr == "PN" and isinstance(part, PersonName):
                lines.append(f'<PersonName number="{number}">\n{_name(part)}</PersonName>\n')
            elif vr == "PN":
                lines.append(f'<PersonName number="{number}"/>\n')
            else:
                lines.append(f'<Value number="{number}">{_escaped(text)}</Value>\n')
        lines.append("</DicomAttribute>\n")
        out.append("".join(lines))


def _as_bytes(vr: str, text: str) -> bytes:
    """A text that XML cannot hold, as the bytes that it is read from; UTF-8 where a character set says how."""
    if vr not in _OF_CHARSETS and all(character < "\u0100" for character in text):
        return text.encode("latin-1")
    return text.encode("utf-8", "surrogatepass")


def _name(name: PersonName) -> str:
    lines: list[str] = []
    for group, text in zip(_GROUPS, (name.alphabetic, name.ideographic, name.phonetic), strict=True):
        if not text:
            continue
        parts = zip(_COMPONENTS, text.split("^", 4), strict=False)
        inside = "".join(f"<{component}>{_escaped(part)}</{component}>" for component, part in parts if part)
        lines.append(f"<{group}>{inside}</{group}>\n")
    return "".join(lines)


def _creators(ds: Dataset) -> dict[int, str]:
    """Tag of a private creator -> creator, of those that are declared once in their group."""
    found: dict[int, str] = {}
    seen: dict[tuple[int, str], int] = {}
    for tag in ds:
        if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF:
            creator = ds._body.creator_of((tag & 0xFFFF0000) | (tag & 0xFF) << 8)
            if not creator or "\\" in creator or _IMPOSSIBLE.search(creator):
                continue
            place = (tag >> 16, creator)
            found[tag] = creator
            if place in seen:
                found.pop(seen[place], None)
                del found[tag]
            seen.setdefault(place, tag)
    return found


def _private_name(tag: int, creators: dict[int, str]) -> str:
    creator = creators.get(tag & 0xFFFF0000 | (tag >> 8 & 0xFF)) if tag & 0xFFFF >= 0x1000 else None
    if creator is None:
        return f'tag="{tag:08X}" vr="@"'
    return f'tag="{tag & 0xFFFF00FF:08X}" vr="@" privateCreator="{_attribute(creator)}"'


# -- the dialect of DCMTK ----------------------------------------------------------------------------------------------


class _DCMTKWriter(FormWriter):
    """What DCMTK's dcm2xml writes and its xml2dcm reads."""

    def __init__(self, bulk: Bulk | None, inline: bool) -> None:
        super().__init__(bulk, inline)
        self.whole = False

    def begin(self, ds: Dataset) -> None:
        self.out.append('<?xml version="1.0" encoding="UTF-8"?>\n')
        self.whole = ds.meta is not None
        if self.whole:
            self.out.append(f"<file-format>\n<meta-header {_syntax(_EXPLICIT_LE)}>\n")

    def after_meta(self, ds: Dataset) -> None:
        if self.whole:
            self.out.append("</meta-header>\n")
        self.out.append(f"<data-set {_syntax(ds.transfer_syntax_uid or _EXPLICIT_LE)}>\n")

    def end(self, level: Level) -> None:
        self.out.append("</data-set>\n</file-format>\n" if self.whole else "</data-set>\n")

    def next_item(self, level: Level, depth: int) -> None:
        self.out.append("<item>\n")

    def end_item(self, level: Level, depth: int) -> None:
        self.out.append("</item>\n")

    def end_sequence(self, depth: int) -> None:
        self.out.append("</sequence>\n")

    def elements(self, level: Level) -> Level | None:
        out = self.out
        for row in level.rows:
            tag, vr, _, value = row
            if not tag & 0xFFFF:
                continue
            level.empty = False
            name = f'tag="{tag >> 16:04x},{tag & 0xFFFF:04x}" vr="@" name="{elements.keyword_of(tag) or "Unknown"}"'
            if vr == "SQ":
                items = value.transient()
                item = next(items, None)
                out.append(f"<sequence {name.replace('@', vr, 1)}>\n")
                if item is not None:
                    out.append("<item>\n")
                    return Level(item, level.place(tag), items, level.depth + 1)
                out.append("</sequence>\n")
                continue
            vr, found = given_value(level.ds, row)
            self._element(level, tag, vr, name.replace("@", vr, 1), found)
            if len(out) > TOGETHER:
                return level
        return None

    def _element(self, level: Level, tag: int, vr: str, name: str, value: Any) -> None:
        out = self.out
        if isinstance(value, BulkData) or (is_binary(value) and not self._wanted(level, tag)):
            out.append(f'<element {name} binary="hidden"></element>\n')
        elif value is None:
            out.append(f"<element {name}></element>\n")
        elif isinstance(value, Fragments) or (isinstance(value, Element) and value.undefined_length):
            out.append(f"<sequence {name}>\n")
            for fragment in _fragments(value):
                out.append(f'<pixel-item binary="yes">{_hex(fragment, 1)}</pixel-item>\n')
            out.append("</sequence>\n")
        elif is_binary(value):
            out.append(f'<element {name} binary="yes">')
            size = 2 if vr in _WORDS else 1
            between = ""
            for piece in pieces_of(value):
                out.append(between + _hex(piece, size))
                between = "\\"
            out.append("</element>\n")
        else:
            parts = (UNICODE,) if tag == CHARSET and vr == "CS" else value if isinstance(value, tuple) else (value,)
            texts = [
                f"({part >> 16:04x},{part & 0xFFFF:04x})" if vr == "AT" else _part_text(vr, part) for part in parts
            ]
            text = "\\".join(texts)
            out.append(f"<element {name}>{_escaped(_IMPOSSIBLE.sub('?', text))}</element>\n")

    def _wanted(self, level: Level, tag: int) -> bool:
        """Whether a binary value is to be here: the dialect has no URI."""
        if not self.inline:
            return False
        return self.bulk is None or self.bulk(level.place(tag), Element(level.ds, tag)) is None


def _syntax(uid: str) -> str:
    return f'xfer="{_attribute(uid)}" name="{_escaped(uids.name_of(uid))}"'


def _fragments(value: Any) -> Iterator[Buffer]:
    if isinstance(value, Fragments):
        yield from value
        return
    for number in range(len(value.fragments)):
        yield value.fragment(number)


def _hex(data: Buffer, size: int) -> str:
    """Bytes, or little endian words, as hexadecimal numbers with backslashes between."""
    raw = bytes(data)
    if size == 1:
        return raw.hex("\\")
    if len(raw) & 1:
        raw += b"\0"
    return swapped(raw, 2).hex("\\", 2)
