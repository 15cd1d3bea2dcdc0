"""The table that a scan gives: rows by name, and CSV, Parquet and JSON of them.

May write files. Rules:

- Rows are passed on as they come; no table is held. A file that is written appears whole or not at all.
- Several values of one cell are joined by a backslash in CSV, as DICOM writes them, and are lists in Parquet and JSON.
- Parquet is written by pyarrow, which is an extra (``kerma[parquet]``) and is loaded when it is needed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from kerma.app.scan_columns import Cell, ScanColumn
from kerma.errors import KermaError
from kerma.formats.saving import save

_PAGE = 1024
_ROW_GROUP = 65_536

Target = str | os.PathLike[str] | BinaryIO


class Row(tuple[Any, ...]):
    """One row: a tuple of cells, also by name: ``row.PatientID``."""

    __slots__ = ()
    _places: ClassVar[dict[str, int]] = {}

    def __getattr__(self, name: str) -> Any:
        place = self._places.get(name)
        if place is None:
            raise AttributeError(f"the row has no {name!r}; it has {', '.join(self._places)}")
        return self[place]

    def __reduce__(self) -> tuple[type[tuple[Any, ...]], tuple[tuple[Any, ...]]]:
        return tuple, (tuple(self),)

    def __repr__(self) -> str:
        return f"Row({', '.join(f'{name}={value!r}' for name, value in self.named().items())})"

    def named(self) -> dict[str, Cell]:
        """The row as a dict."""
        return dict(zip(self._places, self, strict=True))


def row_type(columns: Iterable[ScanColumn]) -> Any:
    """A class of rows with these columns, made from an iterable of cells."""
    places = {column.heading: number for number, column in enumerate(columns)}
    return type("Row", (Row,), {"__slots__": (), "_places": places, "__doc__": Row.__doc__})


class Table:
    """Rows that are made while they are iterated. ``columns`` are known before."""

    columns: tuple[ScanColumn, ...]

    def __iter__(self) -> Iterator[Row]:
        """Every row, in order."""
        raise TypeError(f"{type(self).__name__} has no rows of its own")

    def to_csv(self, target: Target) -> int:
        """Write CSV (UTF-8, RFC 4180, a header line) to a path or a binary file; the number of rows."""
        counted = _Counted(self)
        save(_csv(self.columns, counted), target)
        return counted.count

    def to_json(self, target: Target) -> int:
        """Write one JSON object a line to a path or a binary file; the number of rows."""
        counted = _Counted(self)
        save(_json(self.columns, counted), target)
        return counted.count

    def to_parquet(self, target: Target) -> int:
        """Write Parquet to a path or a binary file; the number of rows. ``KermaError`` without pyarrow."""
        counted = _Counted(self)
        save(_parquet(self.columns, counted), target)
        return counted.count


class _Counted:
    """Counts what is taken from it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def cell_text(value: Cell) -> str:
    """A cell as one field of text: nothing for None, a backslash between several values."""
    if value is None:
        return ""
    if type(value) is tuple:
        return "\\".join(map(cell_text, value))
    if type(value) is float and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def json_object(columns: Iterable[ScanColumn], row: Iterable[Cell]) -> str:
    """A row as one JSON object. Names of files need not be text, so it is ASCII; a number that JSON lacks is null."""
    named = {column.name: _finite(value) for column, value in zip(columns, row, strict=True)}
    return json.dumps(named)


def _finite(value: Cell) -> Any:
    if isinstance(value, tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(columns: tuple[ScanColumn, ...], rows: Iterable[Row]) -> Iterator[bytes]:
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow([column.name for column in columns])
    source = iter(rows)
    while True:
        batch = list(islice(source, _PAGE))
        writer.writerows([map(cell_text, row) for row in batch])
        yield page.getvalue().encode("utf-8", "backslashreplace")
        if not batch:
            return
        page.seek(0)
        page.truncate()


def _json(columns: tuple[ScanColumn, ...], rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        yield json_object(columns, row).encode() + b"\n"


# -- Parquet -----------------------------------------------------------------------------------------------------------


class _Sink(io.RawIOBase):
    """Takes what a writer writes until it is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._total = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._total += len(part)
        return len(part)

    def tell(self) -> int:
        return self._total

    def fetch(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _parquet(columns: tuple[ScanColumn, ...], rows: Iterable[Row]) -> Iterator[bytes]:
    try:
        import pyarrow  # noqa: PLC0415  an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise KermaError(
            "Parquet is written by pyarrow, which is not installed", hint="pip install 'kerma[parquet]'"
        ) from None
    types = {"text": pyarrow.string(), "integer": pyarrow.int64(), "number": pyarrow.float64()}
    schema = pyarrow.schema(
        [(column.name, pyarrow.list_(types[column.kind]) if column.many else types[column.kind]) for column in columns]
    )
    sink = _Sink()
    source = iter(rows)
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        while batch := list(islice(source, _ROW_GROUP)):
            arrays = [
                pyarrow.array(list(map(_unicode, cells)) if column.kind == "text" else cells, type=field.type)
                for column, field, cells in zip(columns, schema, zip(*batch, strict=True), strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            yield sink.fetch()
    yield sink.fetch()


def _unicode(value: Any) -> Any:
    """Text as Unicode: the name of a file may have bytes that are none."""
    if type(value) is tuple:
        return list(map(_unicode, value))
    if value is None or value.isprintable():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def parquet_at_hand() -> bool:
    """Whether Parquet can be written."""
    from importlib.util import find_spec  # noqa: PLC0415

    return find_spec("pyarrow") is not None


def folder_of(path: str) -> str:
    """The folder that a file lies in."""
    return str(Path(path).parent)
