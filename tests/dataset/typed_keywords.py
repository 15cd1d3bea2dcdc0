"""What type checkers must say of keywords: read by mypy and pyright, never run.

Every line without a comment must be right; every ignored one must be an error (both report an ignore without one).
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, assert_type

import kerma
from kerma.values import AS, DA, DS, DT, IS, TM, UID, PersonName


def read(ds: kerma.Dataset) -> None:
    assert_type(ds.PatientName, PersonName | None)
    assert_type(ds.OtherPatientNames, PersonName | tuple[PersonName, ...] | None)
    assert_type(ds.PatientID, str | None)
    assert_type(ds.PatientAge, AS | None)
    assert_type(ds.StudyDate, DA | None)
    assert_type(ds.StudyTime, TM | None)
    assert_type(ds.AcquisitionDateTime, DT | None)
    assert_type(ds.SOPInstanceUID, UID | None)
    assert_type(ds.ImageType, tuple[str, ...] | None)
    assert_type(ds.InstanceNumber, IS | None)
    assert_type(ds.SliceThickness, DS | None)
    assert_type(ds.PixelSpacing, tuple[DS, DS] | None)
    assert_type(ds.ImagePositionPatient, tuple[DS, DS, DS] | None)
    assert_type(ds.WindowCenter, DS | tuple[DS, ...] | None)
    assert_type(ds.Rows, int | None)
    assert_type(ds.SmallestImagePixelValue, int | None)
    assert_type(ds.DiffusionBValue, float | None)
    assert_type(ds.FrameIncrementPointer, int | tuple[int, ...] | None)
    assert_type(ds.PixelData, memoryview | None)
    assert_type(ds.LUTData, int | tuple[int, ...] | memoryview | None)
    assert_type(ds.ReferencedStudySequence, kerma.Sequence)
    assert_type(ds.ReferencedStudySequence[0].ReferencedSOPClassUID, UID | None)
    assert_type(ds.meta, kerma.Dataset | None)
    assert_type(ds["PatientName"].value, Any)
    _ = ds.PatientNmae  # type: ignore[attr-defined]  # pyright: ignore


def assign(ds: kerma.Dataset) -> None:
    ds.PatientName = PersonName.of("Doe", "Jane")
    ds.PatientName = "Doe^Jane"
    ds.StudyDate = datetime.date(2026, 1, 31)
    ds.StudyTime = datetime.datetime(2026, 1, 31, 10, 15)
    ds.StudyTime = "1015"
    ds.AcquisitionDateTime = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
    ds.SliceThickness = Decimal("1.50")
    ds.SliceThickness = 1
    ds.InstanceNumber = 3
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PixelSpacing = (0.5, "0.50")
    ds.WindowCenter = 40
    ds.FrameIncrementPointer = "FrameTime"
    ds.PixelData = bytearray(8)
    ds.PixelData = memoryview(b"12")
    ds.ReferencedStudySequence = [kerma.Dataset()]
    ds.PatientID = None
    del ds.PatientID
    ds.PatientID = 5  # type: ignore[assignment]  # pyright: ignore
    ds.PatientID = ["A", "B"]  # type: ignore[assignment]  # pyright: ignore
    ds.StudyDate = datetime.time(10)  # type: ignore[assignment]  # pyright: ignore
    ds.Rows = "512"  # type: ignore[assignment]  # pyright: ignore
    ds.PixelData = "text"  # type: ignore[assignment]  # pyright: ignore
    ds.ReferencedStudySequence = ["no data set"]  # type: ignore[list-item]  # pyright: ignore
    ds.PatientNmae = "X"  # type: ignore[attr-defined]  # pyright: ignore


def compare(ds: kerma.Dataset) -> bool:
    """Values and plain Python compare without complaint."""
    return ds.PatientWeight == 71 or ds.PatientName == "Doe^Jane" or ds.StudyDate == "20260131" or ds.Rows == 512
