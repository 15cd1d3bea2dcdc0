"""The index gives the answers of the oracle: random studies, random questions (PS3.4 C.2.2.2; query/match.py)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerma.archive.config import ArchiveConfig
from kerma.archive.facts import facts_of
from kerma.archive.index import schema
from kerma.archive.index.index import Index
from kerma.archive.index.writer import Entry
from kerma.dataset import Dataset
from kerma.query.match import matches
from kerma.query.model import Level, Query, ReturnKey, Root, SequenceMatch
from kerma.query.predicates import combine, fuzzily, predicate
from kerma.standard import elements

EXPLICIT = "1.2.840.10008.1.2.1"
CONFIG = ArchiveConfig()

PARTS = [
    "",
    "DOE",
    "Doe",
    "doe",
    "Müller",
    "MULLER",
    "Mu",
    "山田",
    "太郎",
    "가나",
    "ab[c",
    "O'Neil",
    "x]y",
    "ガ",
    "カ",
    "ß",
    "Mueller",
    "MILLER JR",
]
name_groups = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("^".join)
names = st.one_of(st.none(), name_groups, st.lists(name_groups, min_size=2, max_size=3).map("=".join))
texts = st.one_of(
    st.none(), st.sampled_from(["A", "a", "AB", "A B", "Ab[c]", "ÄB", "CHEST", "CHEST PA", "100%", "a_b", "[", "x^y"])
)
dates = st.one_of(
    st.none(), st.sampled_from(["20250101", "20250102", "20250131", "20260101", "2025.01.02", "19991231"])
)
times = st.one_of(st.none(), st.sampled_from(["10", "1030", "103000", "103059.5", "235959.999999", "00", "10:30:00"]))
modalities = st.sampled_from(["CT", "MR", "CR", None])

name_keys = st.one_of(
    name_groups,
    st.lists(st.sampled_from([*PARTS, "*", "D*", "?oe", "*e", "m*r", "*[*", "山*"]), min_size=1, max_size=2).map(
        "^".join
    ),
    st.sampled_from(["*", "DOE^*", "=*田*", "*=山田", "d*o*e*", "a*b*c*d*e*f*", "?", "??", "^", "Müller*", "muller"]),
)
text_keys = st.sampled_from(
    ["A", "a", "A*", "?", "*B", "CHEST*", "*[*", "Ab[c]", "[*", "*_*", "*%", '""', "A\\AB", "*a*b*c*d*e", "Ä?"]
)
date_keys = st.sampled_from(
    ["20250101", "20250101-20250131", "-20250102", "20260101-", "20250102", '""', "20250101\\20260101", "2025.01.02"]
)
time_keys = st.sampled_from(["10", "1030", "10-11", "-103000", "103000-", "103059.5", '""', "235959.999999-"])
number_keys = st.sampled_from(["1", "01", "2", "1\\2", "3"])

KEYS: dict[str, Any] = {
    "PatientName": name_keys,
    "PatientID": text_keys,
    "PatientBirthDate": date_keys,
    "StudyDate": date_keys,
    "StudyTime": time_keys,
    "AccessionNumber": text_keys,
    "StudyDescription": text_keys,
    "ReferringPhysicianName": name_keys,
    "NameOfPhysiciansReadingStudy": name_keys,
    "OtherPatientIDs": text_keys,
    "ModalitiesInStudy": st.sampled_from(["CT", "C*", "MR\\CT", '""', "?R", "XX"]),
    "NumberOfStudyRelatedInstances": number_keys,
    "Modality": st.sampled_from(["CT", "C*", "MR\\CT", '""', "XX"]),
    "SeriesNumber": number_keys,
    "SeriesDescription": text_keys,
    "SeriesDate": date_keys,
    "StudyInstanceUID": st.sampled_from(["1.2.1", "1.2.1\\1.2.2\\1.2.9", "1.2.3"]),
    "InstanceNumber": number_keys,
    "SOPClassUID": st.sampled_from(["1.9.1", "1.9.1\\1.9.2"]),
    "Rows": number_keys,
    "ImageComments": text_keys,
    "AcquisitionDateTime": st.sampled_from(["2025", "20250101-20250102", "20250101103000+0100", "-2025"]),
    "ContentDate": date_keys,
    "ContentTime": time_keys,
}


@dataclass
class World:
    """Instances in the order in which they came, and what the oracle sees of each level."""

    instances: list[Dataset]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    out: list[Dataset] = []
    study_number = 0
    for patient_number in range(draw(st.integers(1, 2))):
        patient = {
            "PatientID": f"{draw(st.sampled_from(['A', 'a', 'AB', 'Ab[c]']))}" if draw(st.booleans()) else None,
            "IssuerOfPatientID": f"I{patient_number}",
            "PatientName": draw(names),
            "PatientBirthDate": draw(dates),
            "OtherPatientIDs": draw(st.one_of(texts, st.lists(texts.filter(bool), min_size=2, max_size=2).map(tuple))),
        }
        for _ in range(draw(st.integers(1, 2))):
            study_number += 1
            study = {
                "StudyInstanceUID": f"1.2.{study_number}",
                "StudyDate": draw(dates),
                "StudyTime": draw(times),
                "AccessionNumber": draw(texts),
                "StudyDescription": draw(texts),
                "ReferringPhysicianName": draw(names),
                "NameOfPhysiciansReadingStudy": draw(st.one_of(names, st.just(("DOE^A", "Müller")))),
            }
            if not patient["PatientID"]:
                study = {**study, "PatientName": draw(names)}
            for series_number in range(draw(st.integers(1, 2))):
                series = {
                    "SeriesInstanceUID": f"1.2.{study_number}.{series_number}",
                    "Modality": draw(modalities),
                    "SeriesNumber": draw(st.sampled_from([None, "1", "01", "2"])),
                    "SeriesDescription": draw(texts),
                    "SeriesDate": draw(dates),
                }
                for number in range(draw(st.integers(1, 2))):
                    instance = {
                        "SOPInstanceUID": f"1.2.{study_number}.{series_number}.{number}",
                        "SOPClassUID": draw(st.sampled_from(["1.9.1", "1.9.2"])),
                        "InstanceNumber": str(number),
                        "Rows": draw(st.sampled_from([None, 1, 2])),
                        "ImageComments": draw(texts),
                        "AcquisitionDateTime": draw(
                            st.sampled_from([None, "2025", "20250101103000", "20250101103000+0200"])
                        ),
                        "ContentDate": draw(dates),
                        "ContentTime": draw(times),
                    }
                    out.append(dataset({**patient, **study, **series, **instance}))
    return World(out)


def dataset(values: dict[str, Any]) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in values.items():
        if value is not None:
            tag = elements.tag_of(keyword)
            assert tag is not None
            ds.add(tag, elements.vr_of(tag), value)
    return Dataset.from_bytes(ds.to_bytes(EXPLICIT), EXPLICIT)


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index.db", CONFIG)
        yield index
        index.close()


def fill(index: Index, world: World) -> None:
    index.remove([item.blob for item in index.blobs()])
    index.purged(index.to_purge())
    index.add_many(
        [
            Entry(facts_of(ds, max_text=4096), ds.to_bytes(EXPLICIT), EXPLICIT, f"blob{number}", 0, 1, "", number)
            for number, ds in enumerate(world.instances)
        ]
    )


UNIQUE = {
    Level.PATIENT: ("IssuerOfPatientID", "PatientID"),
    Level.STUDY: ("StudyInstanceUID",),
    Level.SERIES: ("SeriesInstanceUID",),
    Level.IMAGE: ("SOPInstanceUID",),
}


def oracle(world: World, query: Query) -> set[tuple[Any, ...]]:
    """The unique keys of what matches, each level seen through its first instance."""
    firsts: dict[tuple[Any, ...], Dataset] = {}
    for ds in world.instances:
        patient = (ds.get("IssuerOfPatientID"), ds.get("PatientID")) if ds.get("PatientID") else ds.StudyInstanceUID
        name = {
            Level.PATIENT: (patient,),
            Level.STUDY: (ds.StudyInstanceUID,),
            Level.SERIES: (ds.SeriesInstanceUID,),
            Level.IMAGE: (ds.SOPInstanceUID,),
        }[query.level]
        firsts.setdefault(name, ds)
    out = set()
    for ds in firsts.values():
        seen = dataset({})
        for tag in ds:
            seen.add(tag, ds[tag].vr, ds[tag].value)
        mates = [other for other in world.instances if other.StudyInstanceUID == ds.StudyInstanceUID]
        kinds = {other.get("Modality") for other in mates} - {None}
        seen.NumberOfStudyRelatedInstances = len(mates)
        if kinds:
            seen.ModalitiesInStudy = sorted(kinds) if len(kinds) > 1 else kinds.pop()
        if matches(seen, query):
            out.add(tuple(ds.get(keyword) for keyword in UNIQUE[query.level]))
    return out


@st.composite
def queries(draw: st.DrawFn) -> Query:
    level = draw(st.sampled_from(list(Level)))
    allowed = [keyword for keyword in KEYS if _level_of(keyword) <= level]
    chosen = draw(st.lists(st.sampled_from(allowed), min_size=0, max_size=3, unique=True))
    found = []
    for keyword in chosen:
        tag = elements.tag_of(keyword)
        assert tag is not None
        item = predicate(tag, elements.vr_of(tag), draw(KEYS[keyword]).split("\\"))
        if item is not None:
            found.append(item)
    if draw(st.booleans()):
        found = [fuzzily(item) for item in found]
    predicates = combine(found) if draw(st.booleans()) else tuple(found)
    wanted = []
    for keyword in UNIQUE[level]:
        tag = elements.tag_of(keyword)
        assert tag is not None
        wanted.append(ReturnKey(tag, elements.vr_of(tag)))
    return Query(level, Root.PATIENT, predicates, tuple(wanted), relational=True)


def _level_of(keyword: str) -> Level:
    from kerma.query import keys

    tag = elements.tag_of(keyword)
    assert tag is not None
    row = keys.lookup(tag)
    return Level.IMAGE if row is None else row.level


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(world=worlds(), asked=st.lists(queries(), min_size=8, max_size=8))
def test_sql_answers_as_the_oracle(index: Index, world: World, asked: list[Query]) -> None:
    fill(index, world)
    for query in asked:
        got = [tuple(ds.get(keyword) for keyword in UNIQUE[query.level]) for ds in index.search(query)]
        assert set(got) == oracle(world, query), query
        assert len(index.instances(query)) >= len(set(got))


def test_every_key_of_the_tables_is_in_the_standard() -> None:
    from kerma.query import keys

    for key in keys.KEYS:
        assert elements.tag_of(key.keyword) == key.tag, key
        row = elements.lookup(key.tag)
        assert row is not None
        assert key.vr in row.vrs, key
        if key.home == "column":
            assert row.vm == "1", key
            assert key.column in schema.TABLES[key.level].c


def test_sequence_predicates_are_left_to_the_oracle(index: Index) -> None:
    inner = Dataset()
    inner.CodeValue = "T1"
    one = dataset(
        {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.1", "SOPClassUID": "1.9"}
    )
    one.ProcedureCodeSequence = [inner]
    two = dataset(
        {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1", "SOPInstanceUID": "1.2", "SOPClassUID": "1.9"}
    )
    fill(index, World([dataset({}), one, two][1:]))
    item = predicate(0x00080100, "SH", ("T?",))
    assert item is not None
    query = Query(
        Level.STUDY,
        Root.STUDY,
        (SequenceMatch(0x00081032, (item,)),),
        (ReturnKey(0x0020000D, "UI"), ReturnKey(0x00081032, "SQ")),
    )
    found = list(index.search(query))
    assert [ds.StudyInstanceUID for ds in found] == ["1.2.1"]
    assert found[0].ProcedureCodeSequence[0].CodeValue == "T1"
