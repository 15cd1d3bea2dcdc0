"""Print what a person wants to know of a DICOM file: who, when, what, in Python's own types.

    python examples/read_header.py FILE...

Nothing is decoded but what is printed, so it is as quick for a file of gigabytes.
"""

from __future__ import annotations

import sys

import kerma


def person(ds: kerma.Dataset) -> str:
    """The patient's name as people write it, and the age."""
    name = ds.PatientName if "PatientName" in ds else None
    parts = [name.prefix, name.given_name, name.middle_name, name.family_name, name.suffix] if name else []
    text = " ".join(part for part in parts if part) or "nobody"
    born, taken = ds.get("PatientBirthDate"), ds.get("StudyDate")
    if born and taken and born.precision == taken.precision == "day":
        years = (taken.date() - born.date()).days // 365.2425
        text += f", {years:.0f} years"
    return text


def moment(ds: kerma.Dataset) -> str:
    """When the study was made; what is missing of it is left out."""
    day = ds.StudyDate if "StudyDate" in ds else None
    time = ds.StudyTime if "StudyTime" in ds else None
    if not day or not day.valid:
        return "undated"
    if day.precision != "day" or not time or not time.valid:
        return str(day)
    return day.at(time, ds.get("TimezoneOffsetFromUTC")).isoformat(sep=" ")


def picture(ds: kerma.Dataset) -> str:
    """Size and spacing; a data set without an image has neither."""
    if "Rows" not in ds or "Columns" not in ds:
        return "no image"
    text = f"{ds.Columns} x {ds.Rows}"
    if "PixelSpacing" in ds and ds.PixelSpacing is not None:
        down, across = ds.PixelSpacing
        text += f", {across} mm x {down} mm"  # as the file has them, to the digit
    return text


def main(paths: list[str]) -> None:
    for path in paths:
        ds = kerma.read(path)
        kind = "" if "SOPClassUID" not in ds or ds.SOPClassUID is None else ds.SOPClassUID.name
        sys.stdout.write(f"{path}: {person(ds)}; {moment(ds)}; {kind}; {picture(ds)}\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python examples/read_header.py FILE...")
    try:
        main(sys.argv[1:])
    except (kerma.KermaError, OSError) as error:
        sys.exit(str(error))
