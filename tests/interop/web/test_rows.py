"""What OHIF 3.13.2 was recorded to send, one test for each recorded request, against a running ``kerma serve``.

Requests are sent as they were seen, byte for byte where it matters, from another origin. What comes back is read by the
mail parser of Python and by pydicom, so Kerma is not its own witness. There is no row 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames
from tests.interop import studies

from .conftest import Served

JSON = "application/dicom+json"
FRAMES = "multipart/related; type=application/octet-stream; transfer-syntax=*"
ORIGIN = "https://viewer.example.org"
LIST = "limit=101&offset=0&fuzzymatching=true&includefield=00081030%2C00080060%2C00080090%2C00100030"
JPEG = "1.2.840.10008.1.2.4.50"
MICROSCOPY = ", ".join(
    f'multipart/related; type="image/{kind}"; transfer-syntax=1.2.840.10008.1.2.4.{syntax}'
    for kind, syntax in (
        ("jls", 80),
        ("jls", 81),
        ("jp2", 90),
        ("jp2", 91),
        ("jpx", 92),
        ("jpx", 93),
        ("jpeg", 50),
        ("jpeg", 51),
    )
)
CORNERSTONE = {f"1.2.840.10008.1.2{rest}" for rest in ("", ".1", ".2", ".1.99", ".5")} | {
    f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)
}


# One of the public files misspells its character set; that is pydicom's to tell and not what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")


@pytest.fixture
def web(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.dicomweb + "/", headers={"Accept": "*/*"}, timeout=30) as client:
        yield client


def get(web: httpx.Client, path: str, accept: str | None = JSON) -> httpx.Response:
    answer = web.get(path, headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def uids(answer: httpx.Response, tag: str = "0020000D") -> set[str]:
    return {one[tag]["Value"][0] for one in answer.json()}


def parts(answer: httpx.Response) -> list[tuple[Any, bytes]]:
    """The parts of a multipart answer, as a mail program reads them."""
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/related")
    assert answer.content.startswith(b"--"), "clients look for the boundary in the first bytes"
    assert answer.content.rstrip(b"\r\n").endswith(b"--")
    assert b"\r\nContent-Type: " in answer.content[:1000]
    message: Any = BytesParser(policy=policy.HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    return [(part, part.get_payload(decode=True)) for part in message.iter_parts()]


def place(path: Path) -> str:
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    return f"studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"


def dataset_of(file: bytes) -> bytes:
    """Without the file meta information: what came by C-STORE has one of the archive's."""
    return file[studies.dataset_offset(file) :]


def of(served: Served, name: str) -> str:
    return place(served.samples[name].paths[0])


def test_row_1_the_list(web: httpx.Client, served: Served) -> None:
    all_of_them = get(web, f"studies?{LIST}")
    assert {sample.study for sample in served.samples.values()} <= uids(all_of_them)
    for one in all_of_them.json():
        assert {"0020000D", "00080020", "00080030", "00080050", "00080056", "00080061"} <= set(one)
        assert {"00081030", "00080090", "00100010", "00100020", "00100030", "00100040"} <= set(one)
        assert {"00200010", "00201206", "00201208"} <= set(one)
    pages = [get(web, f"studies?limit=3&offset={at}") for at in range(0, 9, 3)]
    seen = [one["0020000D"]["Value"][0] for page in pages for one in page.json()]
    assert len(seen) == len(set(seen)) == 9
    nobody = web.get(f"studies?{LIST}&PatientName=*nobody*", headers={"Accept": JSON})
    assert nobody.status_code == 204 or nobody.json() == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("PatientName=*compressed*", ["small", "jpeg12", "jpeg2000", "htj2k"]),
        ("PatientName=%2Acompressed%2A", ["small", "jpeg12", "jpeg2000", "htj2k"]),
        ("PatientName=CompressedSamples%5ECT1", ["small", "htj2k"]),
        ("00100020=*1CT*", ["small", "htj2k"]),
        ("StudyDescription=*Thyr*", ["colour"]),
        ("ModalitiesInStudy=RTDOSE%2CECG", ["dose", "ecg"]),
        ("ModalitiesInStudy=RTDOSE", ["dose"]),
        ("StudyDate=20120101-20121231", ["echo", "dose"]),
        ("AccessionNumber=*S19*", ["slide"]),
    ],
)
def test_row_2_filters(web: httpx.Client, served: Served, query: str, names: list[str]) -> None:
    assert uids(get(web, f"studies?{query}&{LIST}")) == {served.samples[name].study for name in names}


def test_row_3_one_study_and_its_priors(web: httpx.Client, served: Served) -> None:
    dose, small = served.samples["dose"].study, served.samples["small"].study
    assert uids(get(web, f"studies?{LIST}&StudyInstanceUID={dose}")) == {dose}
    for separator in ("%5C", "%2C", ","):
        assert uids(get(web, f"studies?StudyInstanceUID={dose}{separator}{small}")) == {dose, small}
    patient = pydicom.dcmread(served.samples["small"].paths[0]).PatientID
    assert small in uids(get(web, f"studies?00100020={patient}&{LIST}"))


