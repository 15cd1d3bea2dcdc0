"""The data elements of PS3.6 (and the command elements of PS3.7 E): by tag and by keyword.

Rules of this module:

- Nothing is decoded at import. The first look-up fills two dicts, ``KEYWORD_TO_TAG`` and ``TAG_TO_VR``; after that a
  look-up is one dict access. Callers in a hurry index these two directly: ``KEYWORD_TO_TAG[keyword]`` (KeyError when
  unknown) and ``TAG_TO_VR[tag]`` (never an error). ``.get`` and ``in`` on them do not load the table; use the
  functions.
- Repeating groups (PS3.5 7.6) are resolved: (6002,3000) is OverlayData. In them the group is even; odd is private.
- What comes from outside is never added to the tables, so a hostile file cannot make them grow.
"""

# No ``from __future__ import annotations`` here: it would make each NamedTuple compile its annotations at import.
import re
import struct
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from kerma.errors import UsageError


class ElementRow(NamedTuple):
    """One row of PS3.6 table 6-1 (or 7-1, 8-1, 9-1, PS3.7 E).

    ``tag`` is the tag that was asked for, group in the high 16 bits; ``vr`` the first VR printed, ``vrs`` all of them
    ("US or SS" -> ("US", "SS")), "" for items and delimiters; ``vm`` as printed ("1-n"). Rows whose name the standard
    has withdrawn have an empty name.
    """

    tag: int
    vr: str
    vrs: tuple[str, ...]
    vm: str
    name: str
    keyword: str
    retired: bool


class _Table:
    """The columns: ``tags`` sorted for the first ``single`` rows, then one first tag for each repeating row."""

    __slots__ = ("keywords", "kind_rows", "kinds", "masks", "single", "tags")

    def __init__(self) -> None:
        from kerma.standard._gen import elements_data as data  # noqa: PLC0415  loaded on first use

        raw = bytes.fromhex(data.TAGS)
        self.tags: tuple[int, ...] = struct.unpack(f">{len(raw) // 4}I", raw)
        self.kinds = bytes.fromhex(data.ROW_KINDS)
        self.keywords = data.KEYWORDS.split("\n")
        self.kind_rows = data.KINDS
        self.masks = data.MASKS
        self.single = data.SINGLE


@cache
def _table() -> _Table:
    return _Table()


@cache
def _names() -> list[str]:
    from kerma.standard._gen import elements_names  # noqa: PLC0415  loaded on first use

    return elements_names.NAMES.split("\n")


def _implicit_vr(printed: str) -> str:
    """The VR that stands for a choice when the bytes do not say (PS3.5 A.1): OW if it is among them, else the first."""
    vrs = printed.split(" or ")
    return "OW" if "OW" in vrs else vrs[0] or "UN"


class _Keywords(dict[str, int]):
    """keyword -> tag; filled by the first miss."""

    def __missing__(self, keyword: str) -> int:
        if not self:
            table = _table()
            rows = dict(zip(table.keywords, table.tags, strict=True))
            rows.pop("", None)
            self.update(rows)  # in one step: another thread sees none or all
            if keyword in self:
                return self[keyword]
        raise KeyError(keyword)


class _VRs(dict[int, str]):
    """tag -> VR for implicit VR; filled by the first miss, and answers every tag."""

    def __missing__(self, tag: int) -> str:
        if not self:
            table = _table()
            by_kind = [_implicit_vr(vr) for vr, _, _ in table.kind_rows]
            rows = dict(zip(table.tags, map(by_kind.__getitem__, table.kinds), strict=True))
            self.update(rows)  # in one step: another thread sees none or all
            if tag in self:
                return self[tag]
        if not tag & 0xFFFF:
            return "UL"  # group length, PS3.5 7.2
        if tag & 0x10000:
            return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"  # private creator, PS3.5 7.8.1
        index = _repeating_index(tag)
        return "UN" if index < 0 else self[_table().tags[index]]


KEYWORD_TO_TAG: dict[str, int] = _Keywords()
"""keyword -> tag. Index it (``[keyword]``); the first index fills it."""

TAG_TO_VR: dict[int, str] = _VRs()
"""tag -> VR as for implicit VR little endian. Index it (``[tag]``); every tag has an answer."""


