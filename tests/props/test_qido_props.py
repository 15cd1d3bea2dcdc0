"""What a search over HTTP finds is what the oracle finds in the data sets (PS3.18 8.3.4, PS3.4 C.2.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.archive.conftest import make_instance

from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.dicomweb import search
from kerma.query.match import matches
from kerma.query.model import Level
from kerma.web.application import application
from kerma.web.context import Context

NAMES = ["Müller^Hans", "MILLER^John", "Yamada^Tarou=山田^太郎", "Doe", "O'Neil^Sean^^Dr", "Smith-Jones^Amy"]
COUNT = 24


def sample(number: int) -> Dataset:
    """One study of one instance; what is asked for varies by ``number``."""
    code = Dataset()
    code.CodeValue = f"P{number % 3}"
    code.CodeMeaning = "Head" if number % 2 else "Chest"
    return make_instance(
        1,
        study=number + 1,
        pixels=2,
        PatientName=NAMES[number % 6],
        PatientID=f"P{number % 6}",
        StudyDate=f"2026{number % 12 + 1:02d}15",
        StudyTime=f"{number % 24:02d}30",
        StudyDescription=None if number % 4 == 0 else f"study {number % 3}, part",
        Modality=("CT", "MR", "US")[number % 3],
        ProcedureCodeSequence=[code] if number % 2 else None,
        ImageComments="left" if number % 2 else "right",
        Rows=16 * (number % 3 + 1),
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, list[Dataset]]]:
    folder: Path = tmp_path_factory.mktemp("qido")
    samples = [sample(number) for number in range(COUNT)]
    with Archive.open(folder / "data") as archive, TestClient(application(Context(archive))) as client:
        for ds in samples:
            archive.ingest(ds)
        yield client, samples


words = st.sampled_from(
    ["muller", "MILLER*", "*o*", "山*", "doe", "oneil", "?oe", "amy smith", "*", "Müller^H*", "zzz", ""]
)
PARAMETERS: dict[str, st.SearchStrategy[str]] = {
    "PatientName": words,
    "00100010": words,
    "PatientID": st.sampled_from(["P1", "P?", "P1\\P2", "p1", "*3", '""']),
    "StudyDate": st.sampled_from(["20260315", "20260301-20260630", "-20260415", "20261015-", "20260315,20260415"]),
    "StudyTime": st.sampled_from(["10-12", "1030", "-0630"]),
    "StudyDescription": st.sampled_from(["study 1, part", "study*", '""', "*2*", "STUDY*"]),
    "ModalitiesInStudy": st.sampled_from(["CT", "CT,MR", "MR\\US", "?T"]),
    "StudyInstanceUID": st.sampled_from(["1.2.3.1,1.2.3.2", "1.2.3.5", "1.2.3.1\\1.2.3.9"]),
    "ProcedureCodeSequence.CodeValue": st.sampled_from(["P1", "P*", "X"]),
    "00081032.00080104": st.sampled_from(["Head", "C*"]),
    "ImageComments": st.sampled_from(["left", "r*"]),
    "Rows": st.sampled_from(["16", "32", "16,48"]),
    "fuzzymatching": st.sampled_from(["true", "false"]),
    "limit": st.sampled_from(["0", "3", "100"]),
    "offset": st.sampled_from(["0", "2", "30"]),
}
questions = st.lists(
    st.sampled_from(sorted(PARAMETERS)).flatmap(lambda name: st.tuples(st.just(name), PARAMETERS[name])),
    max_size=4,
    unique_by=lambda found: found[0],
)


def seen(ds: Dataset) -> Dataset:
    """A data set as a search sees it: with what the archive counts."""
    out = Dataset.from_bytes(ds.to_bytes("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1")
    out.ModalitiesInStudy = ds.Modality
    return out


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=questions, level=st.sampled_from([Level.STUDY, Level.SERIES, Level.IMAGE]))
def test_a_search_finds_what_the_oracle_finds(
    world: tuple[TestClient, list[Dataset]], asked: list[tuple[str, str]], level: Level
) -> None:
    client, samples = world
    path = {Level.STUDY: "studies", Level.SERIES: "series", Level.IMAGE: "instances"}[level]
    text = "&".join(f"{name}={quote(value)}" for name, value in asked)
    answer = client.get(f"/dicomweb/{path}?{text}")
    try:
        wanted = search.parse(asked, level, {})
    except Exception:  # noqa: BLE001  a question that is none has a status of its own
        assert answer.status_code == 400
        return
    expected = [str(ds.StudyInstanceUID) for ds in samples if matches(seen(ds), wanted.query)]
    whole = len(expected)
    expected = expected[wanted.offset :][: wanted.limit]
    found: list[dict[str, Any]] = answer.json()
    assert [one["0020000D"]["Value"][0] for one in found] == expected
    assert answer.headers.get("x-total-count") in (None, str(whole))
    if wanted.limit is not None and whole > wanted.offset + wanted.limit:
        assert "additional results" in answer.headers["warning"]
