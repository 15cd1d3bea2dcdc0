"""Clients of other kinds against ``kerma serve``: the browsers' dicomweb-client, curl, Weasis' links, Orthanc."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from tests.interop import peers, studies
from tests.interop.conftest import Start, missing
from tests.interop.processes import run

import kerma

from .conftest import Served

INTEROP = Path(__file__).parents[1]
MODULES = INTEROP.parents[1] / ".venv" / "npm" / "node_modules"

Program = Callable[[str], str]

pytestmark = pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- dicomweb-client of npm --------------------------------------------------------------------------------------------


def test_the_dicomweb_client_of_browsers(program: Program, served: Served, tmp_path: Path) -> None:
    node = program("node")
    if not (MODULES / "dicomweb-client").is_dir():
        missing("dicomweb-client of npm is not installed")
    sample = served.samples["ct"]
    path = sample.paths[0]
    ds = pydicom.dcmread(path)
    (made,) = studies.make_series(tmp_path, 1, study=41)
    script = INTEROP / "node" / "dicomweb.js"
    done = run(
        [node, script, served.dicomweb, sample.study, ds.SeriesInstanceUID, ds.SOPInstanceUID, made.path],
        env={"NODE_PATH": str(MODULES)},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["studies"]) == 4
    assert ds.SeriesInstanceUID in told["series"]
    assert (told["instances"], told["metadata"], told["whole"]) == (10, 10, 10)
    assert told["rows"] == 512
    assert told["frames"] == [sha256(ds.PixelData)]
    assert told["rendered"] == "PNG"
    assert told["missing"] == 404
    with kerma.connect(f"KERMA@127.0.0.1:{served.peer.port}") as client:
        (stored,) = client.get(StudyInstanceUID=made.study_uid)
    assert sha256(stored.to_bytes()) == made.digest


# -- curl --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge"])
def test_curl_in_every_version(program: Program, served: Served, tmp_path: Path, version: str) -> None:
    """Search, a series of many parts, a range, and storing, each way as a script would do it."""
    curl = [
        program("curl"),
        "-sS",
        version,
        "--fail-with-body",
        "-o",
        str(tmp_path / "out"),
        "-w",
        "%{http_version} %{http_code}",
    ]
    spoken = {"--http1.0": "1", "--http1.1": "1.1", "--http2-prior-knowledge": "2"}.get(version)

    def fetched(*words: str | Path, status: int = 200) -> bytes:
        (tmp_path / "out").unlink(missing_ok=True)
        done = run([*curl, *words])
        assert done.returncode == 0, done.stderr
        said, code = done.stdout.split()
        assert code == str(status)
        assert spoken in {None, said}
        return (tmp_path / "out").read_bytes()

    sample = served.samples["ct"]
    assert json.loads(fetched(f"{served.dicomweb}/studies?StudyInstanceUID={sample.study}"))
    found = json.loads(fetched("--compressed", f"{served.dicomweb}/studies/{sample.study}/metadata"))
    assert len(found) == 11
    whole = fetched(f"{served.dicomweb}/studies/{sample.study}")
    for path in sample:
        assert studies.dataset_bytes(path) in whole
    ds = pydicom.dcmread(sample.paths[0], stop_before_pixels=True)
    url = (
        f"{served.dicomweb}/studies/{sample.study}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}/frames/1"
    )
    plain = ["-H", "Accept: application/octet-stream; transfer-syntax=*"]
    frame = fetched(*plain, url)
    assert fetched(*plain, "-r", "1000-1999", url, status=206) == frame[1000:2000]
    (made,) = studies.make_series(tmp_path, 1, study=50 + len(version))
    stored = fetched(
        "-H", "Content-Type: application/dicom", "--data-binary", f"@{made.path}", f"{served.dicomweb}/studies"
    )
    assert "00081199" in json.loads(stored)
    copy = f"{served.dicomweb}/studies/{made.study_uid}/series/{made.series_uid}/instances/{made.sop_instance_uid}"
    assert fetched("-H", "Accept: application/dicom; transfer-syntax=*", copy) == made.path.read_bytes()


# -- Weasis ------------------------------------------------------------------------------------------------------------


def test_links_as_in_a_manifest_of_weasis(served: Served) -> None:
    """A manifest names the service and the UIDs; the viewer makes these links of them, without an Accept header."""
    sample = served.samples["colour"]
    ds = pydicom.dcmread(sample.paths[0])
    link = (
        f"{served.url}/wado?requestType=WADO&studyUID={ds.StudyInstanceUID}&seriesUID={ds.SeriesInstanceUID}"
        f"&objectUID={ds.SOPInstanceUID}"
    )
    with httpx.Client(headers={"Accept": "", "User-Agent": "Weasis/4.5"}) as client:
        stored = client.get(f"{link}&contentType=application%2Fdicom&transferSyntax=*")
        assert studies.same_values(pydicom.dcmread(BytesIO(stored.content)), ds)
        plain = client.get(f"{link}&contentType=application%2Fdicom")
        assert pydicom.dcmread(BytesIO(plain.content)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        lossless = client.get(f"{link}&contentType=application%2Fdicom&transferSyntax=1.2.840.10008.1.2.4.70")
        got = pydicom.dcmread(BytesIO(lossless.content))
        assert got.file_meta.TransferSyntaxUID in {"1.2.840.10008.1.2.4.70", ds.file_meta.TransferSyntaxUID}
        small = client.get(f"{link}&contentType=image%2Fjpeg&rows=256&columns=256&imageQuality=70")
        assert small.headers["content-type"] == "image/jpeg"
        picture = Image.open(BytesIO(small.content))
        assert max(picture.size) == 256
        assert np.asarray(picture).std() > 20
        usual = client.get(link)
        assert usual.headers["content-type"] == "image/jpeg"


# -- Orthanc -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [True, False])
def test_orthanc_stores_queries_and_retrieves(
    start: Start, served: Served, ct_series: list[studies.Made], tmp_path: Path, chunked: bool
) -> None:
    known = {"kerma": {"Url": f"{served.dicomweb}/", "ChunkedTransfers": chunked}}
    sections = {"DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": known}}
    peer = start(peers.orthanc, dicomweb=True, sections=sections)
    with httpx.Client(base_url=peer.http, timeout=60) as client:
        made = studies.make_series(tmp_path / "mine", 3, study=60 + chunked)
        for one in made:
            client.post("/instances", content=one.path.read_bytes()).raise_for_status()
        ids = client.get("/studies").json()
        answer = client.post("/dicom-web/servers/kerma/stow", json={"Resources": ids, "Synchronous": True})
        assert answer.status_code == 200, answer.text
        with kerma.connect(f"KERMA@127.0.0.1:{served.peer.port}") as ours:
            got = {str(ds.SOPInstanceUID): sha256(ds.to_bytes()) for ds in ours.get(StudyInstanceUID=made[0].study_uid)}
        assert got == studies.digests(made)

        asked = {"Uri": "/studies", "Arguments": {"PatientName": "*compressed*", "limit": "10"}}
        found = client.post("/dicom-web/servers/kerma/qido", json=asked)
        assert found.status_code == 200, found.text
        assert len(found.json()) == 4

        sample = served.samples["ct"]
        wanted = {"Resources": [{"Study": sample.study}], "Synchronous": True}
        fetched = client.post("/dicom-web/servers/kerma/retrieve", json=wanted)
        assert fetched.status_code == 200, fetched.text
        there = client.post(
            "/tools/find", json={"Level": "Instance", "Query": {"StudyInstanceUID": sample.study}}
        ).json()
        assert len(there) == 11
        for one in there:
            file = client.get(f"/instances/{one}/file").content
            uid = str(pydicom.dcmread(BytesIO(file), stop_before_pixels=True).SOPInstanceUID)
            path = next(
                path
                for path in (*sample, *served.samples["seg"])
                if str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID) == uid
            )
            assert studies.same_values(pydicom.dcmread(BytesIO(file)), pydicom.dcmread(path))
