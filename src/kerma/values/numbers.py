"""Numbers that are stored as text: IS and DS (PS3.5 6.2).

Rules:

- ``IS`` is an ``int`` and ``DS`` a ``float``, each with ``text`` as it is stored, so that a value is written back
  digit for digit, even a DS with more digits than a float holds. ``str`` of one is its text, ``repr`` the number;
  equality, hash and order are those of the number.
- Taken: what PS3.5 6.2 allows; besides, an IS with a fraction of zeros ("12.0"), and texts longer than the VR allows.
- Refused with ``ValueFormatError``: everything else, among it "nan", "inf", "1_000" and a decimal comma, which
  Python's own conversions would take or which differ by locale.
- A float that needs more than 16 characters is written rounded to what 16 characters hold (PS3.5 6.2, DS).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from kerma.errors import ValueEncodeError, ValueFormatError

DS_LENGTH = 16
"""Characters of a DS (PS3.5 6.2)."""
IS_RANGE = range(-(2**31), 2**31)
"""Values of an IS (PS3.5 6.2)."""

_NOT_ZERO = "123456789"
_NUMBER_CHARACTERS = "0123456789+-.eE"
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}(?:\.0*)?")


class IS(int):
    """An integer string; an ``int`` that knows its text."""

    _text: str

    def __new__(cls, text: str | int) -> Self:
        """``text`` as stored (spaces around it have no meaning), or a number. ``ValueFormatError`` where it is none."""
        if not isinstance(text, str):
            return int.__new__(cls, text)
        if text.isdecimal() and text[0] in _NOT_ZERO and len(text) < 18:  # the plain case: its text is that of the int
            return int.__new__(cls, text)
        stripped = text.strip(" \0")
        if _INTEGER.fullmatch(stripped) is None:
            raise ValueFormatError("an IS value is not an integer (PS3.5 6.2)")
        self = int.__new__(cls, stripped.partition(".")[0])
        if stripped != str(int(self)):
            self._text = stripped
        return self

    @property
    def text(self) -> str:
        """As stored, without the spaces around it."""
        text: str = self.__dict__.get("_text", "")
        return text or int.__repr__(self)

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[IS], tuple[str]]:
        return IS, (self.text,)


class DS(float):
    """A decimal string; a ``float`` that knows its text."""

    __slots__ = ("text",)

    text: str
    """As stored, without the spaces around it."""

    def __new__(cls, text: str | float | Decimal) -> Self:
        """``text`` as stored (spaces around it have no meaning), or a number. ``ValueFormatError`` where it is none."""
        if not isinstance(text, str):
            text = format_ds(text)
        if text.strip(_NUMBER_CHARACTERS):
            text = text.strip(" \0")
            if text.strip(_NUMBER_CHARACTERS):
                raise ValueFormatError("a DS value is not a decimal number (PS3.5 6.2)")
        # Of these characters alone, what float takes is just what the standard says: no names, underscores or blanks.
        try:
            self = float.__new__(cls, text)
        except ValueError:
            raise ValueFormatError("a DS value is not a decimal number (PS3.5 6.2)") from None
        self.text = text
        return self

    if TYPE_CHECKING:  # that a DS can equal an int is not told by float's own

        def __eq__(self, other: object) -> bool: ...
        def __hash__(self) -> int: ...

    @property
    def decimal(self) -> Decimal:
        """The number that the text says, exactly."""
        return Decimal(self.text.strip(" "))

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[DS], tuple[str]]:
        return DS, (self.text,)


def format_is(value: object) -> str:
    """The text of an IS; ``ValueEncodeError`` for what is no integer of 32 bits."""
    if isinstance(value, IS):
        return value.text
    if isinstance(value, str):
        try:
            return IS(value).text
        except ValueFormatError as error:
            raise ValueEncodeError(error.message) from None
    if isinstance(value, bool) or not hasattr(value, "__int__"):
        raise ValueEncodeError(f"an IS value is an int or a decimal text, not {type(value).__name__}")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise ValueEncodeError("an IS value must be a finite whole number (PS3.5 6.2)") from None
    if number != value:
        raise ValueEncodeError("an IS value must be a whole number (PS3.5 6.2)")
    if number not in IS_RANGE:
        raise ValueEncodeError("an IS value must lie between -2^31 and 2^31 - 1 (PS3.5 6.2)")
    return str(number)


def format_ds(value: object) -> str:
    """The text of a DS, of at most 16 characters unless it came as text; ``ValueEncodeError`` for what is no finite
    number.
    """
    if isinstance(value, DS):
        return value.text
    if isinstance(value, str):
        try:
            return DS(value).text
        except ValueFormatError as error:
            raise ValueEncodeError(error.message) from None
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise ValueEncodeError(f"a DS value is a number or a decimal text, not {type(value).__name__}")
    if isinstance(value, (int, Decimal)):
        text = str(value)
        if len(text) <= DS_LENGTH and not text.strip(_NUMBER_CHARACTERS):
            return text
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueEncodeError("a DS value must be a number that a float can hold") from None
    if not math.isfinite(number):
        raise ValueEncodeError("a DS value must be finite (PS3.5 6.2)")
    text = repr(number)
    digits = 16
    while len(text) > DS_LENGTH:
        text = f"{number:.{digits}g}"
        digits -= 1
    # The largest floats would round up to what no float holds.
    return text if math.isfinite(float(text)) else f"{math.copysign(1.79769313e308, number)!r}"
