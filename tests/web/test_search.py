"""Search over HTTP: what clients send, pages, answers in both forms (PS3.18 10.6; OHIF's rows 1 to 4)."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

import kerma
from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.dicomweb.multipart import MultipartLimits, Parser
from kerma.standard import elements
from tests.archive.conftest import make_instance

STUDY_TAGS = {
    *("0020000D", "00080020", "00080030", "00080050", "00080056", "00080061", "00081030", "00080090"),
    *("00100010", "00100020", "00100030", "00100040", "00200010", "00201206", "00201208", "00081190"),
}
SERIES_TAGS = {
    *("0020000D", "0020000E", "00080060", "00200011", "00201209", "0008103E", "00080021", "00080031"),
    *("00081190", "00080056"),
}


def fill(archive: Archive) -> None:
    code = Dataset()
    code.CodeValue = "T-D1100"
    code.CodingSchemeDesignator = "SRT"
    for study, name, modality, day in (
        (1, "Müller^Hans", "CT", "20230105"),
        (2, "Phantom^Lung", "MR", "20240301"),
        (3, "Doe^Jane", "US", "20250630"),
    ):
        for series in (1, 2):
            for number in (1, 2):
                values: dict[str, Any] = {
                    "PatientName": name,
                    "PatientID": f"PH00{study}",
                    "StudyDate": day,
                    "StudyDescription": f"{modality} of, all",
                    "Modality": modality if series == 1 else "SR",
                    "SeriesDate": day,
                    "SeriesTime": "1011",
                    "SeriesDescription": f"series {series}",
                }
                if study == 2:
                    values["ProcedureCodeSequence"] = [code]
                archive.ingest(make_instance(number, study=study, series=series, **values))


def search(web: TestClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = web.get(f"/dicomweb/{path}", params=parameters or None, headers={"Accept": "application/dicom+json"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom+json"
    found: list[dict[str, Any]] = answer.json()
    return found


def studies(found: list[dict[str, Any]]) -> list[int]:
    return [int(one["0020000D"]["Value"][0].rpartition(".")[2]) for one in found]


def test_the_list_that_ohif_opens_with(web: TestClient, archive: Archive) -> None:
    assert search(web, "studies", limit=101, offset=0, fuzzymatching="true") == []
    fill(archive)
    fields = "00081030%2C00080060%2C00080090%2C00100030"
    answer = web.get(f"/dicomweb/studies?limit=101&offset=0&fuzzymatching=true&includefield={fields}")
    assert answer.headers["x-total-count"] == "3"
    found = answer.json()
    assert studies(found) == [1, 2, 3]
    for one in found:
        assert set(one) >= STUDY_TAGS
        assert list(one) == sorted(one)
    assert found[0]["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert found[0]["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Müller^Hans"}]}
    assert found[0]["00201206"] == {"vr": "IS", "Value": [2]}
    assert found[0]["00081190"] == {"vr": "UR", "Value": ["http://testserver/dicomweb/studies/1.2.3.1"]}


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("PatientName=*phan*", [2]),
        ("fuzzymatching=true&PatientName=*phan*", [2]),
        ("fuzzymatching=true&PatientName=miller", [1]),
        ("fuzzymatching=false&PatientName=miller", []),
        ("PatientName=m%C3%BCller%5E*", [1]),
        ("PatientName=MULLER%5EHANS", [1]),
        ("00100020=*PH001*", [1]),
        ("00100020=PH001%5CPH003", [1, 3]),
        ("AccessionNumber=*CC2*", [2]),
        ("AccessionNumber=ACC?", [1, 2, 3]),
        ("StudyDescription=*CT*", [1]),
        ("StudyDescription=CT of, all", [1]),
        ("ModalitiesInStudy=CT%2CMR", [1, 2]),
        ("ModalitiesInStudy=CT%5CUS", [1, 3]),
        ("ModalitiesInStudy=CT&ModalitiesInStudy=US", [1, 3]),
        ("Modality=MR", [2]),
        ("StudyDate=20230101-20241231", [1, 2]),
        ("StudyDate=20240301-", [2, 3]),
        ("StudyDate=-20230105", [1]),
        ("StudyDate=20250630", [3]),
        ("StudyInstanceUID=1.2.3.1%5C1.2.3.3", [1, 3]),
        ("StudyInstanceUID=1.2.3.1,1.2.3.3", [1, 3]),
        ("NumberOfStudyRelatedInstances=4&PatientID=PH002", [2]),
        ("ProcedureCodeSequence.CodeValue=T-D*", [2]),
        ("00081032.00080100=T-D1100&ProcedureCodeSequence.CodingSchemeDesignator=SRT", [2]),
        ("ProcedureCodeSequence.CodeValue=T-D*&ProcedureCodeSequence.CodingSchemeDesignator=X", []),
        ("ReferringPhysicianName=%22%22", [1, 2, 3]),
        ("PatientName=", [1, 2, 3]),
        ("PatientName=*", [1, 2, 3]),
        ("foo=bar&_=1&accept=application/dicom%2Bjson", [1, 2, 3]),
        ("limit=&offset=", [1, 2, 3]),
    ],
)
def test_what_clients_ask_of_studies(web: TestClient, archive: Archive, question: str, found: list[int]) -> None:
    fill(archive)
    assert studies(search(web, f"studies?{question}")) == found


def test_series_and_instances_in_every_relationship(web: TestClient, archive: Archive) -> None:
    fill(archive)
    fields = "00080021,00080031,0008103E,00200011"
    series = search(web, f"studies/1.2.3.1/series?includefield={fields}")
    assert [one["0020000E"]["Value"][0] for one in series] == ["1.2.3.1.1", "1.2.3.1.2"]
    assert all(set(one) >= SERIES_TAGS for one in series)
    assert "00100010" not in series[0]
    assert len(search(web, "series")) == 6
    assert search(web, "series")[0]["00100010"]["Value"] == [{"Alphabetic": "Müller^Hans"}]
    assert len(search(web, "series?Modality=SR&StudyDate=20240101-20241231")) == 1
    assert len(search(web, "instances")) == 12
    assert len(search(web, "studies/1.2.3.1/instances")) == 4
    found = search(web, "studies/1.2.3.1/series/1.2.3.1.2/instances?InstanceNumber=2")
    assert len(found) == 1
    assert found[0]["00280010"] == {"vr": "US", "Value": [32]}
    assert found[0]["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}
    where = "http://testserver/dicomweb/studies/1.2.3.1/series/1.2.3.1.2/instances/1.2.3.1.2.2"
    assert found[0]["00081190"]["Value"] == [where]
    assert search(web, "studies/1.2.3.1/series/1.2.3.2.1/instances") == []
    assert search(web, "studies/1.9/series") == []


def test_all_attributes(web: TestClient, archive: Archive) -> None:
    fill(archive)
    ds = make_instance(study=4, ImageComments="a comment", RedPaletteColorLookupTableData=bytes(4000))
    archive.ingest(ds)
    found = search(web, "instances?includefield=all&StudyInstanceUID=1.2.3.4")[0]
    assert found["00204000"]["Value"] == ["a comment"]
    assert found["00280010"]["Value"] == [32]
    assert "7FE00010" not in found
    assert "00281201" not in found
    assert found["00100010"]["Value"]
    study = search(web, "studies?includefield=all&StudyInstanceUID=1.2.3.2")[0]
    assert study["00081032"]["Value"][0]["00080100"]["Value"] == ["T-D1100"]
    assert "00280010" not in study


def test_pages_have_no_gaps_and_no_duplicates(web: TestClient, archive: Archive) -> None:
    seen: list[str] = []
    offset = 0
    for number in range(1, 40):
        archive.ingest(make_instance(number, study=number))
    while True:
        for parameters in ({}, {"NumberOfStudyRelatedInstances": "1"}):  # told by SQL alone, and by looking at each
            answer = web.get("/dicomweb/studies", params={"limit": 7, "offset": offset, **parameters})
            page = [one["0020000D"]["Value"][0] for one in answer.json()]
        seen += page
        offset += 7
        if len(page) < 7:
            assert "warning" not in answer.headers
            break
        assert "additional results that can be requested" in answer.headers["warning"]
        archive.ingest(make_instance(1, study=100 + offset))
    assert len(seen) == len(set(seen)) == archive.stats().studies


def test_how_many_more_there_are_is_told(web: TestClient, archive: Archive) -> None:
    fill(archive)
    answer = web.get("/dicomweb/instances?limit=5&offset=2")
    assert len(answer.json()) == 5
    assert answer.headers["x-total-count"] == "12"
    assert answer.headers["warning"] == (
        '299 http://testserver/dicomweb "There are 5 additional results that can be requested"'
    )
    assert web.get("/dicomweb/instances?limit=0").json() == []
    assert len(web.get("/dicomweb/instances?limit=2000000000").json()) == 12
    assert web.get("/dicomweb/instances?offset=12").json() == []


def test_what_is_not_understood_is_told_and_harms_nothing(web: TestClient, archive: Archive) -> None:
    fill(archive)
    answer = web.get("/dicomweb/studies?PatientNam=x&SeriesNumber=1&includefield=Nothing&a%0D%0Ab=1")
    assert len(answer.json()) == 3
    warning = answer.headers["warning"]
    for text in (
        '299 http://testserver/dicomweb "PatientNam is no attribute and was not used"',
        "SeriesNumber is not supported at this level and was not used",
        "Nothing is no attribute",
        "a parameter is no attribute",
    ):
        assert text in warning


def test_names_that_are_none_are_not_guessed_at(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess looks through all keywords: a few hundred of them in one request took seconds."""
    monkeypatch.setattr(elements, "suggest", lambda name, count=3: pytest.fail("guessed"))
    names = [f"Foo{number}" for number in range(400)]
    question = "&".join(f"{name}=1" for name in names)
    assert web.get(f"/dicomweb/studies?{question}").status_code == 200
    assert web.get("/dicomweb/studies?includefield=" + ",".join(names)).status_code == 200
    for path in ("workitems", "modality-scheduled-procedure-steps"):
        assert web.get(f"/dicomweb/{path}?{question}&PatientID.{'.'.join(names)}=1").status_code in (200, 204)


