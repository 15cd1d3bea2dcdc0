"""Fragments of encapsulated pixel data while they pass by: was the data set cut inside one (PS3.5 A.4)?

Only the eight bytes before each fragment are looked at; the fragments themselves are stepped over by their lengths. A
missing sequence delimiter after a whole fragment is let be, and so is what is no item at all: nobody's pixels are
refused for that.
"""

from __future__ import annotations

import struct

from kerma.encoding.source import Buffer
from kerma.encoding.syntax import UNDEFINED

_ITEM = (0xFFFE, 0xE000)
_END = (0xFFFE, 0xE0DD)


class PassingFragments:
    """Follows the fragments that begin ``start`` bytes into the data set."""

    def __init__(self, start: int) -> None:
        self._next = start
        self._head = bytearray()
        self._over = False
        self._fed = start
        self.end: int | None = None
        """Where what follows the fragments begins, once their delimiter has passed."""

    @property
    def expects(self) -> int | None:
        """The offset of the header that comes next, for who can go there; None where there is no further fragment."""
        return None if self._over else self._next

    def feed(self, offset: int, chunk: Buffer) -> None:
        """The bytes at ``offset`` of the data set; they may overlap with earlier ones, but leave no gap."""
        end = offset + len(chunk)
        self._fed = max(self._fed, end)
        while not self._over and (at := self._next + len(self._head)) < end:
            self._head += chunk[at - offset : self._next + 8 - offset]
            if len(self._head) < 8:
                return
            group, element, length = struct.unpack("<HHI", self._head)
            self._head.clear()
            if (group, element) != _ITEM or length == UNDEFINED:
                self._over = True
                if (group, element) == _END:
                    self.end = self._next + 8
            else:
                self._next += 8 + length

    def missing(self, size: int) -> int:
        """How many bytes a data set of ``size`` bytes lacks of its last fragment; 0 where not all of it was fed."""
        if self._over or self._fed < size:
            return 0
        return 8 - len(self._head) if self._head else max(0, self._next - size)
