"""UPS-RS (PS3.18 11): every status and Warning of its tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.archive.permissions import Grant, Principal, Right
from kerma.formats.json import to_json_object
from kerma.formats.xml import from_xml, to_xml
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.work.steps import discontinued, make, make_step, performed
from tests.web.work_bodies import ITEMS, OURS, ROOT, body, change, create, one

FILTERED = f"{ITEMS}/1.2.840.10008.5.1.4.34.5.1/subscribers"
GLOBAL = f"{ITEMS}/1.2.840.10008.5.1.4.34.5/subscribers"


TWO_PARTS = b"--a\r\nContent-Type: application/dicom+json\r\n\r\n{}\r\n--a\r\n\r\n{}\r\n--a--"


def warning(response: object) -> str:
    return str(response.headers.get("warning", ""))  # type: ignore[attr-defined]


def test_places_are_told_as_a_proxy_in_front_is_asked(web: TestClient) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pacs.example.org"}
    answer = web.post(f"{ITEMS}?1.2.3", **{**body(make_step()), "headers": {**body(make_step())["headers"], **headers}})
    assert answer.headers["location"] == "https://pacs.example.org/dicomweb/workitems/1.2.3"
    answer = web.post(f"{ITEMS}/1.2.3/subscribers/A", headers=headers)
    assert answer.headers["content-location"] == "wss://pacs.example.org/dicomweb/subscribers/A"
    assert web.post(f"{ITEMS}/1.2.3/subscribers/A", headers={"Host": "?"}).headers["content-location"].startswith("ws:")


@pytest.mark.parametrize("query", ["?1.2.3", "?workitem=1.2.3", "?AffectedSOPInstanceUID=1.2.3"])
def test_create_with_the_uid_in_the_query(web: TestClient, query: str) -> None:
    response = web.post(f"{ITEMS}{query}", **body(make_step()))
    assert response.status_code == 201
    assert response.headers["location"] == "http://testserver/dicomweb/workitems/1.2.3"
    assert response.headers["content-location"] == response.headers["location"]
    assert warning(response) == "299 http://testserver/dicomweb: The Workitem was created with modifications."
    assert not response.content
    again = web.post(f"{ITEMS}{query}", **body(make_step()))
    assert again.status_code == 409
    assert again.json()["detail"] == "a step with this UID exists"


def test_create_with_the_uid_in_the_body_or_without_one(web: TestClient) -> None:
    for keyword in ("AffectedSOPInstanceUID", "SOPInstanceUID"):
        uid = f"1.2.{len(keyword)}"
        assert web.post(ITEMS, **body(make_step(**{keyword: uid}))).headers["location"].endswith(f"/workitems/{uid}")
    location = web.post(ITEMS, **body(make_step())).headers["location"]
    assert one(web.get(location)).ProcedureStepState == "SCHEDULED"
    both = web.post(f"{ITEMS}?1.2.4", **body(make_step(SOPInstanceUID="1.2.5")))
    assert both.status_code == 400


@pytest.mark.parametrize(
    ("values", "what"),
    [({"ProcedureStepState": "COMPLETED"}, "SCHEDULED"), ({"ProcedureStepLabel": None}, "ProcedureStepLabel")],
)
def test_create_refuses(web: TestClient, values: dict[str, object], what: str) -> None:
    response = web.post(ITEMS, **body(make_step(**values)))
    assert response.status_code == 400
    assert what in response.json()["detail"]
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/dicom+json", 400),
        (b"{", "application/dicom+json", 400),
        (b"[1]", "application/dicom+json", 400),
        (b"[{},{}]", "application/dicom+json", 400),
        (b"<a>", "application/dicom+xml", 400),
        (b"x", "image/jpeg", 415),
        (b"x", "multipart/related", 400),
        (TWO_PARTS, "multipart/related; boundary=a", 413),
        (b"[" * 100_000, "application/dicom+json", 400),
        (b" " * (17 << 20), "application/dicom+json", 413),
    ],
)
def test_bodies_that_are_none(web: TestClient, content: bytes, content_type: str, status: int) -> None:
    response = web.post(ITEMS, content=content, headers={"Content-Type": content_type})
    assert response.status_code == status, response.text


def test_forms(web: TestClient) -> None:
    document = to_xml(make_step()).encode()
    single = web.post(f"{ITEMS}?1.2.3", content=document, headers={"Content-Type": "application/dicom+xml"})
    assert single.status_code == 201
    part = b"--b\r\nContent-Type: application/dicom+xml\r\n\r\n" + document + b"\r\n--b--\r\n"
    kind = 'multipart/related; type="application/dicom+xml"; boundary=b'
    assert web.post(f"{ITEMS}?1.2.4", content=part, headers={"Content-Type": kind}).status_code == 201
    json = web.get(f"{ITEMS}/1.2.3")
    assert json.headers["content-type"] == "application/dicom+json"
    assert json.json()[0]["00100010"]["Value"] == [{"Alphabetic": "Müller^Jürgen"}]
    xml = web.get(f"{ITEMS}/1.2.3", headers={"Accept": "application/dicom+xml"})
    assert from_xml(xml.content).PatientName == "Müller^Jürgen"
    several = web.get(ITEMS, headers={"Accept": 'multipart/related; type="application/dicom+xml"'})
    assert several.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"')
    assert several.content.count(b"<NativeDicomModel") == 2
    assert web.get(f"{ITEMS}/1.2.3", headers={"Accept": "image/jpeg"}).status_code == 406


def test_a_step_from_claim_to_completion(web: TestClient) -> None:
    uid = create(web)
    assert change(web, uid, "IN PROGRESS").status_code == 200
    assert "00081195" not in web.get(f"{ITEMS}/{uid}").json()[0]
    assert "00081195" not in web.get(ITEMS).json()[0]
    for query in (f"?{OURS}", f"?transaction-uid={OURS}", f"?TransactionUID={OURS}"):
        assert web.post(f"{ITEMS}/{uid}{query}", **body(performed())).status_code == 200
    inside = performed()
    inside.TransactionUID = OURS
    response = web.post(f"{ITEMS}/{uid}", **body(inside))
    assert response.status_code == 200
    assert response.headers["content-location"].endswith(f"/workitems/{uid}")
    assert change(web, uid, "COMPLETED").status_code == 200
    assert one(web.get(f"{ITEMS}/{uid}")).ProcedureStepState == "COMPLETED"
    again = change(web, uid, "COMPLETED")
    assert again.status_code == 200
    assert warning(again).endswith("The UPS is already in the requested state of COMPLETED.")
    late = web.post(f"{ITEMS}/{uid}?{OURS}", **body(make(ProcedureStepLabel="Late")))
    assert late.status_code == 400
    assert warning(late).endswith("The submitted request is inconsistent with the current state of the Workitem.")
    assert change(web, uid, "CANCELED").status_code == 409


def test_states_that_may_not_follow(web: TestClient) -> None:
    uid = create(web)
    state = "The submitted request is inconsistent with the state of the UPS Instance."
    for requested, transaction, status, told in (
        ("COMPLETED", OURS, 409, state),
        ("CANCELED", OURS, 409, state),
        ("SCHEDULED", OURS, 400, state),
        ("IN PROGRESS", None, 400, "The Transaction UID is missing."),
        ("ELSEWHERE", OURS, 400, ""),
    ):
        response = change(web, uid, requested, transaction)
        assert (response.status_code, warning(response).partition(": ")[2]) == (status, told), requested
    change(web, uid, "IN PROGRESS")
    for requested, transaction, status, told in (
        ("IN PROGRESS", OURS, 409, state),
        ("IN PROGRESS", "1.2.3.98", 400, "The Transaction UID is incorrect."),
        ("COMPLETED", OURS, 409, state),
        ("COMPLETED", None, 400, "The Transaction UID is missing."),
    ):
        response = change(web, uid, requested, transaction)
        assert (response.status_code, warning(response).partition(": ")[2]) == (status, told), requested
    assert web.post(f"{ITEMS}/{uid}?{OURS}", **body(discontinued())).status_code == 200
    assert change(web, uid, "CANCELED").status_code == 200
    assert warning(change(web, uid, "CANCELED")).endswith("The UPS is already in the requested state of CANCELED.")


def test_updates_that_are_refused(web: TestClient) -> None:
    uid = create(web)
    label = make(ProcedureStepLabel="Other")
    unclaimed = web.post(f"{ITEMS}/{uid}?{OURS}", **body(label))
    assert unclaimed.status_code == 409
    assert warning(unclaimed).endswith("The target URI did not reference a claimed Workitem.")
    assert web.post(f"{ITEMS}/{uid}", **body(label)).status_code == 200
    change(web, uid, "IN PROGRESS")
    missing = web.post(f"{ITEMS}/{uid}", **body(label))
    assert (missing.status_code, warning(missing).partition(": ")[2]) == (400, "The Transaction UID is missing.")
    wrong = web.post(f"{ITEMS}/{uid}?1.2.3.98", **body(label))
    assert (wrong.status_code, warning(wrong).partition(": ")[2]) == (400, "The Transaction UID is incorrect.")
    assert web.post(f"{ITEMS}/{uid}?{OURS}", **body(make(PatientID="P2"))).status_code == 400


def test_requests_to_cancel(web: TestClient) -> None:
    uid = create(web)
    assert web.post(f"{ITEMS}/{uid}/cancelrequest").status_code == 202
    assert one(web.get(f"{ITEMS}/{uid}")).ProcedureStepState == "CANCELED"
    again = web.post(f"{ITEMS}/{uid}/cancelrequest", **body(make(ReasonForCancellation="twice")))
    assert again.status_code == 202
    assert warning(again).endswith("The UPS is already in the requested state of CANCELED.")
    claimed = create(web, "1.2.4")
    change(web, claimed, "IN PROGRESS")
    nobody = web.post(f"{ITEMS}/{claimed}/cancelrequest")
    assert (nobody.status_code, warning(nobody).partition(": ")[2]) == (409, "The performer cannot be contacted.")
    web.post(f"{ITEMS}/{claimed}/subscribers/OWNER")
    assert web.post(f"{ITEMS}/{claimed}/cancelrequest").status_code == 202
    web.post(f"{ITEMS}/{claimed}?{OURS}", **body(performed()))
    change(web, claimed, "COMPLETED")
    done = web.post(f"{ITEMS}/{claimed}/cancelrequest")
    assert (done.status_code, warning(done).partition(": ")[2]) == (409, "The UPS is already COMPLETED.")


def test_what_is_not_there(web: TestClient, archive: Archive) -> None:
    for response in (
        web.get(f"{ITEMS}/1.2.9"),
        web.post(f"{ITEMS}/1.2.9", **body(make(ProcedureStepLabel="x"))),
        change(web, "1.2.9", "IN PROGRESS"),
        web.post(f"{ITEMS}/1.2.9/cancelrequest"),
        web.post(f"{ITEMS}/1.2.9/subscribers/A"),
        web.delete(f"{ITEMS}/1.2.9/subscribers/A"),
        web.delete(f"{GLOBAL}/A"),
        web.post(f"{GLOBAL}/A/suspend"),
    ):
        assert response.status_code == 404, response.request.url
    assert web.post(f"{ITEMS}/1.2.9/subscribers/A/suspend").status_code == 400
    uid = create(web)
    web.post(f"{ITEMS}/{uid}/cancelrequest")
    archive.work.items.purge(1 << 62)
    gone = web.get(f"{ITEMS}/{uid}"), web.post(f"{ITEMS}/{uid}", **body(performed())), change(web, uid, "COMPLETED")
    for response in gone:
        assert response.status_code == 410
    assert web.get(f"{ITEMS}/not-a-uid").status_code == 400


def test_searching(web: TestClient) -> None:
    assert web.get(ITEMS).status_code == 204
    for number in range(25):
        create(web, f"1.2.3.{number}", PatientID=f"P{number % 2}", ProcedureStepLabel=f"Step {number}")
    change(web, "1.2.3.4", "IN PROGRESS")

    def found(query: str) -> list[str]:
        response = web.get(f"{ITEMS}?{query}")
        if response.status_code == 204:
            return []
        assert response.status_code == 200, response.text
        return [item["00080018"]["Value"][0] for item in response.json()]

    everything = [f"1.2.3.{number}" for number in range(25)]
    assert found("limit=100") == everything
    assert found("limit=10") + found("limit=10&offset=10") + found("limit=10&offset=20") == everything
    assert found("limit=10&offset=30") == []
    assert found("ProcedureStepState=IN%20PROGRESS") == ["1.2.3.4"]
    assert found("00741000=SCHEDULED,CANCELED&limit=1") == ["1.2.3.0"]
    assert found("PatientID=P1&00741204=Step%201?&includefield=all") == [f"1.2.3.{n}" for n in (11, 13, 15, 17, 19)]
    assert found("PatientName=m%C3%BCller*&limit=1&nonsense=1") == ["1.2.3.0"]
    assert found("SOPInstanceUID=1.2.3.1,1.2.3.2") == ["1.2.3.1", "1.2.3.2"]
    assert found("ScheduledStationNameCodeSequence.CodeValue=S1") == []
    assert found("PatientName=Mueler&limit=1") == []
    assert found("PatientName=M%C3%BCler&fuzzymatching=true&limit=1") == ["1.2.3.0"]
    for wrong in ("limit=-1", "offset=x", "ScheduledProcedureStepStartDateTime=yesterday"):
        assert web.get(f"{ITEMS}?{wrong}").status_code == 400, wrong


def test_subscriptions(web: TestClient) -> None:
    uid = create(web)
    response = web.post(f"{ITEMS}/{uid}/subscribers/WATCHER?deletionlock=true")
    assert response.status_code == 201
    assert response.headers["content-location"] == "ws://testserver/dicomweb/subscribers/WATCHER"
    assert web.delete(f"{ITEMS}/{uid}/subscribers/WATCHER").status_code == 200
    assert web.delete(f"{ITEMS}/{uid}/subscribers/WATCHER").status_code == 404
    assert web.post(f"{GLOBAL}/ALL").status_code == 201
    assert web.post(f"{GLOBAL}/ALL/suspend").status_code == 200
    assert web.post(f"{FILTERED}/SOME").status_code == 400
    assert web.post(f"{FILTERED}/SOME?filter=nonsense").status_code == 400
    for query in ("filter=WorklistLabel=Reading,PatientID=P1", "WorklistLabel=Reading&deletionlock=false"):
        assert web.post(f"{FILTERED}/SOME?{query}").status_code == 201
        assert web.delete(f"{FILTERED}/SOME").status_code == 200
    assert web.post(f"{GLOBAL}/ALL?deletionlock=perhaps").status_code == 400
    assert web.post(f"{GLOBAL}/{'A' * 17}").status_code == 400


def principal_client(archive: Archive, principal: Principal) -> TestClient:
    app = application(Context(archive))

    async def asked(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        scope["kerma.principal"] = principal
        await app(scope, receive, send)

    return TestClient(asked, raise_server_exceptions=False)


@pytest.fixture
def two_patients(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "two") as archive:
        for patient in ("P1", "P2"):
            archive.work.items.create(make_step(PatientID=patient), f"1.2.{patient[1]}")
        yield archive


def test_without_the_right_there_is_nothing(two_patients: Archive) -> None:
    nobody = principal_client(two_patients, Principal("nobody", Right.NONE))
    reader = principal_client(two_patients, Principal("reader", Right.READ))
    writer = principal_client(two_patients, Principal("writer", Right.WRITE))
    label = body(make(ProcedureStepLabel="Other"))
    asked = [
        ("GET", ITEMS, {}),
        ("GET", f"{ITEMS}/1.2.1", {}),
        ("POST", ITEMS, body(make_step())),
        ("POST", f"{ITEMS}/1.2.1", label),
        ("PUT", f"{ITEMS}/1.2.1/state", body(make(ProcedureStepState="IN PROGRESS", TransactionUID=OURS))),
        ("POST", f"{ITEMS}/1.2.1/cancelrequest", {}),
        ("POST", f"{ITEMS}/1.2.1/subscribers/A", {}),
        ("DELETE", f"{ITEMS}/1.2.1/subscribers/A", {}),
        ("GET", f"{ROOT}/modality-scheduled-procedure-steps", {}),
        ("POST", f"{ROOT}/modality-scheduled-procedure-steps", label),
        ("POST", f"{ROOT}/modality-performed-procedure-steps/1.2.3", label),
        ("GET", f"{ROOT}/modality-performed-procedure-steps/1.2.3", {}),
        ("POST", f"{ROOT}/commitment-requests/1.2.3", label),
        ("GET", f"{ROOT}/commitment-requests/1.2.3", {}),
    ]
    for method, url, arguments in asked:
        assert nobody.request(method, url, **arguments).status_code == 403, (method, url)
        if method in ("POST", "PUT") and "subscribers" not in url and "commitment" not in url:
            assert reader.request(method, url, **arguments).status_code == 403, (method, url)
        if method == "GET":
            assert writer.request(method, url, **arguments).status_code == 403, (method, url)


def test_who_may_see_one_patient_sees_no_other(two_patients: Archive) -> None:
    grant = Grant.parse("read,write@patient:P1")
    two_patients.work.items.subscribers.subscribe("1.2.2", "OTHER")
    narrow = principal_client(two_patients, Principal.of("narrow", [grant]))
    assert [item["00100020"]["Value"] for item in narrow.get(ITEMS).json()] == [["P1"]]
    assert narrow.get(f"{ITEMS}/1.2.1").status_code == 200
    for response in (
        narrow.get(f"{ITEMS}/1.2.2"),
        narrow.post(f"{ITEMS}/1.2.2", **body(make(ProcedureStepLabel="x"))),
        change(narrow, "1.2.2", "IN PROGRESS"),
        narrow.post(f"{ITEMS}/1.2.2/cancelrequest"),
        narrow.post(f"{ITEMS}/1.2.2/subscribers/A"),
        narrow.delete(f"{ITEMS}/1.2.2/subscribers/OTHER"),
        narrow.delete(f"{ITEMS}/1.2.2/subscribers/NOBODY"),
    ):
        assert response.status_code == 404
    assert narrow.post(f"{ITEMS}/1.2.1", **body(make(PatientID="P2"))).status_code in (400, 403, 409)
    assert narrow.post(ITEMS, **body(make_step(PatientID="P2"))).status_code == 403
    assert narrow.post(ITEMS, **body(make_step(PatientID="P1"))).status_code == 201
    assert narrow.post(f"{GLOBAL}/A").status_code == 201
    assert {report.uid for report in two_patients.work.events.after("A", 0)}.isdisjoint({"1.2.2"})


def test_answers_do_not_tell_values(web: TestClient) -> None:
    response = web.post(ITEMS, **body(make_step(ScheduledProcedureStepPriority="SECRET")))
    assert response.status_code == 400
    assert "SECRET" not in response.text
    assert "Müller" not in response.text


def test_json_is_the_default_type(web: TestClient) -> None:
    step = body(make_step())
    assert web.post(ITEMS, content=step["content"]).status_code == 201
    plain = {"Content-Type": "application/json; charset=utf-8"}
    assert web.post(ITEMS, content=step["content"], headers=plain).status_code == 201


_TAGS = ("00741000", "00741200", "00404041", "00404005", "00741204", "00100010", "00741216", "00081195", "00080005")
_VALUE = st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | st.booleans()
_ATTRIBUTE = st.fixed_dictionaries(
    {},
    optional={"vr": st.sampled_from(("CS", "SQ", "PN", "DT", "UI", "OB", "XX")), "Value": st.lists(_VALUE, max_size=2)},
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(_TAGS), _ATTRIBUTE | _VALUE, max_size=4),
    way=st.sampled_from(("create", "update", "state", "cancel", "mpps", "update mpps", "commit", "plan")),
)
def test_no_body_is_an_error_of_the_server(web: TestClient, changes: dict[str, object], way: str) -> None:
    model = to_json_object(make_step()) | changes
    urls = {
        "create": ("POST", ITEMS),
        "update": ("POST", f"{ITEMS}/1.2.3"),
        "state": ("PUT", f"{ITEMS}/1.2.3/state"),
        "cancel": ("POST", f"{ITEMS}/1.2.3/cancelrequest"),
        "mpps": ("POST", f"{ROOT}/modality-performed-procedure-steps/1.2.3"),
        "update mpps": ("POST", f"{ROOT}/modality-performed-procedure-steps/1.2.3?update"),
        "commit": ("POST", f"{ROOT}/commitment-requests/1.2.3"),
        "plan": ("POST", f"{ROOT}/modality-scheduled-procedure-steps"),
    }
    web.post(f"{ITEMS}?1.2.3", **body(make_step()))
    method, url = urls[way]
    content = json.dumps(model if way in ("create", "mpps") else changes).encode()
    response = web.request(method, url, content=content, headers={"Content-Type": "application/dicom+json"})
    assert response.status_code < 500, response.text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(
                ("00741000", "PatientName", "limit", "offset", "includefield", "00100010.00080100", "7FE00010")
            )
            | st.text(max_size=8),
            st.text(max_size=8) | st.sampled_from(("*", "-", '""', "2026-", "1\\2", "[", "%")),
        ),
        max_size=4,
    ),
    where=st.sampled_from(("workitems", "modality-scheduled-procedure-steps")),
)
def test_no_query_is_an_error_of_the_server(web: TestClient, pairs: list[tuple[str, str]], where: str) -> None:
    web.post(f"{ITEMS}?1.2.3", **body(make_step()))
    response = web.get(f"{ROOT}/{where}", params=pairs)
    assert response.status_code < 500, response.text


def test_an_answer_is_bounded(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        create(web, f"1.2.3.{number}")
    monkeypatch.setattr("kerma.web.work_desk.MAX_RESULTS", 5)
    response = web.get(ITEMS)
    assert (response.status_code, len(response.json())) == (206, 5)
    assert warning(response).endswith("There are additional results that can be requested.")
    assert len(web.get(f"{ITEMS}?offset=5").json()) == 3
    assert web.get(f"{ITEMS}?limit=5").status_code == 200
    assert web.get(f"{ITEMS}?limit=6").status_code == 206
    monkeypatch.setattr("kerma.web.work_desk.MAX_ANSWER", 1000)
    response = web.get(ITEMS)
    assert response.status_code == 206
    assert 1 <= len(response.json()) < 5
    assert web.get(f"{ITEMS}?limit=1").status_code == 200
