"""Identifiers: what they ask, what is refused, and back (PS3.4 C.4.1, C.6)."""

from __future__ import annotations

from typing import Any

import pytest

from kerma.dataset import Dataset
from kerma.errors import KermaError, StatusError, UsageError
from kerma.query import from_identifier, from_keys, keys, to_identifier
from kerma.query.identifier import level_of
from kerma.query.model import (
    AnyOf,
    CombinedRange,
    Empty,
    Level,
    Query,
    Range,
    ReturnKey,
    Root,
    SequenceMatch,
    Single,
    Wildcard,
)


def identifier(level: str | None, **values: Any) -> Dataset:
    ds = Dataset()
    if level is not None:
        ds.QueryRetrieveLevel = level
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def test_each_kind_of_key() -> None:
    inner = Dataset()
    inner.CodeValue = "T1"
    inner.CodeMeaning = None
    ds = identifier(
        "STUDY",
        SpecificCharacterSet="ISO_IR 192",
        StudyInstanceUID=["1.2", "1.3"],
        PatientName="山*",
        PatientID="A",
        StudyDate="20250101-",
        StudyTime=None,
        AccessionNumber='""',
        StudyDescription="*",
        ProcedureCodeSequence=[inner],
        ModalitiesInStudy=["CT", "M*"],
    )
    query = from_identifier(ds, root=Root.STUDY)
    assert query.level is Level.STUDY
    assert query.charset == ("ISO_IR 192",)
    assert set(query.predicates) == {
        AnyOf(0x0020000D, "UI", ("1.2", "1.3")),
        Wildcard(0x00100010, "PN", "山*"),
        Single(0x00100020, "LO", "A"),
        Range(0x00080020, "DA", "20250101", ""),
        Empty(0x00080050, "SH"),
        SequenceMatch(0x00081032, (Single(0x00080100, "SH", "T1"),)),
        AnyOf(0x00080061, "CS", ("CT", "M*")),
    }
    assert len(query.return_keys) == 9 + 2  # level and Retrieve AE Title are always said
    assert ReturnKey(0x00081032, "SQ", (ReturnKey(0x00080100, "SH"), ReturnKey(0x00080104, "LO"))) in query.return_keys
    assert query.unsupported == ()


def test_what_is_not_supported_stays_a_return_key() -> None:
    ds = identifier("STUDY", StudyInstanceUID=None, Modality="CT", Rows=5)
    ds.add(0x00091001, "LO", "x")
    query = from_identifier(ds, root=Root.STUDY)
    assert query.predicates == ()
    assert query.unsupported == (0x00080060, 0x00091001, 0x00280010)
    assert {key.tag for key in query.return_keys} == {
        0x00080052,
        0x00080054,
        0x00080060,
        0x00091001,
        0x0020000D,
        0x00280010,
    }


def test_an_image_level_key_outside_the_tables_is_served_from_the_header() -> None:
    ds = identifier("IMAGE", StudyInstanceUID="1.1", SeriesInstanceUID="1.2", Rows=5)
    assert from_identifier(ds, root=Root.STUDY).predicates[-1] == Single(0x00280010, "US", "5")


@pytest.mark.parametrize(
    ("root", "level", "values"),
    [
        (Root.STUDY, None, {}),
        (Root.STUDY, "BOGUS", {}),
        (Root.STUDY, "PATIENT", {}),
        (Root.PATIENT_STUDY_ONLY, "SERIES", {}),
        (Root.STUDY, "SERIES", {}),
        (Root.STUDY, "SERIES", {"StudyInstanceUID": ["1.1", "1.2"]}),
        (Root.STUDY, "IMAGE", {"StudyInstanceUID": "1.1"}),
        (Root.PATIENT, "STUDY", {"StudyInstanceUID": "1.1"}),
        (Root.STUDY, "STUDY", {"StudyDate": "20251"}),
        (Root.STUDY, "STUDY", {"StudyTime": "9-99"}),
        (Root.STUDY, "STUDY", {"NumberOfStudyRelatedSeries": "x"}),
    ],
)
def test_what_cannot_be_meant(root: Root, level: str | None, values: dict[str, Any]) -> None:
    ds = identifier(level)
    for keyword, value in values.items():
        tag = keys.by_keyword(keyword)
        ds.add(tag.tag, "LO" if value in ("x", "9-99", "20251") else tag.vr, value)
    with pytest.raises(StatusError) as caught:
        from_identifier(ds, root=root)
    assert caught.value.status in (0xA900, 0xC000)


