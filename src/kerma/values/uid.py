"""UID values (PS3.5 section 9, VR UI in 6.2).

Rules: a ``UID`` is a ``str`` without padding; an ill-formed one is still read (``valid`` tells), never changed.
"""

from __future__ import annotations

import re

from kerma.standard import uids

# PS3.5 9.1: components of digits without leading zeros, joined by dots, at most 64 characters.
_WELL_FORMED = re.compile(r"(?=.{1,64}\Z)(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")

DICOM_ROOT = "1.2.840.10008."
"""The root of UIDs that the standard itself registers (PS3.6 A)."""


class UID(str):
    """A unique identifier; a ``str`` that knows what the standard calls it."""

    __slots__ = ()

    @property
    def valid(self) -> bool:
        """Whether it is formed as PS3.5 9.1 says."""
        return _WELL_FORMED.fullmatch(self) is not None

    @property
    def name(self) -> str:
        """The name in PS3.6 A ("CT Image Storage"); the UID itself where the standard has none."""
        return uids.name_of(str(self)) or str(self)

    @property
    def keyword(self) -> str:
        """The keyword in PS3.6 A ("CTImageStorage"); "" where the standard has none."""
        row = uids.lookup(str(self))
        return "" if row is None else row.keyword

    @property
    def kind(self) -> str:
        """What the standard registers it as ("SOP Class", "Transfer Syntax", ...); "" where it does not."""
        row = uids.lookup(str(self))
        return "" if row is None else row.type

    @property
    def retired(self) -> bool:
        """Whether the standard has retired it."""
        row = uids.lookup(str(self))
        return row is not None and row.retired

    @property
    def private(self) -> bool:
        """Whether it is outside the root that the standard registers."""
        return not self.startswith(DICOM_ROOT)
