"""``decode`` and ``encode``: one row for each VR (PS3.5 6.2, 6.4, 7.3).

Rules:

- No bytes, or bytes that are padding only: ``None``. One value: the value. Several: a tuple. An empty one among
  several is ``""`` for text and ``None`` for IS and DS.
- Text is split at the backslash after it was decoded, so that a multi-byte character which holds the byte 5C is not
  cut (6.4).
- Spaces that have no meaning go: at both ends for AE, CS, IS, DS, LO and SH, at the end for the others; so do NULs
  at the end, which some writers pad with. Everything else is left as it is.
- Bytes outside the default repertoire in a VR that has no other are read as ISO 8859-1, one character for each byte.
- AS, DA, TM, DT, PN and UI are ``str`` with questions to ask, IS and DS numbers that keep their text; AT is an
  ``int``, and can be written from a keyword too.
- Uninterpreted bytes (OB, OW, UN, ...) come as a read-only view in the byte order of the data set.
"""

from __future__ import annotations

import datetime
import operator
import struct
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from kerma.errors import KermaError, ValueEncodeError, ValueFormatError
from kerma.standard import elements
from kerma.values import dates
from kerma.values.age import AS
from kerma.values.charsets import DEFAULT, Charsets
from kerma.values.numbers import DS, IS, format_ds, format_is
from kerma.values.person_name import PersonName
from kerma.values.repertoires import Buffer
from kerma.values.temporal import DA, DT, TM
from kerma.values.uid import UID

Decoder = Callable[[Buffer, bool, Charsets], Any]
Encoder = Callable[[Any, bool, Charsets], bytes]


def decode(vr: str, raw: Buffer, *, little_endian: bool = True, charsets: Charsets = DEFAULT) -> Any:
    """The value of ``raw``, the whole value field of one element; the types are those of the module's rules.

    A VR that the standard does not know is taken as UN (PS3.5 6.2.2). ``ValueFormatError`` where the bytes are no
    such value.
    """
    if not len(raw):
        return None
    row = _ROWS.get(vr)
    if row is None:
        return memoryview(raw).toreadonly()
    return row[0](raw, little_endian, charsets)


def encode(vr: str, value: Any, *, little_endian: bool = True, charsets: Charsets = DEFAULT) -> bytes:
    """The value field of ``value``, padded to even length as the VR says; ``None`` and empty sequences give no bytes.

    ``ValueEncodeError`` for a value that the VR cannot hold or that ``charsets`` cannot write.
    """
    row = _ROWS.get(vr)
    if row is None or row[1] is None:
        raise ValueEncodeError(f"{vr!r} is no VR whose values can be written", hint="PS3.5 6.2 lists the VRs")
    if value is None:
        return b""
    data = row[1](value, little_endian, charsets)
    return data + row[2] if len(data) & 1 else data


# -- text --------------------------------------------------------------------------------------------------------------


def _plain(raw: Buffer) -> str:
    try:
        return str(raw, "ascii")
    except UnicodeDecodeError:
        return str(raw, "latin-1")


