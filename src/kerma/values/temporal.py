"""Dates and times as values: DA, TM and DT (PS3.5 6.2, matching ranges of PS3.4 C.2.2.2.5).

Rules:

- Each is a ``str`` as stored, so that nothing is lost: parts ("202601"), ranges ("20260101-20260131"), old forms
  ("2026.01.02") and texts that are no date at all stay what they are. ``valid`` tells, ``ValueFormatError`` comes only
  from what asks for a date.
- Equality, hash and order are those of ``str``; the text sorts as time does where the parts are the same.
- Made from Python's own objects as well: ``DA(datetime.date(2026, 1, 2))``. DA and TM have no place for a time zone,
  so an aware time is refused there (``ValueEncodeError``) rather than cut.
- A bound is the first or last instant that the text covers, None where a range is open. Python has no leap second: 60
  counts as 59.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Generic, Literal, NamedTuple, Self, TypeVar

from kerma.errors import ValueFormatError
from kerma.values import dates

Instant = TypeVar("Instant", dt.date, dt.time, dt.datetime)

DatePrecision = Literal["year", "month", "day"]
TimePrecision = Literal["hour", "minute", "second", "fraction"]


class Span(NamedTuple, Generic[Instant]):
    """The first and the last instant that a value covers, both included; None where a range is open."""

    low: Instant | None
    high: Instant | None


class DA(str):
    """A date, a part of one, or a range of dates."""

    __slots__ = ()

    def __new__(cls, value: str | dt.date = "") -> Self:
        """``value`` as stored, or a day. A ``datetime`` gives its day; an aware one is refused."""
        return str.__new__(cls, value if isinstance(value, str) else dates.text_of(value, "DA"))

    @classmethod
    def between(cls, low: dt.date | None, high: dt.date | None) -> Self:
        """The range from one day to another, both included, for queries; None leaves it open."""
        return cls(dates.range_text(low, high, "DA"))

    @property
    def valid(self) -> bool:
        """Whether it is a date, a part of one or a range, in the old form or the new."""
        return _is_formed(dates.date_bounds, self)

    @property
    def is_range(self) -> bool:
        """Whether it is a range ("a-b", "a-", "-b") rather than one value."""
        return dates.is_range(self, "DA")

    @property
    def precision(self) -> DatePrecision | None:
        """The smallest part that is given; None for a range and for what is no date."""
        return dates.date_precision(self)

    @property
    def bounds(self) -> Span[dt.date]:
        """The first and the last day."""
        low, high = dates.date_bounds(self)
        return Span(_day(low) if low else None, _day(high) if high else None)

    def date(self) -> dt.date:
        """The day. ``ValueFormatError`` for a part of a date, which is more than one day, and for a range."""
        return dates.to_date(self)

    def at(self, time: str | dt.time, zone: str | dt.tzinfo | None = None) -> dt.datetime:
        """The first instant of a TM on this day; ``zone`` as Timezone Offset From UTC (0008,0201) has it ("+0100")."""
        clock = dates.to_time(time) if isinstance(time, str) else time
        moment = dt.datetime.combine(self.date(), clock)
        return moment if zone is None else moment.replace(tzinfo=dates.to_zone(zone))


class TM(str):
    """A time of day, a part of one, or a range of times."""

    __slots__ = ()

    def __new__(cls, value: str | dt.time | dt.datetime = "") -> Self:
        """``value`` as stored, or a time. A ``datetime`` gives its time of day; an aware one is refused."""
        return str.__new__(cls, value if isinstance(value, str) else dates.text_of(value, "TM"))

    @classmethod
    def between(cls, low: dt.time | None, high: dt.time | None) -> Self:
        """The range from one time to another, both included, for queries; None leaves it open."""
        return cls(dates.range_text(low, high, "TM"))

    @property
    def valid(self) -> bool:
        """Whether it is a time, a part of one or a range, in the old form or the new."""
        return _is_formed(dates.time_bounds, self)

    @property
    def is_range(self) -> bool:
        """Whether it is a range ("a-b", "a-", "-b") rather than one value."""
        return dates.is_range(self, "TM")

    @property
    def precision(self) -> TimePrecision | None:
        """The smallest part that is given; None for a range and for what is no time."""
        return dates.time_precision(self)

    @property
    def bounds(self) -> Span[dt.time]:
        """The first and the last instant; the first is the later one in a range over midnight."""
        low, high = dates.time_bounds(self)
        return Span(_clock(low) if low else None, _clock(high) if high else None)

    def time(self) -> dt.time:
        """The first instant. ``ValueFormatError`` for a range."""
        return dates.to_time(self)


class DT(str):
    """A date with time, with or without an offset from UTC, a part of one, or a range of them."""

    __slots__ = ()

    def __new__(cls, value: str | dt.date = "") -> Self:
        """``value`` as stored, or a ``datetime``, aware or naive, or a ``date``, which is a whole day."""
        return str.__new__(cls, value if isinstance(value, str) else dates.text_of(value, "DT"))

    @classmethod
    def between(cls, low: dt.date | None, high: dt.date | None) -> Self:
        """The range from one instant to another, both included, for queries; None leaves it open."""
        return cls(dates.range_text(low, high, "DT"))

    @property
    def valid(self) -> bool:
        """Whether it is a date time, a part of one or a range."""
        return _is_formed(dates.datetime_bounds, self)

    @property
    def is_range(self) -> bool:
        """Whether it is a range ("a-b", "a-", "-b") rather than one value."""
        return dates.is_range(self, "DT")

    @property
    def precision(self) -> DatePrecision | TimePrecision | None:
        """The smallest part that is given; None for a range and for what is no date time."""
        return dates.datetime_precision(self)

    @property
    def zone(self) -> dt.timezone | None:
        """The offset from UTC that the text gives; None for one without, for a range and for what is no date time."""
        return dates.zone_of(self)

    @property
    def bounds(self) -> Span[dt.datetime]:
        """The first and the last instant, each aware where the text has an offset, naive where not."""
        low, high = dates.local_bounds(self)
        return Span(_moment(*low) if low else None, _moment(*high) if high else None)

    def datetime(self, zone: str | dt.tzinfo | None = None) -> dt.datetime:
        """The first instant. A text without an offset is taken to be in ``zone`` ("+0100", as Timezone Offset From UTC
        (0008,0201) has it, or a ``tzinfo``), else it is naive. ``ValueFormatError`` for a range.
        """
        moment = dates.to_datetime(self)
        if zone is None or moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=dates.to_zone(zone))

    def date(self) -> dt.date:
        """The day where it was written. ``ValueFormatError`` where the text has no day."""
        if self.precision in {"year", "month"}:
            raise ValueFormatError("a DT of a year or a month is more than one day (PS3.5 6.2)")
        return self.datetime().date()


def _is_formed(bounds: Callable[[str], object], text: str) -> bool:
    try:
        bounds(text)
    except ValueFormatError:
        return False
    return True


def _day(text: str) -> dt.date:
    return dt.date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _clock(text: str) -> dt.time:
    return dt.time(int(text[:2]), int(text[2:4]), min(int(text[4:6]), 59), int(text[7:]))


def _moment(text: str, zone: dt.timezone | None) -> dt.datetime:
    return dt.datetime.combine(_day(text), _clock(text[8:]), zone)