def test_relational_needs_no_keys_above() -> None:
    query = from_identifier(identifier("IMAGE", Modality="CT"), root=Root.PATIENT, relational=True)
    assert query.predicates == (Single(0x00080060, "CS", "CT"),)
    assert query.relational


def test_combined_date_and_time() -> None:
    ds = identifier("STUDY", StudyDate="20250101-20250103", StudyTime="1000-1800")
    combined = from_identifier(ds, root=Root.STUDY, combined_datetime=True)
    assert combined.predicates == (CombinedRange(0x00080020, 0x00080030, "20250101", "1000", "20250103", "1800"),)
    apart = from_identifier(ds, root=Root.STUDY)
    assert len(apart.predicates) == 2


@pytest.mark.parametrize(
    ("root", "level", "values", "good"),
    [
        (Root.STUDY, "STUDY", {"StudyInstanceUID": ["1.1", "1.2"]}, True),
        (Root.STUDY, "STUDY", {}, False),
        (Root.PATIENT, "PATIENT", {"PatientID": "A"}, True),
        (Root.PATIENT, "PATIENT", {"PatientID": "A*"}, False),
        (
            Root.PATIENT,
            "IMAGE",
            {"PatientID": "A", "StudyInstanceUID": "1", "SeriesInstanceUID": "2", "SOPInstanceUID": "3"},
            True,
        ),
        (Root.STUDY, "IMAGE", {"StudyInstanceUID": "1", "SOPInstanceUID": "3"}, False),
    ],
)
def test_retrieve_identifiers(root: Root, level: str, values: dict[str, Any], good: bool) -> None:
    ds = identifier(level, **values)
    if good:
        assert from_identifier(ds, root=root, retrieve=True).uids(Level[level])
    else:
        with pytest.raises(StatusError) as caught:
            from_identifier(ds, root=root, retrieve=True)
        assert caught.value.status == 0xA900


def test_a_sequence_key_with_two_items_is_refused() -> None:
    ds = identifier("STUDY", ProcedureCodeSequence=[Dataset(), Dataset()])
    with pytest.raises(StatusError):
        from_identifier(ds, root=Root.STUDY)


@pytest.mark.parametrize(
    "query",
    [
        from_keys(
            "study", {"PatientName": "Müller*", "StudyDate": "20250101-20250131", "StudyInstanceUID": ["1.2", "1.3"]}
        ),
        from_keys(
            "series", {"Modality": "CT", "SeriesNumber": 3, "RequestAttributesSequence.ScheduledProcedureStepID": "S1"}
        ),
        from_keys("image", {"Rows": 512, "InstanceNumber": "1\\2", "AccessionNumber": '""'}, ("SOPInstanceUID",)),
    ],
)
def test_there_and_back(query: Query) -> None:
    ds = to_identifier(query)
    again = Dataset.from_bytes(ds.to_bytes("1.2.840.10008.1.2"), "1.2.840.10008.1.2")
    back = from_identifier(again, root=query.root, relational=True)
    assert set(back.predicates) == set(query.predicates)
    assert {key.tag for key in query.return_keys} <= {key.tag for key in back.return_keys}


def test_keywords_that_nobody_knows() -> None:
    with pytest.raises(KermaError):
        from_keys("study", {"PatientNam": "x"})
    with pytest.raises(UsageError):
        level_of("bogus")
    assert level_of("instance") is Level.IMAGE


def test_columns_are_in_snake_case() -> None:
    names = {key.keyword: key.column for key in keys.KEYS}
    assert names["SOPInstanceUID"] == "sop_instance_uid"
    assert names["PatientID"] == "patient_id"
    assert names["IssuerOfPatientID"] == "issuer_of_patient_id"
    assert names["StudyID"] == "study_id"
