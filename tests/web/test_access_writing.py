"""Storing and deleting by who may do so in a part of the archive only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.dataset import Dataset
from kerma.dicomweb.multipart import Writer
from kerma.formats import part10
from kerma.formats.json import from_json
from kerma.query.identifier import unique_query
from kerma.query.model import Level
from kerma.web.access.gate import Gate
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import EXPLICIT, make_instance, store_instance

STUDIES = "/dicomweb/studies"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "data") as archive:
        store_instance(archive, make_instance(1, study=1, PatientID="P1"))
        store_instance(archive, make_instance(1, study=2, PatientID="P2"))
        store_instance(archive, make_instance(1, study=2, series=2, PatientID="P2"))
        yield archive


@pytest.fixture
def access(archive: Archive) -> Iterator[Access]:
    with Access(archive.root) as access:
        yield access


def client(archive: Archive, access: Access, *grants: str) -> TestClient:
    _, token = access.keys.make(grants, access.now())
    app = application(Context(archive, gate=Gate(access)))
    return TestClient(app, headers={"X-API-Key": token}, raise_server_exceptions=False)


def file_of(ds: Dataset) -> bytes:
    head = part10.file_head(
        sop_class_uid=str(ds.SOPClassUID), sop_instance_uid=str(ds.SOPInstanceUID), transfer_syntax_uid=EXPLICIT
    )
    return head + ds.to_bytes(EXPLICIT)


def store(web: TestClient, *instances: Dataset) -> tuple[int, Dataset | None]:
    writer = Writer()
    body = b"".join(writer.part("application/dicom") + file_of(ds) for ds in instances) + writer.end()
    answer = web.post(STUDIES, content=body, headers={"Content-Type": writer.content_type("application/dicom")})
    return answer.status_code, from_json(answer.content) if answer.status_code in (200, 202, 409) else None


def reasons(answer: Any) -> list[int]:
    return [int(item.FailureReason) for item in answer.get("FailedSOPSequence") or ()]


def test_one_patient_is_stored_and_no_other(archive: Archive, access: Access) -> None:
    web = client(archive, access, "write@patient:P1")
    status, answer = store(
        web,
        make_instance(2, study=1, PatientID="P1"),
        make_instance(3, study=1, PatientID="P2"),
        make_instance(4, study=2, PatientID="P1"),  # into another patient's study
        make_instance(5, study=3, PatientID="P1", SOPInstanceUID="1.2.3.2.1.1"),  # over another patient's instance
        make_instance(6, study=3, PatientID=None),
    )
    assert status == 202
    assert answer is not None
    assert len(answer.ReferencedSOPSequence) == 1
    assert reasons(answer) == [0x0124] * 4
    assert archive.stats().instances == 4
    assert web.get(f"{STUDIES}/1.2.3.1").status_code == 403
    assert store(client(archive, access, "read"), make_instance(9))[0] == 403
    assert store(client(archive, access, "write"), make_instance(9, study=9))[0] == 200


def test_what_may_be_deleted_is_deleted_and_no_more(archive: Archive, access: Access) -> None:
    series = client(archive, access, "delete@series:1.2.3.2.2")
    assert series.delete(f"{STUDIES}/1.2.3.1").status_code == 404
    assert series.delete(f"{STUDIES}/1.2.3.2/series/1.2.3.2.1").status_code == 404
    assert archive.stats().instances == 3
    assert series.delete(f"{STUDIES}/1.2.3.2").status_code < 300
    assert len(archive.instances(unique_query(Level.STUDY, ("1.2.3.2",)))) == 1
    reader = client(archive, access, "read", "delete@patient:P1")
    assert reader.delete(f"{STUDIES}/1.2.3.2").status_code == 403, "seen, and not to be deleted"
    assert reader.delete(f"{STUDIES}/1.2.3.1").status_code < 300
    assert archive.stats().instances == 1
