"""A data set put together from an external form, JSON or XML.

Rules:

- The text of such a form is Unicode. The data set keeps the SpecificCharacterSet that it declares where that can write
  its text, and declares ISO_IR 192 otherwise.
- A value at a URI is fetched by a callback or stays a ``BulkData``.
- Elements of group 0002, which some writers add, become the file meta information.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from kerma import values
from kerma.dataset import Dataset
from kerma.dataset.bulk import BulkData
from kerma.dataset.fragments import Fragments
from kerma.dataset.walking import BULK
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import key_of
from kerma.errors import FormatError, KermaError, LimitError
from kerma.limits import Limits
from kerma.standard import elements, transfer_syntaxes, vrs

Fetch = Callable[[tuple[int, ...], str], Buffer | None]
"""Given the path of an element and the URI of its value: the bytes (numbers little endian, text UTF-8), or None to
keep the URI."""

LONGEST_PATH = 64
_CHARSET_KEY = key_of(0x00080005)
_PIXELS_KEY = key_of(0x7FE00010)
_SYNTAX = 0x00020010
_WITH_CHARSET = frozenset(code for code, row in vrs.ALL.items() if row.charset)
_UNICODE = values.Charsets.of(("ISO_IR 192",))


class Assembly:
    """Fills data sets. ``root`` is the one that is read, ``meta`` holds what belongs to group 0002."""

    def __init__(self, bulk: Fetch | None, limits: Limits, transfer_syntax_uid: str | None) -> None:
        self.bulk = bulk
        self.limits = limits
        self.syntax = transfer_syntax_uid
        self.root = Dataset()
        self.meta = Dataset()
        self.count = 0
        self.foreign: list[tuple[Dataset, str, Any]] = []  # text outside ASCII: where, VR, value
        self.declared: list[Dataset] = []  # data sets with a SpecificCharacterSet of their own

    def put(self, ds: Dataset, tag: int, vr: str, value: Any) -> None:
        """An element with a value as it would be read from a file."""
        self.count += 1
        if self.count > self.limits.max_elements:
            raise LimitError(f"there are more than {self.limits.max_elements} elements")
        if not tag & 0xFFFF:
            return  # a group length tells of an encoding that this is not
        if tag >> 16 == 2 and ds is self.root:
            ds = self.meta
        body = ds._body
        key = key_of(tag)
        body.index[key] = vr
        body.cache[key] = value
        if key == _CHARSET_KEY:
            if vr != "CS":
                raise FormatError(f"Specific Character Set has VR {vr} instead of CS", path=(tag,))
            self.declared.append(ds)
        elif vr in _WITH_CHARSET and value is not None and not _ascii(value):
            self.foreign.append((ds, vr, value))

    def binary(self, vr: str, data: Buffer) -> Any:
        """The value of bytes, little endian; text is UTF-8."""
        if len(data) > self.limits.max_value:
            raise LimitError(f"a value has more than {self.limits.max_value} bytes")
        if vr in BULK:
            return memoryview(data).toreadonly() if len(data) else None  # a view: it may be gigabytes in a file
        if vr == "SQ":
            raise FormatError("a sequence has no binary value")
        try:
            return values.decode(vr, bytes(data), charsets=_UNICODE)
        except KermaError as error:
            raise FormatError(error.message) from None

    def fetched(self, vr: str, path: tuple[int, ...], uri: Any) -> Any:
        """The value at a URI."""
        if not isinstance(uri, str):
            raise FormatError("BulkDataURI is a text (PS3.18 F.2.6)")
        data = None if self.bulk is None else self.bulk(path, uri)
        return BulkData(uri) if data is None else self.binary(vr, data)

    def finish(self) -> Dataset:
        """The data set, when everything is in it."""
        root = self.root
        self._settle_charset()
        if len(self.meta):
            root.meta = self.meta
        uid = self.syntax or self.meta.get(_SYNTAX)
        row = transfer_syntaxes.get(uid) if isinstance(uid, str) else None
        if self.syntax is not None and row is None:
            raise FormatError(f"the transfer syntax {self.syntax[:64]!r} is not known")
        if row is not None:
            root._own_file().uid = row.uid
            pixels = root._body.cache.get(_PIXELS_KEY)
            if row.encapsulated and isinstance(pixels, memoryview):
                root._body.cache[_PIXELS_KEY] = fragments_of(pixels)
        return root

    def _settle_charset(self) -> None:
        """Declare ISO_IR 192 where text is there that the declared character sets cannot write."""
        if not self.foreign:
            return
        root, own = self.root, {id(ds) for ds in self.declared}
        if id(root) in own:
            base = _charsets(root)
            try:
                for ds, vr, value in self.foreign:
                    values.encode(vr, value, charsets=_charsets(ds) if id(ds) in own else base)
            except KermaError:
                pass
            else:
                return
        for ds in self.declared:
            if ds is not root:
                del ds._body.index[_CHARSET_KEY], ds._body.cache[_CHARSET_KEY]
        root._body.index[_CHARSET_KEY] = "CS"
        root._body.cache[_CHARSET_KEY] = "ISO_IR 192"


def _charsets(ds: Dataset) -> values.Charsets:
    terms = ds._body.cache[_CHARSET_KEY]
    return values.Charsets.of(() if terms is None else terms)


def _ascii(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(part.isascii() for part in value)
    return bool(value.isascii())


def chosen_vr(tag: int, vr: Any, parts: Any = None) -> str:
    """The VR of an attribute: as given, the dictionary's where none is, of a choice ("US or SS") the one that fits."""
    if vr is None:
        return elements.vr_of(tag)
    if isinstance(vr, str):
        if vr in vrs.ALL:
            return vr
        choices = vr.split(" or ")
        if len(choices) > 1 and all(choice in vrs.ALL for choice in choices):
            below = isinstance(parts, list) and any(isinstance(part, int) and part < 0 for part in parts)
            return "SS" if below and "SS" in choices else choices[-1] if "OW" in choices else choices[0]
    raise FormatError(f"{str(vr)[:16]!r} is no VR (PS3.5 6.2)")


def from_base64(text: Any) -> bytes:
    if isinstance(text, list) and len(text) == 1:  # as an example of an early edition had it
        text = text[0]
    if not isinstance(text, str):
        raise FormatError("InlineBinary is a text in base64 (PS3.18 F.2.7)")
    try:
        return binascii.a2b_base64(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raise FormatError("InlineBinary is no base64 (PS3.18 F.2.7)") from None


def fragments_of(data: memoryview) -> Any:
    """Encapsulated pixel data from the bytes of its items (PS3.5 A.4); the bytes themselves where they are no items."""
    parts: list[memoryview] = []
    pos, end = 0, len(data)
    while pos < end:
        if end - pos < 8 or bytes(data[pos : pos + 4]) != b"\xfe\xff\x00\xe0":
            return data
        length = int.from_bytes(data[pos + 4 : pos + 8], "little")
        if length > end - pos - 8:
            return data
        parts.append(data[pos + 8 : pos + 8 + length])
        pos += 8 + length
    return Fragments(parts[1:], parts[0]) if parts else data
