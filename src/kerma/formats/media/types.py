"""The types of directory records with their keys (PS3.3 F.4, F.5), as a table.

A row says at which level a record stands, which keys it has of which type, and which SOP classes it refers to. Retired
types (PS3.3-1998, -2004, -2018b) are known by name and level, so that old media are read; they are not written.

Rule: the keys stand here by keyword, one line a type: ``1`` for type 1, ``1C`` for a key that is taken over where the
instance has it, ``2`` for one that may be empty. Content Identification (table 10-12) is spelt out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kerma.dataset import Dataset
from kerma.standard import elements, sop_classes, uids

TOP, STUDY, SERIES, LEAF = range(4)
"""Levels of figure F.4-1: below the root, below a patient, below a study, below a series."""


@dataclass(frozen=True, slots=True)
class RecordType:
    """One directory record type. ``keys`` are (tag, type) in the order of the table; ``prefix`` begins the File IDs
    that are made for it.
    """

    name: str
    level: int
    prefix: str
    section: str
    keys: tuple[tuple[int, str], ...] = ()
    refers: bool = True
    """Whether a record of this type refers to a file."""
    retired: bool = False

    @property
    def below(self) -> int:
        """The level of the records under it, ``LEAF + 1`` where there are none."""
        return LEAF + 1 if self.refers else self.level + 1


_CONTENT_ID = "1 InstanceNumber, 1 ContentLabel, 2 ContentDescription, 2 ContentCreatorName"
_DATED = "1 ContentDate, 1 ContentTime"
_DATED_ID = f"{_DATED}, {_CONTENT_ID}"

_ROWS: tuple[tuple[str, int, str, str, str], ...] = (
    # type, level, prefix, section of PS3.3, keys
    ("IMAGE", LEAF, "IM", "F.5.4", "1 InstanceNumber, 1C IconImageSequence"),
    ("RT DOSE", LEAF, "RD", "F.5.19", "1 InstanceNumber, 1 DoseSummationType, 1C IconImageSequence"),
    (
        "RT STRUCTURE SET",
        LEAF,
        "RS",
        "F.5.20",
        "1 InstanceNumber, 1 StructureSetLabel, 2 StructureSetDate, 2 StructureSetTime",
    ),
    ("RT PLAN", LEAF, "RP", "F.5.21", "1 InstanceNumber, 1 RTPlanLabel, 2 RTPlanDate, 2 RTPlanTime"),
    ("RT TREAT RECORD", LEAF, "RX", "F.5.22", "1 InstanceNumber, 2 TreatmentDate, 2 TreatmentTime"),
    (
        "PRESENTATION",
        LEAF,
        "PR",
        "F.5.23",
        f"1 PresentationCreationDate, 1 PresentationCreationTime, {_CONTENT_ID}, 1C ReferencedSeriesSequence, "
        "1C BlendingSequence",
    ),
    ("WAVEFORM", LEAF, "WV", "F.5.24", f"1 InstanceNumber, {_DATED}"),
    (
        "SR DOCUMENT",
        LEAF,
        "SR",
        "F.5.25",
        f"1 InstanceNumber, 1 CompletionFlag, 1 VerificationFlag, {_DATED}, 1C VerificationDateTime, "
        "1 ConceptNameCodeSequence, 1C ContentSequence",
    ),
    (
        "KEY OBJECT DOC",
        LEAF,
        "KY",
        "F.5.26",
        f"1 InstanceNumber, {_DATED}, 1 ConceptNameCodeSequence, 1C ContentSequence",
    ),
    (
        "SPECTROSCOPY",
        LEAF,
        "SP",
        "F.5.27",
        f"1 ImageType, {_DATED}, 1 InstanceNumber, 1C ReferencedImageEvidenceSequence, 1 NumberOfFrames, 1 Rows, "
        "1 Columns, 1 DataPointRows, 1 DataPointColumns, 1C IconImageSequence",
    ),
    ("RAW DATA", LEAF, "RW", "F.5.28", f"{_DATED}, 2 InstanceNumber, 1C IconImageSequence"),
    ("REGISTRATION", LEAF, "RG", "F.5.29", _DATED_ID),
    ("FIDUCIAL", LEAF, "FD", "F.5.30", _DATED_ID),
    (
        "HANGING PROTOCOL",
        TOP,
        "HG",
        "F.5.31",
        "1 HangingProtocolName, 1 HangingProtocolDescription, 1 HangingProtocolLevel, 1 HangingProtocolCreator, "
        "1 HangingProtocolCreationDateTime, 1 HangingProtocolDefinitionSequence, 1 NumberOfPriorsReferenced, "
        "2 HangingProtocolUserIdentificationCodeSequence",
    ),
    (
        "ENCAP DOC",
        LEAF,
        "ED",
        "F.5.32",
        "2 ContentDate, 2 ContentTime, 1 InstanceNumber, 2 DocumentTitle, 1C HL7InstanceIdentifier, "
        "2 ConceptNameCodeSequence, 1 MIMETypeOfEncapsulatedDocument",
    ),
    ("VALUE MAP", LEAF, "VM", "F.5.34", _DATED_ID),
    ("STEREOMETRIC", LEAF, "SX", "F.5.35", ""),
    ("PALETTE", TOP, "PA", "F.5.36", "1 ContentLabel, 2 ContentDescription"),
    ("IMPLANT", TOP, "IP", "F.5.37", "1 Manufacturer, 1 ImplantName, 1C ImplantSize, 1 ImplantPartNumber"),
    (
        "IMPLANT ASSY",
        TOP,
        "IA",
        "F.5.38",
        "1 ImplantAssemblyTemplateName, 1 ImplantAssemblyTemplateIssuer, 1 ProcedureTypeCodeSequence",
    ),
    (
        "IMPLANT GROUP",
        TOP,
        "IG",
        "F.5.39",
        "1 ImplantTemplateGroupName, 1C ImplantTemplateGroupDescription, 1 ImplantTemplateGroupIssuer",
    ),
    ("PLAN", LEAF, "PL", "F.5.40", ""),
    ("MEASUREMENT", LEAF, "MX", "F.5.41", _DATED_ID),
    ("SURFACE", LEAF, "SF", "F.5.42", _DATED_ID),
    ("SURFACE SCAN", LEAF, "SS", "F.5.43", _DATED),
    ("TRACT", LEAF, "TR", "F.5.44", _DATED_ID),
    ("ASSESSMENT", LEAF, "AS", "F.5.45", "1 InstanceNumber, 1 InstanceCreationDate, 2 InstanceCreationTime"),
    (
        "RADIOTHERAPY",
        LEAF,
        "RT",
        "F.5.46",
        "1 InstanceNumber, 1C UserContentLabel, 1C UserContentLongLabel, 2 ContentDescription, 2 ContentCreatorName",
    ),
    ("ANNOTATION", LEAF, "AN", "F.5.47", _DATED_ID),
    (
        "INVENTORY",
        TOP,
        "IV",
        "F.5.48",
        f"{_DATED}, 2 InventoryPurpose, 1 InventoryLevel, 2 ScopeOfInventorySequence, 1 InventoryCompletionStatus, "
        "1 TotalNumberOfStudyRecords",
    ),
    (
        "WF PRESENTATION",
        LEAF,
        "WP",
        "F.5.49",
        f"1 PresentationCreationDate, 1 PresentationCreationTime, {_CONTENT_ID}, 1C ReferencedSeriesSequence",
    ),
    ("PRIVATE", LEAF, "PV", "F.6.1", ""),
)

_ABOVE: tuple[tuple[str, int, str, str, str], ...] = (
    ("PATIENT", TOP, "PT", "F.5.1", "2 PatientName, 1 PatientID"),
    (
        "STUDY",
        STUDY,
        "ST",
        "F.5.2",
        "1 StudyDate, 1 StudyTime, 2 StudyDescription, 1C StudyInstanceUID, 1 StudyID, 2 AccessionNumber",
    ),
    ("SERIES", SERIES, "SE", "F.5.3", "1 Modality, 1 SeriesInstanceUID, 1 SeriesNumber, 1C IconImageSequence"),
)

_RETIRED: tuple[tuple[str, int], ...] = (
    ("TOPIC", TOP),
    ("VISIT", STUDY),
    ("RESULTS", STUDY),
    ("STUDY COMPONENT", STUDY),
    ("INTERPRETATION", SERIES),
    ("OVERLAY", LEAF),
    ("MODALITY LUT", LEAF),
    ("VOI LUT", LEAF),
    ("CURVE", LEAF),
    ("STORED PRINT", LEAF),
    ("HL7 STRUC DOC", STUDY),
    ("PRINT QUEUE", TOP),
    ("FILM SESSION", STUDY),
    ("FILM BOX", SERIES),
    ("IMAGE BOX", LEAF),
    ("MRDR", TOP),
)


def keys_of(text: str) -> tuple[tuple[int, str], ...]:
    words = [part.split() for part in text.split(", ")] if text else []
    return tuple((elements.KEYWORD_TO_TAG[keyword], kind) for kind, keyword in words)


@cache
def all_types() -> dict[str, RecordType]:
    """Every record type by its name."""
    rows = {row[0]: RecordType(*row[:4], keys_of(row[4]), refers=False) for row in _ABOVE}
    rows.update({row[0]: RecordType(*row[:4], keys_of(row[4])) for row in _ROWS})
    rows.update({name: RecordType(name, level, "", "F.5", retired=True) for name, level in _RETIRED})
    return rows


def of_name(name: str) -> RecordType | None:
    """The row of a Directory Record Type (0004,1430); None for one that the standard does not know."""
    return all_types().get(name)


# -- which type refers to an instance ----------------------------------------------------------------------------------

_BY_UID = {
    "RT DOSE": "RTDoseStorage",
    "RT STRUCTURE SET": "RTStructureSetStorage",
    "RT PLAN": "RTPlanStorage RTIonPlanStorage",
    "RT TREAT RECORD": "RTBeamsTreatmentRecordStorage RTBrachyTreatmentRecordStorage RTTreatmentSummaryRecordStorage "
    "RTIonBeamsTreatmentRecordStorage",
    "PRESENTATION": "GrayscaleSoftcopyPresentationStateStorage ColorSoftcopyPresentationStateStorage "
    "PseudoColorSoftcopyPresentationStateStorage BlendingSoftcopyPresentationStateStorage "
    "XAXRFGrayscaleSoftcopyPresentationStateStorage GrayscalePlanarMPRVolumetricPresentationStateStorage "
    "CompositingPlanarMPRVolumetricPresentationStateStorage AdvancedBlendingPresentationStateStorage "
    "VolumeRenderingVolumetricPresentationStateStorage SegmentedVolumeRenderingVolumetricPresentationStateStorage "
    "MultipleVolumeRenderingVolumetricPresentationStateStorage "
    "VariableModalityLUTSoftcopyPresentationStateStorage BasicStructuredDisplayStorage",
    "KEY OBJECT DOC": "KeyObjectSelectionDocumentStorage",
    "SPECTROSCOPY": "MRSpectroscopyStorage",
    "RAW DATA": "RawDataStorage",
    "REGISTRATION": "SpatialRegistrationStorage DeformableSpatialRegistrationStorage",
    "FIDUCIAL": "SpatialFiducialsStorage",
    "HANGING PROTOCOL": "HangingProtocolStorage",
    "VALUE MAP": "RealWorldValueMappingStorage",
    "STEREOMETRIC": "StereometricRelationshipStorage",
    "PALETTE": "ColorPaletteStorage",
    "IMPLANT": "GenericImplantTemplateStorage",
    "IMPLANT ASSY": "ImplantAssemblyTemplateStorage",
    "IMPLANT GROUP": "ImplantTemplateGroupStorage",
    "PLAN": "RTBeamsDeliveryInstructionStorage RTBrachyApplicationSetupDeliveryInstructionStorage "
    "RTPatientPositionAcquisitionInstructionStorage",
    "MEASUREMENT": "LensometryMeasurementsStorage AutorefractionMeasurementsStorage KeratometryMeasurementsStorage "
    "SubjectiveRefractionMeasurementsStorage VisualAcuityMeasurementsStorage OphthalmicAxialMeasurementsStorage "
    "IntraocularLensCalculationsStorage OphthalmicVisualFieldStaticPerimetryMeasurementsStorage",
    "SURFACE": "SurfaceSegmentationStorage",
    "SURFACE SCAN": "SurfaceScanMeshStorage SurfaceScanPointCloudStorage",
    "TRACT": "TractographyResultsStorage",
    "ASSESSMENT": "ContentAssessmentResultsStorage",
    "RADIOTHERAPY": "RTPhysicianIntentStorage RTSegmentAnnotationStorage RTRadiationSetStorage "
    "CArmPhotonElectronRadiationStorage TomotherapeuticRadiationStorage RoboticArmRadiationStorage "
    "RTRadiationRecordSetStorage RTRadiationSalvageRecordStorage TomotherapeuticRadiationRecordStorage "
    "CArmPhotonElectronRadiationRecordStorage RoboticRadiationRecordStorage "
    "RTRadiationSetDeliveryInstructionStorage RTTreatmentPreparationStorage",
    "ANNOTATION": "MicroscopyBulkSimpleAnnotationsStorage",
    "INVENTORY": "InventoryStorage",
    "WF PRESENTATION": "WaveformPresentationStateStorage WaveformAcquisitionPresentationStateStorage",
}

_BRANCHES = (
    # Branch of the registry of PS3.6 -> type. A whole branch is one kind of object, present and to come.
    ("1.2.840.10008.5.1.4.1.1.9.", "WAVEFORM"),
    ("1.2.840.10008.5.1.4.1.1.88.", "SR DOCUMENT"),
    ("1.2.840.10008.5.1.4.1.1.104.", "ENCAP DOC"),
)
_SR_ELSEWHERE = ("SpectaclePrescriptionReportStorage", "MacularGridThicknessAndVolumeReportStorage")


_NONE = (
    "CTDefinedProcedureProtocolStorage CTPerformedProcedureProtocolStorage XADefinedProcedureProtocolStorage "
    "XAPerformedProcedureProtocolStorage ProtocolApprovalStorage StandaloneCurveStorage StandaloneModalityLUTStorage "
    "StandaloneOverlayStorage StandalonePETCurveStorage StandaloneVOILUTStorage StoredPrintStorage"
)
"""Classes that no type of today refers to."""


@cache
def _class_table() -> dict[str, str]:
    table = {uids.uid_of(word) or "": name for name, words in _BY_UID.items() for word in words.split()}
    table.update({uids.uid_of(word) or "": "SR DOCUMENT" for word in _SR_ELSEWHERE})
    table.update({uids.uid_of(word) or "": "" for word in _NONE.split()})
    table[uids.uid_of("UltrasoundWaveformStorage") or ""] = "WAVEFORM"
    table.pop("", None)
    return table


def for_instance(ds: Dataset, sop_class_uid: str) -> RecordType | None:
    """The type of record that refers to an instance of this class: by its UID, else by what it holds; None where the
    standard has none for it.
    """
    name = _class_table().get(sop_class_uid)
    if name is None:
        name = next((kind for branch, kind in _BRANCHES if sop_class_uid.startswith(branch)), None)
    if name is None:
        if "EncapsulatedDocument" in ds:
            name = "ENCAP DOC"
        elif sop_classes.is_storage(sop_class_uid) or "Rows" in ds:
            name = "IMAGE"
    return all_types()[name] if name else None