@cache
def _repeating() -> tuple[tuple[int, dict[int, int]], ...]:
    """For each mask of the repeating rows: masked tag -> row."""
    table = _table()
    by_mask: dict[int, dict[int, int]] = {}
    for index, mask in enumerate(table.masks, table.single):
        by_mask.setdefault(mask, {})[table.tags[index] & mask] = index
    return tuple(by_mask.items())


def _repeating_index(tag: int) -> int:
    """The row of the repeating group or element that ``tag`` belongs to, or -1."""
    for mask, rows in _repeating():
        if (index := rows.get(tag & mask)) is not None:
            return index
    return -1


def _index(tag: int) -> int:
    """The row of ``tag``, or -1."""
    table = _table()
    index = bisect_left(table.tags, tag, 0, table.single)
    if index < table.single and table.tags[index] == tag:
        return index
    return -1 if tag & 0x10000 or not tag & 0xFFFF else _repeating_index(tag)


def lookup(tag: int) -> ElementRow | None:
    """The row of ``tag``, repeating groups resolved; None for private and unknown elements.

    The group lengths (gggg,0000), retired by PS3.5 7.2, have a row for every even group, without a keyword of their
    own.
    """
    index = _index(tag)
    if index < 0:
        if tag & 0x1FFFF or not 0 <= tag <= 0xFFFFFFFF:
            return None
        return ElementRow(tag, "UL", ("UL",), "1", "Group Length", "", retired=True)
    table = _table()
    printed, vm, retired = table.kind_rows[table.kinds[index]]
    vrs = tuple(printed.split(" or "))
    return ElementRow(tag, vrs[0], vrs, vm, _names()[index], table.keywords[index], retired)


def tag_of(keyword: str) -> int | None:
    """The tag of an exact keyword, of a repeating group its first ("OverlayData" -> 0x60003000). None when unknown."""
    try:
        return KEYWORD_TO_TAG[keyword]
    except KeyError:
        return None


def keyword_of(tag: int) -> str:
    """The keyword of ``tag``; "" for private and unknown elements."""
    index = _index(tag)
    return "" if index < 0 else _table().keywords[index]


def vr_of(tag: int) -> str:
    """The VR of ``tag`` where the bytes do not name one (implicit VR, PS3.5 A.1).

    Group length UL, private creator LO, unknown UN. Of several VRs: OW where it is one of them (pixel data, overlays,
    LUTs), otherwise the first ("US or SS" is US; which of the two it is depends on PixelRepresentation and is the
    data set's to say).
    """
    return TAG_TO_VR[tag]


def keywords() -> Iterable[str]:
    """All keywords, in tag order."""
    return [keyword for keyword in _table().keywords if keyword]


def suggest(keyword: str, count: int = 3) -> list[str]:
    """Known keywords that ``keyword`` may have been meant as, the likeliest first; at most ``count``."""
    keyword = keyword[:128]
    folded = {known.lower(): known for known in keywords()}
    squeezed = re.sub(r"[^a-z0-9]", "", keyword.lower())
    if squeezed in folded:
        return [folded[squeezed]]
    from difflib import get_close_matches  # noqa: PLC0415  only after a mistake

    return [folded[near] for near in get_close_matches(squeezed, folded, count, 0.75)]


_TAG_TEXT = r"\(?\s*(?:0x)?([0-9A-Fa-f]{4})\s*,?\s*(?:0x)?([0-9A-Fa-f]{4})\s*\)?"


def find_tag(text: str) -> int | None:
    """The tag that somebody wrote, as ``parse_tag`` has it; None where it is none, at the cost of a look-up."""
    stripped = text.strip()
    tag = tag_of(stripped)
    if tag is None and (found := re.fullmatch(_TAG_TEXT, stripped)):
        return int(found[1] + found[2], 16)
    return tag


def parse_tag(text: str) -> int:
    """The tag that a person wrote: "PatientName", "00100010", "0x00100010", "(0010,0010)" or "0010,0010".

    Raises UsageError, with near keywords as its hint, for which all of them are looked through: of what comes from
    outside in numbers ``find_tag`` is asked.
    """
    tag = find_tag(text)
    if tag is not None:
        return tag
    stripped = text.strip()
    near = suggest(stripped)
    hint = f"did you mean {' or '.join(near)}?" if near else "write a keyword like PatientName or a tag like 0010,0010"
    raise UsageError(f"{stripped[:64]!r} is neither a keyword nor a tag", hint=hint)
