"""The registry of unique identifiers: PS3.6 annex A, with frames of reference, coding schemes and LDAP OIDs."""

# No ``from __future__ import annotations``: it would make a NamedTuple compile its annotations at import.
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple


class UIDRow(NamedTuple):
    """One row of PS3.6 table A-1 to A-4. ``type`` as printed ("SOP Class", "Transfer Syntax", ...); a withdrawn name
    is "".
    """

    uid: str
    name: str
    keyword: str
    type: str
    retired: bool


@cache
def _table() -> Mapping[str, UIDRow]:
    from kerma.standard._gen import uids_data as data  # noqa: PLC0415  loaded on first use

    rows = {}
    for line in data.ROWS.split("\n"):
        suffix, type_index, retired, keyword, name = line.split("|")
        uid = data.ROOT + suffix
        rows[uid] = UIDRow(uid, name, keyword, data.TYPES[int(type_index)], retired == "R")
    return MappingProxyType(rows)


@cache
def _by_keyword() -> Mapping[str, str]:
    return MappingProxyType({row.keyword: row.uid for row in _table().values() if row.keyword})


def lookup(uid: str) -> UIDRow | None:
    """The row of ``uid``; None when the standard does not register it."""
    return _table().get(uid)


def name_of(uid: str) -> str:
    """The printed name of ``uid``; "" when unknown."""
    row = _table().get(uid)
    return "" if row is None else row.name


def uid_of(keyword: str) -> str | None:
    """The UID of an exact keyword ("CTImageStorage"); None when unknown."""
    return _by_keyword().get(keyword)


def rows() -> Iterable[UIDRow]:
    """All rows, in the order of their numbers."""
    return _table().values()
