"""The answer to a store: what became of each instance, as a data set and a status (PS3.18 10.5.3, I.2).

Rules:

- An instance that was stored is in Referenced SOP Sequence, one that was not is in Failed SOP Sequence with its
  reason; what cannot be told by its UIDs is counted in Other Failures Sequence. An empty sequence is not there.
- 200 all stored, 202 some of them, 409 none; 507 with Retry-After where there was no room for any, 415 where nothing
  was of a type that is taken.
- Failure Reason (0008,1197) is a status of C-STORE (PS3.4 B.2.3, PS3.7 C), so that both front doors say the same.
- The data set names UIDs and numbers, nothing of a patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kerma.dataset import Dataset
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.uris import Templates
from kerma.errors import (
    AccessError,
    FormatError,
    InvalidInstanceError,
    OutOfResourcesError,
    UnsupportedSyntaxError,
    UsageError,
    ValueEncodeError,
    WrongStudyError,
)
from kerma.formats.json import json_pieces
from kerma.formats.xml import xml_pieces

OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
WRONG_STUDY = 0xA901
CANNOT_UNDERSTAND = 0xC000
SYNTAX_NOT_SUPPORTED = 0xC122
PROCESSING_FAILURE = 0x0110
DUPLICATE_INSTANCE = 0x0111
SOP_CLASS_NOT_SUPPORTED = 0x0122
NOT_AUTHORIZED = 0x0124

RETRY_AFTER = 30
"""Seconds after which it is worth trying again where there was no room."""


class RefusedClassError(InvalidInstanceError):
    """The SOP class is none that is stored: a DICOMDIR, a print job, a work item."""


class RefusedTypeError(InvalidInstanceError):
    """A part is of a media type that says that it is no instance."""


_REASONS: tuple[tuple[type[BaseException], int], ...] = (
    (OutOfResourcesError, OUT_OF_RESOURCES),
    (AccessError, NOT_AUTHORIZED),
    (RefusedClassError, SOP_CLASS_NOT_SUPPORTED),
    (WrongStudyError, WRONG_STUDY),
    (UnsupportedSyntaxError, SYNTAX_NOT_SUPPORTED),
    (InvalidInstanceError, CANNOT_UNDERSTAND),
    (FormatError, CANNOT_UNDERSTAND),
    (ValueEncodeError, CANNOT_UNDERSTAND),
    (UsageError, CANNOT_UNDERSTAND),
    (HTTPProblem, CANNOT_UNDERSTAND),
)
"""The first row that fits; what is in none of them is a processing failure."""


def reason_of(error: BaseException) -> int:
    """The Failure Reason of an error."""
    if isinstance(error, InvalidInstanceError):
        if isinstance(error.__cause__, UnsupportedSyntaxError):
            return SYNTAX_NOT_SUPPORTED
        if error.mismatch and not isinstance(error, WrongStudyError):
            return MISMATCH
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), PROCESSING_FAILURE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one instance. ``failure`` is 0 where it is stored; UIDs are empty where they are not known."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    failure: int = 0
    warning: int = 0
    unsupported_type: bool = False


@dataclass(slots=True)
class Report:
    """What became of all of them. ``study`` is the study that the request was for."""

    templates: Templates
    study: str = ""
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    @property
    def stored(self) -> list[Outcome]:
        return [one for one in self.outcomes if not one.failure]

    @property
    def failed(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.failure]

    @property
    def status(self) -> int:
        """The status of the answer (PS3.18 table 10.5.3-1)."""
        failed = self.failed
        if self.stored:
            return 202 if failed or any(one.warning for one in self.outcomes) else 200
        if failed and all(one.failure == OUT_OF_RESOURCES for one in failed):
            return 507
        if failed and all(one.unsupported_type for one in failed):
            return 415
        return 409

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(RETRY_AFTER)} if self.status == 507 else {}

    def dataset(self) -> Dataset:
        """The Store Instances Response Module (PS3.18 table I.2-1)."""
        out = Dataset()
        studies = {one.study_instance_uid for one in self.stored if one.study_instance_uid}
        study = self.study or (studies.pop() if len(studies) == 1 else "")
        out.add("RetrieveURL", "UR", self.templates.study(study) if study else None)
        named = [one for one in self.failed if one.sop_class_uid and one.sop_instance_uid]
        others = [one for one in self.failed if not (one.sop_class_uid and one.sop_instance_uid)]
        if named:
            out.add("FailedSOPSequence", "SQ", [_failed(one) for one in named])
        if self.stored:
            out.add("ReferencedSOPSequence", "SQ", [self._stored(one) for one in self.stored])
        if others:
            out.add("OtherFailuresSequence", "SQ", [_reason(one) for one in others])
        return out

    def _stored(self, outcome: Outcome) -> Dataset:
        item = _reference(outcome)
        if outcome.warning:
            item.add("WarningReason", "US", outcome.warning)
        if outcome.study_instance_uid and outcome.series_instance_uid:
            url = self.templates.instance(
                outcome.study_instance_uid, outcome.series_instance_uid, outcome.sop_instance_uid
            )
            item.add("RetrieveURL", "UR", url)
        return item

    def json(self) -> Iterator[str]:
        """As application/dicom+json."""
        return json_pieces(self.dataset())

    def xml(self) -> Iterator[str]:
        """As application/dicom+xml."""
        return xml_pieces(self.dataset())


def _reference(outcome: Outcome) -> Dataset:
    item = Dataset()
    item.add("ReferencedSOPClassUID", "UI", outcome.sop_class_uid)
    item.add("ReferencedSOPInstanceUID", "UI", outcome.sop_instance_uid)
    return item


def _failed(outcome: Outcome) -> Dataset:
    item = _reference(outcome)
    item.add("FailureReason", "US", outcome.failure)
    return item


def _reason(outcome: Outcome) -> Dataset:
    item = Dataset()
    item.add("FailureReason", "US", outcome.failure)
    return item
