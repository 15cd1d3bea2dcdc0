"""Kerma's forms beside pydicom's: ``python -m bench.forms [--rounds N]``; a table of CPU milliseconds and ratios.

Both read the same bytes from memory and are timed by CPU in one process, in turns, so that what else runs on the
machine falls on both. The least of the rounds counts. "write" assigns one attribute and writes the whole file.
"""

from __future__ import annotations

import argparse
import io
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

import kerma
from kerma.formats.text import dump_lines

NAMES = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "test-SR.dcm", "reportsi.dcm")
Task = Callable[[], object]


def tasks(data: bytes) -> Iterator[tuple[str, Task, Task]]:
    """(name, Kerma's, pydicom's)."""

    def ours() -> kerma.Dataset:
        return kerma.read(data)

    def theirs() -> pydicom.Dataset:
        return pydicom.dcmread(io.BytesIO(data))

    def write() -> None:
        ds = ours()
        ds.PatientID = "X"
        kerma.write(ds, io.BytesIO())

    def write_too() -> None:
        ds = theirs()
        ds.PatientID = "X"
        ds.save_as(io.BytesIO())

    text = theirs().to_json(bulk_data_threshold=1 << 30)
    yield "write", write, write_too
    yield "to JSON", lambda: kerma.to_json(ours()), lambda: theirs().to_json(bulk_data_threshold=1 << 30)
    yield "from JSON", lambda: kerma.from_json(text), lambda: pydicom.Dataset.from_json(text)
    yield "dump", lambda: "\n".join(dump_lines(ours())), lambda: str(theirs())


def spent(task: Task) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    task()
    return time.process_time() - begun


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="bench.forms", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"kerma {kerma.__version__}, pydicom {pydicom.__version__}; CPU ms, the least of {options.rounds} rounds")
    print(f"{'file':<14} {'task':<10} {'kerma':>8} {'pydicom':>8} {'ratio':>6}")
    for name in NAMES:
        place = get_testdata_file(name, download=False)
        if place is None:
            continue
        for task, ours, theirs in tasks(Path(str(place)).read_bytes()):
            times = [(spent(ours), spent(theirs)) for _ in range(options.rounds)]
            one, two = (1000 * min(column) for column in zip(*times, strict=True))
            print(f"{name:<14} {task:<10} {one:8.3f} {two:8.3f} {two / one:6.1f}")


if __name__ == "__main__":
    main()
