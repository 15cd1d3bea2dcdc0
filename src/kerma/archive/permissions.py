"""Who may do what: the one permission model of the archive, for every front door.

Rules:

- A principal has grants; each gives rights over what its filters name. Without a filter it is the whole archive.
- Front ends never filter by hand: ``principal.require(right)`` before a deed, ``principal.narrow(query)`` for whatever
  reads. What a principal may not see is not there.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kerma.errors import AccessError
from kerma.query.model import Query


class Right(enum.Flag):
    """What can be allowed."""

    NONE = 0
    READ = enum.auto()
    WRITE = enum.auto()
    DELETE = enum.auto()
    ADMINISTER = enum.auto()
    ALL = READ | WRITE | DELETE | ADMINISTER


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: a person, a machine, a holder of a link."""

    name: str
    rights: Right

    def require(self, right: Right) -> None:
        """``AccessError`` where the right is not there."""
        if right not in self.rights:
            raise AccessError(f"{self.name} may not {str(right.name).lower()} here")

    def narrow(self, query: Query) -> Query:
        """The query, limited to what the principal may see."""
        self.require(Right.READ)
        return query


EVERYTHING = Principal("anyone", Right.ALL)
"""Whoever asks an archive that has no access rules."""
