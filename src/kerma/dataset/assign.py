"""What an assigned value becomes: its VR and the form in which it would be read back (PS3.5 6.2, A.1, A.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerma import values
from kerma.dataset.fragments import Fragments
from kerma.dataset.sequence import Sequence
from kerma.errors import ValueEncodeError
from kerma.standard import elements

if TYPE_CHECKING:
    from kerma.dataset.body import Body

_UNICODE = values.Charsets.of(("ISO_IR 192",))
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_PIXEL_DATA = 0x7FE00010


def choose_vr(tag: int, value: Any, body: Body, at: int | str | None) -> str:
    """The VR for a value assigned without one: as the element had it, else by the dictionary, with PS3.5 A.1 where
    that leaves a choice.
    """
    if isinstance(at, int):
        vr = body.vr_of(body.header(at))
        if vr != "UN":
            return vr
    if tag & 0x10000:
        vr = body.dictionary_vr(tag)
        return _vr_of_value(tag, value) if vr == "UN" else vr
    row = elements.lookup(tag)
    if row is None or not row.vr:
        return _vr_of_value(tag, value)
    if len(row.vrs) == 1:
        return row.vr
    if "SQ" not in row.vrs and isinstance(value, (bytes, bytearray, memoryview)):
        if tag == _PIXEL_DATA and body.plain(0x01000028, "US") is not None:
            return "OW" if body.plain(0x01000028, "US") > 8 else "OB"
        return "OW" if "OW" in row.vrs else "OB"
    if "SS" in row.vrs and "US" in row.vrs:
        numbers = value if isinstance(value, (list, tuple)) else (value,)
        if any(isinstance(number, int) and number < 0 for number in numbers):
            return "SS"
        return "SS" if body.signed else "US"
    return row.vr


def _vr_of_value(tag: int, value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)) or value is None:
        return "UN"
    if isinstance(value, Sequence) or (isinstance(value, list) and value and hasattr(value[0], "_body")):
        return "SQ"
    raise ValueEncodeError(
        f"the standard does not know ({tag >> 16:04X},{tag & 0xFFFF:04X})", hint="give its VR: ds.add(tag, vr, value)"
    )


def normal_value(tag: int, vr: str, value: Any) -> Any:
    """``value`` as it would be read back. ``ValueEncodeError`` where the VR cannot hold it; the character set is
    checked when writing.
    """
    if vr == "SQ":
        if value is None:
            return Sequence()
        return value if isinstance(value, Sequence) else Sequence(value)
    if value is None:
        return None
    if isinstance(value, Fragments) and vr in {"OB", "OW"}:
        return value
    if vr in _BULK:
        try:
            view = memoryview(bytes(value) if isinstance(value, bytearray) else value)
        except TypeError:
            raise ValueEncodeError(f"a value of {vr} is bytes, not {type(value).__name__}", where=_where(tag)) from None
        return view.toreadonly().cast("B") if view.nbytes else None
    try:
        raw = values.encode(vr, value, charsets=_UNICODE)
        return values.decode(vr, raw, charsets=_UNICODE)
    except ValueEncodeError as error:
        raise ValueEncodeError(error.message, where=_where(tag), hint=error.hint) from None


def _where(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {elements.keyword_of(tag)}".rstrip()
