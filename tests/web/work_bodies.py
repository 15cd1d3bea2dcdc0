"""Bodies for the tests of work over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from kerma.dataset import Dataset
from kerma.formats.json import from_json, to_json
from tests.archive.work.steps import make, make_step

ROOT = "/dicomweb"
ITEMS = f"{ROOT}/workitems"
JSON = {"Content-Type": "application/dicom+json"}
OURS = "1.2.3.99"


def body(ds: Dataset) -> dict[str, Any]:
    """Arguments that send a data set as JSON."""
    return {"content": f"[{to_json(ds)}]".encode(), "headers": JSON}


def one(response: Any) -> Dataset:
    """The data set of an answer."""
    assert response.status_code == 200, response.text
    return from_json(response.content)


def create(web: TestClient, uid: str = "1.2.3", **values: object) -> str:
    response = web.post(f"{ITEMS}?workitem={uid}", **body(make_step(**values)))
    assert response.status_code == 201, response.text
    return uid


def change(web: TestClient, uid: str, state: str, transaction: str | None = OURS) -> Any:
    return web.put(f"{ITEMS}/{uid}/state", **body(make(ProcedureStepState=state, TransactionUID=transaction)))
