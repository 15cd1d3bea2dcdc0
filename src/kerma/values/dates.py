"""Dates and times as they are written: DA, TM, DT, their parts, zones and ranges (PS3.5 6.2, PS3.4 C.2.2.2.5).

Rules:

- Values stay text; here is what text means: ``Bounds`` of the first and last instant that it names, in a form that
  sorts as text does. DA ``YYYYMMDD``, TM ``HHMMSS.FFFFFF``, DT ``YYYYMMDDHHMMSS.FFFFFF`` in UTC. A bound is None
  where a range is open.
- A part stands for the whole span: TM ``10`` is all from 100000.000000 to 105959.999999.
- Taken from old files: DA ``YYYY.MM.DD`` and TM ``HH:MM:SS`` (PS3.5 6.2, notes), parts of DA (``YYYYMM``), spaces
  around.
- Second 60 is a leap second (PS3.5 6.2). It sorts after 59; in a DT that is shifted to UTC it counts as 59.
- ``ValueFormatError`` for what is no date.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Callable
from typing import Literal, NamedTuple, cast

from kerma.errors import ValueEncodeError, ValueFormatError

_DA = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d))?|\.(\d\d)\.(\d\d))?", re.ASCII)
_TM = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DT = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)
_ZONE = re.compile(r"[+-]\d{4}", re.ASCII)


class Bounds(NamedTuple):
    """The first and the last instant, both included; None where there is no bound."""

    low: str | None
    high: str | None


def date_bounds(text: str) -> Bounds:
    """What a DA, or a range of DA ("a-b", "a-", "-b"), covers: ``YYYYMMDD``."""
    low, high = _split_range(text, _DA, "DA")
    return Bounds(low and _date_span(low).low, high and _date_span(high).high)


def time_bounds(text: str) -> Bounds:
    """What a TM, or a range of TM, covers: ``HHMMSS.FFFFFF``. The low bound is later than the high one in a range
    over midnight.
    """
    low, high = _split_range(text, _TM, "TM")
    return Bounds(low and _time_span(low).low, high and _time_span(high).high)


def datetime_bounds(text: str, *, zone: str | None = None) -> Bounds:
    """What a DT, or a range of DT, covers: ``YYYYMMDDHHMMSS.FFFFFF`` in UTC.

    ``zone`` ("+0100", Timezone Offset From UTC (0008,0201)) is that of texts without their own; None is UTC. A
    hyphen before four digits that end the text is an offset where it can be one (up to -1200), else a range (PS3.5
    6.2, DT).
    """
    stripped = text.strip(" \0")
    low, high = _split_datetimes(stripped)
    return Bounds(low and _datetime_span(low, zone).low, high and _datetime_span(high, zone).high)


def is_range(text: str, vr: str) -> bool:
    """Whether a DA, TM or DT text is a range rather than one value."""
    stripped = text.strip(" \0")
    if vr == "DT":
        return "-" in stripped and not _one_datetime(stripped)
    return "-" in stripped


def to_date(text: str) -> datetime.date:
    """The day of a DA. ``ValueFormatError`` for anything less than a day."""
    bounds = date_bounds(text)
    if bounds.low is None or bounds.low != bounds.high:
        raise _wrong("DA")
    return datetime.date(int(bounds.low[:4]), int(bounds.low[4:6]), int(bounds.low[6:]))


def to_time(text: str) -> datetime.time:
    """The first instant of a TM; a leap second becomes second 59."""
    low = time_bounds(text).low
    if low is None or is_range(text, "TM"):
        raise _wrong("TM")
    return datetime.time(int(low[:2]), int(low[2:4]), min(int(low[4:6]), 59), int(low[7:]))


def to_datetime(text: str) -> datetime.datetime:
    """The first instant of a DT, aware where the text has an offset, naive where not."""
    match = _one_datetime(text.strip(" \0"))
    if match is None:
        raise _wrong("DT")
    low = _local_span(match).low or ""
    day = datetime.date(int(low[:4]), int(low[4:6]), int(low[6:8]))
    time = datetime.time(int(low[8:10]), int(low[10:12]), min(int(low[12:14]), 59), int(low[15:]))
    return datetime.datetime.combine(day, time, _zone(match))


def to_zone(zone: str | datetime.tzinfo) -> datetime.tzinfo:
    """A time zone of an offset as it is written ("+0100", Timezone Offset From UTC (0008,0201))."""
    if isinstance(zone, datetime.tzinfo):
        return zone
    if _ZONE.fullmatch(zone.strip(" \0")) is None:
        raise ValueFormatError("an offset from UTC is a sign and four digits (PS3.5 6.2, DT)")
    return datetime.timezone(_offset(zone.strip(" \0")))


def zone_of(text: str) -> datetime.timezone | None:
    """The offset from UTC of one DT; None without one, and for a range and what is no DT."""
    match = _one_datetime(text.strip(" \0"))
    return None if match is None else _zone(match)


Local = tuple[str, datetime.timezone | None]


def local_bounds(text: str) -> tuple[Local | None, Local | None]:
    """The first and last instant of a DT or a range of DT, in the local time of each and with its offset."""
    low, high = _split_datetimes(text.strip(" \0"))
    first = None if low is None else (_local_span(low).low or "", _zone(low))
    return first, None if high is None else (_local_span(high).high or "", _zone(high))


# -- precision ---------------------------------------------------------------------------------------------------------


def date_precision(text: str) -> Literal["year", "month", "day"] | None:
    """The smallest part that one DA gives; None for a range and for what is no date."""
    match = _DA.fullmatch(text.strip(" \0"))
    if match is None or not _formed(_date_span, match):
        return None
    return "day" if match[3] or match[5] else "month" if match[2] else "year"


def time_precision(text: str) -> Literal["hour", "minute", "second", "fraction"] | None:
    """The smallest part that one TM gives; None for a range and for what is no time."""
    match = _TM.fullmatch(text.strip(" \0"))
    if match is None or not _formed(_time_span, match):
        return None
    return "fraction" if match[4] else "second" if match[3] else "minute" if match[2] else "hour"


Precision = Literal["year", "month", "day", "hour", "minute", "second", "fraction"]
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction")


def datetime_precision(text: str) -> Precision | None:
    """The smallest part that one DT gives; None for a range and for what is no date time."""
    match = _one_datetime(text.strip(" \0"))
    if match is None or not _formed(_local_span, match):
        return None
    given = sum(match[group] is not None for group in range(1, 8))
    return cast("Precision", _PARTS[given - 1])


def _formed(span: Callable[[re.Match[str]], Bounds], match: re.Match[str]) -> bool:
    try:
        span(match)
    except ValueFormatError:
        return False
    return True


# -- writing -----------------------------------------------------------------------------------------------------------


def text_of(value: datetime.date | datetime.time, vr: str) -> str:
    """A Python date or time as DA, TM or DT. ``ValueEncodeError`` where the VR has no place for what it says."""
    moment = value if isinstance(value, (datetime.datetime, datetime.time)) else None
    if vr == "DT" and isinstance(value, datetime.datetime):
        return format_dt(value)
    if vr == "DT" and moment is None and isinstance(value, datetime.date):
        return format_da(value)
    if vr in {"DA", "TM"} and moment is not None and moment.tzinfo is not None:
        raise ValueEncodeError(
            f"{vr} has no time zone, and the value has one",
            hint="assign value.replace(tzinfo=None), and the offset to TimezoneOffsetFromUTC",
        )
    if vr == "DA" and isinstance(value, datetime.date):
        return format_da(value)
    if vr == "TM" and moment is not None:
        return format_tm(moment.time() if isinstance(moment, datetime.datetime) else moment)
    raise ValueEncodeError(f"a value of {vr} cannot be written from {type(value).__name__}")


def range_text(low: datetime.date | datetime.time | None, high: datetime.date | datetime.time | None, vr: str) -> str:
    """A range for matching (PS3.4 C.2.2.2.5); None leaves an end open."""
    if low is None and high is None:
        raise ValueEncodeError("a range has a first or a last value, or both (PS3.4 C.2.2.2.5)")
    return f"{'' if low is None else text_of(low, vr)}-{'' if high is None else text_of(high, vr)}"


def format_da(value: datetime.date) -> str:
    """``YYYYMMDD``."""
    return f"{value.year:04}{value.month:02}{value.day:02}"


def format_tm(value: datetime.time) -> str:
    """``HHMMSS``, with the fraction where there is one."""
    text = f"{value.hour:02}{value.minute:02}{value.second:02}"
    return f"{text}.{value.microsecond:06}" if value.microsecond else text


def format_dt(value: datetime.datetime) -> str:
    """``YYYYMMDDHHMMSS``, with the fraction and the offset where there are any."""
    text = format_da(value) + format_tm(value.time())
    offset = value.utcoffset()
    if offset is None:
        return text
    minutes = round(offset.total_seconds() / 60)
    if not -12 * 60 <= minutes <= 14 * 60:
        raise ValueEncodeError("the offset of a DT lies between -1200 and +1400 (PS3.5 6.2)")
    return f"{text}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


# -- parts -------------------------------------------------------------------------------------------------------------


def _wrong(vr: str) -> ValueFormatError:
    return ValueFormatError(f"a {vr} value is not formed as PS3.5 6.2 says")


def _split_range(text: str, pattern: re.Pattern[str], vr: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    stripped = text.strip(" \0")
    low, hyphen, high = stripped.partition("-")
    if not hyphen:
        high = low
    low, high = low.strip(" "), high.strip(" ")
    first = pattern.fullmatch(low) if low else None
    last = pattern.fullmatch(high) if high else None
    if not (low or high) or (low and first is None) or (high and last is None):
        raise _wrong(vr)
    return first, last


def _date_span(match: re.Match[str]) -> Bounds:
    year, month, day = int(match[1]), match[2] or match[4], match[3] or match[5]
    first = int(month or 1)
    last = int(month or 12)
    if not (1 <= first <= 12) or year < 1:
        raise _wrong("DA")
    length = calendar.monthrange(year, last)[1]
    if day and not 1 <= int(day) <= length:
        raise _wrong("DA")
    return Bounds(f"{year:04}{first:02}{int(day or 1):02}", f"{year:04}{last:02}{int(day or length):02}")


def _time_span(match: re.Match[str]) -> Bounds:
    return _clock_span(match[1], match[2], match[3], match[4], "TM")


def _clock_span(hour: str | None, minute: str | None, second: str | None, fraction: str | None, vr: str) -> Bounds:
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        raise _wrong(vr)
    low = f"{hour or '00'}{minute or '00'}{second or '00'}.{(fraction or '').ljust(6, '0')}"
    high = f"{hour or '23'}{minute or '59'}{second or '59'}.{(fraction or '').ljust(6, '9')}"
    return Bounds(low, high)


def _offset(text: str) -> datetime.timedelta:
    hours, minutes = int(text[1:3]), int(text[3:5])
    total = hours * 60 + minutes
    if minutes > 59 or total > (12 * 60 if text[0] == "-" else 14 * 60):
        raise _wrong("DT")
    return datetime.timedelta(minutes=-total if text[0] == "-" else total)


def _zone(match: re.Match[str]) -> datetime.timezone | None:
    return None if match[8] is None else datetime.timezone(_offset(match[8]))


def _one_datetime(text: str) -> re.Match[str] | None:
    match = _DT.fullmatch(text)
    if match is not None and match[8] is not None:
        try:
            _offset(match[8])
        except ValueFormatError:
            return None
    return match


def _split_datetimes(text: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    single = _one_datetime(text)
    if single is not None:
        return single, single
    # The dividing hyphen is the one that leaves a DT, or nothing, on both sides; of two, the later one keeps an
    # offset with its value.
    for at in range(len(text) - 1, -1, -1):
        if text[at] != "-":
            continue
        low, high = text[:at].strip(" "), text[at + 1 :].strip(" ")
        first, last = _one_datetime(low), _one_datetime(high)
        if (low or high) and (first or not low) and (last or not high):
            return first, last
    raise _wrong("DT")


def _local_span(match: re.Match[str]) -> Bounds:
    year, month, day = match[1], match[2], match[3]
    whole = _DA.fullmatch(f"{year}{month or ''}{day or ''}")
    if whole is None:
        raise _wrong("DT")
    days = _date_span(whole)
    clock = _clock_span(match[4], match[5], match[6], match[7], "DT")
    return Bounds(f"{days.low}{clock.low}", f"{days.high}{clock.high}")


def _datetime_span(match: re.Match[str], zone: str | None) -> Bounds:
    local = _local_span(match)
    given = match[8] or zone
    shift = _offset(given) if given else datetime.timedelta()
    if not shift:
        return local
    return Bounds(_shift(local.low, shift), _shift(local.high, shift))


def _shift(text: str | None, shift: datetime.timedelta) -> str | None:
    if text is None:
        return None
    second = min(int(text[12:14]), 59)
    moment = datetime.datetime(
        int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), second, int(text[15:])
    )
    try:
        moment -= shift
    except OverflowError:
        raise _wrong("DT") from None
    return f"{format_da(moment)}{moment.hour:02}{moment.minute:02}{moment.second:02}.{moment.microsecond:06}"
