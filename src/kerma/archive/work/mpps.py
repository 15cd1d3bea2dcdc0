"""Modality Performed Procedure Steps: the attributes as a table, the rules as pure functions (PS3.4 F.7).

Rules:

- A step begins IN PROGRESS and ends COMPLETED or DISCONTINUED; then nothing of it changes any more.
- Where the modality leaves out an attribute of type 2 at N-CREATE, it is supplied empty.
"""

from __future__ import annotations

from typing import Any

from kerma.archive.work.requirements import (
    INVALID_VALUE,
    RequirementTable,
    check_create,
    check_update,
    text_of,
    unmet,
)
from kerma.dataset import Dataset
from kerma.errors import StatusError
from kerma.formats.json import from_json, to_json_object
from kerma.standard import elements

SOP_CLASS = "1.2.840.10008.3.1.2.3.3"
"""Modality Performed Procedure Step."""

IN_PROGRESS, COMPLETED, DISCONTINUED = "IN PROGRESS", "COMPLETED", "DISCONTINUED"
FINAL = frozenset((COMPLETED, DISCONTINUED))
STATES = (IN_PROGRESS, COMPLETED, DISCONTINUED)

NO_LONGER_UPDATED = 0x0110
"""Processing failure, with Error ID A710: Performed Procedure Step Object may no longer be updated."""
MISSING_FINAL_VALUE = 0x0121

ATTRIBUTES = RequirementTable("""
SOPClassUID                                                    3 - O
SOPInstanceUID                                                 3 - O
ScheduledStepAttributesSequence                                1 - O
ScheduledStepAttributesSequence.StudyInstanceUID               1 - O
PatientName                                                    2 - O
PatientID                                                      2 - O
IssuerOfPatientID                                              3 - O
OtherPatientIDsSequence                                        3 - O
PatientBirthDate                                               2 - O
PatientSex                                                     2 - O
ReferencedPatientSequence                                      2 - O
AdmissionID                                                    3 - O
ServiceEpisodeID                                               3 - O
PerformedProcedureStepID                                       1 - R
PerformedStationAETitle                                        1 - R
PerformedStationName                                           2 - O
PerformedLocation                                              2 - O
PerformedProcedureStepStartDate                                1 - R
PerformedProcedureStepStartTime                                1 - R
PerformedProcedureStepStatus                                   1 3 R
PerformedProcedureStepDescription                              2 2 O
PerformedProcedureTypeDescription                              2 2 O
ProcedureCodeSequence                                          2 2 O
PerformedProcedureStepEndDate                                  2 1 R
PerformedProcedureStepEndTime                                  2 1 R
Modality                                                       1 - R
StudyID                                                        2 - O
PerformedProtocolCodeSequence                                  2 2 O
PerformedSeriesSequence                                        2 1 R
PerformedSeriesSequence.ProtocolName                           1 1 R
PerformedSeriesSequence.SeriesInstanceUID                      1 1 R
""")
"""Table F.7.2-1, without what is optional everywhere."""


def created(ds: Dataset, uid: str) -> Dataset:
    """A new step (N-CREATE, F.7.2.1). ``StatusError``."""
    lacking = check_create(ds, ATTRIBUTES)
    if text_of(ds, "PerformedProcedureStepStatus") != IN_PROGRESS:
        raise StatusError("Performed Procedure Step Status is not IN PROGRESS", status=INVALID_VALUE)
    model = _of_step(ds)
    for tag in lacking:
        model[f"{tag:08X}"] = {"vr": elements.vr_of(tag)}
    model["00080016"] = {"vr": "UI", "Value": [SOP_CLASS]}
    model["00080018"] = {"vr": "UI", "Value": [uid]}
    return from_json(model)


def updated(step: Dataset, changes: Dataset) -> Dataset:
    """A step with other attributes (N-SET, F.7.2.2). ``StatusError``."""
    if text_of(step, "PerformedProcedureStepStatus") in FINAL:
        raise StatusError("the step has ended and may no longer be updated", status=NO_LONGER_UPDATED)
    check_update(changes, ATTRIBUTES)
    state = text_of(changes, "PerformedProcedureStepStatus")
    if state and state not in STATES:
        raise StatusError(f"Performed Procedure Step Status is none of {', '.join(STATES)}", status=INVALID_VALUE)
    model, fresh = to_json_object(step), _of_step(changes)
    fresh.pop("00080005", None)
    model.update(fresh)
    after = from_json(model)
    if state in FINAL:
        lacking = unmet(after, ATTRIBUTES, "R")
        if lacking:
            raise StatusError(f"to be {state} the step lacks {', '.join(lacking)}", status=MISSING_FINAL_VALUE)
    return after


def _of_step(ds: Dataset) -> dict[str, Any]:
    """What of a request belongs into a step: no command group, no file meta information."""
    return {tag: value for tag, value in to_json_object(ds).items() if tag >= "00080000"}
