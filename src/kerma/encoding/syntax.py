"""How elements are laid out in one transfer syntax, reduced to what a scan needs (PS3.5 7.1, A).

Every transfer syntax is one of three *encodings* of elements (implicit VR little endian, explicit VR little endian,
explicit VR big endian), perhaps deflated as a whole. An ``Encoding`` carries the precompiled structs and the VR codes
as the integers that those structs yield, so that a loop over elements does one unpack and one set look-up.

*Keys*: a tag read as one little-endian 32-bit number has its halves swapped, (0010,0020) is 0x00200010. The scan
keeps that number as the key of its index, because swapping 258 tags that nobody asks for costs more than swapping the
dozen that somebody does. ``key_of`` and ``tag_of`` convert; in big endian the scan converts as it goes.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from kerma.errors import UnsupportedSyntaxError
from kerma.standard import transfer_syntaxes, vrs

UNDEFINED: Final = 0xFFFFFFFF


def key_of(tag: int) -> int:
    """The index key of a tag: its halves swapped."""
    return (tag & 0xFFFF) << 16 | tag >> 16


tag_of = key_of
"""The tag of an index key; swapping is its own inverse."""


class Encoding:
    """One of the three ways to lay out elements. Compare by identity; those below are the only ones."""

    __slots__ = (
        "code_of",
        "explicit",
        "header",
        "item",
        "item_end",
        "little_endian",
        "long",
        "name",
        "order",
        "pair",
        "sequence_end",
        "short",
        "u16",
        "u32",
        "vr_of",
    )

    def __init__(self, name: str, *, explicit: bool, little_endian: bool) -> None:
        self.name = name
        self.explicit = explicit
        self.little_endian = little_endian
        self.order = "little" if little_endian else "big"
        mark = "<" if little_endian else ">"
        self.header = Struct(mark + ("IHH" if explicit else "II"))
        self.pair = Struct(mark + "II")
        self.u16 = Struct(mark + "H")
        self.u32 = Struct(mark + "I")
        code = {vr: self._code(vr) for vr in vrs.ALL}
        self.code_of = code
        self.vr_of = {number: vr for vr, number in code.items()}
        self.short = frozenset(code[vr] for vr in vrs.ALL if vr not in vrs.LONG)
        self.long = frozenset(code[vr] for vr in vrs.LONG)
        # The tags of PS3.5 7.5 as ``header`` yields them.
        self.item, self.item_end, self.sequence_end = (
            (key_of(tag) if little_endian else tag) for tag in (0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD)
        )

    def _code(self, vr: str) -> int:
        raw = vr.encode("ascii")
        return raw[0] | raw[1] << 8 if self.little_endian else raw[0] << 8 | raw[1]

    def __repr__(self) -> str:
        return f"<Encoding {self.name}>"

    def __reduce__(self) -> str:
        return self.name


IMPLICIT_LE: Final = Encoding("IMPLICIT_LE", explicit=False, little_endian=True)
EXPLICIT_LE: Final = Encoding("EXPLICIT_LE", explicit=True, little_endian=True)
EXPLICIT_BE: Final = Encoding("EXPLICIT_BE", explicit=True, little_endian=False)
IMPLICIT_BE: Final = Encoding("IMPLICIT_BE", explicit=False, little_endian=False)
"""Of no transfer syntax; ACR-NEMA streams of big endian machines are in it."""

_BY_UID: dict[str, tuple[Encoding, bool]] = {}


def encoding_of(uid: str) -> tuple[Encoding, bool]:
    """The encoding of a transfer syntax and whether the data set is deflated. ``UnsupportedSyntaxError`` for an
    unknown UID.
    """
    known = _BY_UID.get(uid)
    if known is not None:
        return known
    row = transfer_syntaxes.get(uid)
    if row is None:
        shown = uid if len(uid) <= 64 else uid[:64] + "..."
        raise UnsupportedSyntaxError(
            f"the transfer syntax {shown!r} is not known", uid=uid, hint="only syntaxes of PS3.6 table A-1 can be read"
        )
    explicit = EXPLICIT_LE if row.little_endian else EXPLICIT_BE
    encoding = explicit if row.explicit else IMPLICIT_LE
    _BY_UID[uid] = encoding, row.deflated
    return encoding, row.deflated


def _kinds() -> bytes:
    kinds = bytearray(0x10000)
    for vr in vrs.ALL:
        kinds[EXPLICIT_LE.code_of[vr]] = 2 if vr in vrs.LONG else 1
    return bytes(kinds)


KINDS: Final = _kinds()
"""Code of a VR in little endian -> 1 for a length of 16 bits, 2 for one of 32 bits, 0 for no VR of PS3.5 6.2."""
