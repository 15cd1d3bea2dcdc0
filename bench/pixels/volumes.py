"""A volume of many slices beside reading their files: ``python -m bench.pixels.volumes [--slices N]``.

Each way runs in a process of its own, in turns, so that each pays for its own memory; the figures are CPU seconds and
the growth of the process. The files are in the cache of the system.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tests.pixels.images import image, with_native

import kerma

TARGET = 2.0
ROUNDS = 5

_WAY = """
import resource, sys, time
from pathlib import Path
import kerma
from kerma.pixels import volumes
volumes.volume
paths = sorted(Path(sys.argv[2]).iterdir())
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
if sys.argv[1] == "read":
    kept = [path.read_bytes() for path in paths]
else:
    kept = volumes.volume(kerma.read(path) for path in paths)
print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def make(folder: Path, slices: int) -> None:
    """CT slices of 512 x 512 pixels, with the header that a small one has."""
    noise = np.random.default_rng(1)
    for number in range(slices):
        ds = image(512, 512, stored=12, SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT")
        ds.SOPInstanceUID = f"1.2.3.{number + 1}"
        ds.SeriesInstanceUID, ds.StudyInstanceUID = "1.2.3", "1.2"
        ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        ds.ImagePositionPatient = ["-150.5", "-160.25", f"{number * 1.25:g}"]
        ds.PixelSpacing, ds.SliceThickness, ds.InstanceNumber = ["0.7", "0.7"], "1.25", str(slices - number)
        ds.RescaleSlope, ds.RescaleIntercept = "1", "-1024"
        kerma.write(with_native(ds, noise.integers(0, 4096, (512, 512))), folder / f"{number:05d}.dcm")


def run(way: str, folder: Path) -> tuple[float, float]:
    """(CPU seconds, megabytes)."""
    done = subprocess.run([sys.executable, "-c", _WAY, way, folder], capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stdout.split()
    return float(seconds), float(kilobytes) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=1000)
    slices = parser.parse_args().slices
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), slices)
        rounds = [(run("read", Path(name)), run("volume", Path(name))) for _ in range(ROUNDS)]
    read, volume = ([one[way] for one in rounds] for way in (0, 1))
    seconds = [statistics.median(each[0] for each in way) for way in (read, volume)]
    memory = [max(each[1] for each in way) for way in (read, volume)]
    print(
        f"{slices} slices: read {seconds[0]:.3f} s, {memory[0]:.0f} MB; volume {seconds[1]:.3f} s, {memory[1]:.0f} MB"
    )
    for what, (one, two) in (("time", seconds), ("memory", memory)):
        print(f"{what}: {two / one:.2f} times, at most {TARGET:g}: {'met' if two <= TARGET * one else 'MISSED'}")


if __name__ == "__main__":
    main()
