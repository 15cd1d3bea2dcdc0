"""A series of 1,000 slices into another transfer syntax by one thread and by two: ``python -m bench.pixels.series``.

Each run is a process of its own, so that its memory is its own; runs with one and two threads alternate. Figures are
wall-clock seconds, CPU seconds and the peak of memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import kerma
from kerma.app.converting import Conversion, convert
from kerma.dataset import Dataset
from kerma.formats.whole_forms import syntax_uid
from kerma.pixels.pipeline import ordered


def make(folder: Path, count: int) -> None:
    """Slices of 512 x 512 with structure and noise, as CT has."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:512, 0:512]
    for number in range(count):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{number + 1}"
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows = ds.Columns = 512
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        noise = rng.normal(0, 15, (512, 512))
        ds.add("PixelData", "OW", (800 * np.sin(x / 40 + number / 20) * np.cos(y / 50) + noise).astype("<i2").tobytes())
        kerma.write(ds, folder / f"{number:04d}.dcm")


def once(source: Path, target: Path, uid: str, threads: int) -> None:
    """Convert all of it and print what it took."""
    conversion = Conversion(uid, threads=1)
    start = time.perf_counter()
    for _ in ordered(sorted(source.iterdir()), lambda path: convert(path, target / path.name, conversion), threads):
        pass
    wall, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"wall": wall, "cpu": time.process_time(), "mb": memory / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--to", nargs="+", default=["jpeg-ls", "rle", "jpeg2000", "htj2k"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        source, target, uid, threads = arguments.once
        once(Path(source), Path(target), uid, int(threads))
        return
    with TemporaryDirectory() as name:
        source = Path(name) / "series"
        source.mkdir()
        make(source, arguments.slices)
        for syntax in arguments.to:
            best: dict[int, dict[str, float]] = {}
            for _ in range(arguments.rounds):
                for threads in (1, 2):
                    with TemporaryDirectory() as out:
                        command = [sys.executable, "-m", "bench.pixels.series", "--once"]
                        command += [str(source), out, syntax_uid(syntax), str(threads)]
                        done = subprocess.run(command, capture_output=True, text=True, check=True)
                    found = json.loads(done.stdout)
                    best[threads] = min(best.get(threads, found), found, key=lambda run: run["wall"])
            one, two = best[1], best[2]
            print(
                f"{syntax:10} 1 thread {one['wall']:6.2f} s, 2 threads {two['wall']:6.2f} s: "
                f"{one['wall'] / two['wall']:.2f} x; CPU {one['cpu']:.2f} and {two['cpu']:.2f} s; {two['mb']:.0f} MB"
            )


if __name__ == "__main__":
    main()
