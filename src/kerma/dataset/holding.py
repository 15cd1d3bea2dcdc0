"""Whether anybody else holds an object: for letting go of items that were only passed through.

Rules: the answer may be a wrong "yes", never a wrong "no". An interpreter that does not count references as CPython
does, or counts them in another way, is found out at import, and then everything counts as held and is kept.
"""

from __future__ import annotations

import sys
from typing import Any


def _unknown(thing: object) -> int:
    return 0


_references = getattr(sys, "getrefcount", _unknown)


def holders(container: Any, key: Any) -> int:
    """How many references there are to ``container[key]``, those of this call included."""
    count: int = _references(container[key])
    return count


class Counts:
    """``own``: what ``holders`` gives for an object that only its container holds; -1 where that cannot be told."""

    __slots__ = ("own",)

    def __init__(self) -> None:
        lone, shared = {0: object()}, {0: object()}
        other = shared[0]
        single = holders(lone, 0)
        told = holders(shared, 0) == single + 1 and holders([object()], 0) == single and holders([other], 0) > single
        self.own = single if told else -1


COUNTS = Counts()
