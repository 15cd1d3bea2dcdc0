"""Person names (VR PN, PS3.5 6.2 and 6.2.1.1).

Rules:

- A ``PersonName`` is a ``str`` as stored, without the padding at its end: up to three component groups (alphabetic,
  ideographic, phonetic) divided by ``=``, each of up to five components divided by ``^``.
- Equality and hash are those of ``str``: ``"A^B" != "A^B^^"``. Trailing empty components and groups say nothing
  (PS3.5 6.2.1.1), so ``normal`` drops them, and the spaces around components, for whoever compares meanings.
- More delimiters than the standard has are kept: the last component or group holds the rest.
"""

from __future__ import annotations

from typing import NamedTuple


class NameGroup(NamedTuple):
    """One component group, its components without surrounding spaces; absent ones are empty."""

    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        return "^".join(self).rstrip("^")


class PersonName(str):
    """A person name as stored, with its parts."""

    __slots__ = ()

    @classmethod
    def of(
        cls,
        *,
        family: str = "",
        given: str = "",
        middle: str = "",
        prefix: str = "",
        suffix: str = "",
        ideographic: str = "",
        phonetic: str = "",
    ) -> PersonName:
        """A name from its parts; ``ideographic`` and ``phonetic`` are whole groups with their own ``^``."""
        alphabetic = str(NameGroup(family, given, middle, prefix, suffix))
        return cls("=".join((alphabetic, ideographic, phonetic)).rstrip("="))

    def _group(self, index: int) -> str:
        groups = self.split("=", 2)
        return groups[index].strip(" ") if index < len(groups) else ""

    @property
    def alphabetic(self) -> str:
        """The first component group, as stored."""
        return self._group(0)

    @property
    def ideographic(self) -> str:
        """The second component group, as stored; empty where there is none."""
        return self._group(1)

    @property
    def phonetic(self) -> str:
        """The third component group, as stored; empty where there is none."""
        return self._group(2)

    @property
    def groups(self) -> tuple[NameGroup, NameGroup, NameGroup]:
        """All three groups, taken apart."""
        return _take_apart(self._group(0)), _take_apart(self._group(1)), _take_apart(self._group(2))

    @property
    def family(self) -> str:
        """The family name of the first group that is not empty."""
        return self._first().family

    @property
    def given(self) -> str:
        """The given names of the first group that is not empty."""
        return self._first().given

    @property
    def middle(self) -> str:
        """The middle names of the first group that is not empty."""
        return self._first().middle

    @property
    def prefix(self) -> str:
        """The prefix ("Dr.") of the first group that is not empty."""
        return self._first().prefix

    @property
    def suffix(self) -> str:
        """The suffix ("Jr.") of the first group that is not empty."""
        return self._first().suffix

    @property
    def normal(self) -> str:
        """The name without what has no meaning: spaces around components, empty components and groups at the end."""
        return "=".join(str(group) for group in self.groups).rstrip("=")

    def _first(self) -> NameGroup:
        for index in range(3):
            group = self._group(index)
            if group:
                return _take_apart(group)
        return NameGroup()


def _take_apart(group: str) -> NameGroup:
    return NameGroup(*(component.strip(" ") for component in group.split("^", 4)))
