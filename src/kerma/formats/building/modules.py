"""The modules of PS3.3 that a new object begins with: who it is of, which study and series it is in, who made it.

May touch data sets only. Rules: what is Type 1 is filled or asked for, what is Type 2 is there and empty unless
somebody knows it; a Type 3 attribute is there when it says something. Values taken from a template are those of the
modules named here, never private ones and never those of the template's own instance. What the caller says wins.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from kerma.dataset import Dataset
from kerma.dataset.body import Body
from kerma.dataset.dataset import FileState
from kerma.errors import UsageError
from kerma.standard import elements, vrs
from kerma.values.new_uid import new_uid

Share = Literal["patient", "study", "series"]
SHARES: tuple[Share, ...] = ("patient", "study", "series")

PATIENT_TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY_TYPE_2 = ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")

# PS3.3 C.7.1.1, C.7.1.3: the patient, and a trial's name for them.
PATIENT = frozenset(
    (
        *PATIENT_TYPE_2,
        *("ReferencedPatientSequence", "IssuerOfPatientID", "TypeOfPatientID", "IssuerOfPatientIDQualifiersSequence"),
        *("SourcePatientGroupIdentificationSequence", "GroupOfPatientsIdentificationSequence", "PatientBirthTime"),
        *(
            "PatientBirthDateInAlternativeCalendar",
            "PatientDeathDateInAlternativeCalendar",
            "PatientAlternativeCalendar",
        ),
        *("QualityControlSubject", "StrainDescription", "StrainNomenclature", "StrainStockSequence"),
        *("StrainAdditionalInformation", "StrainCodeSequence", "GeneticModificationsSequence", "OtherPatientNames"),
        *("OtherPatientIDsSequence", "ReferencedPatientPhotoSequence", "EthnicGroup", "EthnicGroupCodeSequence"),
        *("PatientSpeciesDescription", "PatientSpeciesCodeSequence", "PatientBreedDescription"),
        *("PatientBreedCodeSequence", "BreedRegistrationSequence", "ResponsiblePerson", "ResponsiblePersonRole"),
        *("ResponsibleOrganization", "PatientComments", "PatientIdentityRemoved", "DeidentificationMethod"),
        *("DeidentificationMethodCodeSequence", "ClinicalTrialSponsorName", "ClinicalTrialProtocolID"),
        *("ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName", "ClinicalTrialSubjectID"),
        *("ClinicalTrialSubjectReadingID", "ClinicalTrialProtocolEthicsCommitteeName"),
        "ClinicalTrialProtocolEthicsCommitteeApprovalNumber",
    )
)

# PS3.3 C.7.2.1, C.7.2.2, C.7.2.3: the study, and the patient at its time.
STUDY = frozenset(
    (
        "StudyInstanceUID",
        *STUDY_TYPE_2,
        *("IssuerOfAccessionNumberSequence", "ReferringPhysicianIdentificationSequence", "ConsultingPhysicianName"),
        *("ConsultingPhysicianIdentificationSequence", "StudyDescription", "ProcedureCodeSequence"),
        *("PhysiciansOfRecord", "PhysiciansOfRecordIdentificationSequence", "NameOfPhysiciansReadingStudy"),
        *("PhysiciansReadingStudyIdentificationSequence", "ReferencedStudySequence", "RequestingService"),
        *("RequestingServiceCodeSequence", "ReasonForPerformedProcedureCodeSequence"),
        *("AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence", "PatientAge", "PatientSize"),
        *("PatientSizeCodeSequence", "PatientBodyMassIndex", "MeasuredAPDimension", "MeasuredLateralDimension"),
        *("PatientWeight", "MedicalAlerts", "Allergies", "Occupation", "SmokingStatus", "AdditionalPatientHistory"),
        *("PregnancyStatus", "LastMenstrualDate", "PatientSexNeutered", "ReasonForVisit"),
        *("ReasonForVisitCodeSequence", "AdmissionID", "IssuerOfAdmissionIDSequence", "ServiceEpisodeID"),
        *("ServiceEpisodeDescription", "IssuerOfServiceEpisodeIDSequence", "PatientState"),
        *("ClinicalTrialTimePointID", "ClinicalTrialTimePointDescription", "ConsentForClinicalTrialUseSequence"),
    )
)

# PS3.3 C.7.3.1: the series, as far as it holds for each of its instances.
SERIES = frozenset(
    (
        *("Modality", "SeriesInstanceUID", "SeriesNumber", "Laterality", "SeriesDate", "SeriesTime"),
        *("SeriesDescription", "SeriesDescriptionCodeSequence", "PerformingPhysicianName", "OperatorsName"),
        *("PerformingPhysicianIdentificationSequence", "OperatorIdentificationSequence", "BodyPartExamined"),
        *("ReferencedPerformedProcedureStepSequence", "ProtocolName", "PatientPosition", "RequestAttributesSequence"),
        *("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "PerformedProcedureStepEndDate"),
        *("PerformedProcedureStepEndTime", "PerformedProcedureStepID", "PerformedProcedureStepDescription"),
        *("PerformedProtocolCodeSequence", "CommentsOnThePerformedProcedureStep", "AnatomicalOrientationType"),
    )
)


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class Maker:
    """What a new object gets from outside: its UIDs and the time. Arguments, so that a test can choose both."""

    uid: Callable[[], str] = new_uid
    now: Callable[[], datetime] = field(default=_now)


MAKER = Maker()


def begin(
    sop_class_uid: str,
    *,
    modality: str,
    series_number: int | None = None,
    template: Dataset | None = None,
    share: Share = "study",
    transfer_syntax_uid: str | None = None,
    maker: Maker = MAKER,
) -> Dataset:
    """A data set with the patient, study, series and SOP common modules of a new instance.

    Of ``template`` it takes the patient, or also the study, or also the series. Series, study and instance that are
    new have new UIDs.
    """
    if share not in SHARES:
        raise UsageError(f"{share!r} cannot be shared with the template", hint="patient, study or series")
    file = FileState()
    file.uid = transfer_syntax_uid
    ds = Dataset.from_body(Body.new(), file)
    now = maker.now()
    ds.SOPClassUID = sop_class_uid
    ds.SOPInstanceUID = maker.uid()
    ds.InstanceCreationDate = now.strftime("%Y%m%d")
    ds.InstanceCreationTime = now.strftime("%H%M%S.%f")
    ds.ContentDate, ds.ContentTime = ds.InstanceCreationDate, ds.InstanceCreationTime
    for keyword in (*PATIENT_TYPE_2, *STUDY_TYPE_2):
        ds[keyword] = None
    ds.StudyInstanceUID = maker.uid()
    ds.SeriesInstanceUID = maker.uid()
    ds.SeriesNumber = series_number
    ds.InstanceNumber = 1
    ds.Modality = modality
    if template is not None:
        _take(ds, template, PATIENT)
        if share != "patient":
            _take(ds, template, STUDY)
        if share == "series":
            _same_modality(template, modality)
            _take(ds, template, SERIES)
    return ds


def _same_modality(template: Dataset, modality: str) -> None:
    """A series has one modality (PS3.3 C.7.3.1.1.1)."""
    theirs = template.get("Modality")
    if theirs != modality:
        raise UsageError(
            f"the template's series is of modality {theirs}, the new object of {modality}",
            hint="share the study instead, or give Modality where the object leaves it open",
        )


def _take(ds: Dataset, template: Dataset, wanted: frozenset[str]) -> None:
    for element in template.elements():
        if element.keyword not in wanted:
            continue
        value = element.value
        if element.vr == "SQ":
            value = [copy.deepcopy(item) for item in value]
        ds.add(element.tag, element.vr, value)


def code_item(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence (PS3.3 8.8): long codes and URNs in the elements that they have."""
    item = Dataset()
    if value.startswith(("urn:", "http:", "https:")):
        item.URNCodeValue = value
    elif len(value) > 16:
        item.LongCodeValue = value
    else:
        item.CodeValue = value
    if scheme:
        item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def say(ds: Dataset, attributes: Mapping[str, Any], fixed: Iterable[str] = ()) -> None:
    """Assign what the caller says; ``UsageError`` for what the object's bytes decide."""
    for keyword, value in attributes.items():
        if elements.tag_of(keyword) is None:
            near = elements.suggest(keyword)
            raise UsageError(f"{keyword!r} is no keyword", hint=f"did you mean {' or '.join(near)}?" if near else None)
        if keyword in fixed or keyword in _OURS:
            raise UsageError(f"{keyword} follows from what is wrapped", hint="leave it out")
        ds[keyword] = value


_OURS = frozenset({"SOPClassUID", "SpecificCharacterSet", "PixelData", "EncapsulatedDocument"})


def finish(ds: Dataset) -> Dataset:
    """Say the character set: none for plain ASCII, Unicode in UTF-8 for everything else (PS3.3 C.12.1.1.2)."""
    if not all(_is_ascii(element.value) for _, element in ds.walk() if element.vr in _TEXT):
        ds.SpecificCharacterSet = "ISO_IR 192"
    return ds


_TEXT = frozenset(vr for vr in vrs.ALL if vrs.get(vr).charset)


def _is_ascii(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_ascii, value))
    return value is None or str(value).isascii()
