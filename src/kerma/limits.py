"""Bounds on what comes from outside, as frozen arguments; there are no globals.

A length from a file or a peer is compared with the enclosing length and with these before anything is allocated. The
defaults let every object of the standard pass and keep a hostile one small.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds on what zip, tar and compressed files may unpack to."""

    max_members: int = 1_000_000
    """Members of one archive that are looked at."""
    max_member: int = 16 << 30
    """Bytes of one member."""
    max_total: int = 256 << 30
    """Bytes of all members that one walk unpacks."""
    max_ratio: int = 1_200
    """Unpacked bytes for each packed byte; deflate itself cannot exceed 1,032."""
    max_nested: int = 4
    """Archives inside one another."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for reading data sets (PS3.5)."""

    max_depth: int = 1_000_000
    """Nesting of sequences. The scan does not recurse, so this bounds work, not the stack."""
    max_elements: int = 20_000_000
    """Elements of one data set, items included."""
    max_inflated: int = 4 << 30
    """Bytes that a deflated data set may inflate to."""
    max_value: int = 1 << 32
    """Bytes of one value that may be decoded to a Python object other than a view."""
    max_frame: int = 2 << 30
    """Bytes of one decoded frame."""
    max_array: int = 64 << 30
    """Bytes of all frames of an image in one array."""
    archives: ArchiveLimits = ArchiveLimits()
    """For a file inside an archive; ``max_inflated`` bounds that file as well."""


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """Bounds for associations (PS3.8)."""

    max_pdu: int = 131_072
    """Maximum length received that we announce (PS3.8 D.1), in bytes of the P-DATA-TF variable field."""
    max_associate_pdu: int = 1 << 20
    """Bytes of an A-ASSOCIATE-RQ or -AC; 128 contexts with 40 syntaxes each are 350 kB."""
    max_command: int = 1 << 20
    """Bytes of one command set; a failed-UID list is the only long one, and it goes in the data set."""
    max_identifier: int = 16 << 20
    """Bytes of an identifier or attribute list that is held in memory (never a stored instance)."""
    artim: float = 10.0
    """Seconds of the ARTIM timer (PS3.8 9.1.5)."""
    idle: float = 300.0
    """Seconds without a byte before an association is aborted; 0 is never."""
    response: float = 120.0
    """Seconds that a client waits for a response."""
    connect: float = 15.0
    """Seconds for the transport connection and its TLS hand-shake."""
    max_associations: int = 2_000
    max_associations_per_peer: int = 1_500
    max_busy: int = 64
    """Associations that are worked on at one time; others wait in the kernel's buffers."""


class Strictness(enum.Enum):
    """How to take what is wrong but understood.

    LENIENT notes a ``Finding`` and goes on; STRICT raises. What is not understood is an error in both. SALVAGE is
    LENIENT for damaged files: where that would raise, it gives the whole elements before and after the damage and
    notes a ``Finding`` of severity "error"; a value of which bytes are missing is never given.
    """

    LENIENT = "lenient"
    STRICT = "strict"
    SALVAGE = "salvage"
