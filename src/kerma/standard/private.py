"""Private data elements (PS3.5 7.8) that public documents describe: by creator, group and the last byte of the element.

A hint for implicit VR and for people: it never overrides a VR that the bytes name. The table is loaded at the first
look-up and only the rows of a creator that is asked for are parsed.
"""

# No ``from __future__ import annotations``: it would make a NamedTuple compile its annotations at import.
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple


class PrivateRow(NamedTuple):
    """One private element: ``element`` is the byte within the block, 0x10 of (0029,1010). ``name`` may be empty."""

    creator: str
    group: int
    element: int
    vr: str
    vm: str
    name: str


@lru_cache(maxsize=64)
def _rows(creator: str) -> Mapping[int, PrivateRow]:
    from kerma.standard._gen import private_data  # noqa: PLC0415  loaded on first use

    text = private_data.CREATORS.get(creator)
    if text is None:
        return MappingProxyType({})
    rows = {}
    for line in text.split("\n"):
        key, vr, vm, name = line.split("|")
        number = int(key, 16)
        rows[number] = PrivateRow(creator, number >> 8, number & 0xFF, vr, vm, name)
    return MappingProxyType(rows)


def lookup(creator: str, tag: int) -> PrivateRow | None:
    """The row of ``tag`` in a block reserved by ``creator`` (trailing spaces do not count); None when unknown.

    ``tag`` is the whole tag, (0029,1010) as 0x00291010; which block number the creator got does not matter.
    """
    if not tag & 0x10000 or tag & 0xFFFF < 0x1000:
        return None
    return _rows(creator.strip(" \0")[:256]).get(tag >> 16 << 8 | tag & 0xFF)


def rows(creator: str) -> Iterable[PrivateRow]:
    """The rows of one creator, of all its groups; none when it is not known."""
    return _rows(creator.strip(" \0")[:256]).values()


def creators() -> Iterable[str]:
    """All creators that the table knows."""
    from kerma.standard._gen import private_data  # noqa: PLC0415  loaded on first use

    return private_data.CREATORS.keys()
