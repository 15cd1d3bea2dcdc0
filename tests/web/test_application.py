"""What is around every route."""

from __future__ import annotations

from starlette.testclient import TestClient


def test_an_unknown_path_is_a_problem_in_json(web: TestClient) -> None:
    answer = web.get("/dicomweb/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404
    assert "/openapi.json" in answer.json()["detail"]
