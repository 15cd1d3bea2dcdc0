"""Grants as they are written, and what a principal sees: SQL against the oracle, at every level."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerma.archive import Archive
from kerma.archive.permissions import EVERYTHING, Grant, Principal, Right, parse_grants
from kerma.dataset import Dataset
from kerma.errors import AccessError, UsageError
from kerma.query import match
from kerma.query.identifier import from_keys, unique_query
from kerma.query.model import Area, Level
from tests.archive.conftest import make_instance, store_instance

PATIENTS = ((1, "P1", None), (2, "P1", "HOSPITAL"), (3, "P2", None), (4, "P2", None))


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for study, patient, issuer in PATIENTS:
        for series in (1, 2):
            for number in (1, 2):
                ds = make_instance(
                    number, study=study, series=series, pixels=16, PatientID=patient, IssuerOfPatientID=issuer
                )
                store_instance(archive, ds)
    archive.index.set_labels("1.2.3.3", ["teaching", "trial"])
    archive.index.set_labels("1.2.3.1", ["teaching"])
    return archive


def studies(archive: Archive, principal: Principal) -> list[str]:
    query = principal.narrow(from_keys("study", {}, ("StudyInstanceUID",)))
    return [str(ds.StudyInstanceUID) for ds in archive.search(query)]


@pytest.mark.parametrize(
    ("text", "rights", "area"),
    [
        ("read", Right.READ, None),
        ("read,write", Right.READ | Right.WRITE, None),
        ("all", Right.ALL, None),
        ("read@patient:P1", Right.READ, Area("P1")),
        ("read@patient:P1;issuer:", Right.READ, Area("P1", "")),
        ("read,delete@label:b;label:a", Right.READ | Right.DELETE, Area(labels=("a", "b"))),
        ("read@study:1.2;series:1.2.3", Right.READ, Area(study="1.2", series="1.2.3")),
        ("read@patient:a%3Bb%25;issuer:X Y", Right.READ, Area("a;b%", "X Y")),
    ],
)
def test_a_grant_is_read_and_written(text: str, rights: Right, area: Area | None) -> None:
    grant = Grant.parse(text)
    assert grant == Grant(rights, area)
    assert Grant.parse(str(grant)) == grant


@pytest.mark.parametrize(
    "text",
    ["", "reed", "read@", "read@patient", "read@patient:", "read@name:X", "administer@patient:P1", "all@label:x",
     "read@issuer:X", "read@patient:A;patient:B", "read@" + "x" * 600],
)  # fmt: skip
def test_a_wrong_grant_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Grant.parse(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30))
def test_any_patient_id_can_be_written(patient: str) -> None:
    if patient.strip():
        grant = Grant(Right.READ, Area(patient.strip()))
        assert Grant.parse(str(grant)) == grant


def test_write_only_sees_nothing(filled: Archive) -> None:
    modality = Principal.of("CT1", parse_grants(["write"]))
    modality.require(Right.WRITE)
    with pytest.raises(AccessError):
        studies(filled, modality)
    with pytest.raises(AccessError):
        modality.require(Right.READ | Right.WRITE)


def test_limits_add_up_and_are_or(filled: Archive) -> None:
    def seen(*grants: str) -> list[str]:
        return studies(filled, Principal.of("x", parse_grants(grants)))

    assert seen("read") == ["1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4"]
    assert seen("read@patient:P1") == ["1.2.3.1", "1.2.3.2"]
    assert seen("read@patient:P1;issuer:") == ["1.2.3.1"]
    assert seen("read@patient:P1;issuer:HOSPITAL") == ["1.2.3.2"]
    assert seen("read@label:teaching") == ["1.2.3.1", "1.2.3.3"]
    assert seen("read@label:teaching;label:trial") == ["1.2.3.3"]
    assert seen("read@label:none") == []
    assert seen("read@series:1.2.3.4.1", "read@patient:P1;issuer:HOSPITAL") == ["1.2.3.2", "1.2.3.4"]
    assert seen("read@patient:P1", "read") == ["1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4"]
    assert seen("delete@patient:P1", "read@study:1.2.3.4") == ["1.2.3.4"]


def test_of_a_study_with_one_series_only_that_series_is_there(filled: Archive) -> None:
    link = Principal.of("link", parse_grants(["read@series:1.2.3.4.1"]))
    found = filled.instances(link.narrow(unique_query(Level.STUDY, ("1.2.3.4",))))
    assert sorted(item.sop_instance_uid for item in found) == ["1.2.3.4.1.1", "1.2.3.4.1.2"]
    found = filled.instances(link.narrow(from_keys("patient", {"PatientID": "P2"})))
    assert sorted(item.sop_instance_uid for item in found) == ["1.2.3.4.1.1", "1.2.3.4.1.2"]
    assert filled.instances(link.narrow(unique_query(Level.IMAGE, ("1.2.3.4.2.1",)))) == []
    assert list(filled.search(link.narrow(from_keys("series", {"SeriesInstanceUID": "1.2.3.4.2"})))) == []


def test_narrowing_twice_is_both(filled: Archive) -> None:
    query = from_keys("study", {}, ("StudyInstanceUID",))
    one = Principal.of("a", parse_grants(["read@patient:P1", "read@patient:P2"]))
    two = Principal.of("b", parse_grants(["read@label:teaching"]))
    none = Principal.of("c", parse_grants(["read@patient:P3"]))
    both = [str(ds.StudyInstanceUID) for ds in filled.search(two.narrow(one.narrow(query)))]
    assert both == ["1.2.3.1", "1.2.3.3"]
    assert list(filled.search(none.narrow(one.narrow(query)))) == []
    assert EVERYTHING.narrow(query) is query


def test_deleting_takes_what_may_be_deleted_only(filled: Archive) -> None:
    areas = Principal.of("x", parse_grants(["delete@series:1.2.3.4.1"])).areas(Right.DELETE)
    assert filled.index.delete(Level.STUDY, "1.2.3.3", areas) == []
    assert len(filled.index.delete(Level.PATIENT, "P2", areas)) == 2
    assert len(filled.instances(unique_query(Level.STUDY, ("1.2.3.4",)))) == 2


def test_labels_outlive_a_new_index_and_not_their_study(filled: Archive) -> None:
    assert filled.index.labels("1.2.3.3") == ("teaching", "trial")
    filled.reindex()
    assert filled.index.labels("1.2.3.3") == ("teaching", "trial")
    filled.delete("series", "1.2.3.3.1")
    assert filled.index.labels("1.2.3.3") == ("teaching", "trial")
    filled.delete("study", "1.2.3.3")
    assert filled.index.labels("1.2.3.3") == ()
    assert not filled.index.set_labels("9.9", ["x"])


_AREA = st.builds(
    Area,
    st.sampled_from([None, None, "P1", "P2", "P3"]),
    st.sampled_from([None, None, "", "HOSPITAL"]),
    st.sampled_from([None, None, "1.2.3.1", "1.2.3.3"]),
    st.sampled_from([None, None, "1.2.3.1.1", "1.2.3.3.2"]),
    st.sampled_from([(), (), ("teaching",), ("teaching", "trial")]),
)

_KEYS = st.sampled_from([{}, {"PatientID": "P1"}, {"Modality": "CT"}])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(_AREA, max_size=4),
    st.sampled_from(list(Level)),
    st.sampled_from([{}, {"PatientID": "P1"}, {"Modality": "CT"}]),
)
def test_sql_is_the_oracle(filled: Archive, areas: list[Area], level: Level, keys: dict[str, str]) -> None:
    labels: Callable[[str], tuple[str, ...]] = filled.index.labels
    if level < Level.SERIES:
        keys = {name: value for name, value in keys.items() if name != "Modality"}
    principal = Principal("x", Right.NONE, tuple(Grant(Right.READ, area) for area in areas)) if areas else None
    if principal is None:
        return
    everything: list[Dataset] = [
        filled.read(item.sop_instance_uid) for item in filled.instances(from_keys("image", {}))
    ]
    wanted = {
        str(ds.SOPInstanceUID)
        for ds in everything
        if any(match.lies_in(ds, area, labels(str(ds.StudyInstanceUID))) for area in areas)
        and all(str(ds.get(name)) == value for name, value in keys.items())
    }
    query = principal.narrow(from_keys(level, keys))
    assert {item.sop_instance_uid for item in filled.instances(query)} == wanted
    found = list(filled.search(query))
    keyword = {0: "PatientID", 1: "StudyInstanceUID", 2: "SeriesInstanceUID", 3: "SOPInstanceUID"}[level]
    if level > Level.PATIENT:
        assert len(found) == len({str(ds.get(keyword)) for ds in everything if str(ds.SOPInstanceUID) in wanted})
