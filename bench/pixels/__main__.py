"""Decoding pixels, side by side: ``python -m bench.pixels [--quick]``; writes ``bench/out/pixels.*``.

Times are CPU seconds of all threads and of the programs that are started, so that other work on the machine matters
little. Libraries are loaded before anything is timed; programs are timed whole.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pydicom.pixels

import kerma
from bench.harness import Race, Report, machine_line
from bench.pixels.images import SYNTAXES, make

OUT = Path(__file__).resolve().parents[1] / "out"
PLUGIN = {"JPEG baseline": "pylibjpeg", "JPEG lossless": "pylibjpeg", "JPEG-LS": "pyjpegls"}
DCMTK = {
    "native": "dcmconv",
    "RLE": "dcmdrle",
    "JPEG baseline": "dcmdjpeg",
    "JPEG lossless": "dcmdjpeg",
    "JPEG-LS": "dcmdjpls",
}
EXPLICIT = SYNTAXES["native"]


def cpu(work: Callable[[], Any], times: int = 1) -> Callable[[], float]:
    """A run that tells its CPU seconds, those of the children included."""

    def run() -> float:
        before = _spent()
        for _ in range(times):
            work()
        return _spent() - before

    return run


def _spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def by_gdcm(path: Path) -> int:
    """The whole image as bytes: GDCM decodes all frames or none."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise ValueError(f"GDCM does not read {path}")
    return len(reader.GetImage().GetBuffer())


def one_frame(path: Path, kind: str, frames: int) -> Race:
    """The last but one of many, from the path on."""
    race = Race(f"{kind}: frame {frames - 1} of {frames}", unit="ms", scale=1e3)
    wanted = kerma.pixels.frame(kerma.read(path), frames - 2)
    assert np.array_equal(wanted, pydicom.pixels.pixel_array(path, index=frames - 2))
    race.add("kerma", cpu(lambda: kerma.pixels.frame(kerma.read(path), frames - 2)))
    race.add("pydicom", cpu(lambda: pydicom.pixels.pixel_array(path, index=frames - 2)), target=10)
    race.add("GDCM", cpu(lambda: by_gdcm(path)), target=10, note="decodes all frames")
    return race


def all_frames(path: Path, kind: str, frames: int) -> Race:
    """All of a few large ones in one array."""
    race = Race(f"{kind}: {frames} frames of 512 x 512", unit="ms a frame", per=frames, scale=1e3)
    wanted = kerma.pixels.array(kerma.read(path))
    assert np.array_equal(wanted, pydicom.pixels.pixel_array(path))
    race.add("kerma", cpu(lambda: kerma.pixels.array(kerma.read(path))))
    race.add("pydicom", cpu(lambda: pydicom.pixels.pixel_array(path)), target=1, note=PLUGIN.get(kind, ""))
    race.add("GDCM", cpu(lambda: by_gdcm(path)), target=1)
    return race


def whole_file(path: Path, kind: str, work: Path, frames: int) -> Race:
    """From a file to an uncompressed file, program beside program."""
    race = Race(f"{kind}: a file of {frames} frames to an uncompressed one", unit="ms", scale=1e3)
    out = str(work / "out.dcm")
    kerma_program = str(Path(sys.executable).with_name("kerma"))

    def program(*argv: str) -> Callable[[], float]:
        return cpu(lambda: subprocess.run(argv, check=True, capture_output=True))

    def in_process() -> None:
        kerma.write(kerma.pixels.transcode(kerma.read(path), EXPLICIT), work / "out.dcm")

    race.add("kerma", cpu(in_process), note="kerma.pixels.transcode, kerma.write")
    race.add("kerma convert", program(kerma_program, "convert", "--force", "--to", "explicit", str(path), out))
    if kind in DCMTK:
        race.add(DCMTK[kind], program(DCMTK[kind], str(path), out), target=1)
    if kind != "HTJ2K":  # gdcmconv of Debian has none
        race.add("gdcmconv --raw", program("gdcmconv", "--raw", str(path), out), target=1)
    return race


def versions() -> dict[str, str]:
    names = ("kerma", "numpy", "imagecodecs", "pydicom", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle")
    found = {name: importlib.metadata.version(name) for name in (*names, "pyjpegls", "python-gdcm")}
    for program in ("dcmdjpeg", "gdcmconv"):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        found[program] = next((word for word in said.split() if word.strip("v")[:1].isdigit()), "?")
    return found


def main() -> None:
    """Runs the races and writes bench/out/pixels.*."""
    parser = argparse.ArgumentParser(prog="bench.pixels", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10,000 small frames and 3 rounds")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--only", default="", help="some syntaxes, with commas between")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 5)
    many, few = (10_000, 10) if options.quick else (100_000, 40)
    report = Report("pixels", machine=machine_line(), versions=versions())
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for kind in options.only.split(",") if options.only else SYNTAXES:
            small, large = make(work / "many.dcm", kind, 32, many), make(work / "few.dcm", kind, 512, few)
            for race in (
                one_frame(small, kind, many),
                all_frames(large, kind, few),
                whole_file(large, kind, work, few),
            ):
                race.run(rounds, tell=lambda text: print(text, file=sys.stderr))
                report.add(race)
    report.save(OUT)
    print(report.text())
    for sentence in report.missed():
        print(f"missed: {sentence}")


if __name__ == "__main__":
    main()
