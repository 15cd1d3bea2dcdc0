"""UIDs, transfer syntaxes, SOP classes: counts, the newest rows, agreement with pydicom and pynetdicom."""

from __future__ import annotations

import re

import pytest

from kerma.standard import sop_classes, transfer_syntaxes, uids


def test_counts() -> None:
    rows = list(uids.rows())
    assert len(rows) == 496  # PS3.6 2026c tables
    assert len({row.uid for row in rows}) == 496
    assert sum(row.type == "Transfer Syntax" for row in rows) == len(transfer_syntaxes.ALL) == 63
    assert len(sop_classes.STORAGE) == 214
    assert len([row for row in rows if not row.name]) == 2


def test_rows_are_well_formed() -> None:
    for row in uids.rows():
        assert re.fullmatch(r"[0-9]+(\.(0|[1-9][0-9]*))+", row.uid), row
        assert len(row.uid) <= 64
        assert row.type
        if row.keyword:
            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", row.keyword), row
            assert uids.uid_of(row.keyword) == row.uid
        assert uids.lookup(row.uid) is row


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("2.3", "CT Image Storage - For Processing"),
        ("2.4", "Enhanced CT Image Storage - For Processing"),
        ("2.5", "Legacy Converted Enhanced CT Image Storage - For Processing"),
        ("9.100.1", "Waveform Presentation State Storage"),
        ("9.100.2", "Waveform Acquisition Presentation State Storage"),
        ("601.5", "Ultrasound Waveform Storage"),
    ],
)
def test_rows_by_hand(number: str, name: str) -> None:
    uid = f"1.2.840.10008.5.1.4.1.1.{number}"
    keyword = re.sub("[^A-Za-z]", "", name)
    assert uids.lookup(uid) == uids.UIDRow(uid, name, keyword, "SOP Class", retired=False)
    assert sop_classes.is_storage(uid)


def test_unknown_uids() -> None:
    assert uids.lookup("1.2.3") is None
    assert uids.name_of("1.2.3") == ""
    assert uids.uid_of("NoSuchUID") is None
    assert uids.name_of("1.2.840.10008.1.1") == "Verification SOP Class"


def test_agreement_with_pydicom() -> None:
    from pydicom._uid_dict import UID_dictionary

    for uid, (name, kind, _, retired, keyword) in UID_dictionary.items():
        assert uids.lookup(uid) == uids.UIDRow(uid, name, keyword, kind, bool(retired))


# -- transfer syntaxes -------------------------------------------------------------------------------------------------


def test_every_registered_transfer_syntax_has_its_properties() -> None:
    registered = {row.uid for row in uids.rows() if row.type == "Transfer Syntax"}
    assert set(transfer_syntaxes.ALL) == registered
    for uid, row in transfer_syntaxes.ALL.items():
        assert row.uid == uid
        assert row.name == uids.name_of(uid)
        assert row.keyword
    assert transfer_syntaxes.get("1.2.3") is None


def test_the_four_uncompressed_ones() -> None:
    rows = (
        transfer_syntaxes.IMPLICIT_LE,
        transfer_syntaxes.EXPLICIT_LE,
        transfer_syntaxes.EXPLICIT_BE,
        transfer_syntaxes.DEFLATED_LE,
    )
    found = [
        (row.keyword, row.explicit, row.little_endian, row.deflated, row.encapsulated, row.retired) for row in rows
    ]
    assert found == [
        ("ImplicitVRLittleEndian", False, True, False, False, False),
        ("ExplicitVRLittleEndian", True, True, False, False, False),
        ("ExplicitVRBigEndian", True, False, False, False, True),
        ("DeflatedExplicitVRLittleEndian", True, True, True, False, False),
    ]
    assert not any(row.lossy for row in rows)


@pytest.mark.parametrize(
    ("keyword", "lossy"),
    [
        ("EncapsulatedUncompressedExplicitVRLittleEndian", False),
        ("JPEGBaseline8Bit", True),
        ("JPEGLossless", False),
        ("JPEGLosslessSV1", False),
        ("JPEGLSLossless", False),
        ("JPEGLSNearLossless", True),
        ("JPEG2000Lossless", False),
        ("JPEG2000", True),
        ("MPEG2MPML", True),
        ("HEVCM10P51", True),
        ("JPEGXLLossless", False),
        ("JPEGXLJPEGRecompression", True),
        ("JPEGXL", True),
        ("HTJ2KLossless", False),
        ("HTJ2KLosslessRPCL", False),
        ("HTJ2K", True),
        ("RLELossless", False),
        ("DeflatedImageFrameCompression", False),
    ],
)
def test_encapsulated_ones(keyword: str, lossy: bool) -> None:
    uid = uids.uid_of(keyword)
    assert uid is not None
    row = transfer_syntaxes.get(uid)
    assert row is not None
    assert (row.encapsulated, row.lossy, row.explicit, row.little_endian, row.deflated) == (
        True,
        lossy,
        True,
        True,
        False,
    )


def test_agreement_with_pydicom_on_transfer_syntaxes() -> None:
    from pydicom import uid as theirs

    for uid, row in transfer_syntaxes.ALL.items():
        other = theirs.UID(uid)
        if not other.is_transfer_syntax:
            continue  # newer than its table
        if row.retired and row.keyword.startswith(("RFC", "XML", "Papyrus")):
            continue  # no data set encodings
        if "SMPTE" in row.keyword or "JPIP" in row.keyword:
            continue  # pydicom calls all that is not native encapsulated
        assert row.explicit is not other.is_implicit_VR
        assert row.little_endian is other.is_little_endian
        assert row.deflated is other.is_deflated
        assert row.encapsulated is other.is_encapsulated


