"""The parts of a value in DICOM JSON (PS3.18 F.2.3 to F.2.5), in both directions.

Rules of writing: an empty part among others is null; a number that a reader's double would change, and a DS whose text
is longer than 16 characters, is given as text, as F.2.3 allows; NaN and infinity, which JSON has not, likewise. Rules
of reading: numbers may be text and text may be numbers, because writers differ; anything else is an error.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from kerma import values
from kerma.errors import FormatError, KermaError
from kerma.standard import vrs
from kerma.values import DS, IS, PersonName

_EXACT = 1 << 53
_SINGLE = struct.Struct("<f")
_DS_LENGTH = 16
_INTEGERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV"})
_FLOATS = frozenset({"FL", "FD"})
_BINARY = _INTEGERS | _FLOATS | {"AT"}
_WITH_CHARSET = frozenset(code for code, row in vrs.ALL.items() if row.charset)
_UNICODE = values.Charsets.of(("ISO_IR 192",))
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


# -- writing -----------------------------------------------------------------------------------------------------------


def json_parts(vr: str, value: Any) -> list[Any]:
    """The "Value" array of a decoded value that is neither bytes nor a sequence nor None."""
    parts = value if isinstance(value, tuple) else (value,)
    if vr == "PN":
        return [(_name(part) or None) if part else None for part in parts]  # null also for groups that are all empty
    if vr == "AT":
        return [f"{part:08X}" for part in parts]
    return [_part(part) for part in parts]


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return str(part) if part else None
    if part is None:
        return None
    if isinstance(part, int):
        return int(part) if -_EXACT <= part <= _EXACT else str(int(part))
    if isinstance(part, DS):
        if len(part.text) > _DS_LENGTH or len(float.__repr__(part)) > _DS_LENGTH or not math.isfinite(part):
            return part.text
        return float(part)
    if math.isfinite(part):
        return float(part)
    return "NaN" if math.isnan(part) else "inf" if part > 0 else "-inf"


def _name(value: str) -> dict[str, str]:
    name = value if isinstance(value, PersonName) else PersonName(value)
    groups = (name.alphabetic, name.ideographic, name.phonetic)
    return {key: str(text) for key, text in zip(_GROUPS, groups, strict=True) if text}


# -- reading -----------------------------------------------------------------------------------------------------------


def value_of(vr: str, parts: list[Any]) -> Any:
    """The value that a "Value" array says, as it would be read from a file; ``FormatError`` where it says none."""
    if parts == [None] or (vr in _BINARY and all(part is None for part in parts)):
        return None
    if vr in _INTEGERS:
        return _several([_integer(vr, part) for part in parts])
    if vr in _FLOATS:
        return _several([_float(vr, part) for part in parts])
    if vr == "AT":
        return _several([_tag(part) for part in parts])
    if vr == "DS":
        return _several([None if part is None or part == "" else _decimal(part) for part in parts])
    if vr == "IS":
        return _several([None if part is None or part == "" else _integer_string(part) for part in parts])
    if vr == "PN":
        return text_value(vr, "\\".join([_name_text(part) for part in parts]))
    return text_value(vr, "\\".join([_text(vr, part) for part in parts]))


def _several(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


def text_value(vr: str, text: str) -> Any:
    """A text, with backslashes between its values, as it would be read from a file."""
    if text.isascii() or vr in _WITH_CHARSET:
        try:
            raw = text.encode("utf-8")
        except UnicodeEncodeError:
            raise FormatError("a text holds half of a surrogate pair, which is no character") from None
    else:
        try:
            raw = text.encode("latin-1")
        except UnicodeEncodeError:
            raise FormatError(f"a value of {vr} has characters outside the default repertoire") from None
    try:
        return values.decode(vr, raw, charsets=_UNICODE)
    except KermaError as error:
        raise FormatError(error.message) from None


def _text(vr: str, part: Any) -> str:
    if isinstance(part, str):
        return part
    if part is None:
        return ""
    if isinstance(part, (int, float)) and not isinstance(part, bool):
        return str(part)
    raise FormatError(f"a value of {vr} is text, not {_kind(part)}")


def _name_text(part: Any) -> str:
    if part is None:
        return ""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise FormatError(f"a value of PN is an object of component groups, not {_kind(part)}")
    groups = [part.get(group) or "" for group in _GROUPS]
    if not all(isinstance(group, str) for group in groups):
        raise FormatError("a component group of a PN is text")
    return "=".join(groups).rstrip("=")


def _integer(vr: str, part: Any) -> int:
    if isinstance(part, str):
        part = _number_of(part, vr)
    if isinstance(part, bool) or not isinstance(part, (int, float)):
        raise FormatError(f"a value of {vr} is a number, not {_kind(part)}")
    if isinstance(part, float) and not part.is_integer():
        raise FormatError(f"a value of {vr} is a whole number")
    number = int(part)
    row = vrs.get(vr)
    bits = 8 * row.size
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if vr[0] == "S" else (0, (1 << bits) - 1)
    if not low <= number <= high:
        raise FormatError(f"a number does not fit in {vr} (PS3.5 6.2)")
    return number


def _number_of(text: str, vr: str) -> int | float:
    try:
        return int(IS(text)) if len(text) <= 24 else _refuse(vr)
    except KermaError:
        return _refuse(vr)


def _refuse(vr: str) -> int:
    raise FormatError(f"a value of {vr} is a number, not a text")


_NAMED = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "-inf": -math.inf, "-infinity": -math.inf}


def _float(vr: str, part: Any) -> float:
    number = _real(part)
    if vr == "FD":
        return number
    try:
        rounded: float = _SINGLE.unpack(_SINGLE.pack(number))[0]  # what 32 bits hold
    except OverflowError:
        raise FormatError("a number does not fit in FL (PS3.5 6.2)") from None
    return rounded


def _real(part: Any) -> float:
    if isinstance(part, str):
        named = _NAMED.get(part.strip().lower())
        if named is not None:
            return named
        try:
            return float(DS(part))
        except KermaError:
            raise FormatError("a text is no floating-point number") from None
    if isinstance(part, bool) or not isinstance(part, (int, float)):
        raise FormatError(f"a floating-point value is a number, not {_kind(part)}")
    try:
        return float(part)
    except OverflowError:
        raise FormatError("a number is too large for a floating-point value") from None


def _decimal(part: Any) -> DS:
    return _numeric(DS, part, "DS")  # type: ignore[no-any-return]


def _integer_string(part: Any) -> IS:
    if isinstance(part, float) and part.is_integer():
        part = int(part)
    if isinstance(part, float):
        raise FormatError("a value of IS is a whole number")
    return _numeric(IS, part, "IS")  # type: ignore[no-any-return]


def _numeric(kind: Any, part: Any, vr: str) -> Any:
    if isinstance(part, bool) or not isinstance(part, (int, float, str)):
        raise FormatError(f"a value of {vr} is a number or a text, not {_kind(part)}")
    try:
        return kind(part)
    except KermaError as error:
        raise FormatError(error.message) from None


def _tag(part: Any) -> int:
    if isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= 0xFFFFFFFF:
        return part  # as dcmjs writes it
    if isinstance(part, str) and len(part) == 8:
        try:
            return int(part, 16)
        except ValueError:
            pass
    raise FormatError("a value of AT is a tag of eight hexadecimal digits")


def _kind(part: Any) -> str:
    if isinstance(part, bool):
        return "true or false"
    if isinstance(part, dict):
        return "an object"
    if isinstance(part, (list, tuple)):
        return "an array"
    return {"str": "a text", "int": "a number", "float": "a number", "NoneType": "null"}.get(
        type(part).__name__, type(part).__name__
    )