def test_row_4_series(web: httpx.Client, served: Served) -> None:
    sample = served.samples["ct"]
    answer = get(web, f"studies/{sample.study}/series?includefield=00080021%2C00080031%2C0008103E%2C00200011")
    ct = next(one for one in answer.json() if one["00080060"]["Value"] == ["CT"])
    assert ct["00201209"]["Value"] == [10]
    assert {"0020000E", "00200011", "0008103E"} <= set(ct)


@pytest.mark.parametrize("name", ["ct", "slide", "seg", "ecg", "pdf", "sr", "brain"])
def test_row_5_metadata(web: httpx.Client, served: Served, name: str) -> None:
    paths = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in served.samples[name]}
    series = of(served, name).split("/instances/")[0]
    answer = get(web, f"{series}/metadata")
    again = web.get(f"{series}/metadata", headers={"Accept": JSON, "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    found = {one["00080018"]["Value"][0]: one for one in answer.json()}
    assert set(paths) <= set(found)
    for uid, path in paths.items():
        wanted = pydicom.dcmread(path)
        said = {tag for tag in found[uid] if tag not in {"00083002", "00081190", "00080056"}}
        assert said >= {f"{element.tag:08X}" for element in wanted if element.tag.element} - {"7FE00010", "FFFCFFFC"}
        assert found[uid]["00083002"]["Value"] == [wanted.file_meta.TransferSyntaxUID]
        for tag, one in found[uid].items():
            if one["vr"] in {"OB", "OW", "UN"} and wanted.get(tag) is not None and wanted[tag].value:
                assert "BulkDataURI" in one or "InlineBinary" in one, tag


def test_row_6_frames_as_they_are_stored(web: httpx.Client, served: Served) -> None:
    for name, kind in (
        ("ct", "application/octet-stream"),
        ("echo", "image/jpeg"),
        ("htj2k", "image/jphc"),
        ("jpeg2000", "image/jp2"),
    ):
        path = served.samples[name].paths[0]
        ds = pydicom.dcmread(path)
        syntax = ds.file_meta.TransferSyntaxUID
        frames = (
            list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1))))
            if syntax.is_encapsulated
            else [ds.PixelData]
        )
        ((header, body),) = parts(get(web, f"{place(path)}/frames/1", FRAMES))
        assert header.get_content_type() in {kind, kind.replace("jphc", "jph")}, name
        assert header.get_param("transfer-syntax") == syntax
        assert body == frames[0]


@pytest.mark.parametrize(
    "accept",
    [
        f"application/dicom+json, {FRAMES}; transfer-syntax=*",
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
        "*/*",
        None,
    ],
)
def test_row_6_however_it_is_said(web: httpx.Client, served: Served, accept: str | None) -> None:
    answer = get(web, f"{of(served, 'ct')}/frames/1", accept)
    body = parts(answer)[0][1] if "multipart" in answer.headers["content-type"] else answer.content
    assert body == pydicom.dcmread(served.samples["ct"].paths[0]).PixelData


def test_row_6_what_browsers_cannot_decode_comes_as_something_they_can(web: httpx.Client, served: Served) -> None:
    for name in ("jpeg-xl", "big-endian"):
        ((header, _),) = parts(get(web, f"{of(served, name)}/frames/1", FRAMES))
        assert header.get_param("transfer-syntax") in CORNERSTONE, name


def test_row_7_tiles(web: httpx.Client, served: Served) -> None:
    ((header, body),) = parts(get(web, f"{of(served, 'slide')}/frames/63", MICROSCOPY))
    assert header.get_content_type() == "image/jpeg"
    assert header.get_param("transfer-syntax") == JPEG
    assert Image.open(BytesIO(body)).size == (240, 240)


def test_row_8_whole_instances(web: httpx.Client, served: Served) -> None:
    for name in ("seg", "dose"):
        ((header, body),) = parts(get(web, of(served, name), 'multipart/related; type="application/dicom"'))
        assert header.get_content_type() == "application/dicom"
        path = served.samples[name].paths[0]
        if pydicom.dcmread(path).file_meta.TransferSyntaxUID != "1.2.840.10008.1.2":
            assert dataset_of(body) == studies.dataset_bytes(path)
        assert studies.same_values(pydicom.dcmread(BytesIO(body)), pydicom.dcmread(path))


def test_row_9_documents(web: httpx.Client, served: Served) -> None:
    (metadata,) = get(web, f"{of(served, 'pdf')}/metadata").json()
    accept = 'multipart/related; type="application/pdf", multipart/related; type="application/octet-stream"'
    ((header, body),) = parts(get(web, metadata["00420011"]["BulkDataURI"], accept))
    assert header.get_content_type() == "application/pdf"
    assert body.startswith(b"%PDF")
    assert body.rstrip(b"\0") == pydicom.dcmread(served.samples["pdf"].paths[0]).EncapsulatedDocument.rstrip(b"\0")


