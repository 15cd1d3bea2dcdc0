"""DELETE at study, series and instance."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.archive.permissions import Principal, Right
from kerma.web.application import application
from kerma.web.audit import Deed
from kerma.web.context import Context
from tests.archive.conftest import make_instance, store_instance
from tests.web.test_store import client_of


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for study in (1, 2):
        for series in (1, 2):
            for number in (1, 2):
                store_instance(archive, make_instance(number, study=study, series=series))
    return archive


def test_each_level_is_deleted_and_audited(filled: Archive) -> None:
    deeds: list[Deed] = []
    context = Context(filled, on_deed=deeds.append)
    web = TestClient(application(context), raise_server_exceptions=False)
    assert web.delete("/dicomweb/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.2").status_code == 204
    assert filled.stats().instances == 7
    assert web.delete("/dicomweb/studies/1.2.3.1/series/1.2.3.1.2").status_code == 204
    assert filled.stats().instances == 5
    assert web.delete("/dicomweb/studies/1.2.3.2").status_code == 204
    assert filled.stats().instances == 1
    assert [(deed.action, deed.level, deed.uid, deed.instances) for deed in deeds] == [
        ("deleted", "instance", "1.2.3.1.1.2", 1),
        ("deleted", "series", "1.2.3.1.2", 2),
        ("deleted", "study", "1.2.3.2", 4),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "studies/1.2.3.9",
        "studies/1.2.3.1/series/1.2.3.2.1",
        "studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.2.1",
    ],
)
def test_what_is_not_there_is_not_found(web: TestClient, filled: Archive, path: str) -> None:
    assert web.delete(f"/dicomweb/{path}").status_code == 404
    assert filled.stats().instances == 8


def test_only_with_the_right(filled: Archive) -> None:
    reader = client_of(filled, Principal("reader", Right.READ | Right.WRITE))
    assert reader.delete("/dicomweb/studies/1.2.3.1").status_code == 403
    assert filled.stats().instances == 8
    cleaner = client_of(filled, Principal("cleaner", Right.DELETE))
    assert cleaner.delete("/dicomweb/studies/1.2.3.1").status_code == 204
    assert filled.stats().instances == 4
