"""Metadata over HTTP: whole, kept, conditional, dropped when the series changes (PS3.18 10.4.1.1.2)."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.archive.config import ArchiveConfig, Duplicates
from kerma.archive.metadata import StoredHeader
from kerma.archive.permissions import Grant, Principal, Right
from kerma.dataset import Dataset
from kerma.dataset.bulk import BulkData
from kerma.dataset.fragments import Fragments
from kerma.errors import KermaError
from kerma.query import from_keys
from kerma.query.model import Area
from kerma.web import metadata
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import make_instance

JSON = {"Accept": "application/dicom+json"}
BASE = "http://testserver/dicomweb"
SERIES = "/dicomweb/studies/1.2.3.1/series/1.2.3.1.1"


def get(web: TestClient, path: str, **headers: str) -> list[dict[str, Any]]:
    answer = web.get(path, headers={**JSON, **headers})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def expected(ds: Dataset, base: str, syntax: str) -> dict[str, Any]:
    """What the metadata of a data set must be, by the writer of JSON alone."""
    ds.add(0x00083002, "UI", syntax)

    def bulk(path: tuple[int, ...], element: Any) -> str | None:
        pixels = path[0] in (0x7FE00008, 0x7FE00009, 0x7FE00010)
        if not pixels and len(bytes(element.raw or b"")) <= 1024:
            return None
        return f"{base}/bulkdata/" + "/".join(str(step) if at % 2 else f"{step:08X}" for at, step in enumerate(path))

    found: dict[str, Any] = json.loads(kerma.to_json(ds, bulk=bulk))
    return found


def test_metadata_are_whole_at_every_level(web: TestClient, archive: Archive) -> None:
    for series in (1, 2):
        for number in (2, 1):
            archive.ingest(make_instance(number, series=series))
    one = get(web, f"{SERIES}/metadata")
    assert [item["00080018"]["Value"][0] for item in one] == ["1.2.3.1.1.1", "1.2.3.1.1.2"]
    assert one[0]["7FE00010"] == {
        "vr": "OW",
        "BulkDataURI": f"{BASE}{SERIES[9:]}/instances/1.2.3.1.1.1/bulkdata/7FE00010",
    }
    assert one[0]["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}
    assert one[0]["00100010"]["Value"] == [{"Alphabetic": "Müller^Hans"}]
    assert list(one[0]) == sorted(one[0])
    assert get(web, f"{SERIES}/instances/1.2.3.1.1.1/metadata") == one[:1]
    study = get(web, "/dicomweb/studies/1.2.3.1/metadata")
    assert study[:2] == one
    assert len(study) == 4
    plain = web.get("/dicomweb/studies/1.2.3.1/metadata", headers={**JSON, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == study
    assert int(plain.headers["content-length"]) == len(plain.content)


@pytest.mark.parametrize(
    "path",
    [
        "/dicomweb/studies/1.9/metadata",
        "/dicomweb/studies/1.2.3.1/series/1.9/metadata",
        f"{SERIES}/instances/1.9/metadata",
        "/dicomweb/studies/1.9/series/1.2.3.1.1/metadata",
    ],
)
def test_what_is_not_there_is_told(web: TestClient, archive: Archive, path: str) -> None:
    archive.ingest(make_instance())
    assert web.get(path).status_code == 404
    assert web.get(path.replace("1.9", "x")).status_code == 400


def test_metadata_of_real_files_lose_nothing(web: TestClient, archive: Archive, corpus: Path) -> None:
    with (corpus / "manifest.tsv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file, delimiter="\t") if int(row["bytes"]) < 3_000_000]
    seen = 0
    for path in paths[::9]:
        try:
            kept = archive.ingest(corpus / path)
            stored = archive.read(kept.sop_instance_uid)
            where = f"{BASE}/studies/{stored.StudyInstanceUID}/series/{stored.SeriesInstanceUID}"
            wanted = expected(stored, f"{where}/instances/{kept.sop_instance_uid}", str(stored.transfer_syntax_uid))
        except KermaError:
            continue
        found = get(web, f"{where.removeprefix('http://testserver')}/instances/{kept.sop_instance_uid}/metadata")
        assert found == [wanted], path
        series = get(web, f"{where.removeprefix('http://testserver')}/metadata")
        assert wanted in series, path
        seen += 1
    assert seen > 60


def test_metadata_are_kept_and_conditional(web: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.ingest(make_instance())
    first = web.get(f"{SERIES}/metadata", headers=JSON)
    assert first.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in first.headers["vary"]

    def nothing(*_: Any) -> Any:
        raise AssertionError("headers are not looked at again")

    monkeypatch.setattr(archive.metadata, "headers", nothing)
    again = web.get(f"{SERIES}/metadata", headers=JSON)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    plain = web.get(f"{SERIES}/metadata", headers={**JSON, "Accept-Encoding": "identity"})
    assert plain.content == first.content
    assert plain.headers["etag"] != first.headers["etag"]
    same = web.get(f"{SERIES}/metadata", headers={**JSON, "If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    assert same.content == b""
    assert same.headers["etag"] == first.headers["etag"]


def test_what_is_kept_of_a_series_takes_no_thread(
    web: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.ingest(make_instance(1))
    first = web.get(f"{SERIES}/metadata", headers=JSON)
    threads: list[Any] = []

    async def in_a_thread(work: Any, request: Any) -> Any:
        threads.append(work)
        return work(request)

    monkeypatch.setattr(metadata, "run_in_threadpool", in_a_thread)
    again = web.get(f"{SERIES}/metadata", headers=JSON)
    assert (again.content, again.headers, threads) == (first.content, first.headers, [])
    assert web.get(f"{SERIES}/metadata", headers={**JSON, "Accept-Encoding": "identity"}).content == first.content
    archive.ingest(make_instance(2))
    assert len(get(web, f"{SERIES}/metadata")) == 2
    assert len(threads) == 2
    monkeypatch.setattr(metadata, "SMALL", 10)  # reading much would stop everybody else
    assert len(get(web, f"{SERIES}/metadata")) == 2
    assert len(threads) == 3


def test_another_base_has_its_own_uris(web: TestClient, archive: Archive) -> None:
    archive.ingest(make_instance())

    def uri(**headers: str) -> str:
        return str(get(web, f"{SERIES}/metadata", **headers)[0]["7FE00010"]["BulkDataURI"])

    for _ in range(2):
        assert uri().startswith("http://testserver/dicomweb/studies/")
        assert uri(Host="pacs:8042").startswith("http://pacs:8042/dicomweb/studies/")
        told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pacs.example.org"}
        assert uri(**told).startswith("https://pacs.example.org/dicomweb/studies/")
        assert uri(Host='evil"<>').startswith("/dicomweb/studies/")
    for number in range(10):
        uri(Host=f"host{number}")
    with sqlite3.connect(archive.index.path) as connection:
        assert connection.execute("SELECT count(*) FROM series_metadata").fetchone()[0] <= 4


def test_a_changed_series_has_other_metadata(tmp_path: Path) -> None:
    config = ArchiveConfig(duplicates=Duplicates.REPLACE)
    with (
        Archive.open(tmp_path / "data", config=config) as archive,
        Archive.open(tmp_path / "data", config=config) as other,  # as another process has it
        TestClient(application(Context(archive))) as web,
    ):
        archive.ingest(make_instance(1))
        tags = [web.get(f"{SERIES}/metadata").headers["etag"]]
        archive.ingest(make_instance(2))
        assert len(get(web, f"{SERIES}/metadata")) == 2
        tags.append(web.get(f"{SERIES}/metadata").headers["etag"])
        other.ingest(make_instance(2, PatientComments="changed"))
        assert get(web, f"{SERIES}/metadata")[1]["00104000"]["Value"] == ["changed"]
        tags.append(web.get(f"{SERIES}/metadata").headers["etag"])
        other.delete("image", "1.2.3.1.1.1")
        assert [one["00200013"]["Value"] for one in get(web, f"{SERIES}/metadata")] == [[2]]
        tags.append(web.get(f"{SERIES}/metadata").headers["etag"])
        assert len(set(tags)) == 4
        archive.reindex()
        assert web.get(f"{SERIES}/metadata").headers["etag"] == tags[-1]
        other.delete("series", "1.2.3.1.1")
        assert web.get(f"{SERIES}/metadata").status_code == 404


def test_what_was_made_of_an_older_series_is_not_kept(archive: Archive) -> None:
    archive.ingest(make_instance(1))
    key = archive.metadata.series(from_keys("series", {}))[0]

    def make(headers: Any) -> list[str]:
        texts = [header.sop_instance_uid for header in headers]
        if len(texts) == 1:
            adding = threading.Thread(target=archive.ingest, args=(make_instance(2),))
            adding.start()
            adding.join(30)
        return [",".join(texts)]

    assert archive.metadata.kept(key, "text", make).size == len("1.2.3.1.1.1")  # type: ignore[union-attr]
    assert archive.metadata.kept(key, "text", make).size == len("1.2.3.1.1.1,1.2.3.1.1.2")  # type: ignore[union-attr]


@pytest.mark.parametrize("case", ["large header", "deflated", "padding", "fragments and padding"])
def test_what_the_index_does_not_hold_comes_from_the_blob(tmp_path: Path, case: str) -> None:
    ds = make_instance()
    syntax = "1.2.840.10008.1.2.1"
    if case == "large header":
        ds.add("RedPaletteColorLookupTableData", "OW", bytes(60_000))
        ds.PerFrameFunctionalGroupsSequence = [make_instance(number) for number in range(60)]
    if case == "deflated":
        syntax = "1.2.840.10008.1.2.1.99"
    if case == "fragments and padding":
        syntax = "1.2.840.10008.1.2.4.50"
        ds.add("PixelData", "OB", Fragments([b"\xff\xd8\xff\xd9"], b""))
    if case.endswith("padding"):
        ds.add("DataSetTrailingPadding", "OB", b"\0" * 10)
    kerma.write(ds, tmp_path / "one.dcm", transfer_syntax_uid=syntax)
    with (
        Archive.open(tmp_path / "data", config=ArchiveConfig(max_header=10_000)) as archive,
        TestClient(application(Context(archive))) as web,
    ):
        archive.ingest(tmp_path / "one.dcm")
        found = get(web, f"{SERIES}/metadata")
        wanted = expected(archive.read("1.2.3.1.1.1"), f"{BASE}{SERIES[9:]}/instances/1.2.3.1.1.1", syntax)
        assert found == [wanted]


def test_metadata_too_large_to_keep_are_streamed(
    web: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.ingest(make_instance())
    whole = get(web, f"{SERIES}/metadata")
    archive.ingest(make_instance(2))
    monkeypatch.setattr("kerma.archive.metadata.MAX_KEPT", 1)
    assert get(web, f"{SERIES}/metadata")[:1] == whole
    with sqlite3.connect(archive.index.path) as connection:
        assert connection.execute("SELECT count(*) FROM series_metadata").fetchone()[0] == 0


@pytest.mark.parametrize("path", ["/dicomweb/studies/1.2.3.1", SERIES, f"{SERIES}/instances/1.2.3.1.1.1"])
def test_metadata_as_xml(web: TestClient, archive: Archive, path: str) -> None:
    archive.ingest(make_instance())
    answer = web.get(f"{path}/metadata", headers={"Accept": 'multipart/related; type="application/dicom+xml"'})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"; boundary=')
    head, _, rest = answer.text.partition("\r\n\r\n")
    assert "Content-Type: application/dicom+xml" in head
    document = rest[: rest.rindex("\r\n--")]
    ds = kerma.from_xml(document)
    assert ds.PatientName == "Müller^Hans"
    assert ds.AvailableTransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert isinstance(ds.PixelData, BulkData)
    assert ds.PixelData.uri.endswith("/instances/1.2.3.1.1.1/bulkdata/7FE00010")
    tag = answer.headers["etag"]
    again = web.get(f"{path}/metadata", headers={"Accept": "application/dicom+xml", "If-None-Match": tag})
    assert again.status_code == 304


def test_nothing_that_cannot_be_made_is_promised(web: TestClient, archive: Archive) -> None:
    archive.ingest(make_instance())
    assert web.get(f"{SERIES}/metadata", headers={"Accept": "image/png"}).status_code == 406


def test_a_gzip_body_is_one_member(web: TestClient, archive: Archive) -> None:
    for series in range(1, 4):
        archive.ingest(make_instance(series=series))
    with web.stream("GET", "/dicomweb/studies/1.2.3.1/metadata", headers=JSON) as answer:
        raw = b"".join(answer.iter_raw())
    assert len(json.loads(gzip.decompress(raw))) == 3
    assert int(answer.headers["content-length"]) == len(raw)


def test_headers_of_a_series_come_by_number(archive: Archive) -> None:
    for number in (10, 9, 1):
        archive.ingest(make_instance(number))
    key = archive.metadata.series(from_keys("series", {}))[0]
    found: list[StoredHeader] = list(archive.metadata.headers(key))
    assert [one.sop_instance_uid for one in found] == ["1.2.3.1.1.1", "1.2.3.1.1.9", "1.2.3.1.1.10"]
    assert all(one.pixel == (0x7FE00010, "OW") for one in found)


def test_what_one_may_not_see_has_no_metadata_and_is_not_found(archive: Archive) -> None:
    for study in (1, 2):
        archive.ingest(make_instance(study=study))
    inner = application(Context(archive))
    limited = Principal.of("somebody", [Grant(Right.READ, Area(study="1.2.3.1"))])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["kerma.principal"] = limited
        await inner(scope, receive, send)

    with TestClient(app) as web:
        assert len(get(web, "/dicomweb/studies/1.2.3.1/metadata")) == 1
        for path in ("", "/series/1.2.3.2.1", "/series/1.2.3.2.1/instances/1.2.3.2.1.1"):
            assert web.get(f"/dicomweb/studies/1.2.3.2{path}/metadata").status_code == 404
        for level in ("studies", "series", "instances"):
            answer = web.get(f"/dicomweb/{level}?limit=10")
            assert [one["0020000D"]["Value"] for one in answer.json()] == [["1.2.3.1"]]
            assert answer.headers["x-total-count"] == "1"
            assert web.get(f"/dicomweb/{level}?StudyInstanceUID=1.2.3.2").json() == []
