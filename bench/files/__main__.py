"""Reading DICOM files, side by side: ``python -m bench.files [--quick]``; writes ``bench/out/files.*``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.files import races
from bench.harness import Report, machine_line


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def main() -> None:
    """Runs the races and writes bench/out/files.*."""
    parser = argparse.ArgumentParser(prog="bench.files", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1,000 files and 3 rounds")
    parser.add_argument("--files", type=int, default=None, help="files in the folder (10,000)")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--work", type=Path, default=None, help="folder for the files, 0.4 GB (a temporary one)")
    options = parser.parse_args()
    count = options.files or (1_000 if options.quick else 10_000)
    rounds = options.rounds or (3 if options.quick else 7)
    report = Report("files", machine=machine_line(), versions=races.versions())
    with tempfile.TemporaryDirectory(dir=options.work) as made:
        for race in races.races(Path(made), count, 500 if options.quick else 2_000):
            race.run(rounds, tell=_tell)
            report.add(race)
    report.save(races.OUT)
    print(report.text())
    for sentence in report.missed():
        print(f"missed: {sentence}")


if __name__ == "__main__":
    main()