# -- SOP classes -------------------------------------------------------------------------------------------------------


def test_storage_holds_what_pynetdicom_stores() -> None:
    from pynetdicom.presentation import StoragePresentationContexts
    from pynetdicom.sop_class import _STORAGE_CLASSES

    theirs = {str(uid) for uid in _STORAGE_CLASSES.values()}
    theirs |= {str(context.abstract_syntax) for context in StoragePresentationContexts}
    assert theirs <= sop_classes.STORAGE


@pytest.mark.parametrize(
    "keyword",
    [
        "CTImageStorage",
        "StoredPrintStorage",
        "HardcopyColorImageStorage",
        "RTBeamsDeliveryInstructionStorage",
        "RTBeamsDeliveryInstructionStorageTrial",
        "HangingProtocolStorage",
        "ColorPaletteStorage",
        "GenericImplantTemplateStorage",
        "InventoryStorage",
        "UltrasoundImageStorageRetired",
        "DICOSCTImageStorage",
        "EddyCurrentImageStorage",
        "EncapsulatedPDFStorage",
        "XADefinedProcedureProtocolStorage",
    ],
)
def test_storage(keyword: str) -> None:
    uid = uids.uid_of(keyword)
    assert uid is not None
    assert sop_classes.is_storage(uid)
    assert sop_classes.service_of(uid) == "Storage"


@pytest.mark.parametrize(
    ("keyword", "service"),
    [
        ("Verification", "Verification"),
        ("MediaStorageDirectoryStorage", "Media Storage"),
        ("StorageCommitmentPushModel", "Storage Commitment"),
        ("StudyRootQueryRetrieveInformationModelFind", "Query/Retrieve"),
        ("CompositeInstanceRetrieveWithoutBulkDataGet", "Query/Retrieve"),
        ("ModalityWorklistInformationModelFind", "Basic Worklist Management"),
        ("ModalityPerformedProcedureStep", "Study Management"),
        ("UnifiedProcedureStepPush", "Unified Procedure Step"),
        ("RTIonMachineVerification", "RT Machine Verification"),
        ("BasicGrayscalePrintManagementMeta", "Print Management"),
        ("MediaCreationManagement", "Media Creation Management"),
        ("ProtocolApprovalInformationModelFind", "Protocol Approval Query/Retrieve"),
        ("InventoryFind", "Inventory"),
        ("HangingProtocolInformationModelGet", "Hanging Protocol Query/Retrieve"),
        ("InstanceAvailabilityNotification", "Instance Availability Notification"),
    ],
)
def test_services(keyword: str, service: str) -> None:
    uid = uids.uid_of(keyword)
    assert uid is not None
    assert not sop_classes.is_storage(uid)
    row = sop_classes.get(uid)
    assert row is not None
    assert (row.uid, row.keyword, row.service) == (uid, keyword, service)


def test_every_sop_class_with_a_name_has_a_service() -> None:
    for row in uids.rows():
        if row.type in {"SOP Class", "Meta SOP Class"} and row.name:
            assert sop_classes.service_of(row.uid), row
        elif row.type not in {"SOP Class", "Meta SOP Class"}:
            assert sop_classes.service_of(row.uid) == ""
            assert sop_classes.get(row.uid) is None


def test_constants() -> None:
    expected = {
        "VERIFICATION": "Verification",
        "PATIENT_ROOT_FIND": "PatientRootQueryRetrieveInformationModelFind",
        "PATIENT_ROOT_MOVE": "PatientRootQueryRetrieveInformationModelMove",
        "PATIENT_ROOT_GET": "PatientRootQueryRetrieveInformationModelGet",
        "STUDY_ROOT_FIND": "StudyRootQueryRetrieveInformationModelFind",
        "STUDY_ROOT_MOVE": "StudyRootQueryRetrieveInformationModelMove",
        "STUDY_ROOT_GET": "StudyRootQueryRetrieveInformationModelGet",
        "PATIENT_STUDY_ONLY_FIND": "PatientStudyOnlyQueryRetrieveInformationModelFind",
        "PATIENT_STUDY_ONLY_MOVE": "PatientStudyOnlyQueryRetrieveInformationModelMove",
        "PATIENT_STUDY_ONLY_GET": "PatientStudyOnlyQueryRetrieveInformationModelGet",
        "COMPOSITE_INSTANCE_ROOT_MOVE": "CompositeInstanceRootRetrieveMove",
        "COMPOSITE_INSTANCE_ROOT_GET": "CompositeInstanceRootRetrieveGet",
        "COMPOSITE_INSTANCE_WITHOUT_BULK_DATA_GET": "CompositeInstanceRetrieveWithoutBulkDataGet",
        "MODALITY_WORKLIST_FIND": "ModalityWorklistInformationModelFind",
        "MODALITY_PERFORMED_PROCEDURE_STEP": "ModalityPerformedProcedureStep",
        "STORAGE_COMMITMENT_PUSH": "StorageCommitmentPushModel",
        "MEDIA_STORAGE_DIRECTORY": "MediaStorageDirectoryStorage",
    }
    for name, keyword in expected.items():
        assert getattr(sop_classes, name) == uids.uid_of(keyword)
