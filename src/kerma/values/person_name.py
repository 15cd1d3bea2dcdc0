"""Person names (VR PN, PS3.5 6.2 and 6.2.1.1).

Rules:

- A ``PersonName`` is a ``str`` as stored, without the padding at its end: up to three component groups (alphabetic,
  ideographic, phonetic) divided by ``=``, each of up to five components divided by ``^``.
- A group is a ``PersonName`` itself, so that ``name.ideographic.family_name`` is what it says.
- Equality, hash and order are those of ``str``: ``"A^B" != "A^B^^"``. Trailing empty components and groups say nothing
  (PS3.5 6.2.1.1), so ``normal`` drops them, and the spaces around components, for whoever compares meanings.
- More delimiters than the standard has are kept: the last component or group holds the rest.
- Built from parts, a part that holds a delimiter is refused: it would become two.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from kerma.errors import ValueEncodeError


class NameGroup(NamedTuple):
    """The five components of one group, without surrounding spaces; absent ones are empty."""

    family_name: str = ""
    given_name: str = ""
    middle_name: str = ""
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
        family_name: str = "",
        given_name: str = "",
        middle_name: str = "",
        prefix: str = "",
        suffix: str = "",
        *,
        ideographic: str | NameGroup = "",
        phonetic: str | NameGroup = "",
    ) -> Self:
        """A name from the components of its alphabetic group; ``ideographic`` and ``phonetic`` are whole groups, as
        text with their own ``^`` or as a ``NameGroup``. ``ValueEncodeError`` for a part that holds a delimiter.
        """
        alphabetic = NameGroup(family_name, given_name, middle_name, prefix, suffix)
        groups = (alphabetic, ideographic, phonetic)
        return cls("=".join(map(_joined, groups)).rstrip("="))

    def _group(self, index: int) -> PersonName:
        groups = self.split("=", 2)
        # At its end neither padding nor a delimiter of no group says anything.
        return PersonName(groups[index].strip(" ").rstrip("= \0") if index < len(groups) else "")

    @property
    def alphabetic(self) -> PersonName:
        """The first component group, as stored."""
        return self._group(0)

    @property
    def ideographic(self) -> PersonName:
        """The second component group, as stored; empty where there is none."""
        return self._group(1)

    @property
    def phonetic(self) -> PersonName:
        """The third component group, as stored; empty where there is none."""
        return self._group(2)

    @property
    def groups(self) -> tuple[NameGroup, NameGroup, NameGroup]:
        """All three groups, taken apart."""
        return _take_apart(self._group(0)), _take_apart(self._group(1)), _take_apart(self._group(2))

    @property
    def family_name(self) -> str:
        """The family name of the first group that is not empty."""
        return self._first().family_name

    @property
    def given_name(self) -> str:
        """The given names of the first group that is not empty."""
        return self._first().given_name

    @property
    def middle_name(self) -> str:
        """The middle names of the first group that is not empty."""
        return self._first().middle_name

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


def _joined(group: str | NameGroup) -> str:
    forbidden = "=\\"
    parts: tuple[str, ...] = (group,) if isinstance(group, str) else group
    if not isinstance(group, str):
        forbidden += "^"
    if any(mark in part for part in parts for mark in forbidden):
        raise ValueEncodeError(
            "a part of a name holds a delimiter of names: ^, = or a backslash (PS3.5 6.2.1)",
            hint="PersonName(text) takes a whole name with its delimiters",
        )
    return str(group)
