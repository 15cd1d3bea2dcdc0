"""XML as a data set: the Native DICOM Model (PS3.19 A.1) and the dialect of DCMTK's dcm2xml, told apart by their root.

Rules:

- Entities that a document declares are refused, and nothing outside it is ever read: no DTD, no external entity.
- One pass as the bytes come in, without recursion; depth, elements and the length of a value are bounded by ``Limits``.
- What is no element of the model, no tag, no VR or no value of its VR is a ``FormatError`` with line and tag path.
- Namespaces are not asked for: writers differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from kerma.dataset import Dataset, Sequence
from kerma.encoding.source import Buffer
from kerma.errors import FormatError, LimitError
from kerma.formats.assembly import LONGEST_PATH, Assembly, Fetch, chosen_vr, from_base64
from kerma.formats.xml_values import hex_bytes, value_of_texts
from kerma.limits import Limits

_GROUPS = {"Alphabetic": 0, "SingleByte": 0, "Ideographic": 1, "Phonetic": 2}
_COMPONENTS = {"FamilyName": 0, "GivenName": 1, "MiddleName": 2, "NamePrefix": 3, "NameSuffix": 4}
_HEX = frozenset("0123456789ABCDEFabcdef")
_MANY = 1 << 20  # the largest number of a value or an item
Start = Callable[["XMLReader", dict[str, str]], None]


class _Attribute:
    """An element that is being read. ``texts`` by number, ``items`` by number; ``raw`` is base64 or hex text."""

    __slots__ = ("binary", "items", "names", "pixels", "tag", "texts", "uri", "vr")

    def __init__(self, tag: int, vr: str) -> None:
        self.tag = tag
        self.vr = vr
        self.texts: dict[int, str] = {}
        self.items: dict[int, Dataset] = {}
        self.names: dict[int, list[list[str]]] = {}
        self.binary: bytes | None = None
        self.uri: str | None = None
        self.pixels: list[bytes] | None = None


class XMLReader(Assembly):
    """One document. ``feed`` its bytes, then ``close``."""

    def __init__(self, bulk: Fetch | None, limits: Limits, transfer_syntax_uid: str | None) -> None:
        super().__init__(bulk, limits, transfer_syntax_uid)
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._refuse_entity
        parser.UnparsedEntityDeclHandler = self._refuse_entity
        parser.ExternalEntityRefHandler = self._refuse_entity
        self.parser = parser
        self.open: list[str] = []
        self.datasets: list[Dataset] = []
        self.attributes: list[_Attribute] = []
        self.path: tuple[int, ...] = ()
        self.paths: list[tuple[int, ...]] = []
        self.gathered: list[str] | None = None
        self.length = 0
        self.number = 0
        self.group = 0
        self.component = 0
        self.mode = ""

    # -- the document --------------------------------------------------------------------------------------------------

    def feed(self, data: str | Buffer) -> None:
        """The next part of the document."""
        self._parse(data if isinstance(data, str) else bytes(data), False)

    def close(self) -> Dataset:
        """The data set, at the end of the document."""
        self._parse(b"", True)
        return self.finish()

    def _parse(self, data: str | bytes, last: bool) -> None:
        try:
            self.parser.Parse(data, last)
        except expat.ExpatError as error:
            text = expat.ErrorString(error.code)
            raise FormatError(f"this is no XML: {text}", offset=self._offset(), where=f"line {error.lineno}") from None
        except (LookupError, ValueError):  # expat asks Python for what it does not know itself
            raise FormatError("the XML document is in an encoding that is not known", offset=self._offset()) from None
        except FormatError as error:
            if not error.path:
                error.path = self.path
            if error.where is None:
                error.where = f"line {self.parser.CurrentLineNumber}"
            raise

    def _offset(self) -> int | None:
        at = self.parser.ErrorByteIndex
        return at if at >= 0 else None

    def _refuse_entity(self, *_: Any) -> int:
        raise FormatError("the XML document declares entities, which are refused", hint="write it without a DTD")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(" ")[2]
        inside = self.open[-1] if self.open else ""
        begin = _PLACES.get((inside, name))
        if begin is None:
            place = f"inside {inside[:32]!r}" if inside else "as the root"
            raise FormatError(f"the element {name[:32]!r} is not known {place} (PS3.19 A.1)")
        self.open.append(name)
        begin(self, attributes)

    def _end(self, name: str) -> None:
        done = _ENDS.get(self.open.pop())
        if done is not None:
            done(self)

    def _text(self, data: str) -> None:
        if self.gathered is not None:
            self.length += len(data)
            if self.length > self.limits.max_value:
                raise LimitError(f"a value has more than {self.limits.max_value} characters")
            self.gathered.append(data)
        elif not data.isspace():
            raise FormatError("there is text where none may be (PS3.19 A.1)")

    def _gather(self) -> None:
        self.gathered = []
        self.length = 0

    def _gathered(self) -> str:
        text = "".join(self.gathered or ())
        self.gathered = None
        return text

    # -- data sets and attributes --------------------------------------------------------------------------------------

    def root_begins(self, attributes: dict[str, str]) -> None:
        self.datasets.append(self.root)

    def attribute_begins(self, attributes: dict[str, str]) -> None:
        ds = self.datasets[-1]
        tag = self._tag(ds, attributes.get("tag", ""), attributes.get("privateCreator"))
        self._open_attribute(tag, attributes)

    def _open_attribute(self, tag: int, attributes: dict[str, str]) -> None:
        self.paths.append(self.path)
        if len(self.path) < LONGEST_PATH:
            self.path = (*self.path, tag)
        self.attributes.append(_Attribute(tag, chosen_vr(tag, attributes.get("vr"))))

    def attribute_ends(self) -> None:
        found = self.attributes.pop()
        self.put(self.datasets[-1], found.tag, found.vr, self._value(found))
        self.path = self.paths.pop()

    def _value(self, found: _Attribute) -> Any:
        kinds = (found.texts, found.names, found.items, found.binary is not None, found.uri is not None)
        if sum(map(bool, kinds)) > 1:
            raise FormatError("an attribute has values of more than one kind (PS3.19 A.1)")
        vr = found.vr
        if vr == "SQ":
            if found.texts or found.names or found.binary is not None or found.uri is not None:
                raise FormatError("a sequence has items, nothing else (PS3.19 A.1)")
            return Sequence([found.items[number] for number in sorted(found.items)])
        if found.items:
            raise FormatError(f"an attribute of VR {vr} has no items (PS3.19 A.1)")
        if found.uri is not None:
            return self.fetched(vr, self.path, found.uri)
        if found.binary is not None:
            return self.binary(vr, found.binary)
        if found.names:
            texts = {number: _name_text(groups) for number, groups in found.names.items()}
            return value_of_texts(vr, _in_order(texts))
        return value_of_texts(vr, _in_order(found.texts)) if found.texts else None

    def _tag(self, ds: Dataset, text: str, creator: str | None) -> int:
        if len(text) != 8 or not _HEX.issuperset(text):
            raise FormatError(f"{text[:32]!r} is no tag of eight hexadecimal digits (PS3.19 A.1)")
        tag = int(text, 16)
        if creator and tag & 0x10000 and tag & 0xFF00 == 0:
            block = self._block(ds, tag >> 16, creator)
            tag = tag & 0xFFFF00FF | block << 8
        return tag

    def _block(self, ds: Dataset, group: int, creator: str) -> int:
        """The block of a private creator, reserved where it is not (PS3.5 7.8.1)."""
        if "\\" in creator:
            raise FormatError("a private creator is one value, without backslashes (PS3.5 7.8.1)")
        free = 0
        for number in range(0x10, 0x100):
            held = ds.get(group << 16 | number)
            if held == creator.strip(" "):
                return number
            if held is None and not free:
                free = number
        if not free:
            raise FormatError(f"group {group:04X} has no private block left (PS3.5 7.8.1)")
        self.put(ds, group << 16 | free, "LO", creator.strip(" "))
        return free

    def item_begins(self, attributes: dict[str, str]) -> None:
        found = self.attributes[-1]
        number = self._numbered(attributes, found.items)
        item = Dataset()
        found.items[number] = item
        self.datasets.append(item)
        if len(self.datasets) > self.limits.max_depth:
            raise LimitError(f"items nest deeper than {self.limits.max_depth}")
        self.paths.append(self.path)
        if len(self.path) < LONGEST_PATH:
            self.path = (*self.path, number - 1)

    def item_ends(self) -> None:
        self.datasets.pop()
        self.path = self.paths.pop()

    def _numbered(self, attributes: dict[str, str], held: dict[int, Any]) -> int:
        text = attributes.get("number", "")
        if not text:
            return len(held) + 1
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0
        if not 0 < number <= _MANY:
            raise FormatError(f"{text[:16]!r} is no number of a value or an item (PS3.19 A.1)")
        if number in held:
            raise FormatError(f"there are two values or items of number {number}")
        return number

    # -- values --------------------------------------------------------------------------------------------------------

    def value_begins(self, attributes: dict[str, str]) -> None:
        self.number = self._numbered(attributes, self.attributes[-1].texts)
        self._gather()

    def value_ends(self) -> None:
        self.attributes[-1].texts[self.number] = self._gathered()

    def inline_begins(self, attributes: dict[str, str]) -> None:
        self._gather()

    def inline_ends(self) -> None:
        self.attributes[-1].binary = from_base64("".join(self._gathered().split()))

    def bulk_begins(self, attributes: dict[str, str]) -> None:
        self.attributes[-1].uri = attributes.get("uri") or attributes.get("uuid") or ""
        self._gather()

    def bulk_ends(self) -> None:
        self._gathered()

    def name_begins(self, attributes: dict[str, str]) -> None:
        names = self.attributes[-1].names
        self.number = self._numbered(attributes, names)
        names[self.number] = [[""] * 5, [""] * 5, [""] * 5]

    def group_begins(self, attributes: dict[str, str]) -> None:
        self.group = _GROUPS[self.open[-1]]

    def component_begins(self, attributes: dict[str, str]) -> None:
        self.component = _COMPONENTS[self.open[-1]]
        self._gather()

    def component_ends(self) -> None:
        self.attributes[-1].names[self.number][self.group][self.component] = self._gathered()

    # -- the dialect of DCMTK ------------------------------------------------------------------------------------------

    def meta_begins(self, attributes: dict[str, str]) -> None:
        self.datasets.append(self.root)

    def meta_ends(self) -> None:
        self.datasets.pop()

    def data_set_begins(self, attributes: dict[str, str]) -> None:
        self.datasets.append(self.root)
        if self.syntax is None:
            self.syntax = attributes.get("xfer") or None

    def element_begins(self, attributes: dict[str, str]) -> None:
        group, _, element = attributes.get("tag", "").partition(",")
        if len(group) != 4 or len(element) != 4 or not _HEX.issuperset(group + element):
            raise FormatError(f"{attributes.get('tag', '')[:32]!r} is no tag written gggg,eeee")
        self._open_attribute(int(group + element, 16), attributes)
        self.mode = attributes.get("binary", "no")
        if attributes.get("loaded") == "no":
            self.mode = "hidden"
        if self.open[-1] == "element":
            self._gather()

    def element_ends(self) -> None:
        found = self.attributes[-1]
        text = self._gathered()
        if self.mode == "file":
            raise FormatError("the value is in another file, and nothing outside the document is read")
        if self.mode == "hidden":
            found.uri = ""
        elif self.mode == "base64":
            data = from_base64("".join(text.split()))
            found.binary = hex_bytes(data.hex(), 2) if found.vr == "OW" else data
        elif self.mode == "yes":
            found.binary = hex_bytes(text, 2 if found.vr == "OW" else 1)
        elif text:
            found.texts = dict(enumerate(text.split("\\"), 1)) if found.vr not in _ONE else {1: text}
        self.attribute_ends()

    def pixel_begins(self, attributes: dict[str, str]) -> None:
        found = self.attributes[-1]
        if found.pixels is None:
            found.pixels = []
        self.mode = "hidden" if attributes.get("loaded") == "no" else attributes.get("binary", "yes")
        self._gather()

    def pixel_ends(self) -> None:
        found = self.attributes[-1]
        text = self._gathered()
        if self.mode == "file":
            raise FormatError("a fragment is in another file, and nothing outside the document is read")
        if self.mode == "hidden":
            found.uri = ""
        assert found.pixels is not None
        found.pixels.append(from_base64("".join(text.split())) if self.mode == "base64" else hex_bytes(text, 1))

    def sequence_ends(self) -> None:
        found = self.attributes[-1]
        if found.pixels is not None and found.uri is None:
            if found.vr == "SQ" or found.items:
                raise FormatError("a sequence has items or fragments, not both")
            found.binary = b"".join(_fragment(data) for data in found.pixels)
        self.attribute_ends()


_ONE = frozenset({"LT", "ST", "UT", "UR"})


def _fragment(data: bytes) -> bytes:
    odd = len(data) & 1
    return b"\xfe\xff\x00\xe0" + (len(data) + odd).to_bytes(4, "little") + data + b"\0" * odd


def _in_order(texts: dict[int, str]) -> list[str]:
    """The texts by their numbers; those that are missing in between are empty."""
    if max(texts) > 2 * len(texts) + 1024:
        raise FormatError("the numbers of values have gaps (PS3.19 A.1)")
    return [texts.get(number, "") for number in range(1, max(texts) + 1)]


def _name_text(groups: list[list[str]]) -> str:
    return "=".join("^".join(components).rstrip("^") for components in groups).rstrip("=")


_PLACES: dict[tuple[str, str], Start] = {
    ("", "NativeDicomModel"): XMLReader.root_begins,
    ("", "file-format"): lambda reader, attributes: None,
    ("", "data-set"): XMLReader.data_set_begins,
    ("file-format", "meta-header"): XMLReader.meta_begins,
    ("file-format", "data-set"): XMLReader.data_set_begins,
    ("sequence", "item"): XMLReader.item_begins,
    ("sequence", "pixel-item"): XMLReader.pixel_begins,
    ("DicomAttribute", "Item"): XMLReader.item_begins,
    ("DicomAttribute", "Value"): XMLReader.value_begins,
    ("DicomAttribute", "InlineBinary"): XMLReader.inline_begins,
    ("DicomAttribute", "BulkData"): XMLReader.bulk_begins,
    ("DicomAttribute", "PersonName"): XMLReader.name_begins,
    **{(holder, "DicomAttribute"): XMLReader.attribute_begins for holder in ("NativeDicomModel", "Item")},
    **{("PersonName", group): XMLReader.group_begins for group in _GROUPS},
    **{(group, name): XMLReader.component_begins for group in _GROUPS for name in _COMPONENTS},
    **{
        (holder, name): XMLReader.element_begins
        for holder in ("meta-header", "data-set", "item")
        for name in ("element", "sequence")
    },
}
"""(what is open, what begins) -> what to do."""

_ENDS: dict[str, Callable[[XMLReader], None]] = {
    "DicomAttribute": XMLReader.attribute_ends,
    "Item": XMLReader.item_ends,
    "item": XMLReader.item_ends,
    "Value": XMLReader.value_ends,
    "InlineBinary": XMLReader.inline_ends,
    "BulkData": XMLReader.bulk_ends,
    "meta-header": XMLReader.meta_ends,
    "element": XMLReader.element_ends,
    "sequence": XMLReader.sequence_ends,
    "pixel-item": XMLReader.pixel_ends,
    **dict.fromkeys(_COMPONENTS, XMLReader.component_ends),
}
