"""The descriptions of the service: they name every route, and are what their media types say."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.web.application import application
from kerma.web.context import Context
from kerma.web.described import operations

WADL = "{http://wadl.dev.java.net/2009/02}"


@pytest.fixture
def app(archive: Archive) -> Starlette:
    return application(Context(archive))


@pytest.mark.parametrize("path", ["/openapi.json", "/dicomweb/openapi.json"])
def test_openapi_names_every_route(web: TestClient, app: Starlette, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(one.method, one.path) for one in operations(app.routes)}
    assert ("GET", "/dicomweb/studies/{study}/metadata") in described
    assert ("GET", "/dicomweb/studies/{study}/series/{series}/instances/{instance}/bulkdata/{bulk}") in described
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(ids) == len(set(ids))
    for template, item in document["paths"].items():
        for one in item.values():
            names = {row["name"] for row in one.get("parameters", ()) if row["in"] == "path"}
            assert all(f"{{{name}}}" in template for name in names)
            assert len(names) == template.count("{")


@pytest.mark.parametrize("path", ["/dicomweb", "/dicomweb/"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_the_capabilities_are_wadl_or_json(web: TestClient, app: Starlette, path: str, method: str) -> None:
    answer = web.request(method, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.sun.wadl+xml"
    resources = ElementTree.fromstring(answer.content).find(f"{WADL}resources")
    assert resources is not None
    assert resources.get("base") == "http://testserver/dicomweb/"
    paths = {one.get("path") for one in resources}
    assert {"studies", "studies/{study}/series/{series}/metadata", "workitems/{workitem}/state"} <= paths
    assert not [one for one in paths if one is not None and one.startswith("metrics")]
    json = web.request(method, path, headers={"Accept": "application/json"})
    assert json.headers["content-type"] == "application/json"
    assert "Accept" in json.headers["vary"]


def test_options_of_a_resource_tells_its_methods(web: TestClient) -> None:
    answer = web.options("/dicomweb/studies/1.2.3")
    assert answer.status_code == 204
    assert {"GET", "POST", "DELETE", "OPTIONS"} <= set(answer.headers["allow"].split(", "))
