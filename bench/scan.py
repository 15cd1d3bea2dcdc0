"""A table of a folder, side by side: ``python -m bench.scan [--files N]``; writes ``bench/out/scan.*``.

The files are the CT of pydicom's package with other UIDs, numbers and positions, 39 KB each, whose values also change
in length, in folders of a thousand. Every contestant takes the same attributes of every file; who reads in one process
is also told with two, as far as it can. ``plain`` opens the files, reads their first 64 KB and closes them, in C++:
what the system and the disk take. Figures are of files in the page cache, where Python is what is measured; with
``--cold``, as root, the cache is emptied before each run.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.files import races
from bench.harness import Outcome, Race, Report, Run, machine_line

KEYS = (
    "PatientID",
    "PatientName",
    "StudyDate",
    "Modality",
    "SeriesNumber",
    "InstanceNumber",
    "Rows",
    "Columns",
    "SOPClassUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
)
ROOT = Path(__file__).resolve().parents[1]


def make_folder(folder: Path, count: int) -> None:
    """``count`` files that differ as those of many series do."""
    import pydicom  # noqa: PLC0415
    from pydicom.data import get_testdata_file  # noqa: PLC0415

    source = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    for number in range(count):
        part = folder / f"{number // 1000:04d}"
        if number % 1000 == 0:
            part.mkdir(parents=True)
            source.SeriesInstanceUID = f"1.2.826.0.1.3680043.10.2.{number // 1000}"
            template = None
        uid = f"1.2.826.0.1.3680043.10.3.{number:010d}"
        instance = f"{number % 1000 + 1:04d}"
        if template is None:
            source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.10.3.9999999999"
            source.InstanceNumber = "9999"
            source.save_as(part / "template")
            template = (part / "template").read_bytes()
            (part / "template").unlink()
        data = template.replace(b"1.2.826.0.1.3680043.10.3.9999999999", uid.encode())
        (part / f"{number:06d}.dcm").write_bytes(data.replace(b"IS\x04\x009999", b"IS\x04\x00" + instance.encode()))


def _files(folder: str) -> Iterator[str]:
    for path in sorted(Path(folder).rglob("*.dcm")):
        yield str(path)


def by_kerma(folder: str, workers: int) -> int:
    """``kerma.scan``."""
    from kerma.app.scanning import scan  # noqa: PLC0415

    return sum(1 for _ in scan(folder, KEYS, workers=workers))


def _pydicom_row(path: str) -> list[str]:
    import pydicom  # noqa: PLC0415

    ds = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(KEYS))
    return [str(ds.get(keyword)) for keyword in KEYS]


def by_pydicom(folder: str, workers: int) -> int:
    """``dcmread`` with the tags alone, in this process or in a pool of processes."""
    from multiprocessing import Pool  # noqa: PLC0415

    if workers == 1:
        return sum(1 for _ in map(_pydicom_row, _files(folder)))
    with Pool(workers) as pool:
        return sum(1 for _ in pool.imap(_pydicom_row, _files(folder), chunksize=128))


def take(how: str, folder: str) -> None:
    """One run in a process of its own: prints seconds, files, CPU seconds and megabytes."""
    name, _, workers = how.partition(":")
    begun = time.perf_counter()
    count = {"kerma": by_kerma, "pydicom": by_pydicom}[name](folder, int(workers))
    seconds = time.perf_counter() - begun
    own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime
    print(f"{seconds:.6f} {count} {cpu:.3f} {max(own.ru_maxrss, theirs.ru_maxrss) / 1024:.0f}")


def contestant(how: str, folder: Path, count: int) -> Run:
    """A run of ``take`` that must see all files."""

    def run() -> Outcome:
        argv = [sys.executable, "-m", "bench.scan", "--take", how, str(folder)]
        seconds, files, cpu, memory = subprocess.run(
            argv, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split()
        assert int(files) == count, files
        return Outcome(float(seconds), {"CPU s": float(cpu), "MB": float(memory)})

    return run


def plain_reader(program: Path, processes: int, folder: Path) -> Run:
    """Open, read, close, in C++, the names in the order of the walk."""

    def run() -> Outcome:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        found = subprocess.run(["find", str(folder), "-name", "*.dcm"], check=True, capture_output=True, text=True)
        names = "\n".join(sorted(found.stdout.split()))
        subprocess.run([program, str(processes)], input=names, check=True, text=True)
        seconds = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Outcome(seconds, {"CPU s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime})

    return run


def without_cache(run: Run) -> Run:
    """The same after the system has forgotten all files."""

    def cold() -> float | Outcome | None:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
        return run()

    return cold


def gdcm_scanner(program: Path, folder: Path) -> Run:
    """GDCM's class for such folders, C++, one thread."""

    def run() -> Outcome:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([program, "folder", "scanner", folder], check=True, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Outcome(float(done.stdout.split()[0]), {"CPU s": cpu})

    return run


def main() -> None:
    """Runs the race and writes bench/out/scan.*."""
    parser = argparse.ArgumentParser(prog="bench.scan", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="a folder made before, or to be made and kept")
    parser.add_argument("--slow", action="store_true", help="pydicom as well, with that many files")
    parser.add_argument("--cold", action="store_true", help="empty the page cache before each run (root)")
    parser.add_argument("--take", nargs=2, metavar=("HOW", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.take:
        take(*options.take)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made) / "files"
        if not folder.exists():
            make_folder(folder, options.files)
        peers = races.compile_peers(Path(made))
        how = "not in the page cache" if options.cold else "in the page cache"
        race = Race(f"a table of {options.files:,} files {how}", unit="µs per file", per=options.files)
        state: Callable[[Run], Run] = without_cache if options.cold else lambda run: run
        for name in ["kerma:2", "kerma:1", *(["pydicom:1", "pydicom:2"] if options.slow else [])]:
            what, _, workers = name.partition(":")
            title = f"{what}, {workers} process{'es' if workers == '2' else ''}"
            race.add(title, state(contestant(name, folder, options.files)))
        for number in (2, 1) if "plain" in peers else ():
            title = f"plain, {number} process{'es' if number == 2 else ''}"
            race.add(title, state(plain_reader(peers["plain"], number, folder)), note="C++: open, read, close")
        if "gdcm" in peers:
            race.add("gdcm, Scanner", state(gdcm_scanner(peers["gdcm"], folder)), note="C++, one thread")
        race.run(options.rounds, tell=lambda text: print(text, file=sys.stderr))
        report = Report("scan-cold" if options.cold else "scan", machine=machine_line(), versions=races.versions())
        report.add(race)
        report.save(races.OUT)
        print(report.text())


if __name__ == "__main__":
    main()
