"""The forms in which values are compared: names folded, dates and times as keys that sort (PS3.4 C.2.2.2, PS3.5 6.2).

The oracle (``match.py``) and the archive's columns both use these functions, so that they cannot disagree.

Rules:

- A function returns None where the text is no value of its kind; such a value equals nothing and lies in no range.
- Person names are compared without case, without the accents of Latin, Greek and Cyrillic letters, and with
  compatibility forms (full and half width) made equal. The marks of other scripts, the Japanese voicing marks among
  them, are kept: they make another name.
- Fuzzy matching of names compares words: whether one begins with another, or both have one Soundex code.
- A date is ``YYYYMMDD`` (the retired ``YYYY.MM.DD`` is understood). A time of reduced precision is a span: its key is
  the first instant, its bounds are first and last.
- A date-time with an offset from UTC is compared in UTC with others that have one, otherwise by its own figures.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

_WORD = re.compile(r"[^\W_]+")
_SHORTEST_SOUND = 3
_SOUNDS = {
    letter: str(figure)
    for figure, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1)
    for letter in letters
}
_DATE = re.compile(r"(\d{4})(?:(\d{2})(\d{2})|\.(\d{2})\.(\d{2}))", re.ASCII)
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)


def fold_name(text: str) -> str:
    """One component group of a person name as it is compared (PS3.4 C.2.2.2.1, PS3.5 6.2.1): trailing empty components
    do not count.
    """
    if not text.isascii():
        marks = (char for char in unicodedata.normalize("NFKD", text) if not "\u0300" <= char <= "\u036f")
        text = unicodedata.normalize("NFC", "".join(marks))
    text = text.casefold()
    if " " in text:
        text = "^".join(part.strip() for part in text.split("^"))
    return text.rstrip("^")


def name_groups(text: str) -> tuple[str, str, str]:
    """The folded alphabetic, ideographic and phonetic groups of a person name; "" for one that is not there."""
    parts = text.split("=", 2)
    return (
        fold_name(parts[0]),
        fold_name(parts[1]) if len(parts) > 1 else "",
        fold_name(parts[2]) if len(parts) > 2 else "",
    )


def sounding(text: str) -> str:
    """A person name for fuzzy matching: its words, each after a blank, then how each sounds, after a number sign."""
    found = sounding_words(text)
    return "".join(f" {word}" for word, _ in found) + "".join(f"#{sound}" for _, sound in found if sound)


def sounding_words(text: str) -> tuple[tuple[str, str], ...]:
    """The folded words of a person name in all its groups, each once, with how they sound ("" for what is no Latin
    word or too short to tell); wildcards are no part of a word.
    """
    folded = " ".join(fold_name(group) for group in text.split("="))
    words = _WORD.findall(folded.replace("'", "").replace("\u2019", ""))
    return tuple((word, _soundex(word)) for word in dict.fromkeys(words))


def _soundex(word: str) -> str:
    """American Soundex in lower case ("m460"): the first letter and three figures for the consonants after it."""
    if len(word) < _SHORTEST_SOUND or not (word.isascii() and word.isalpha()):
        return ""
    out, last = word[0], _SOUNDS.get(word[0], "")
    for letter in word[1:]:
        sound = _SOUNDS.get(letter, "")
        if sound and sound != last:
            out += sound
        if letter not in "hw":  # they do not part two letters that sound alike
            last = sound
    return out[:4].ljust(4, "0")


def date_key(text: str) -> str | None:
    """A DA as ``YYYYMMDD``."""
    if len(text) == 8 and text.isascii() and text.isdigit():
        return text
    found = _DATE.fullmatch(text.strip())
    return None if found is None else "".join(part for part in found.groups() if part)


def time_bounds(text: str) -> tuple[str, str] | None:
    """First and last instant of a TM, each as ``HHMMSS.FFFFFF``."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    low = f"{hour}{minute or '00'}{second or '00'}.{(fraction or '').ljust(6, '0')}"
    high = f"{hour}{minute or '59'}{second or '59'}.{(fraction or '').ljust(6, '9')}"
    return low, high


def time_key(text: str) -> str | None:
    """The first instant of a TM as ``HHMMSS.FFFFFF``."""
    bounds = time_bounds(text)
    return None if bounds is None else bounds[0]


def datetime_bounds(text: str) -> tuple[datetime, datetime] | None:
    """First and last instant of a DT; aware where it has an offset from UTC, naive otherwise."""
    found = _DATETIME.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    zone = None
    if offset:
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
        if shift >= timedelta(hours=24):
            return None
        zone = timezone(-shift if offset[0] == "-" else shift)
    try:
        low = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),  # 60 is a leap second (PS3.5 6.2)
            int((fraction or "").ljust(6, "0")),
            tzinfo=zone,
        )
        high = _last(low, month, day, hour, minute, second, fraction)
    except (ValueError, OverflowError):
        return None
    return low, high


def _last(low: datetime, *given: str | None) -> datetime:
    """The last instant of a date-time whose month, day, hour, minute, second and fraction were ``given`` or not."""
    month, day, hour, minute, second, fraction = given
    high = low
    if month is None:
        high = high.replace(month=12)
    if day is None:
        following = high.replace(day=28) + timedelta(days=4) if high.year < 9999 or high.month < 12 else None
        high = high.replace(day=31) if following is None else following - timedelta(days=following.day)
    if hour is None:
        high = high.replace(hour=23)
    if minute is None:
        high = high.replace(minute=59)
    if second is None:
        high = high.replace(second=59)
    return high.replace(microsecond=int((fraction or "").ljust(6, "9")))


def comparable(one: datetime, other: datetime) -> tuple[datetime, datetime]:
    """Two instants made comparable: in UTC where both are aware, by their own figures otherwise."""
    if one.tzinfo is not None and other.tzinfo is not None:
        try:
            return one.astimezone(UTC), other.astimezone(UTC)
        except OverflowError:
            pass  # a shift past year 1 or 9999: the figures as they stand are all there is
    return one.replace(tzinfo=None), other.replace(tzinfo=None)


def number_key(text: str) -> float | int | None:
    """An IS or DS, or a binary number as text, by its worth."""
    text = text.strip()
    if len(text) > 64 or "_" in text or not text.isascii():
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 (not a number)


def split_range(text: str, vr: str) -> tuple[str, str] | None:
    """The ends of a DA, TM or DT range, "" for an open one; None where it is no range (PS3.4 C.2.2.2.5).

    In a DT a hyphen before four figures of at most 1400 at an end is an offset from UTC, not a range (PS3.4
    C.2.2.2.5.3).
    """
    if "-" not in text:
        return None
    if vr != "DT":
        low, _, high = text.partition("-")
        return low.strip(), high.strip()
    for found in re.finditer("-", text):
        low, high = text[: found.start()].strip(), text[found.end() :].strip()
        offset = high[:4]
        if low and len(offset) == 4 and offset.isdigit() and int(offset) <= 1400 and high[4:5] in ("", "-"):
            continue
        return low, high
    return None
