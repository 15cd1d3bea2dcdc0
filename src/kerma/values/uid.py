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
    """A unique identifier; a ``str`` with three questions to ask."""

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
    def private(self) -> bool:
        """Whether it is outside the root that the standard registers."""
        return not self.startswith(DICOM_ROOT)
