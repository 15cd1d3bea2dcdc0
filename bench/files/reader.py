"""One Python contestant: reads files and takes twelve attributes of each, timing itself; the twin of
peers_cpp/read_*.cc.

    python -m bench.files.reader HOW values FILE
    python -m bench.files.reader HOW loop COUNT FILE
    python -m bench.files.reader HOW scan FOLDER

HOW is ``kerma``, ``kerma-read`` (without the attributes), ``open-and-read`` (of 8 KB, nothing decoded), ``pydicom``
(the default read), ``pydicom-head`` (stop_before_pixels), ``pydicom-tags`` (only the twelve asked for) or ``gdcm``
(GDCM's Python binding). Prints seconds and the number of files; for ``values`` the twelve, joined by ``|``.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

KEYWORDS = (
    "PatientName",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "Modality",
    "StudyDate",
    "InstanceNumber",
    "ImagePositionPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
)
TAGS = (
    (0x0010, 0x0010),
    (0x0010, 0x0020),
    (0x0020, 0x000D),
    (0x0020, 0x000E),
    (0x0008, 0x0018),
    (0x0008, 0x0060),
    (0x0008, 0x0020),
    (0x0020, 0x0013),
    (0x0020, 0x0032),
    (0x0028, 0x0030),
    (0x0028, 0x0010),
    (0x0028, 0x0011),
)

Take = Callable[[str], list[Any]]


def by_kerma() -> Take:
    """kerma.read as it is."""
    import kerma  # noqa: PLC0415  only the contestant that runs is loaded

    read = kerma.read

    def take(path: str) -> list[Any]:
        ds = read(path)
        return [
            ds.PatientName,
            ds.PatientID,
            ds.StudyInstanceUID,
            ds.SeriesInstanceUID,
            ds.SOPInstanceUID,
            ds.Modality,
            ds.StudyDate,
            ds.InstanceNumber,
            ds.ImagePositionPatient,
            ds.PixelSpacing,
            ds.Rows,
            ds.Columns,
        ]

    return take


def by_kerma_read() -> Take:
    """kerma.read alone: where all elements lie."""
    import kerma  # noqa: PLC0415

    read = kerma.read

    def take(path: str) -> list[Any]:
        read(path)
        return []

    return take


def by_open_and_read() -> Take:
    """What the system's part costs: open, read of 8 KB, close."""

    def take(path: str) -> list[Any]:
        fd = os.open(path, os.O_RDONLY)
        os.read(fd, 8192)
        os.close(fd)
        return []

    return take


def by_pydicom(**options: Any) -> Take:
    """pydicom.dcmread with ``options``."""
    import pydicom  # noqa: PLC0415

    read = pydicom.dcmread

    def take(path: str) -> list[Any]:
        ds = read(path, **options)
        return [
            ds.PatientName,
            ds.PatientID,
            ds.StudyInstanceUID,
            ds.SeriesInstanceUID,
            ds.SOPInstanceUID,
            ds.Modality,
            ds.StudyDate,
            ds.InstanceNumber,
            ds.ImagePositionPatient,
            ds.PixelSpacing,
            ds.Rows,
            ds.Columns,
        ]

    return take


def by_gdcm() -> Take:
    """GDCM's Python binding, values through its StringFilter."""
    import gdcm  # noqa: PLC0415

    tags = [gdcm.Tag(*tag) for tag in TAGS]

    def take(path: str) -> list[Any]:
        reader = gdcm.Reader()
        reader.SetFileName(path)
        if not reader.Read():
            raise RuntimeError(f"{path}: cannot be read")
        strings = gdcm.StringFilter()
        strings.SetFile(reader.GetFile())
        return [strings.ToString(tag) for tag in tags]

    return take


CONTESTANTS: dict[str, Callable[[], Take]] = {
    "kerma": by_kerma,
    "kerma-read": by_kerma_read,
    "open-and-read": by_open_and_read,
    "pydicom": by_pydicom,
    "pydicom-head": lambda: by_pydicom(stop_before_pixels=True),
    "pydicom-tags": lambda: by_pydicom(stop_before_pixels=True, specific_tags=list(KEYWORDS)),
    "gdcm": by_gdcm,
}


def walk(folder: str) -> Iterator[str]:
    """All files below ``folder``."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from walk(entry.path)
            else:
                yield entry.path


def as_text(value: Any) -> str:
    """A value as its text in the file, near enough to compare contestants."""
    if isinstance(value, tuple | list) or type(value).__name__ == "MultiValue":
        return "\\".join(as_text(item) for item in value)
    return str(getattr(value, "text", value)).rstrip(" \0")


def main(how: str, what: str, *rest: str) -> None:
    """Runs one contestant once."""
    take = CONTESTANTS[how]()
    if what == "values":
        print("|".join(as_text(value) for value in take(rest[0])))
        return
    count = 0
    gc.collect()
    before = time.perf_counter()
    if what == "loop":
        path = rest[1]
        for _ in range(int(rest[0])):
            take(path)
            count += 1
    else:
        for path in walk(rest[0]):
            take(path)
            count += 1
    print(f"{time.perf_counter() - before:.9f} {count}")


if __name__ == "__main__":
    main(*sys.argv[1:])
