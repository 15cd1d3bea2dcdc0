"""Service class application information of Query/Retrieve and Storage (PS3.4 C.5, B.3.1): bytes <-> flags.

Rules: a byte that is not there is 0; what is asked for is answered by what both sides can do, byte by byte.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FindFlags:
    """PS3.4 table C.5-1: how identifiers of C-FIND may be meant."""

    relational: bool = False
    combined_datetime: bool = False
    fuzzy: bool = False
    timezone: bool = False
    enhanced: bool = False

    @classmethod
    def decode(cls, data: bytes) -> FindFlags:
        return cls(*(index < len(data) and data[index] == 1 for index in range(5)))

    def encode(self) -> bytes:
        """As short as the standard's tables allow: three bytes, five where a later flag is set."""
        flags = bytes((self.relational, self.combined_datetime, self.fuzzy, self.timezone, self.enhanced))
        return flags if any(flags[3:]) else flags[:3]

    def __and__(self, other: FindFlags) -> FindFlags:
        return FindFlags(
            self.relational and other.relational,
            self.combined_datetime and other.combined_datetime,
            self.fuzzy and other.fuzzy,
            self.timezone and other.timezone,
            self.enhanced and other.enhanced,
        )


@dataclass(frozen=True, slots=True)
class RetrieveFlags:
    """PS3.4 tables C.5-2 and C.5-3: how identifiers of C-MOVE and C-GET may be meant."""

    relational: bool = False
    enhanced: bool = False

    @classmethod
    def decode(cls, data: bytes) -> RetrieveFlags:
        return cls(data[:1] == b"\x01", data[1:2] == b"\x01")

    def encode(self) -> bytes:
        return bytes((self.relational, self.enhanced)) if self.enhanced else bytes((self.relational,))

    def __and__(self, other: RetrieveFlags) -> RetrieveFlags:
        return RetrieveFlags(self.relational and other.relational, self.enhanced and other.enhanced)


def answer_find(asked: bytes, supported: FindFlags) -> bytes:
    """The SCP's answer, as long as the question (PS3.4 C.5.1.1.2)."""
    full = bytes(a and b for a, b in zip(_flags5(FindFlags.decode(asked)), _flags5(supported), strict=True))
    return full[: max(1, min(len(asked), 5))]


def answer_retrieve(asked: bytes, supported: RetrieveFlags) -> bytes:
    """The SCP's answer, as long as the question (PS3.4 C.5.2.1.2)."""
    both = RetrieveFlags.decode(asked) & supported
    return bytes((both.relational, both.enhanced))[: max(1, min(len(asked), 2))]


def _flags5(flags: FindFlags) -> tuple[bool, bool, bool, bool, bool]:
    return (flags.relational, flags.combined_datetime, flags.fuzzy, flags.timezone, flags.enhanced)