def _decode_typed(kind: type[str]) -> Decoder:
    """AS, DA, TM and DT. ``str.__new__`` goes by their own, which take Python's dates too."""
    new = str.__new__

    def decode_typed(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
        text = _plain(raw).rstrip(" \0")
        if "\\" in text:
            return tuple([new(kind, part.rstrip(" \0")) for part in text.split("\\")])
        return new(kind, text) if text else None

    return decode_typed


def _decode_code(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    text = _plain(raw).strip(" \0")
    if "\\" in text:
        return tuple([part.strip(" \0") for part in text.split("\\")])
    return text or None


def _decode_uri(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    return _plain(raw).rstrip(" \0") or None


def _decode_uid(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    text = _plain(raw).strip(" \0")
    if "\\" in text:
        return tuple([UID(part.strip(" \0")) for part in text.split("\\")])
    return UID(text) if text else None


def _decode_string(vr: str) -> Decoder:
    # LO and SH have no meaning in leading spaces, UC has (PS3.5 6.2).
    strip: Callable[[str, str], str] = str.rstrip if vr == "UC" else str.strip

    def decode_string(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
        text = strip(charsets.decode(raw, vr), " \0")
        if "\\" in text:
            return tuple([strip(part, " \0") for part in text.split("\\")])
        return text or None

    return decode_string


def _decode_text(vr: str) -> Decoder:
    def decode_text(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
        return charsets.decode(raw, vr).rstrip(" \0") or None

    return decode_text


def _decode_name(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    text = charsets.decode(raw, "PN").rstrip(" \0")
    if "\\" in text:
        return tuple([PersonName(part.rstrip(" \0")) for part in text.split("\\")])
    return PersonName(text) if text else None


def _decode_number_text(number: type[IS] | type[DS]) -> Decoder:
    def decode_number_text(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
        text = _plain(raw)
        if "\\" in text:
            return tuple([number(part) if part.strip(" \0") else None for part in text.split("\\")])
        text = text.strip(" \0")
        return number(text) if text else None

    return decode_number_text


def _parts(value: Any, kind: str) -> Iterable[Any]:
    """The values to write, one by one; text is one value here."""
    if isinstance(value, (str, int, float, Decimal, datetime.date, datetime.time)):
        return (value,)
    if isinstance(value, (bytes, bytearray, memoryview, dict, set, frozenset)):
        raise ValueEncodeError(f"a value of {kind} cannot be {type(value).__name__}")
    try:
        return tuple(value)
    except TypeError:
        return (value,)


_PYTHON = {"DA": "a datetime.date", "TM": "a datetime.time", "DT": "a datetime.datetime"}


def _texts(value: Any, vr: str) -> str:
    """Values joined by backslashes. A single text may hold them joined already, an item of several may not (PS3.5
    6.4).
    """
    if isinstance(value, str):
        return value
    parts = _parts(value, vr)
    texts: list[str] = []
    for part in parts:
        text = dates.text_of(part, vr) if isinstance(part, (datetime.date, datetime.time)) else part
        if text is None:
            text = ""
        if not isinstance(text, str):
            wanted = f"a str or {_PYTHON[vr]}" if vr in _PYTHON else "a str"
            raise ValueEncodeError(f"a value of {vr} is {wanted}, not {type(text).__name__}")
        if "\\" in text:
            raise ValueEncodeError(f"a backslash divides values and cannot be inside one of {vr} (PS3.5 6.4)")
        texts.append(text)
    return "\\".join(texts)


def _ascii(text: str, vr: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise ValueEncodeError(
            f"a value of {vr} has characters outside the default repertoire (PS3.5 6.1.2.1)"
        ) from None


def _encode_plain(vr: str) -> Encoder:
    return lambda value, little_endian, charsets: _ascii(_texts(value, vr), vr)


def _encode_string(vr: str) -> Encoder:
    return lambda value, little_endian, charsets: charsets.encode(_texts(value, vr), vr)


def _one_text(value: Any, vr: str) -> str:
    if isinstance(value, (tuple, list)) and len(value) <= 1:
        value = value[0] if value else ""
    if not isinstance(value, str):
        raise ValueEncodeError(f"{vr} holds one str, not {type(value).__name__} (PS3.5 6.2)")
    return value


def _encode_text(vr: str) -> Encoder:
    return lambda value, little_endian, charsets: charsets.encode(_one_text(value, vr), vr)


def _encode_uri(value: Any, little_endian: bool, charsets: Charsets) -> bytes:
    return _ascii(_one_text(value, "UR"), "UR")


def _encode_number_text(vr: str, form: Callable[[object], str]) -> Encoder:
    def encode_number_text(value: Any, little_endian: bool, charsets: Charsets) -> bytes:
        if isinstance(value, str):
            value = value.split("\\")
        texts = ["" if part is None or part == "" else form(part) for part in _parts(value, vr)]
        return "\\".join(texts).encode("ascii")

    return encode_number_text


# -- binary ------------------------------------------------------------------------------------------------------------


def _numbers(vr: str, code: str) -> tuple[Decoder, Encoder, bytes]:
    """Decoder and encoder of fixed-size binary numbers (PS3.5 7.3); ``code`` is that of ``struct``."""
    size = struct.calcsize("<" + code)
    one = (struct.Struct(">" + code).unpack, struct.Struct("<" + code).unpack)
    whole = code not in "fd"

    def decode_numbers(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
        length = len(raw)
        if length == size:
            return one[little_endian](raw)[0]
        count, rest = divmod(length, size)
        if rest:
            raise ValueFormatError(f"{length} bytes are no whole number of {vr} values of {size} bytes (PS3.5 6.2)")
        return struct.unpack(f"{'<' if little_endian else '>'}{count}{code}", raw)

    def encode_numbers(value: Any, little_endian: bool, charsets: Charsets) -> bytes:
        parts = _parts(value, vr)
        try:
            values = [operator.index(part) if whole else float(part) for part in parts]
            return struct.pack(f"{'<' if little_endian else '>'}{len(values)}{code}", *values)
        except (struct.error, OverflowError):
            raise ValueEncodeError(f"a number does not fit in {vr} (PS3.5 6.2)") from None
        except (TypeError, ValueError):
            raise ValueEncodeError(f"a value of {vr} is {'an int' if whole else 'a number'}") from None

    return decode_numbers, encode_numbers, b""


def _decode_tags(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    length = len(raw)
    if length & 3:
        raise ValueFormatError(f"{length} bytes are no whole number of AT values of 4 bytes (PS3.5 6.2)")
    words = struct.unpack(f"{'<' if little_endian else '>'}{length // 2}H", raw)
    if length == 4:
        return words[0] << 16 | words[1]
    return tuple([words[at] << 16 | words[at + 1] for at in range(0, len(words), 2)])


def _encode_tags(value: Any, little_endian: bool, charsets: Charsets) -> bytes:
    words: list[int] = []
    for given in value.split("\\") if isinstance(value, str) else _parts(value, "AT"):
        part = _tag(given) if isinstance(given, str) else given
        if isinstance(part, bool) or not isinstance(part, int) or not 0 <= part <= 0xFFFFFFFF:
            raise ValueEncodeError("a value of AT is a tag: an int of 32 bits, or a keyword")
        words += divmod(part, 0x10000)
    return struct.pack(f"{'<' if little_endian else '>'}{len(words)}H", *words)


def _tag(text: str) -> int:
    """A tag by keyword or as it is written, "(0010,0020)"."""
    try:
        return elements.parse_tag(text)
    except KermaError as error:
        raise ValueEncodeError(error.message, hint=error.hint) from None


def _decode_bytes(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    return memoryview(raw).toreadonly()


def _encode_bytes(vr: str) -> Encoder:
    def encode_bytes(value: Any, little_endian: bool, charsets: Charsets) -> bytes:
        try:
            return bytes(memoryview(value))
        except (TypeError, BufferError, ValueError):
            raise ValueEncodeError(f"a value of {vr} is bytes, not {type(value).__name__}") from None

    return encode_bytes


def _decode_sequence(raw: Buffer, little_endian: bool, charsets: Charsets) -> Any:
    raise ValueFormatError("a sequence is read by the data set, it is no single value (PS3.5 7.5)")


_Row = tuple[Decoder, Encoder | None, bytes]


def _rows() -> dict[str, _Row]:
    rows: dict[str, _Row] = {
        "PN": (_decode_name, _encode_string("PN"), b" "),
        "UI": (_decode_uid, _encode_plain("UI"), b"\0"),
        "UR": (_decode_uri, _encode_uri, b" "),
        "IS": (_decode_number_text(IS), _encode_number_text("IS", format_is), b" "),
        "DS": (_decode_number_text(DS), _encode_number_text("DS", format_ds), b" "),
        "AT": (_decode_tags, _encode_tags, b""),
        "SQ": (_decode_sequence, None, b""),
    }
    for vr in ("AE", "CS"):
        rows[vr] = (_decode_code, _encode_plain(vr), b" ")
    typed: dict[str, type[str]] = {"AS": AS, "DA": DA, "DT": DT, "TM": TM}
    for vr, kind in typed.items():
        rows[vr] = (_decode_typed(kind), _encode_plain(vr), b" ")
    for vr in ("LO", "SH", "UC"):
        rows[vr] = (_decode_string(vr), _encode_string(vr), b" ")
    for vr in ("LT", "ST", "UT"):
        rows[vr] = (_decode_text(vr), _encode_text(vr), b" ")
    for vr in ("OB", "OD", "OF", "OL", "OV", "OW", "UN"):
        rows[vr] = (_decode_bytes, _encode_bytes(vr), b"\0")
    for vr, code in {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}.items():
        rows[vr] = _numbers(vr, code)
    return rows


_ROWS = _rows()

DECODERS: Mapping[str, Decoder] = MappingProxyType({vr: row[0] for vr, row in _ROWS.items()})
"""VR -> decoder of a value field that is not empty, called as (raw, little_endian, charsets); ``decode`` for a
caller in a hurry.
"""
