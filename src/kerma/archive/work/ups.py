"""Unified Procedure Steps: the states, the attributes and the events as tables and pure functions (PS3.4 CC).

Nothing here reads a clock, knows a table or waits: a function takes a step as it is and gives it as it will be, with
what has to be told. The statuses are those of PS3.4 CC.2; a ``StatusError`` changes nothing.

Rules:

- The Transaction UID is the lock of a claimed step (CC.2.1): it is beside the data set, never in it.
- The table CC.2.5-3 is ``ATTRIBUTES``. Where the user may leave out an attribute of type 2, it is supplied empty and
  the status says "with modifications".
- A cancelled SCHEDULED step goes by way of IN PROGRESS (CC.2.2.3), and both are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kerma.archive.work.requirements import (
    INVALID_VALUE,
    RequirementTable,
    check_create,
    check_update,
    check_values,
    items,
    text_of,
    unmet,
)
from kerma.dataset import Dataset
from kerma.errors import StatusError
from kerma.formats.json import from_json, to_json_object
from kerma.standard import elements

SOP_CLASS = "1.2.840.10008.5.1.4.34.6.1"
"""Unified Procedure Step - Push: every step is an instance of it (CC.3.1)."""
WORKLIST = "1.2.840.10008.5.1.4.34.5"
"""UPS Global Subscription SOP Instance."""
FILTERED_WORKLIST = "1.2.840.10008.5.1.4.34.5.1"
"""UPS Filtered Global Subscription SOP Instance."""

SCHEDULED, IN_PROGRESS, COMPLETED, CANCELED = "SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED"
FINAL = frozenset((COMPLETED, CANCELED))

SUCCESS = 0x0000
CREATED_WITH_MODIFICATIONS = 0xB300
ALREADY_CANCELED = 0xB304
ALREADY_COMPLETED = 0xB306
NO_LONGER_UPDATED = 0xC300
WRONG_TRANSACTION = 0xC301
ALREADY_IN_PROGRESS = 0xC302
NOT_TO_SCHEDULED = 0xC303
FINAL_STATE_UNMET = 0xC304
NO_SUCH_STEP = 0xC307
NOT_SCHEDULED = 0xC309
NOT_IN_PROGRESS = 0xC310
CANCEL_OF_COMPLETED = 0xC311
NOBODY_TO_CANCEL = 0xC312
NOT_APPROPRIATE = 0xC314

TRANSITIONS: Mapping[tuple[str, str], str | int] = {
    (SCHEDULED, SCHEDULED): NOT_TO_SCHEDULED,
    (SCHEDULED, IN_PROGRESS): NOT_TO_SCHEDULED,
    (SCHEDULED, COMPLETED): NOT_TO_SCHEDULED,
    (SCHEDULED, CANCELED): NOT_TO_SCHEDULED,
    (IN_PROGRESS, SCHEDULED): IN_PROGRESS,
    (IN_PROGRESS, IN_PROGRESS): ALREADY_IN_PROGRESS,
    (IN_PROGRESS, COMPLETED): NO_LONGER_UPDATED,
    (IN_PROGRESS, CANCELED): NO_LONGER_UPDATED,
    (COMPLETED, SCHEDULED): NOT_IN_PROGRESS,
    (COMPLETED, IN_PROGRESS): COMPLETED,
    (COMPLETED, COMPLETED): ALREADY_COMPLETED,
    (COMPLETED, CANCELED): NO_LONGER_UPDATED,
    (CANCELED, SCHEDULED): NOT_IN_PROGRESS,
    (CANCELED, IN_PROGRESS): CANCELED,
    (CANCELED, COMPLETED): NO_LONGER_UPDATED,
    (CANCELED, CANCELED): ALREADY_CANCELED,
}
"""Table CC.1.1-2: (what is asked for, what the step is in) -> the state that follows, or a status. The rows without the
right Transaction UID are one rule: C301.
"""

ATTRIBUTES = RequirementTable("""
TransactionUID                                                                          E - O
SOPClassUID                                                                             3 - R
SOPInstanceUID                                                                          3 - R
ScheduledProcedureStepPriority                                                          1 1 R
ScheduledProcedureStepModificationDateTime                                              3 3 R
ProcedureStepLabel                                                                      1 1 O
WorklistLabel                                                                           3 1 O
ScheduledProcessingParametersSequence                                                   2 2 O
ScheduledStationNameCodeSequence                                                        2 2 O
ScheduledStationClassCodeSequence                                                       2 2 O
ScheduledStationGeographicLocationCodeSequence                                          2 2 O
ScheduledHumanPerformersSequence                                                        2C 2 O
ScheduledHumanPerformersSequence.HumanPerformerCodeSequence                             1 1 O
ScheduledHumanPerformersSequence.HumanPerformerName                                     1 1 O
ScheduledHumanPerformersSequence.HumanPerformerOrganization                             1 1 O
ScheduledProcedureStepStartDateTime                                                     1 1 R
ExpectedCompletionDateTime                                                              3 1 O
ScheduledProcedureStepExpirationDateTime                                                3 3 O
ScheduledWorkitemCodeSequence                                                           2 1 O
CommentsOnTheScheduledProcedureStep                                                     2 1 O
InputReadinessState                                                                     1 1 R
InputInformationSequence                                                                2 2 O
StudyInstanceUID                                                                        2 2 O
PatientName                                                                             2 - O
PatientID                                                                               2 - O
IssuerOfPatientID                                                                       2 - O
IssuerOfPatientIDQualifiersSequence                                                     2 - O
OtherPatientIDsSequence                                                                 2 3 O
OtherPatientIDsSequence.PatientID                                                       1 1 O
PatientBirthDate                                                                        2 - O
PatientSex                                                                              2 - O
AdmissionID                                                                             2 - O
IssuerOfAdmissionIDSequence                                                             2 - O
AdmittingDiagnosesDescription                                                           2 - O
AdmittingDiagnosesCodeSequence                                                          2 - O
ReferencedRequestSequence                                                               2 - O
ReferencedRequestSequence.StudyInstanceUID                                              1 - O
ReplacedProcedureStepSequence                                                           1C - O
ReplacedProcedureStepSequence.ReferencedSOPClassUID                                     1 - O
ReplacedProcedureStepSequence.ReferencedSOPInstanceUID                                  1 - O
ProcedureStepState                                                                      1 - R
ProcedureStepProgressInformationSequence                                                E 2 X
ProcedureStepProgressInformationSequence.ProcedureStepCancellationDateTime              - 3 X
ProcedureStepProgressInformationSequence.ProcedureStepDiscontinuationReasonCodeSequence - 3 X
UnifiedProcedureStepPerformedProcedureSequence                                          E 2 P
UnifiedProcedureStepPerformedProcedureSequence.PerformedStationNameCodeSequence         - 2 P
UnifiedProcedureStepPerformedProcedureSequence.PerformedProcedureStepStartDateTime      - 3 P
UnifiedProcedureStepPerformedProcedureSequence.PerformedWorkitemCodeSequence            - 3 P
UnifiedProcedureStepPerformedProcedureSequence.PerformedProcedureStepEndDateTime        - 3 P
UnifiedProcedureStepPerformedProcedureSequence.OutputInformationSequence                - 2 P2
""")
"""Table CC.2.5-3, without what is optional everywhere."""

_VALUES = {
    "ScheduledProcedureStepPriority": ("HIGH", "MEDIUM", "LOW"),
    "InputReadinessState": ("INCOMPLETE", "UNAVAILABLE", "READY"),
}
DEFAULT_LABEL = "DEFAULT"
"""Worklist Label of a step that was created without one: the provider has to give it one (type 2/1)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its attributes, without the lock; the lock."""

    ds: Dataset
    transaction_uid: str | None = None

    @property
    def state(self) -> str:
        return text_of(self.ds, "ProcedureStepState")


@dataclass(frozen=True, slots=True)
class Event:
    """What subscribers are told: an event type of table CC.2.4-1 and its information."""

    kind: int
    information: Dataset


STATE_REPORT, CANCEL_REQUESTED, PROGRESS_REPORT, SCP_STATUS_CHANGE, ASSIGNED = 1, 2, 3, 4, 5

_INFORMATION = {
    STATE_REPORT: ("ProcedureStepState", "InputReadinessState"),
    CANCEL_REQUESTED: (
        "ReasonForCancellation",
        "ProcedureStepDiscontinuationReasonCodeSequence",
        "ContactURI",
        "ContactDisplayName",
    ),
    PROGRESS_REPORT: ("ProcedureStepProgressInformationSequence",),
    ASSIGNED: ("ScheduledStationNameCodeSequence", "ScheduledHumanPerformersSequence"),
}
_WHY = ("ReasonForCancellation", "ProcedureStepDiscontinuationReasonCodeSequence")


@dataclass(frozen=True, slots=True)
class Change:
    """What comes of a request: the step as it is then, the status, what subscribers are told."""

    step: Step
    status: int = SUCCESS
    events: tuple[Event, ...] = ()


def created(ds: Dataset, uid: str, now: str) -> Change:
    """A new step (N-CREATE, CC.2.5); ``now`` is a DT."""
    lacking = check_create(ds, ATTRIBUTES)
    check_values(ds, _VALUES)
    if text_of(ds, "ProcedureStepState") != SCHEDULED:
        raise StatusError("Procedure Step State is not SCHEDULED", status=NOT_SCHEDULED)
    model = _of_step(ds)
    lacking = [tag for tag in lacking if tag != elements.KEYWORD_TO_TAG["TransactionUID"]]
    for tag in lacking:
        model[f"{tag:08X}"] = {"vr": elements.vr_of(tag)}
    if not text_of(ds, "WorklistLabel"):
        lacking.append(elements.KEYWORD_TO_TAG["WorklistLabel"])
        _put(model, "WorklistLabel", "LO", DEFAULT_LABEL)
    _put(model, "SOPClassUID", "UI", SOP_CLASS)
    _put(model, "SOPInstanceUID", "UI", uid)
    _put(model, "ScheduledProcedureStepModificationDateTime", "DT", now)
    step = Step(from_json(model))
    events = (state_report(step), *_assigned(step.ds, step.ds))
    return Change(step, CREATED_WITH_MODIFICATIONS if lacking else SUCCESS, events)


def updated(step: Step, changes: Dataset, transaction_uid: str | None, now: str) -> Change:
    """A step with other attributes (N-SET, CC.2.6)."""
    if step.state in FINAL:
        raise StatusError(f"the step is {step.state}", status=NO_LONGER_UPDATED)
    if step.state == SCHEDULED and transaction_uid:
        raise StatusError("the step is not claimed: it has no Transaction UID", status=NOT_IN_PROGRESS)
    if step.state == IN_PROGRESS:
        _unlock(step, transaction_uid)
    check_update(changes, ATTRIBUTES)
    check_values(changes, _VALUES)
    model, fresh = _model(step.ds), _of_step(changes)
    fresh.pop("00080005", None)
    model.update(fresh)
    _put(model, "ScheduledProcedureStepModificationDateTime", "DT", now)
    after = Step(from_json(model), step.transaction_uid)
    events: list[Event] = []
    if text_of(after.ds, "InputReadinessState") != text_of(step.ds, "InputReadinessState"):
        events.append(state_report(after))
    if "ProcedureStepProgressInformationSequence" in changes:
        events.append(_event(PROGRESS_REPORT, after.ds))
    events.extend(_assigned(after.ds, changes))
    return Change(after, SUCCESS, tuple(events))


def changed_state(step: Step, requested: str, transaction_uid: str | None, now: str) -> Change:
    """A step in another state (N-ACTION "Change UPS State", CC.2.1)."""
    if (requested, step.state) not in TRANSITIONS:
        raise StatusError("Procedure Step State is none that the standard knows", status=INVALID_VALUE)
    if not transaction_uid:
        raise StatusError("the Transaction UID is missing", status=WRONG_TRANSACTION)
    if step.transaction_uid is not None:
        _unlock(step, transaction_uid)
    follows = TRANSITIONS[requested, step.state]
    if isinstance(follows, int):
        if follows < NO_LONGER_UPDATED:
            return Change(step, follows)
        raise StatusError(f"a step that is {step.state} cannot become {requested}", status=follows)
    ds = _with_cancellation_time(step.ds, now) if follows == CANCELED else step.ds
    if follows in FINAL:
        _demand_final(ds, follows)
    after = _in_state(ds, follows, transaction_uid, now)
    return Change(after, SUCCESS, (state_report(after),))


def cancel_requested(step: Step, information: Dataset, requesting_aet: str, subscribed: bool, now: str) -> Change:
    """What comes of a request to cancel by somebody who does not own the step (N-ACTION "Request UPS Cancel", CC.2.2).

    ``subscribed`` says whether anybody would hear of it.
    """
    if step.state == CANCELED:
        return Change(step, ALREADY_CANCELED)
    if step.state == COMPLETED:
        raise StatusError("the step is already COMPLETED", status=CANCEL_OF_COMPLETED)
    if step.state == IN_PROGRESS:
        if not subscribed:
            raise StatusError("nobody is subscribed who could cancel the step", status=NOBODY_TO_CANCEL)
        told = _event(CANCEL_REQUESTED, information)
        told.information.add("RequestingAE", "AE", requesting_aet)
        return Change(step, SUCCESS, (told,))
    begun = _in_state(step.ds, IN_PROGRESS, None, now)
    model = _model(begun.ds)
    model["00741002"] = {"vr": "SQ", "Value": [_cancellation(step.ds, information, now)]}
    ended = _in_state(from_json(model), CANCELED, None, now)
    return Change(ended, SUCCESS, (state_report(begun), state_report(ended)))


def state_report(step: Step) -> Event:
    """The UPS State Report of a step as it is."""
    told = Dataset()
    for keyword in _INFORMATION[STATE_REPORT]:
        told.add(keyword, "CS", text_of(step.ds, keyword) or None)
    progress = items(step.ds, elements.KEYWORD_TO_TAG["ProcedureStepProgressInformationSequence"])
    if not any(keyword in progress[0] for keyword in _WHY if progress):
        return Event(STATE_REPORT, told)
    why = _model(progress[0])
    tags = [f"{elements.KEYWORD_TO_TAG[keyword]:08X}" for keyword in _WHY]
    return Event(STATE_REPORT, from_json(_model(told) | {tag: why[tag] for tag in tags if tag in why}))


def scp_status(status: str, list_status: str, steps_status: str) -> Event:
    """The SCP Status Change event (CC.2.4.1): of the provider itself, the subscription list, the steps."""
    ds = Dataset()
    ds.add("SCPStatus", "CS", status)
    ds.add("SubscriptionListStatus", "CS", list_status)
    ds.add("UnifiedProcedureStepListStatus", "CS", steps_status)
    return Event(SCP_STATUS_CHANGE, ds)


# -- parts -------------------------------------------------------------------------------------------------------------


def _unlock(step: Step, transaction_uid: str | None) -> None:
    if not transaction_uid:
        raise StatusError("the Transaction UID is missing", status=WRONG_TRANSACTION)
    if transaction_uid != step.transaction_uid:
        raise StatusError("the Transaction UID is incorrect", status=WRONG_TRANSACTION)


def _demand_final(ds: Dataset, state: str) -> None:
    lacking = unmet(ds, ATTRIBUTES, "RP" if state == COMPLETED else "RX")
    if lacking:
        raise StatusError(f"to be {state} the step lacks {', '.join(lacking)}", status=FINAL_STATE_UNMET)


def _with_cancellation_time(ds: Dataset, now: str) -> Dataset:
    """Where the performer did not say when it was cancelled, the provider does (remark in CC.2.5-3)."""
    progress = items(ds, elements.KEYWORD_TO_TAG["ProcedureStepProgressInformationSequence"])
    if progress and text_of(progress[0], "ProcedureStepCancellationDateTime"):
        return ds
    item = _model(progress[0]) if progress else {}
    _put(item, "ProcedureStepCancellationDateTime", "DT", now)
    return from_json(_model(ds) | {"00741002": {"vr": "SQ", "Value": [dict(sorted(item.items()))]}})


def _in_state(ds: Dataset, state: str, transaction_uid: str | None, now: str) -> Step:
    model = _model(ds)
    _put(model, "ProcedureStepState", "CS", state)
    _put(model, "ScheduledProcedureStepModificationDateTime", "DT", now)
    return Step(from_json(model), transaction_uid)


def _cancellation(ds: Dataset, information: Dataset, now: str) -> dict[str, object]:
    """The item of Procedure Step Progress Information that the final state CANCELED asks for."""
    held = items(ds, elements.KEYWORD_TO_TAG["ProcedureStepProgressInformationSequence"])
    item = _model(held[0]) if held else {}
    given = _model(information)
    for keyword in _WHY:
        tag = f"{elements.KEYWORD_TO_TAG[keyword]:08X}"
        if "Value" in given.get(tag, {}):
            item[tag] = given[tag]
    contact = {tag: given[tag] for tag in ("0074100A", "0074100C") if "Value" in given.get(tag, {})}
    if "0074100A" in contact:
        item["00741008"] = {"vr": "SQ", "Value": [contact]}
    item.setdefault("0074100E", {"vr": "SQ", "Value": [_UNSPECIFIED]})
    _put(item, "ProcedureStepCancellationDateTime", "DT", now)
    return dict(sorted(item.items()))


_UNSPECIFIED = {
    "00080100": {"vr": "SH", "Value": ["110513"]},
    "00080102": {"vr": "SH", "Value": ["DCM"]},
    "00080104": {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
}
"""CID 9300 (PS3.16)."""


def _assigned(ds: Dataset, changes: Dataset) -> list[Event]:
    """UPS Assigned, where a station or a performer was named."""
    tags = [elements.KEYWORD_TO_TAG[keyword] for keyword in _INFORMATION[ASSIGNED]]
    return [_event(ASSIGNED, ds)] if any(items(changes, tag) for tag in tags) else []


def _event(kind: int, ds: Dataset) -> Event:
    """An event with those attributes of ``ds`` that table CC.2.4-1 names."""
    model = _model(ds)
    tags = [f"{elements.KEYWORD_TO_TAG[keyword]:08X}" for keyword in _INFORMATION[kind]]
    return Event(kind, from_json({tag: model[tag] for tag in sorted(tags) if tag in model}))


def _model(ds: Dataset) -> dict[str, dict[str, object]]:
    """The DICOM JSON model: data sets of different character sets are merged in it."""
    return to_json_object(ds)


def _of_step(ds: Dataset) -> dict[str, dict[str, object]]:
    """What of a request belongs into a step: no command group, no file meta information, no lock."""
    return {tag: value for tag, value in _model(ds).items() if tag >= "00080000" and tag != "00081195"}


def _put(model: dict[str, dict[str, object]], keyword: str, vr: str, value: str) -> None:
    model[f"{elements.KEYWORD_TO_TAG[keyword]:08X}"] = {"vr": vr, "Value": [value]}
