"""The modality worklist as a C-FIND asks for it, and performed steps, without HTTP (PS3.4 K, F)."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerma.archive import Archive
from kerma.archive.work import Work
from kerma.dataset import Dataset
from kerma.errors import NotFoundError, StatusError
from kerma.query.identifier import keys_of, predicates_of
from tests.archive.work.steps import make, make_mpps, make_scheduled, mpps_end


@pytest.fixture
def planned(work: Work) -> Work:
    for number in range(1, 31):
        modality = "MR" if number % 3 == 0 else "CT"
        work.scheduled.put(make_scheduled(number, Modality=modality, PatientName=f"Name{number}^Ägidius"))
    return work


def found(work: Work, identifier: Dataset) -> list[str]:
    matches = work.scheduled.search(predicates_of(identifier))
    return [str(ds.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID) for ds in matches]


@pytest.mark.parametrize(
    ("step", "top", "expected"),
    [
        ({"ScheduledStationAETitle": "CT1", "ScheduledProcedureStepStartDate": "20260105", "Modality": ""}, {}, [5]),
        ({"ScheduledProcedureStepStartDate": "20260128-", "Modality": "CT"}, {}, [28, 29]),
        ({"ScheduledProcedureStepStartTime": "1000-1100", "Modality": "MR"}, {"PatientID": "P6\\P9\\P10"}, [6, 9]),
        ({"ScheduledStationAETitle": "CT2"}, {}, []),
        ({"Modality": "MR"}, {"PatientName": "name3*"}, [3, 30]),
        ({}, {"PatientName": "*Äg*", "AccessionNumber": "ACC1?"}, range(10, 20)),
    ],
)
def test_an_identifier(planned: Work, step: dict[str, str], top: dict[str, str], expected: list[int]) -> None:
    values = {keyword: tuple(value.split("\\")) if "\\" in value else value for keyword, value in top.items()}
    identifier = make(ScheduledProcedureStepSequence=[make(**step)], SpecificCharacterSet="ISO_IR 192", **values)
    assert found(planned, identifier) == [f"SPS{number}" for number in expected]
    assert found(planned, keys_of(predicates_of(identifier))) == [f"SPS{number}" for number in expected]


def test_the_worklist_is_kept(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "data") as archive:
        archive.work.scheduled.put(make_scheduled(1))
        archive.work.performed.create("1.2.9", make_mpps(1))
    with Archive.open(tmp_path / "data") as archive:
        archive.reindex()
        (item,) = archive.work.scheduled.search(())
        assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED"
        archive.work.performed.update("1.2.9", mpps_end("DISCONTINUED"))
        (item,) = archive.work.scheduled.search(())
        assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "DISCONTINUED"
        archive.work.scheduled.remove("1.2.3.1", "SPS1")
        with pytest.raises(NotFoundError):
            archive.work.scheduled.remove("1.2.3.1", "SPS1")


def test_a_step_without_a_worklist_item(work: Work) -> None:
    work.performed.create("1.2.9", make_mpps(7))
    work.performed.update("1.2.9", mpps_end())
    assert work.performed.get("1.2.9").PerformedProcedureStepStatus == "COMPLETED"
    with pytest.raises(StatusError) as error:
        work.performed.update("1.2.9", make(PerformedProcedureStepDescription="late"))
    assert error.value.status == 0x0110


def test_what_fails_changes_nothing(planned: Work) -> None:
    with pytest.raises(StatusError):
        planned.performed.create("1.2.9", make_mpps(1, Modality=""))
    (item,) = planned.scheduled.search(predicates_of(make(PatientID="P1")))
    assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "SCHEDULED"
    planned.performed.create("1.2.9", make_mpps(1))
    before = planned.performed.get("1.2.9").to_bytes()
    for changes in (make(PatientID="P2"), make(PerformedProcedureStepStatus="COMPLETED"), make(Modality="MR")):
        with pytest.raises(StatusError):
            planned.performed.update("1.2.9", changes)
    assert planned.performed.get("1.2.9").to_bytes() == before
