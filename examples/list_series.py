"""List the series of a folder: modality, description, images, and the distance between slices.

    python examples/list_series.py FOLDER

Files that are no DICOM are passed over and counted.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import kerma
from kerma.values import UID


def normal(row: tuple[float, ...]) -> tuple[float, float, float]:
    """The direction in which slices follow each other: across the image plane (PS3.3 C.7.6.2.1.1)."""
    x1, y1, z1, x2, y2, z2 = row
    return y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2


def position(ds: kerma.Dataset) -> float | None:
    """Where an image lies along that direction, in mm."""
    if "ImagePositionPatient" not in ds or "ImageOrientationPatient" not in ds:
        return None
    corner, directions = ds.ImagePositionPatient, ds.ImageOrientationPatient
    if corner is None or directions is None or len(corner) != 3 or len(directions) != 6:
        return None
    return sum(a * b for a, b in zip(corner, normal(directions), strict=True))


def spacing(images: list[kerma.Dataset]) -> str:
    places = sorted({round(place, 3) for image in images if (place := position(image)) is not None})
    steps = {round(after - before, 3) for before, after in pairwise(places)}
    if not steps:
        return "-"
    return f"{steps.pop()} mm" if len(steps) == 1 else f"{min(steps)} to {max(steps)} mm"


def main(folder: Path) -> None:
    series: defaultdict[UID, list[kerma.Dataset]] = defaultdict(list)
    others = 0
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        try:
            ds = kerma.read(path)
        except kerma.KermaError:
            others += 1
            continue
        if "SeriesInstanceUID" in ds and ds.SeriesInstanceUID is not None:
            series[ds.SeriesInstanceUID].append(ds)
        else:
            others += 1
    for uid, images in series.items():
        first = images[0]
        text = f"{first.get('Modality', '?')}  {first.get('SeriesDescription') or uid}"
        sys.stdout.write(f"{text}  {len(images)} images  {spacing(images)}\n")
    if others:
        sys.stdout.write(f"{others} other files\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/list_series.py FOLDER")
    main(Path(sys.argv[1]))