@pytest.mark.parametrize(
    "question",
    [
        "StudyDate=yesterday",
        "StudyDate=20230101-x",
        "limit=-1",
        "limit=x",
        "offset=1.5",
        "offset=99999999999",
        "fuzzymatching=perhaps",
        "NumberOfStudyRelatedInstances=many",
        "&".join(f"a{number}=1" for number in range(501)),
        "includefield=" + ",".join(["PatientID"] * 501),
        "PatientID=" + "\\".join(["1"] * 10_001),
    ],
)
def test_what_cannot_be_meant_is_a_400(web: TestClient, archive: Archive, question: str) -> None:
    fill(archive)
    answer = web.get(f"/dicomweb/studies?{question}")
    assert answer.status_code in (400, 414)
    assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_as_xml_is_no_content(web: TestClient) -> None:
    """A multipart without a part is none (PS3.18 10.6.3)."""
    answer = web.get("/dicomweb/studies", headers={"Accept": 'multipart/related; type="application/dicom+xml"'})
    assert (answer.status_code, answer.content, answer.headers["x-total-count"]) == (204, b"", "0")


def test_answers_as_xml(web: TestClient, archive: Archive) -> None:
    fill(archive)
    answer = web.get("/dicomweb/studies", headers={"Accept": 'multipart/related; type="application/dicom+xml"'})
    parser = Parser(answer.headers["content-type"].partition('boundary="')[2][:-1], MultipartLimits())
    parts: list[bytes] = []
    for event in parser.feed(answer.content):
        name = type(event).__name__
        if name == "Part":
            parts.append(b"")
        elif name == "Data":
            parts[-1] += bytes(event.data)  # type: ignore[union-attr]
    parser.close()
    found = [kerma.from_xml(part) for part in parts]
    assert [ds.PatientID for ds in found] == ["PH001", "PH002", "PH003"]
    assert found[0].PatientName == "Müller^Hans"
    assert found[0].RetrieveURL == "http://testserver/dicomweb/studies/1.2.3.1"
    assert web.get("/dicomweb/studies", headers={"Accept": "image/jpeg"}).status_code == 406


def test_long_answers_are_sent_as_they_are_read(web: TestClient, archive: Archive) -> None:
    for number in range(1, 301):
        archive.ingest(make_instance(number, pixels=2, ImageComments="x" * 5000))
    answer = web.get("/dicomweb/instances?includefield=ImageComments", headers={"Accept-Encoding": "identity"})
    assert "content-length" not in answer.headers
    assert len(answer.json()) == 300
    assert len(answer.content) > 1_500_000
