"""One file as one row of a scan, and the process that does that for others.

``python -m kerma.app.scan_reading`` is such a process: it takes batches of names on standard input and gives a list of
outcomes for each on standard output, both as a length and what ``marshal`` makes of plain values. It ends when its
input does, and is no interface for anybody else.

Rules:

- An outcome is a tuple of cells; or a list of such a tuple and sentences about odd values in it; or a sentence, for a
  DICOM file that is broken; or ``FOREIGN`` or ``DIRECTORY``, for a file that is none of ours.
- What was named and is no DICOM is a failure; what merely lay in a folder is not. A broken file is a failure where its
  prefix says that it is DICOM.
"""

from __future__ import annotations

import marshal
import os
import signal
import sys
from collections.abc import Sequence
from typing import IO, Any

from kerma.app.scan_columns import SIZE, Cells, ScanColumn, columns_of
from kerma.errors import FormatError, KermaError, NotDicomError
from kerma.formats import part10
from kerma.standard import sop_classes

FOREIGN = 0
DIRECTORY = 1

Outcome = tuple[Any, ...] | list[Any] | str | int


class RowReader:
    """Reads the columns of one scan from files."""

    def __init__(self, columns: Sequence[ScanColumn]) -> None:
        self._size = columns.index(SIZE) if SIZE in columns else -1
        self._cells = Cells([column for column in columns if column != SIZE])

    def outcome(self, path: str, *, named: bool = False) -> Outcome:
        """What one file comes to. Never raises for a bad file."""
        try:
            ds = part10.read(path)
            meta = ds.meta
            if meta is not None and meta.get(0x00020002) == sop_classes.MEDIA_STORAGE_DIRECTORY:
                return DIRECTORY
            row, odd = self._cells.of(ds)
            if self._size >= 0:
                row.insert(self._size, os.stat(path).st_size)
        except NotDicomError as error:
            return _why(error) if named else FOREIGN
        except KermaError as error:
            return _why(error) if named or _has_prefix(path) else FOREIGN
        except OSError as error:
            return f"cannot be read: {error.strerror or type(error).__name__} (check its rights)"
        except Exception as error:  # noqa: BLE001  one file must not end the scan of a million
            return f"{type(error).__name__}: {error} (this is a mistake in Kerma; please report it with the file)"
        return [tuple(row), odd] if odd else tuple(row)


def _why(error: KermaError) -> str:
    """The error without the name of the file, which whoever reports it knows."""
    error.where = None
    return str(error)


def _has_prefix(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


# -- as a process ------------------------------------------------------------------------------------------------------


def send(stream: IO[bytes], value: Any) -> None:
    """One value to the other side."""
    data = marshal.dumps(value)
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """One value of the other side; ``EOFError`` where it ended."""
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    size = int.from_bytes(head, "little")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return marshal.loads(data)  # noqa: S302  from our own process


def serve(source: IO[bytes], target: IO[bytes]) -> None:
    """Answer batches until there are no more. The first message names the columns."""
    reader = RowReader(columns_of(receive(source)))
    while True:
        try:
            batch = receive(source)
        except EOFError:
            return
        send(target, [reader.outcome(os.fsdecode(name), named=named) for name, named in batch])


def main() -> None:
    """The process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us by closing our input
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except (BrokenPipeError, FormatError):
        sys.exit(1)


if __name__ == "__main__":
    main()
