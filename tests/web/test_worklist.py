"""The modality worklist and performed procedure steps over HTTP (PS3.18 14, 15)."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from kerma.formats.xml import from_xml, to_xml
from tests.archive.work.steps import make, make_mpps, make_scheduled, mpps_end
from tests.web.work_bodies import ROOT, body, one

STEPS = f"{ROOT}/modality-scheduled-procedure-steps"
PERFORMED = f"{ROOT}/modality-performed-procedure-steps"


@pytest.fixture
def planned(web: TestClient) -> TestClient:
    for number in range(1, 10):
        modality, station = ("MR", "MR1") if number % 3 == 0 else ("CT", "CT1\\CT2")
        item = make_scheduled(number, Modality=modality, ScheduledStationAETitle=tuple(station.split("\\")))
        assert web.post(STEPS, **body(item)).status_code == 201
    return web


def found(web: TestClient, query: str) -> list[str]:
    response = web.get(f"{STEPS}?{query}")
    if response.status_code == 204:
        return []
    assert response.status_code == 200, response.text
    return [item["00400100"]["Value"][0]["00400009"]["Value"][0] for item in response.json()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", list(range(1, 10))),
        ("ScheduledProcedureStepSequence.Modality=MR", [3, 6, 9]),
        ("00400100.00080060=MR&limit=2", [3, 6]),
        ("Modality=MR&offset=1", [6, 9]),
        ("ScheduledStationAETitle=CT2&ScheduledProcedureStepStartDate=20260102-20260105", [2, 4, 5]),
        ("ScheduledProcedureStepStartDate=20260104", [4]),
        ("ScheduledProcedureStepStartDate=-20260102", [1, 2]),
        ("PatientID=P7", [7]),
        ("PatientName=M%C3%BCller*&AccessionNumber=ACC8", [8]),
        ("StudyInstanceUID=1.2.3.1,1.2.3.2", [1, 2]),
        ("ScheduledProcedureStepID=SPS5&Modality=MR", []),
    ],
)
def test_searching(planned: TestClient, query: str, expected: list[int]) -> None:
    assert found(planned, query) == [f"SPS{number}" for number in expected]


def test_an_item_is_replaced_and_taken_out(planned: TestClient) -> None:
    assert planned.post(STEPS, **body(make_scheduled(1, PatientID="Other"))).status_code == 200
    assert found(planned, "PatientID=Other") == ["SPS1"]
    assert planned.delete(f"{STEPS}/1.2.3.1/SPS1").status_code == 204
    assert found(planned, "PatientID=Other") == []
    assert planned.delete(f"{STEPS}/1.2.3.1/SPS1").status_code == 404


@pytest.mark.parametrize(
    "item",
    [
        make(PatientID="1"),
        make(StudyInstanceUID="1.2", ScheduledProcedureStepSequence=[make(Modality="CT")]),
        make(ScheduledProcedureStepSequence=[make(ScheduledProcedureStepID="S")]),
        make(StudyInstanceUID="1.2", ScheduledProcedureStepSequence=[make(ScheduledProcedureStepID="S")] * 2),
    ],
)
def test_items_that_are_none(web: TestClient, item: object) -> None:
    assert web.post(STEPS, **body(item)).status_code == 400  # type: ignore[arg-type]


def test_forms_of_the_answer(planned: TestClient) -> None:
    kind = 'multipart/related; type="application/dicom+xml"'
    answer = planned.get(f"{STEPS}?limit=2", headers={"Accept": kind})
    assert answer.content.count(b"<NativeDicomModel") == 2


def test_a_performed_step_and_its_scheduled_one(planned: TestClient) -> None:
    url = f"{PERFORMED}/1.2.9.1"
    created = planned.post(url, **body(make_mpps(2)))
    assert created.status_code == 201
    assert not created.content
    assert planned.post(url, **body(make_mpps(2))).status_code == 409
    status = planned.get(f"{STEPS}?PatientID=P2").json()[0]["00400100"]["Value"][0]["00400020"]["Value"]
    assert status == ["STARTED"]
    step = one(planned.get(url))
    assert (step.PerformedProcedureStepStatus, step.PatientName) == ("IN PROGRESS", "Müller^Jürgen")
    assert "PerformedSeriesSequence" in step
    assert planned.post(f"{url}?update", **body(make(PerformedProcedureStepDescription="half"))).status_code == 200
    too_early = planned.post(f"{url}?update", **body(make(PerformedProcedureStepStatus="COMPLETED")))
    assert too_early.status_code == 409
    assert "PerformedSeriesSequence" in too_early.json()["detail"]
    assert planned.post(f"{url}?update", **body(mpps_end())).status_code == 200
    assert planned.post(f"{url}/update", **body(make(PerformedProcedureStepDescription="late"))).status_code == 409
    status = planned.get(f"{STEPS}?PatientID=P2").json()[0]["00400100"]["Value"][0]["00400020"]["Value"]
    assert status == ["COMPLETED"]
    xml = planned.get(url, headers={"Accept": "application/dicom+xml"})
    assert from_xml(xml.content).PerformedProcedureStepDescription == "half"


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"PerformedProcedureStepStatus": "COMPLETED"}, "IN PROGRESS"),
        ({"Modality": None}, "Modality"),
        ({"ScheduledStepAttributesSequence": None}, "ScheduledStepAttributesSequence"),
        ({"SOPInstanceUID": "1.2.3.4"}, "SOPInstanceUID"),
    ],
)
def test_performed_steps_that_are_none(web: TestClient, values: dict[str, Any], what: str) -> None:
    response = web.post(f"{PERFORMED}/1.2.9.1", **body(make_mpps(**values)))
    assert response.status_code == 400
    assert what in response.json()["detail"]


def test_updates_of_performed_steps_that_are_refused(web: TestClient) -> None:
    assert web.post(f"{PERFORMED}/1.2.9.1?update", **body(mpps_end())).status_code == 404
    assert web.get(f"{PERFORMED}/1.2.9.1").status_code == 404
    web.post(f"{PERFORMED}/1.2.9.1", **body(make_mpps()))
    for changes in (make(PatientID="2"), make(PerformedProcedureStepStatus="ELSEWHERE")):
        assert web.post(f"{PERFORMED}/1.2.9.1?update", **body(changes)).status_code == 400
    document = to_xml(mpps_end("DISCONTINUED")).encode()
    xml = {"Content-Type": "application/dicom+xml"}
    assert web.post(f"{PERFORMED}/1.2.9.1?update", content=document, headers=xml).status_code == 200
