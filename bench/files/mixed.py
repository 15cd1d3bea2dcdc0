"""The mixed corpus, file by file: ``python -m bench.files.mixed FOLDER [--rounds N]``; writes ``bench/out/mixed.md``.

Every file of the folder is read, and twelve attributes are taken, by Kerma and pydicom in turn in this process, and by
the C++ readers in a process of their own that times each reading. A figure is the least of the rounds; a ratio is of
one file, how many times Kerma's time the other took. A file counts where both readers read it. The first figure of
Kerma's, ``first``, is that of a file that this process has not read before.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom

import kerma
from bench.files import races
from bench.files.reader import KEYWORDS
from bench.harness import machine_line
from kerma.encoding import twin

LARGEST = 64 << 20  # bytes; larger files the C++ readers would load whole, so often
WORST = 20


def timed(read: Callable[[str], Any], path: str) -> float | None:
    """Microseconds of one reading, None where the reader refuses the file."""
    before = time.perf_counter()
    try:
        ds = read(path)
        for keyword in KEYWORDS:
            getattr(ds, keyword, None)
    except Exception:  # noqa: BLE001  whatever a reader raises, it did not read the file
        return None
    return (time.perf_counter() - before) * 1e6


def by_program(program: Path, paths: list[str], rounds: int) -> dict[str, float]:
    """File -> microseconds of a C++ reader: one process for all, so that its start and its dictionary cost nothing.
    A file that ends the process is one that it cannot read; another goes on behind it.
    """
    found: dict[str, float] = {}
    left = [path for path in paths if "\n" not in path and Path(path).stat().st_size <= LARGEST]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        while left:
            names.seek(0)
            names.truncate()
            names.write("\n".join(left) + "\n")
            names.flush()
            argv: list[str | Path] = [program, "list", "all", str(rounds), names.name]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, errors="replace")
            lines = [line for line in done.stdout.splitlines() if "\t" in line]
            for line in lines:
                took, _, path = line.partition("\t")
                if float(took) >= 0:
                    found[path] = float(took)
            left = left[len(lines) + 1 :]
    return found


def measure(paths: list[str], rounds: int, programs: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Reader -> file -> microseconds."""
    found: dict[str, dict[str, float]] = {
        "kerma": {},
        "kerma, first": {},
        "pydicom": {},
        **{name: {} for name in programs},
    }
    for number, path in enumerate(paths):
        with Path(path).open("rb") as file:
            file.read(1 << 20)  # into the page cache
        for turn in range(rounds):
            for name, read in (("kerma", kerma.read), ("pydicom", pydicom.dcmread)):
                took = timed(read, path)
                if took is None:
                    continue
                if name == "kerma" and not turn:
                    found["kerma, first"][path] = took
                found[name][path] = min(took, found[name].get(path, took))
        if number % 200 == 0:
            print(f"{number} of {len(paths)} files", file=sys.stderr)
    for name, program in programs.items():
        found[name] = by_program(program, paths, rounds)
    return found


def table(found: dict[str, dict[str, float]], root: str) -> str:
    """The figures as Markdown."""
    ours = found["kerma"]
    lines = [
        "| reader | files that it and Kerma read | ratio, median | least | at least 10 | slower than Kerma |",
        "|---|---|---|---|---|---|",
    ]
    for name, theirs in found.items():
        if name == "kerma":
            continue
        ratios = sorted(theirs[path] / ours[path] for path in theirs.keys() & ours.keys())
        if ratios:
            least, ten, slower = ratios[0], sum(ratio >= 10 for ratio in ratios), sum(ratio > 1 for ratio in ratios)
            median = statistics.median(ratios)
            lines.append(f"| {name} | {len(ratios)} | {median:.2f} | {least:.2f} | {ten} | {slower} |")
    lines += [
        "",
        f"The {WORST} files at which Kerma is least ahead of pydicom:",
        "",
        "| ratio | Kerma, µs | pydicom, µs | bytes | file |",
        "|---|---|---|---|---|",
    ]
    theirs = found["pydicom"]
    for path in sorted(theirs.keys() & ours.keys(), key=lambda path: theirs[path] / ours[path])[:WORST]:
        name = path.removeprefix(root).lstrip("/")
        size = Path(path).stat().st_size
        lines.append(f"| {theirs[path] / ours[path]:.2f} | {ours[path]:.0f} | {theirs[path]:.0f} | {size} | {name} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures a folder and prints the tables."""
    parser = argparse.ArgumentParser(prog="bench.files.mixed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # pydicom's, of odd files
    logging.disable(logging.CRITICAL)
    manifest = options.folder / "manifest.tsv"
    if manifest.is_file():
        names = [line.split("\t")[0] for line in manifest.read_text(encoding="utf-8").splitlines()[1:]]
        paths = [str(options.folder / name) for name in names if (options.folder / name).is_file()]
    else:
        paths = sorted(str(path) for path in options.folder.rglob("*") if path.is_file())
    found = measure(paths, options.rounds, races.compile_peers(races.OUT / "bin"))
    head = f"{machine_line()}; {len(paths)} files; Kerma's scan: {twin.STATE}; {races.versions()}\n\n"
    text = head + table(found, str(options.folder))
    races.OUT.mkdir(parents=True, exist_ok=True)
    (races.OUT / "mixed.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
