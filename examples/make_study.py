"""Write a small synthetic CT study with Kerma alone: one patient, two series of a water phantom, 12 images each.

    python examples/make_study.py FOLDER

Every image is 128 by 128 pixels of 16 bits in Hounsfield units. Nothing in it comes from a person.
"""

from __future__ import annotations

import math
import sys
import uuid
from array import array
from pathlib import Path

import kerma

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
SIZE, IMAGES = 128, 12
AIR, WATER, BONE = -1000, 0, 900


def new_uid() -> str:
    """A UID that nobody else has (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def phantom(z: float, contrast: int) -> bytes:
    """One slice of a ball of water with a rod of bone off its centre; ``z`` runs from -1 to 1 through the ball."""
    pixels = array("h")
    for row in range(SIZE):
        y = 2 * row / (SIZE - 1) - 1
        for column in range(SIZE):
            x = 2 * column / (SIZE - 1) - 1
            if math.hypot(x - 0.3, y - 0.2) < 0.12:
                value = BONE
            elif x * x + y * y + z * z < 0.8:
                value = WATER + contrast
            else:
                value = AIR
            pixels.append(value)
    if sys.byteorder == "big":
        pixels.byteswap()
    return pixels.tobytes()


def image(study: str, series: str, series_number: int, number: int) -> kerma.Dataset:
    """One CT image."""
    position = 2 * (number - 1) / (IMAGES - 1) - 1
    ds = kerma.Dataset()
    ds.SOPClassUID = CT_IMAGE_STORAGE
    ds.SOPInstanceUID = new_uid()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = "20260131"
    ds.StudyTime = ds.ContentTime = "101500"
    ds.AccessionNumber = "A-0001"
    ds.Modality = "CT"
    ds.Manufacturer = "Kerma"
    ds.ReferringPhysicianName = "Doe^Jane"
    ds.StudyDescription = "Water phantom"
    ds.SeriesDescription = ["plain", "with contrast"][series_number - 1]
    ds.PatientName = "Phantom^Water"
    ds.PatientID = "PHANTOM-1"
    ds.PatientBirthDate = "20000101"
    ds.PatientSex = "O"
    ds.SliceThickness = "1.0"
    ds.KVP = "120"
    ds.StudyInstanceUID = study
    ds.SeriesInstanceUID = series
    ds.StudyID = "1"
    ds.SeriesNumber = str(series_number)
    ds.InstanceNumber = str(number)
    ds.ImagePositionPatient = ["-64", "-64", f"{number - 1}"]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.FrameOfReferenceUID = study
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = SIZE
    ds.PixelSpacing = ["1", "1"]
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 1
    ds.RescaleIntercept = "0"
    ds.RescaleSlope = "1"
    ds.add("PixelData", "OW", phantom(position, 60 * (series_number - 1)))
    return ds


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    study = new_uid()
    for series_number in (1, 2):
        series = new_uid()
        for number in range(1, IMAGES + 1):
            ds = image(study, series, series_number, number)
            path = folder / f"{series_number}-{number:02}.dcm"
            kerma.write(ds, path, transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN)
    sys.stdout.write(f"{2 * IMAGES} images in {folder}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/make_study.py FOLDER")
    main(Path(sys.argv[1]))
