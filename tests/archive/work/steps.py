"""Steps, worklist items and requests made to measure."""

from __future__ import annotations

from typing import Any

from kerma.dataset import Dataset


def code(value: str, meaning: str = "Something") -> Dataset:
    ds = Dataset()
    ds.CodeValue = value
    ds.CodingSchemeDesignator = "DCM"
    ds.CodeMeaning = meaning
    return ds


def make(**values: Any) -> Dataset:
    """A data set of keywords; None leaves one out."""
    ds = Dataset()
    for keyword, value in values.items():
        if value is not None:
            setattr(ds, keyword, value)
    return ds


def make_step(**values: Any) -> Dataset:
    """A step that may be created."""
    everything: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ScheduledProcedureStepPriority": "MEDIUM",
        "ProcedureStepLabel": "Lungenbefundung Übersicht",
        "WorklistLabel": "Reading",
        "ScheduledProcedureStepStartDateTime": "20260102101112",
        "InputReadinessState": "READY",
        "ProcedureStepState": "SCHEDULED",
        "PatientName": "Müller^Jürgen",
        "PatientID": "P1",
    }
    return make(**{**everything, **values})


def performed() -> Dataset:
    """What has to be said before a step may be COMPLETED."""
    done = make(
        PerformedStationNameCodeSequence=[code("STATION1")],
        PerformedProcedureStepStartDateTime="20260102101500",
        PerformedWorkitemCodeSequence=[code("110005", "Interpretation")],
        PerformedProcedureStepEndDateTime="20260102102000",
        OutputInformationSequence=[],
    )
    return make(UnifiedProcedureStepPerformedProcedureSequence=[done])


def discontinued() -> Dataset:
    """What has to be said before a step may be CANCELED."""
    why = make(
        ProcedureStepCancellationDateTime="20260102102000",
        ProcedureStepDiscontinuationReasonCodeSequence=[code("110501", "Equipment failure")],
        ReasonForCancellation="Röhre defekt",
    )
    return make(ProcedureStepProgressInformationSequence=[why])


def make_scheduled(number: int = 1, **values: Any) -> Dataset:
    """An item of the modality worklist; ``values`` that belong to the step go there."""
    step = {
        "Modality": "CT",
        "ScheduledStationAETitle": "CT1",
        "ScheduledProcedureStepStartDate": f"202601{number:02d}",
        "ScheduledProcedureStepStartTime": "1012",
        "ScheduledProcedureStepID": f"SPS{number}",
        "ScheduledProcedureStepStatus": "SCHEDULED",
    }
    top = {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "Müller^Jürgen",
        "PatientID": f"P{number}",
        "AccessionNumber": f"ACC{number}",
        "StudyInstanceUID": f"1.2.3.{number}",
        "RequestedProcedureID": f"RP{number}",
    }
    for keyword, value in values.items():
        (step if keyword in step else top)[keyword] = value
    return make(**top, ScheduledProcedureStepSequence=[make(**step)])


def make_mpps(number: int = 1, **values: Any) -> Dataset:
    """A performed procedure step that a modality creates."""
    scheduled = make(
        StudyInstanceUID=f"1.2.3.{number}",
        AccessionNumber=f"ACC{number}",
        ScheduledProcedureStepID=f"SPS{number}",
    )
    everything: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "Müller^Jürgen",
        "PatientID": f"P{number}",
        "ScheduledStepAttributesSequence": [scheduled],
        "PerformedProcedureStepID": "PPS1",
        "PerformedStationAETitle": "CT1",
        "PerformedProcedureStepStartDate": "20260102",
        "PerformedProcedureStepStartTime": "101112",
        "PerformedProcedureStepStatus": "IN PROGRESS",
        "Modality": "CT",
    }
    return make(**{**everything, **values})


def mpps_end(state: str = "COMPLETED") -> Dataset:
    """How it ends."""
    series = make(ProtocolName="Thorax", SeriesInstanceUID="1.2.3.4.5")
    return make(
        PerformedProcedureStepStatus=state,
        PerformedProcedureStepEndDate="20260102",
        PerformedProcedureStepEndTime="102000",
        PerformedSeriesSequence=[series],
    )
