"""What docs/guide/work-items.md says works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.archive.work.steps import make_scheduled
from tests.web.work_bodies import ROOT, body

GUIDE = (Path(__file__).parents[2] / "docs/guide/work-items.md").read_text(encoding="utf-8")


def test_the_example_of_a_work_item(web: TestClient) -> None:
    found = re.search(r"curl -X POST \$WEB(\S+) -H 'Content-Type: ([^']+)' -d '([^']+)'", GUIDE)
    assert found is not None
    path, content_type, content = found.groups()
    response = web.post(f"{ROOT}{path}", content=content, headers={"Content-Type": content_type})
    assert response.status_code == 201, response.text
    assert "created with modifications" in response.headers["warning"]


def test_the_examples_of_subscriptions_and_the_worklist(web: TestClient) -> None:
    web.post(f"{ROOT}/modality-scheduled-procedure-steps", **body(make_scheduled(2)))
    test_the_example_of_a_work_item(web)
    lines = re.findall(r'curl (-X (?P<method>\w+) )?"\$WEB(?P<path>[^"]+)"', GUIDE)
    assert len(lines) == 4
    for _, method, path in lines:
        response = web.request(method or "GET", f"{ROOT}{path}")
        assert response.status_code in (200, 201), (path, response.text)


def test_pydicom_reads_the_answers(web: TestClient) -> None:
    pydicom = pytest.importorskip("pydicom")
    test_the_example_of_a_work_item(web)
    item = pydicom.Dataset.from_json(web.get(f"{ROOT}/workitems/1.2.3").json()[0])
    assert item.ProcedureStepLabel == "Second reading"
    assert "TransactionUID" not in item
    web.post(f"{ROOT}/workitems/1.2.3/subscribers/WATCHER")
    with web.websocket_connect(f"{ROOT}/subscribers/WATCHER") as socket:
        report = pydicom.Dataset.from_json(socket.receive_json())
    assert (report.EventTypeID, report.ProcedureStepState, report[0x00001000].value) == (1, "SCHEDULED", "1.2.3")
