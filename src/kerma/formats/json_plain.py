"""The plain cases of DICOM JSON, in as few steps as Python has: one value, of the type that its VR has (PS3.18 F.2.3).

Rules: what is not plain is None here and goes the long way through ``json_values``, which also says what is wrong; what
is plain gives what the long way would give. Text is plain in ASCII without escapes and backslashes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerma.encoding.syntax import key_of
from kerma.values import AS, DA, DS, DT, IS, TM, UID, PersonName

_new = str.__new__
_new_int = int.__new__


def _ends(text: str) -> str | None:
    return text.strip(" \0") or None


def _end(text: str) -> str | None:
    return text.rstrip(" \0") or None


def _uid(text: str) -> UID | None:
    text = text.strip(" \0")
    return UID(text) if text else None


def _typed(kind: type[str]) -> Callable[[str], str | None]:
    def typed(text: str) -> str | None:
        text = text.rstrip(" \0")
        return _new(kind, text) if text else None

    return typed


TEXTS: dict[Any, Callable[[str], Any]] = {
    **dict.fromkeys(("AE", "CS", "LO", "SH"), _ends),
    **dict.fromkeys(("LT", "ST", "UC", "UR", "UT"), _end),
    **{vr: _typed(kind) for vr, kind in (("AS", AS), ("DA", DA), ("DT", DT), ("TM", TM))},
    "UI": _uid,
}
RANGES: dict[Any, tuple[int, int]] = {
    "US": (0, 0xFFFF),
    "SS": (-0x8000, 0x7FFF),
    "UL": (0, 0xFFFFFFFF),
    "SL": (-0x80000000, 0x7FFFFFFF),
}
MULTIPLE = frozenset({*TEXTS, *RANGES, "DS", "FD", "IS", "PN"} - {"LT", "ST", "UR", "UT"})
"""VRs of which several values may be plain."""
_DS_LENGTH = 16
_KNOWN: dict[str, tuple[int, int]] = {}
_MANY = 8192
_HEX = frozenset("0123456789ABCDEFabcdef")


def place_of(name: Any) -> tuple[int, int] | None:
    """Tag and index key of an attribute's name; None for what is no tag, and for tags that mean something for the whole
    data set: SpecificCharacterSet, group lengths and group 0002.
    """
    if type(name) is not str:
        return None
    known = _KNOWN.get(name)
    if known is not None:
        return known
    if len(name) != 8 or not _HEX.issuperset(name):
        return None
    tag = int(name, 16)
    if not tag & 0xFFFF or tag >> 16 == 2 or tag == 0x00080005:
        return None
    if len(_KNOWN) >= _MANY:
        _KNOWN.clear()
    _KNOWN[name] = found = tag, key_of(tag)
    return found


def plain_values(vr: Any, parts: list[Any]) -> Any:
    """The value of several parts, None where one is not plain."""
    if type(vr) is not str or vr not in MULTIPLE or not parts:
        return None
    found = []
    for part in parts:
        value = plain_value(vr, part)
        if value is None:
            return None
        found.append(value)
    return tuple(found)


def plain_value(vr: Any, part: Any) -> Any:
    """The value of a single part, None where that is not plain."""
    kind = type(part)
    if kind is str:
        clean = TEXTS.get(vr) if type(vr) is str else None
        if clean is None or not part.isascii() or "\\" in part or "\x1b" in part:
            return None
        return clean(part)
    if kind is int:
        bounds = RANGES.get(vr) if type(vr) is str else None
        if bounds is not None:
            return part if bounds[0] <= part <= bounds[1] else None
        if vr == "IS" and -0x80000000 <= part <= 0x7FFFFFFF:
            return _new_int(IS, part)
        if vr == "DS" and -999999999999999 <= part <= 999999999999999:
            return DS(str(part))
    elif kind is float:
        if vr == "DS":
            number = repr(part)
            return DS(number) if len(number) <= _DS_LENGTH and part - part == 0 else None
        if vr == "FD":
            return part
    elif kind is dict and vr == "PN" and len(part) == 1:
        name = part.get("Alphabetic")
        if type(name) is str and name.isascii() and "\\" not in name and "=" not in name and "\x1b" not in name:
            name = name.rstrip(" \0")
            return PersonName(name) if name else None
    return None
