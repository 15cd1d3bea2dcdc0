"""What scans of one buffer found out and later scans need again.

One ``Marks`` belongs to one buffer and is shared by the data set and all items in it, so that nothing is walked
twice: the end of each undefined length (a 100,000-fold nesting is walked once, not once a level), the headers that
could not be taken as printed, and the findings.
"""

from __future__ import annotations

from typing import NamedTuple

from kerma.errors import FormatError
from kerma.findings import Finding
from kerma.limits import Limits, Strictness


class Header(NamedTuple):
    """One element header: ``key`` as in the index, ``vr`` "" in implicit VR, ``length`` may be ``UNDEFINED``,
    ``value`` the offset of its value.
    """

    key: int
    vr: str
    length: int
    value: int


class Salvage:
    """What reading around damage needs again (``salvage``); only with ``Strictness.SALVAGE``.

    ``gaps``: offset where items stop making sense -> where they go on; ``resume``: offset of an undefined-length value
    that ends at its damage -> where reading goes on after it; ``mended``: offsets of values whose bytes are not to be
    written again as they are; ``damage``: what was noted, by offset; ``searched``: bytes that were searched so far;
    ``active``: whether a walk may mend.
    """

    __slots__ = ("active", "damage", "gaps", "mended", "resume", "searched")

    def __init__(self) -> None:
        self.active = True
        self.damage: dict[int, Finding] = {}
        self.gaps: dict[int, int] = {}
        self.mended: set[int] = set()
        self.resume: dict[int, int] = {}
        self.searched = 0


class Marks:
    """Shared notes about one buffer. ``ends``: offset of an undefined-length value -> offset of its delimiter;
    ``bare``: those without one.
    """

    __slots__ = ("bare", "ends", "findings", "limits", "odd", "partial", "salvage", "strict", "whole")

    def __init__(self, limits: Limits, strictness: Strictness) -> None:
        self.ends: dict[int, int] = {}
        self.bare: set[int] = set()
        self.odd: dict[int, Header] = {}
        self.findings: list[Finding] = []
        self.limits = limits
        self.partial = False  # more bytes may come: an end inside a sequence is no missing delimiter
        self.whole = 0
        self.strict = strictness is Strictness.STRICT
        self.salvage: Salvage | None = Salvage() if strictness is Strictness.SALVAGE else None

    def note(self, code: str, text: str, *, offset: int, path: tuple[int, ...] = (), section: str = "") -> None:
        """A departure that is understood: a ``Finding`` when lenient, ``FormatError`` when strict."""
        if self.strict:
            raise FormatError(f"{text} [{section}]", offset=offset, path=path)
        self.findings.append(Finding(code, text, offset, path, section))

    def of_item(self) -> Marks:
        """Marks for one item of a long sequence: what is found in it goes with it, findings excepted."""
        marks = Marks.__new__(Marks)
        marks.ends, marks.bare, marks.odd = {}, set(), {}
        marks.findings, marks.limits = self.findings, self.limits
        marks.partial, marks.whole, marks.strict, marks.salvage = self.partial, 0, self.strict, self.salvage
        return marks

    def forget(self, start: int, end: int) -> None:
        """Drop what a scan from ``start`` to ``end`` took for granted and what it noted, before another way of reading
        is tried. The bytes around may be of another data set: meta information and data set share these marks.
        """
        for known in (self.ends, self.odd):
            for at in [at for at in known if start <= at < end]:
                del known[at]
        self.bare = {at for at in self.bare if not start <= at < end}
        self.findings[:] = [one for one in self.findings if one.offset is None or not start <= one.offset < end]

    def after(self, value: int) -> int:
        """The offset of what follows the undefined-length value at ``value``, once walked."""
        end = self.ends[value]
        if value not in self.bare:
            return end + 8
        return end if self.salvage is None else self.salvage.resume.get(value, end)
