"""Storage Commitment over HTTP (PS3.18 13)."""

from __future__ import annotations

from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.archive.permissions import Grant, Principal
from kerma.dataset import Dataset
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import CT, make_instance
from tests.archive.work.steps import make
from tests.web.work_bodies import ROOT, body, one

COMMIT = f"{ROOT}/commitment-requests"
MR = "1.2.840.10008.5.1.4.1.1.4"


def reference(uid: str, sop_class: str = CT) -> Dataset:
    return make(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid)


def flat(*references: Dataset) -> Dataset:
    return make(ReferencedSOPSequence=list(references))


def reasons(answer: Dataset) -> dict[str, int | None]:
    return {str(item.ReferencedSOPInstanceUID): item.FailureReason for item in answer.FailedSOPSequence}


def test_what_is_kept_is_committed_to(web: TestClient, archive: Archive) -> None:
    for number in (1, 2, 3):
        archive.ingest(make_instance(number))
    blob = archive._blobs.path(archive.open_instance("1.2.3.1.1.3").name)
    blob.write_bytes(blob.read_bytes()[:-1])
    request = flat(
        reference("1.2.3.1.1.1"), reference("1.2.3.1.1.2", MR), reference("1.2.3.1.1.3"), reference("1.2.3.1.1.4")
    )
    response = web.post(f"{COMMIT}/1.2.99", **body(request))
    answer = one(response)
    assert isinstance(response.json(), dict)
    assert [str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence] == ["1.2.3.1.1.1"]
    assert reasons(answer) == {"1.2.3.1.1.2": 0x0119, "1.2.3.1.1.3": 0x0110, "1.2.3.1.1.4": 0x0112}
    assert one(web.get(f"{COMMIT}/1.2.99")) == answer
    assert web.post(f"{COMMIT}/1.2.99", **body(request)).status_code == 409
    assert web.get(f"{COMMIT}/1.2.98").status_code == 404
    xml = web.get(f"{COMMIT}/1.2.99", headers={"Accept": "application/dicom+xml"})
    assert xml.headers["content-type"] == "application/dicom+xml"


def test_the_form_by_study(web: TestClient, archive: Archive) -> None:
    archive.ingest(make_instance(1))
    kinds = [
        make(
            ReferencedSOPClassUID=CT,
            ReferencedInstanceSequence=[
                make(ReferencedSOPInstanceUID="1.2.3.1.1.1"),
                make(ReferencedSOPInstanceUID="1.2.3.1.1.2"),
            ],
        )
    ]
    series = [make(SeriesInstanceUID="1.2.3.1.1", ReferencedInstancesBySOPClassSequence=kinds)]
    study = make(StudyInstanceUID="1.2.3.1", ReferencedSeriesSequence=series)
    answer = one(web.post(f"{COMMIT}/1.2.99", **body(make(ReferencedStudySequence=[study]))))
    kept = answer.ReferencedStudySequence[0].ReferencedSeriesSequence[0]
    assert kept.SeriesInstanceUID == "1.2.3.1.1"
    inner = kept.ReferencedInstancesBySOPClassSequence[0].ReferencedInstanceSequence
    assert [str(item.ReferencedSOPInstanceUID) for item in inner] == ["1.2.3.1.1.1"]
    failed = answer.FailedStudySequence[0].ReferencedSeriesSequence[0]
    assert failed.SeriesInstanceUID == "1.2.3.1.1"
    lost = failed.ReferencedInstancesBySOPClassSequence[0].ReferencedInstanceSequence[0]
    assert (lost.ReferencedSOPInstanceUID, lost.FailureReason) == ("1.2.3.1.1.2", 0x0112)
    assert "FailedSOPSequence" not in answer


def test_requests_that_are_none(web: TestClient) -> None:
    both = flat(reference("1.2"))
    both.ReferencedStudySequence = [make(StudyInstanceUID="1.2")]
    for request in (Dataset(), both, flat(), flat(reference("x")), make(ReferencedStudySequence=[Dataset()])):
        response = web.post(f"{COMMIT}/1.2.99", **body(request))
        assert response.status_code == 400, response.text
    assert web.get(f"{COMMIT}/1.2.99").status_code == 404
    assert web.post(f"{COMMIT}/no-uid", **body(flat(reference("1.2")))).status_code == 400


def test_many_at_once(web: TestClient, archive: Archive) -> None:
    for number in range(1, 4):
        archive.ingest(make_instance(number))
    request = flat(*(reference(f"1.2.3.1.1.{number}") for number in range(1, 1201)))
    answer = one(web.post(f"{COMMIT}/1.2.99", **body(request)))
    assert len(answer.ReferencedSOPSequence) == 3
    assert len(answer.FailedSOPSequence) == 1197


def test_what_one_may_not_see_is_not_here(archive: Archive) -> None:
    archive.ingest(make_instance(1, study=1, PatientID="P1"))
    archive.ingest(make_instance(1, study=2, PatientID="P2"))
    app = application(Context(archive))
    principal = Principal.of("narrow", [Grant.parse("read@patient:P1")])

    async def asked(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        scope["kerma.principal"] = principal
        await app(scope, receive, send)

    request = flat(reference("1.2.3.1.1.1"), reference("1.2.3.2.1.1"))
    answer = one(TestClient(asked).post(f"{COMMIT}/1.2.99", **body(request)))
    assert reasons(answer) == {"1.2.3.2.1.1": 0x0112}
