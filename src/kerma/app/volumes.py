"""Volumes of files: which there are, and each written as NIfTI or as a numpy file.

May touch the file system and room ``pixels``. Rules: files without pixels that merely lay there are passed over;
what is written takes its name when it is complete, and never that of a file that is there unless ``force`` says so.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kerma.app.collect import Found, Unusable
from kerma.app.gather import Passed, probe
from kerma.dataset import Dataset
from kerma.errors import KermaError, PixelError, UsageError
from kerma.formats import part10
from kerma.formats.saving import save
from kerma.pixels import volumes
from kerma.pixels.attributes import text, whole

SUFFIXES = (".nii", ".nii.gz", ".npy")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done to a volume. ``suv`` is a kind of SUV or "", ``stored`` keeps the stored values."""

    stored: bool = False
    straight: bool = False
    even: bool = False
    strict: bool = False
    suv: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The images of one series, by what they were called. ``number`` and ``description`` are those of the first."""

    uid: str
    datasets: list[Dataset] = field(default_factory=list)
    number: int = 0
    description: str = ""
    modality: str = ""


def series_of(items: Iterable[Found | Unusable], fail: Callable[[str, Exception], None]) -> list[Series]:
    """The series of images among files, in order of appearance. ``fail(name, error)`` is told of broken files."""
    found: dict[str, Series] = {}
    for item in items:
        probed = probe(item)
        if isinstance(probed, Passed):
            continue
        if isinstance(probed, Unusable):
            fail(probed.name, probed.error)
            continue
        try:
            ds = part10.read(probed.found.path)
            if not any(tag in ds for tag in (0x7FE00010, 0x7FE00008, 0x7FE00009)):
                if item.named if isinstance(item, Found) else False:
                    fail(probed.found.name, PixelError("the file has no pixels"))
                continue
            uid = str(ds.get("SeriesInstanceUID") or "")
            if uid not in found:
                what = text(ds, "SeriesDescription"), text(ds, "Modality")
                found[uid] = Series(uid, [], whole(ds, "SeriesNumber"), *what)
            found[uid].datasets.append(ds)
        except (KermaError, OSError) as error:
            fail(probed.found.name, error)
    return list(found.values())


def build(
    series: Series, wanted: Wanted, on_slice: Callable[[int, int], None] | None = None
) -> Iterator[volumes.Volume]:
    """The volumes of a series, as they are wanted. ``on_slice(done, total)`` is called as slices are read."""
    if series.modality == "RTDOSE":
        for ds in series.datasets:
            yield volumes.dose(ds)
        return
    for found in volumes.volumes(series.datasets, rescale=not wanted.stored, strict=wanted.strict, on_slice=on_slice):
        volume = volumes.suv(found, wanted.suv) if wanted.suv else found
        volume = volume.straight() if wanted.straight else volume
        yield volume.evened() if wanted.even else volume


def listed(series: Series) -> list[volumes.Volume]:
    """The volumes of a series without their values: no pixel is read."""
    return volumes.geometry(series.datasets)


def suffix_of(path: str) -> str:
    """The form that a name asks for; ``UsageError`` where it asks for none."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.lower().endswith(suffix):
            return suffix
    raise UsageError("this is no name of a volume", where=path, hint=f"it ends in {', '.join(SUFFIXES)}")


def write(volume: volumes.Volume, target: Path, *, force: bool = False) -> None:
    """Write a volume under a name with one of ``SUFFIXES``. ``UsageError`` where a file is there."""
    suffix = suffix_of(str(target))
    if not force and os.path.lexists(target):
        raise UsageError("there is a file already", where=str(target), hint="give another name, or --force")
    if not target.parent.is_dir():
        raise UsageError("there is no such folder", where=str(target.parent))
    save((), target, lambda fd: _put(volume, suffix, fd))


def _put(volume: volumes.Volume, suffix: str, fd: int) -> None:
    with os.fdopen(os.dup(fd), "wb") as file:
        if suffix == ".npy":
            volumes.to_npy(volume, file)
            return
        image = volumes.to_nifti(volume)
        if suffix == ".nii":
            image.to_stream(file)
            return
        with gzip.GzipFile("", "wb", 1, file, 0) as packed:
            image.to_stream(packed)