def test_row_11_waveforms(web: httpx.Client, served: Served) -> None:
    (metadata,) = get(web, f"{of(served, 'ecg')}/metadata").json()
    waveform = metadata["54000100"]["Value"][0]["54001010"]
    answer = get(web, waveform["BulkDataURI"], "application/octet-stream")
    assert answer.headers["content-type"].split(";")[0] == "application/octet-stream"
    assert answer.content == pydicom.dcmread(served.samples["ecg"].paths[0]).WaveformSequence[0].WaveformData


@pytest.mark.parametrize("what", ["rendered", "thumbnail"])
@pytest.mark.parametrize("name", ["ct", "colour", "ecg", "pdf", "sr", "slide", "jpeg12", "dose"])
def test_row_12_pictures_as_the_query_says(web: httpx.Client, served: Served, name: str, what: str) -> None:
    accept = 'multipart/related; type="application/octet-stream"'
    answer = get(web, f"{of(served, name)}/{what}?accept=image%2Fjpeg", accept)
    assert answer.headers["content-type"] == "image/jpeg"
    picture = np.asarray(Image.open(BytesIO(answer.content)).convert("L"))
    assert picture.std() > 1


def test_row_13_pictures_for_an_img(web: httpx.Client, served: Served) -> None:
    for name in ("ct", "echo"):
        answer = get(web, f"{of(served, name)}/thumbnail?accept=image/jpeg", "image/*,*/*")
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(BytesIO(answer.content)).format == "JPEG"


def test_row_14_the_uri_service(served: Served) -> None:
    _, study, _, series, _, uid = of(served, "ct").split("/")
    query = f"requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={uid}"
    for root in ("", "/dicomweb"):
        url = f"{served.url}{root}/wado?{query}&contentType=application/dicom&transferSyntax=*"
        answer = httpx.get(url, headers={"Accept": FRAMES})
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == "application/dicom"
        assert dataset_of(answer.content) == studies.dataset_bytes(served.samples["ct"].paths[0])


def test_row_15_storing(web: httpx.Client, tmp_path: Path) -> None:
    made = studies.make_series(tmp_path, 2, study=15, series=1)
    boundary = "----kerma15"
    body = b"".join(
        b"\r\n--%s\r\nContent-Type: application/dicom\r\n\r\n%s" % (boundary.encode(), one.path.read_bytes())
        for one in made
    )
    kind = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    url, headers = "studies", {"Accept": "*/*", "Content-Type": kind, "Origin": "http://127.0.0.1:3000"}
    answer = web.post(url, content=body + f"\r\n--{boundary}--".encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(JSON)
    assert answer.headers["access-control-allow-origin"] == "http://127.0.0.1:3000"
    assert len(answer.json()["00081199"]["Value"]) == 2
    for one in made:
        stored = get(web, place(one.path), "application/dicom; transfer-syntax=*")
        assert stored.content == one.path.read_bytes()

    bad = b"\r\n--%s\r\nContent-Type: application/dicom\r\n\r\nno file at all" % boundary.encode()
    end = f"\r\n--{boundary}--".encode()
    assert web.post(url, content=bad + end, headers=headers).status_code == 409
    more = studies.make_series(tmp_path / "more", 1, study=15, series=2)[0].path.read_bytes()
    good = b"\r\n--%s\r\nContent-Type: application/dicom\r\n\r\n%s" % (boundary.encode(), more)
    some = web.post(url, content=good + bad + end, headers=headers)
    assert some.status_code == 202
    assert {"00081199", "0008119A"} <= set(some.json())  # what could not be read has no UID to be named by


def test_other_origins(web: httpx.Client, served: Served) -> None:
    """What a browser asks before it asks, and what it reads after: on errors too."""
    mine = "http://127.0.0.1:3000"
    asks = {
        "Origin": mine,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,accept",
    }
    answer = web.options(f"{of(served, 'ct')}/frames/1", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == mine
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert int(answer.headers["access-control-max-age"]) >= 600
    for path in ("studies?limit=1", "studies/1.2.3.4.5/series/1.2/instances/3/frames/1", "no-such-thing"):
        answer = web.get(path, headers={"Origin": mine})
        assert answer.headers["access-control-allow-origin"] == mine
        exposed = answer.headers["access-control-expose-headers"].lower()
        for name in ("content-range", "content-length", "content-location", "etag", "location", "warning"):
            assert name in exposed
    assert "access-control-allow-origin" not in web.get("studies?limit=1", headers={"Origin": ORIGIN}).headers


def test_progressive_frames(web: httpx.Client, served: Served) -> None:
    """HTJ2K is read in pieces by cornerstone."""
    url = f"{of(served, 'htj2k')}/frames/1"
    whole = get(web, url, FRAMES).content
    piece = web.get(url, headers={"Accept": FRAMES, "Range": "bytes=0-9999"})
    assert piece.status_code == 206
    assert piece.headers["content-range"] == f"bytes 0-9999/{len(whole)}"
    assert piece.content == whole[:10000]
