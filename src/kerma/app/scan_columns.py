"""What a scan asks of every file: the columns of its table, and how one value becomes a cell (PS3.6, PS3.5 6.2).

Rules:

- A cell is ``str``, ``int``, ``float``, a tuple of these where the attribute may have several values (PS3.5 6.4), or
  None where it is absent or empty. Nothing else crosses to another process or into a table.
- DS and IS are numbers, dates and times are text as stored, which sorts; AT is eight hexadecimal digits.
- A name that no table can hold, a sequence or bulk data, is refused before any file is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import FormatError, UsageError
from kerma.standard import elements

DEFAULT_KEYS = (
    "PatientID",
    "PatientName",
    "StudyDate",
    "StudyDescription",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "InstanceNumber",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "TransferSyntaxUID",
    "SOPClassUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
)
"""What is asked for when nothing is said: of the patient, the study, the series and the instance."""

Cell = str | int | float | tuple[str | int | float, ...] | None

_KINDS = {
    **dict.fromkeys(["IS", "SL", "SS", "SV", "UL", "US", "UV"], "integer"),
    **dict.fromkeys(["DS", "FD", "FL"], "number"),
}
_NO_CELL = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN"})
_PLAIN: dict[str, type] = {"integer": int, "number": float, "text": str}


@dataclass(frozen=True, slots=True)
class ScanColumn:
    """One column. ``name`` is the key as it was asked for, ``kind`` is "text", "integer" or "number", ``many`` says
    that its cells are tuples.
    """

    name: str
    kind: str
    many: bool
    path: tuple[int, ...] = ()

    @property
    def heading(self) -> str:
        """The name as an identifier: a dotted path with underscores."""
        return self.name.replace(".", "_").replace(",", "_").strip("()")


PATH = ScanColumn("path", "text", many=False)
SIZE = ScanColumn("size", "integer", many=False)


def columns_of(keys: Sequence[str]) -> tuple[ScanColumn, ...]:
    """The columns for keywords, tags and dotted paths of them. ``UsageError`` for a name that is not known, and for
    what no table can hold.
    """
    columns = {name: _column(name.strip()) for name in keys}
    return tuple({column.name: column for column in columns.values()}.values())


def _column(name: str) -> ScanColumn:
    if name == "size":
        return SIZE
    path = tuple(elements.parse_tag(part) for part in name.split("."))
    rows = [elements.lookup(tag) for tag in path]
    for tag, row in zip(path[:-1], rows, strict=False):
        if row is None or row.vr != "SQ":
            raise UsageError(f"{_name(tag)} is no sequence", hint="write Sequence.Attribute, or the attribute alone")
    last = rows[-1]
    vr = "LO" if last is None else last.vr
    if vr in _NO_CELL:
        what = "a sequence" if vr == "SQ" else "bulk data"
        raise UsageError(f"{_name(path[-1])} is {what}, which no table holds", hint="ask for an attribute inside it")
    many = last is not None and last.vm not in {"1", "0-1"} and vr not in {"LT", "ST", "UR", "UT"}
    return ScanColumn(".".join(map(_name, path)), _KINDS.get(vr, "text"), many, path)


def _name(tag: int) -> str:
    return elements.keyword_of(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


# -- cells -------------------------------------------------------------------------------------------------------------


class Misfit(Exception):
    """A value that is not of its column; never leaves this room."""


Getter = Callable[[Dataset], Any]


def getter(column: ScanColumn) -> Getter:
    """What takes the value of a column from a data set; it raises ``AttributeError`` or ``KeyError`` where that is
    absent.
    """
    if len(column.path) > 1:
        return _through(column.path)
    tag = column.path[0]
    if tag >> 16 == 2:
        return _of_meta(tag)
    keyword = elements.keyword_of(tag)
    if keyword and elements.tag_of(keyword) == tag:
        return attrgetter(keyword)
    return lambda ds: ds.value_of(tag)


def _of_meta(tag: int) -> Getter:
    def read(ds: Dataset) -> Any:
        if tag == 0x00020010:
            return ds.transfer_syntax_uid
        meta = ds.meta
        return None if meta is None else meta.get(tag)

    return read


def _through(path: tuple[int, ...]) -> Getter:
    """Through the first item of each sequence."""

    def read(ds: Dataset) -> Any:
        for tag in path[:-1]:
            items = ds.value_of(tag)
            if not items:
                return None
            ds = items[0]
        return ds.value_of(path[-1])

    return read


def cell(column: ScanColumn, value: Any) -> Cell:
    """``value`` as a cell of ``column``; ``Misfit`` where it is none."""
    if value is None:
        return None
    plain = _PLAIN[column.kind]
    try:
        if type(value) is tuple:
            if column.many:
                return tuple([plain(one) for one in value if one is not None])
            if plain is str:
                return "\\".join(["" if one is None else str(one) for one in value])
            raise Misfit(f"{len(value)} values where one is allowed")
        if isinstance(value, (memoryview, Sequence)) and not isinstance(value, str):
            raise Misfit("no value of a table")
        if isinstance(value, int) and plain is str:
            value = f"{value:08X}"
        one: Cell = plain(value)
    except (TypeError, ValueError):
        raise Misfit(f"is not {'an' if column.kind == 'integer' else 'a'} {column.kind}") from None
    return (one,) if column.many else one  # type: ignore[return-value]


class Cells:
    """Takes the cells of some columns from data sets."""

    def __init__(self, columns: Sequence[ScanColumn]) -> None:
        self._columns = [(getter(column), None if column.many else _PLAIN[column.kind], column) for column in columns]

    def of(self, ds: Dataset) -> tuple[list[Cell], list[str]]:
        """The cells of one data set, and a sentence for each value that is not of its column."""
        row: list[Cell] = []
        odd: list[str] = []
        for get, plain, column in self._columns:
            try:
                value = get(ds)
                if value is not None and type(value) is not plain:
                    value = cell(column, value)
            except (AttributeError, KeyError):
                value = None
            except (Misfit, FormatError) as error:
                odd.append(f"{column.name}: {error}")
                value = None
            row.append(value)
        return row, odd
