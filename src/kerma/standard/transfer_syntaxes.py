"""The transfer syntaxes of PS3.5 10 and annex A, each with how its data set is encoded.

A syntax that is known but whose pixel data nobody here can decode is a normal state: its data set is read all the
same. The properties are by hand; names, keywords and retired flags come from the UID registry (``uids``) when they
are asked for.
"""

# No ``from __future__ import annotations``: it would make a NamedTuple compile its annotations at import.
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from kerma.standard import uids


class TransferSyntax(NamedTuple):
    """One transfer syntax.

    ``explicit``: element headers carry a VR. ``deflated``: the data set after the file meta information is one
    deflate stream.
    ``encapsulated``: pixel data is a sequence of fragments (PS3.5 A.4). ``lossy``: the syntax allows that pixels
    differ from the original's.
    """

    uid: str
    little_endian: bool = True
    explicit: bool = True
    deflated: bool = False
    encapsulated: bool = False
    lossy: bool = False

    @property
    def name(self) -> str:
        """The name printed in PS3.6 table A-1."""
        return uids.name_of(self.uid)

    @property
    def keyword(self) -> str:
        """The keyword printed in PS3.6 table A-1."""
        row = uids.lookup(self.uid)
        return "" if row is None else row.keyword

    @property
    def retired(self) -> bool:
        """Whether the standard no longer wants it written."""
        row = uids.lookup(self.uid)
        return row is not None and row.retired


_ROOT = "1.2.840.10008.1.2"

IMPLICIT_LE = TransferSyntax(_ROOT, explicit=False)
EXPLICIT_LE = TransferSyntax(f"{_ROOT}.1")
DEFLATED_LE = TransferSyntax(f"{_ROOT}.1.99", deflated=True)
EXPLICIT_BE = TransferSyntax(f"{_ROOT}.2", little_endian=False)

_LOSSLESS = (
    "1.98",  # encapsulated uncompressed
    "4.57 4.58 4.65 4.66 4.70",  # JPEG lossless
    "4.80",  # JPEG-LS
    "4.90 4.92",  # JPEG 2000, and its part 2
    "4.110",  # JPEG XL
    "4.201 4.202",  # HTJ2K
    "5",  # RLE
    "8.1",  # deflated image frame
)
_LOSSY = (
    "4.50 4.51 4.52 4.53 4.54 4.55 4.56 4.59 4.60 4.61 4.62 4.63 4.64",  # JPEG
    "4.81",  # JPEG-LS near-lossless
    "4.91 4.93",  # JPEG 2000
    "4.100 4.100.1 4.101 4.101.1",  # MPEG-2
    "4.102 4.102.1 4.103 4.103.1 4.104 4.104.1 4.105 4.105.1 4.106 4.106.1",  # MPEG-4 AVC/H.264
    "4.107 4.108",  # HEVC/H.265
    "4.111 4.112",  # JPEG XL; .111 repacks what JPEG had lost
    "4.203",  # HTJ2K
)
_OTHER = (
    TransferSyntax(f"{_ROOT}.4.94"),  # JPIP: the pixels are behind a URL, the data set is plain explicit little endian
    TransferSyntax(f"{_ROOT}.4.95", deflated=True),
    TransferSyntax(f"{_ROOT}.4.204"),
    TransferSyntax(f"{_ROOT}.4.205", deflated=True),
    TransferSyntax(f"{_ROOT}.6.1"),  # RFC 2557 MIME, retired
    TransferSyntax(f"{_ROOT}.6.2"),  # XML encoding, retired
    TransferSyntax(f"{_ROOT}.7.1"),  # SMPTE ST 2110: real-time video, the pixels flow beside the data set (PS3.22)
    TransferSyntax(f"{_ROOT}.7.2"),
    TransferSyntax(f"{_ROOT}.7.3"),
    TransferSyntax("1.2.840.10008.1.20", explicit=False),  # Papyrus 3, retired
)


def _rows() -> Mapping[str, TransferSyntax]:
    rows = [IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE, *_OTHER]
    for lossy, lines in ((False, _LOSSLESS), (True, _LOSSY)):
        rows += [
            TransferSyntax(f"{_ROOT}.{number}", encapsulated=True, lossy=lossy)
            for line in lines
            for number in line.split()
        ]
    return MappingProxyType({row.uid: row for row in rows})


ALL: Mapping[str, TransferSyntax] = _rows()
"""uid -> row, every transfer syntax that the standard registers."""


def get(uid: str) -> TransferSyntax | None:
    """The row of ``uid``; None for private and unknown syntaxes."""
    return ALL.get(uid)
