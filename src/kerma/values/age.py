"""Ages (VR AS, PS3.5 6.2): three digits and D, W, M or Y.

Rules: an ``AS`` is a ``str`` as stored; one that is ill-formed is still read (``valid`` tells). Equality, hash and
order are those of ``str``; ``days`` is for comparing ages of different units.
"""

from __future__ import annotations

import datetime
import re
from typing import Literal, Self, cast

from kerma.errors import ValueEncodeError, ValueFormatError

Unit = Literal["D", "W", "M", "Y"]

_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_DAYS: dict[Unit, float] = {"D": 1.0, "W": 7.0, "M": 365.2425 / 12, "Y": 365.2425}
_YEARS = _DAYS["Y"]


class AS(str):
    """An age: "018M" are 18 months."""

    __slots__ = ()

    @classmethod
    def of(cls, number: int, unit: Unit) -> Self:
        """``number`` days ("D"), weeks ("W"), months ("M") or years ("Y"); ``ValueEncodeError`` outside 0 to 999."""
        if unit not in _DAYS or not 0 <= number <= 999:
            raise ValueEncodeError("an age is 0 to 999 of D, W, M or Y (PS3.5 6.2)")
        return cls(f"{number:03}{unit}")

    @classmethod
    def between(cls, birth: datetime.date, day: datetime.date) -> Self:
        """The age on ``day``, in completed units: years from two years on, below that months, from two months on,
        below that weeks, from two weeks on, else days. ``ValueEncodeError`` for a day before the birth.
        """
        days = (datetime.date(day.year, day.month, day.day) - datetime.date(birth.year, birth.month, birth.day)).days
        if days < 0:
            raise ValueEncodeError("an age needs a day that is not before the birth")
        months = (day.year - birth.year) * 12 + day.month - birth.month - (day.day < birth.day)
        if months >= 24:
            return cls.of(months // 12, "Y")
        if months >= 2:
            return cls.of(months, "M")
        return cls.of(days // 7, "W") if days >= 14 else cls.of(days, "D")

    @property
    def valid(self) -> bool:
        """Whether it is formed as PS3.5 6.2 says."""
        return _AGE.fullmatch(self) is not None

    @property
    def number(self) -> int:
        """How many units. ``ValueFormatError`` for what is no age."""
        return int(self._match()[1])

    @property
    def unit(self) -> Unit:
        """Days, weeks, months or years: "D", "W", "M" or "Y". ``ValueFormatError`` for what is no age."""
        return cast("Unit", self._match()[2])

    @property
    def days(self) -> float:
        """About how many days: a year counts 365.2425, a month a twelfth of that."""
        return self.number * _DAYS[self.unit]

    @property
    def years(self) -> float:
        """About how many years."""
        return self.days / _YEARS

    def _match(self) -> re.Match[str]:
        match = _AGE.fullmatch(self)
        if match is None:
            raise ValueFormatError("an AS value is not three digits and D, W, M or Y (PS3.5 6.2)")
        return match
