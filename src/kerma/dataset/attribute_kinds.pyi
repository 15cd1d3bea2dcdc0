"""How ``ds.PatientName`` is typed: one descriptor for each shape that a value has. For type checkers and editors only;
at run time ``dataset.keywords`` reads.

Rules, for getter and setter:

- The type is that of a value as the standard wants it, ``None`` where the element is there and empty. A file that says
  otherwise (two values where one belongs) gives what it has; ``ds["Keyword"].value`` is ``Any`` for whoever expects
  that.
- VM 1: one value. VM with an upper bound above 1: one value or a tuple. VM from 2 on: a tuple, of that length where
  the standard says it.
- A setter takes what can be written: text for every VR of text, Python's dates and numbers, an iterable of them where
  the VM allows several, ``None`` for empty.
"""

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Generic, SupportsFloat, SupportsIndex, SupportsInt, TypeAlias, TypeVar

from typing_extensions import Buffer

from kerma.dataset.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.dataset.sequence import Sequence
from kerma.values import AS, DA, DS, DT, IS, TM
from kerma.values import UID as UI  # UID and PersonName are keywords, too
from kerma.values import PersonName as PN  # noqa: N817

Got_co = TypeVar("Got_co", covariant=True)
Given_contra = TypeVar("Given_contra", contravariant=True)

class One(Generic[Got_co, Given_contra]):
    """VM 1."""

    def __get__(self, ds: object, owner: type | None = None) -> Got_co | None: ...
    def __set__(self, ds: object, value: Given_contra | None) -> None: ...
    def __delete__(self, ds: object) -> None: ...

class Several(Generic[Got_co, Given_contra]):
    """VM 1-n and the like."""

    def __get__(self, ds: object, owner: type | None = None) -> Got_co | tuple[Got_co, ...] | None: ...
    def __set__(self, ds: object, value: Given_contra | Iterable[Given_contra | None] | None) -> None: ...
    def __delete__(self, ds: object) -> None: ...

class Many(Generic[Got_co, Given_contra]):
    """VM 2 and more: ``Got`` is the tuple."""

    def __get__(self, ds: object, owner: type | None = None) -> Got_co | None: ...
    def __set__(self, ds: object, value: Given_contra | Iterable[Given_contra | None] | None) -> None: ...
    def __delete__(self, ds: object) -> None: ...

class Items:
    """VR SQ: always there as a sequence, without items where the element is empty."""

    def __get__(self, ds: object, owner: type | None = None) -> Sequence: ...
    def __set__(self, ds: object, value: Iterable[Dataset] | None) -> None: ...
    def __delete__(self, ds: object) -> None: ...

class WordsOrBytes:
    """VR "US or OW": numbers or their bytes, as the file has it."""

    def __get__(self, ds: object, owner: type | None = None) -> int | tuple[int, ...] | memoryview | None: ...
    def __set__(self, ds: object, value: SupportsIndex | Iterable[SupportsIndex] | Buffer | None) -> None: ...
    def __delete__(self, ds: object) -> None: ...

Dates: TypeAlias = str | date
Times: TypeAlias = str | time | datetime
Integers: TypeAlias = str | SupportsInt
Decimals: TypeAlias = str | SupportsFloat
Pixels: TypeAlias = Buffer | Fragments
Tags: TypeAlias = int | str

__all__ = [
    "AS",
    "DA",
    "DS",
    "DT",
    "IS",
    "PN",
    "TM",
    "UI",
    "Buffer",
    "Dates",
    "Decimals",
    "Integers",
    "Items",
    "Many",
    "One",
    "Pixels",
    "Several",
    "SupportsFloat",
    "SupportsIndex",
    "Tags",
    "Times",
    "WordsOrBytes",
]
