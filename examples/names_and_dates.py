"""Write a data set with names in three scripts, dates from Python's own objects, and numbers that keep their digits.

    python examples/names_and_dates.py OUTPUT

and read it again, to see that it is the same.
"""

from __future__ import annotations

import datetime
import sys
import uuid
from decimal import Decimal

import kerma
from kerma.values import AS, DA, NameGroup, PersonName

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
TOKYO = datetime.timezone(datetime.timedelta(hours=9))


def build() -> kerma.Dataset:
    ds = kerma.Dataset()
    # What follows may hold any character: UTF-8. Without it only ASCII can be written.
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = SECONDARY_CAPTURE
    ds.SOPInstanceUID = f"2.25.{uuid.uuid4().int}"
    ds.StudyInstanceUID = f"2.25.{uuid.uuid4().int}"
    ds.SeriesInstanceUID = f"2.25.{uuid.uuid4().int}"

    ds.PatientName = PersonName.of(
        "Yamada", "Tarou", ideographic=NameGroup("山田", "太郎"), phonetic=NameGroup("やまだ", "たろう")
    )
    ds.OtherPatientNames = ["Yamada^T.", PersonName.of("Yamada", prefix="Dr.")]

    born, seen = datetime.date(1979, 2, 28), datetime.datetime(2026, 1, 31, 10, 15, 30, 250000)
    ds.PatientBirthDate = born
    ds.PatientAge = AS.between(born, seen)
    ds.StudyDate = seen  # its day
    ds.StudyTime = seen  # its time of day
    ds.AcquisitionDateTime = seen.replace(tzinfo=TOKYO)
    ds.PatientWeight = Decimal("71.50")
    ds.PatientSize = "1.80"
    return ds


def show(ds: kerma.Dataset) -> None:
    name = ds.PatientName
    assert name is not None
    sys.stdout.write(f"{name.family_name}, {name.given_name}; {name.ideographic.family_name}\n")
    assert ds.AcquisitionDateTime is not None
    moment = ds.AcquisitionDateTime.datetime()
    sys.stdout.write(f"{moment.isoformat()} is {moment.astimezone(datetime.UTC).isoformat()}\n")
    assert ds.PatientWeight is not None
    assert ds.PatientSize is not None
    sys.stdout.write(f"{ds.PatientWeight} kg, {ds.PatientSize.decimal * 100} cm, {ds.PatientAge}\n")
    # For a query: everything of that month.
    month = DA("202601")
    low, high = month.bounds
    sys.stdout.write(f"{month} is {low} to {high}; as a range {DA.between(low, high)}\n")


def main(path: str) -> None:
    ds = build()
    kerma.write(ds, path, transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN)
    again = kerma.read(path)
    show(again)
    if again != ds:
        sys.exit("what was read is not what was written")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/names_and_dates.py OUTPUT")
    main(sys.argv[1])
