"""What stands in for ``cython`` where the typed loops run as plain Python.

``loops`` says ``from kerma.encoding import shadow as cython``; the build of the compiled twin reads that line as
``import cython`` (docs/decisions/0005). So nobody needs Cython to run Kerma, and type checkers see plain numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Kind = TypeVar("_Kind")
_Work = TypeVar("_Work", bound=Callable[..., object])

compiled = False
"""True in the compiled twin."""
longlong = int
ulonglong = int
uint = int
bint = bool
p_uchar = bytes


def cfunc(work: _Work) -> _Work:
    """A function that only the loops call, a C function in the twin."""
    return work


def cclass(kind: type[_Kind]) -> type[_Kind]:
    """A class whose attributes are fields of a C struct."""
    return kind
