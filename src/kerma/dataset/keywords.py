"""``ds.PatientName``: what reads one keyword, in as few steps as Python has.

Rules of this module:

- A keyword that was asked for once becomes a property of ``Dataset``. That costs half of what ``__getattr__`` costs,
  which Python calls only after it has made and dropped an error. The standard's keywords bound their number. Where the
  loops are compiled it is a ``Keyword`` of theirs, which does the plain cases itself and leaves all others to the same
  function.
- Short values of VRs that mean the same everywhere are decoded once and remembered: in a folder of images most UIDs,
  dates, codes and numbers are those of the file before. Decoded values cannot be changed, so they can be shared.
  Names and other text, which are the patient's and depend on a character set, are not remembered.
- What is not plain, or not of its VR, goes the long way through ``Dataset.value_of``, which tells what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kerma import values
from kerma.encoding.syntax import EXPLICIT_LE, IMPLICIT_LE, tag_of
from kerma.encoding.twin import loops
from kerma.errors import ValueFormatError
from kerma.standard import elements

if TYPE_CHECKING:
    from kerma.dataset.dataset import Dataset

_MANY = 1024
_LONG = 64  # bytes

_explicit_header = EXPLICIT_LE.header.unpack_from
_implicit_header = IMPLICIT_LE.header.unpack_from


class _Remembered(dict[Any, Any]):
    """Value field -> value, of one VR. Index it: a field that is not known yet is decoded. Bounded."""

    __slots__ = ("_decode", "_quick")

    def __init__(self, vr: str) -> None:
        super().__init__()
        self._decode = values.DECODERS[vr]
        self._quick = loops.decimals if vr == "DS" and loops.COMPILED else None

    def __missing__(self, raw: Any) -> Any:
        value = None if self._quick is None or type(raw) is not bytes else self._quick(raw, values.DS)
        if value is None:
            value = self._decode(raw, True, values.DEFAULT)
        if type(raw) is bytes and len(raw) <= _LONG:  # a view would keep its whole buffer
            if len(self) >= _MANY:
                self.clear()
            self[raw] = value
        return value


_PLAIN = {
    vr: _Remembered(vr)
    for vr in ["AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "SL", "SS", "TM", "UI", "UL", "US"]
}
_TEXT = {vr: values.DECODERS[vr] for vr in ["LO", "LT", "PN", "SH", "ST"]}
_PLAIN_CODES = {EXPLICIT_LE.code_of[vr]: plain for vr, plain in _PLAIN.items()}
_TEXT_CODES = {EXPLICIT_LE.code_of[vr]: decode for vr, decode in _TEXT.items()}
_CODES: dict[int, Any] = {**_PLAIN_CODES, **_TEXT_CODES}


def attribute(key: int) -> Any:
    """What to put into the class for the element of an index key."""
    read = _reader(key)
    if not loops.COMPILED:
        return property(read)
    implied = _implied(key)
    return loops.Keyword(key, _CODES, {0: _PLAIN.get(implied, _TEXT.get(implied))}, read)


def _implied(key: int) -> str:
    """The VR in implicit VR, "" where that is not one for all data sets."""
    row = elements.lookup(tag_of(key))
    return row.vr if row is not None and len(row.vrs) == 1 else ""


def _reader(key: int) -> Callable[[Dataset], Any]:
    """What reads the element of an index key. It raises a bare ``AttributeError`` where that is absent."""
    tag = tag_of(key)
    implied = _implied(key)
    implied_plain, implied_text = _PLAIN.get(implied), _TEXT.get(implied)

    def read(ds: Dataset) -> Any:
        body = ds._body
        cache = body.cache
        if key in cache:
            return cache[key]
        index = body.index_now
        at: Any = body.find(key) if index is None else index.get(key)
        if at is None:
            raise AttributeError
        if type(at) is not int:
            return ds.value_of(tag)
        encoding = body.encoding
        buf = body.window
        if at + 8 > len(buf):
            return ds.value_of(tag)
        if encoding is EXPLICIT_LE:
            _, code, length = _explicit_header(buf, at)
            plain, text = _PLAIN_CODES.get(code), _TEXT_CODES.get(code)
        elif encoding is IMPLICIT_LE:
            _, length = _implicit_header(buf, at)
            plain, text = implied_plain, implied_text
        else:
            return ds.value_of(tag)
        if not 0 < length < 1024 or at + length + 8 > len(buf) or body.marks.odd:
            return ds.value_of(tag)
        try:
            if plain is not None:
                value = plain[buf[at + 8 : at + 8 + length]]
            elif text is not None:
                value = text(buf[at + 8 : at + 8 + length], True, body.charsets_now or body.charsets)
            else:
                return ds.value_of(tag)
        except ValueFormatError:
            return ds.value_of(tag)
        cache[key] = value
        return value

    return read
