"""Every matching kind by the letter of PS3.4 C.2.2.2, with the oracle."""

from __future__ import annotations

from typing import Any

import pytest

from kerma.dataset import Dataset
from kerma.query import from_keys
from kerma.query.match import compiled, matches
from kerma.query.model import Level

JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"


def has(**values: Any) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def asked(**keys: Any) -> Any:
    return from_keys(Level.IMAGE, keys)


@pytest.mark.parametrize(
    ("keyword", "value", "key", "found"),
    [
        ("PatientID", "A1", "A1", True),
        ("PatientID", "A1", "a1", False),
        ("PatientID", "A1", "A", False),
        ("PatientID", "A1", "A*", True),
        ("PatientID", "A1", "A?", True),
        ("PatientID", "A1", "A??", False),
        ("PatientID", "A1", "*1*", True),
        ("PatientID", "A[1", "A[*", True),
        ("PatientID", "A1", "B1\\A1", True),
        ("PatientID", "A1", "*", True),
        ("PatientID", None, "*", True),
        ("PatientID", None, '""', True),
        ("PatientID", "A1", '""', False),
        ("PatientID", None, "A1", False),
        ("StudyInstanceUID", "1.2", "1.2", True),
        ("StudyInstanceUID", "1.2", ["1.3", "1.2"], True),
        ("StudyInstanceUID", "1.2.3", ["1.3", "1.2"], False),
        ("StudyDate", "20250115", "20250115", True),
        ("StudyDate", "20250115", "20250101-20250131", True),
        ("StudyDate", "20250131", "20250101-20250131", True),
        ("StudyDate", "20250201", "20250101-20250131", False),
        ("StudyDate", "20250201", "-20250131", False),
        ("StudyDate", "20250201", "20250131-", True),
        ("StudyDate", None, "20250131-", False),
        ("StudyTime", "103015", "10", True),
        ("StudyTime", "103015", "1031-", False),
        ("StudyTime", "103015", "-1030", True),
        ("AcquisitionDateTime", "20250115103000", "2025", True),
        ("AcquisitionDateTime", "20250115103000+0200", "20250115083000+0000-20250115083000+0000", True),
        ("AcquisitionDateTime", "20250115103000+0200", "20250115103000+0000", False),
        ("AcquisitionDateTime", "20250115103000", "-20250114", False),
        ("InstanceNumber", "01", "1", True),
        ("SliceThickness", "1.50", "1.5", True),
        ("Rows", 512, "512", True),
        ("StudyDescription", "one\\two", "one*", True),
        ("ImageType", ["ORIGINAL", "PRIMARY"], "PRIMARY", True),
        ("ImageType", ["ORIGINAL", "PRIMARY"], "ORIG*", True),
        ("ImageType", ["ORIGINAL", "PRIMARY"], "SECONDARY", False),
    ],
)
def test_matching_kinds(keyword: str, value: Any, key: Any, found: bool) -> None:
    ds = has(**{keyword: value}) if value is not None else Dataset()
    assert matches(ds, asked(**{keyword: key})) is found


@pytest.mark.parametrize(
    ("value", "key", "found"),
    [
        ("DOE^JOHN", "doe^john", True),
        ("DOE^JOHN", "doe", False),
        ("DOE^JOHN", "doe*", True),
        ("DOE^JOHN", "Doe^J*", True),
        ("DOE^JOHN^^^", "DOE^JOHN", True),
        ("DOE", "DOE^*", True),
        ("DOEL", "DOE^*", False),
        ("Müller^Hans", "MULLER^HANS", True),
        ("Muller^Hans", "Müller^*", True),
        (JAPANESE, "yamada*", True),
        (JAPANESE, "山田*", True),
        (JAPANESE, "やまだ^たろう", True),
        (JAPANESE, "*=山田*", True),
        (JAPANESE, "=山田*=やまだ*", True),
        (JAPANESE, "=やまだ*", False),
        (JAPANESE, "Suzuki*=山田*", False),
        ("DOE^JOHN", "=*", True),
        ("DOE^JOHN", "^", True),
    ],
)
def test_person_names(value: str, key: str, found: bool) -> None:
    assert matches(has(PatientName=value), asked(PatientName=key)) is found


def test_sequence_matching_wants_one_item_with_all_keys() -> None:
    one, two = has(CodeValue="A", CodingSchemeDesignator="X"), has(CodeValue="B", CodingSchemeDesignator="Y")
    ds = has(ProcedureCodeSequence=[one, two])
    assert matches(
        ds,
        from_keys(
            Level.IMAGE, {"ProcedureCodeSequence.CodeValue": "B", "ProcedureCodeSequence.CodingSchemeDesignator": "Y"}
        ),
    )
    assert not matches(
        ds,
        from_keys(
            Level.IMAGE, {"ProcedureCodeSequence.CodeValue": "A", "ProcedureCodeSequence.CodingSchemeDesignator": "Y"}
        ),
    )
    assert not matches(Dataset(), from_keys(Level.IMAGE, {"ProcedureCodeSequence.CodeValue": "A"}))


def test_a_value_that_cannot_be_read_matches_nothing() -> None:
    ds = Dataset.from_bytes(b"\x20\x00\x13\x00IS\x02\x00x ", "1.2.840.10008.1.2.1")
    assert not matches(ds, asked(InstanceNumber="1"))


def test_a_hostile_pattern_ends() -> None:
    pattern = compiled("*a" * 200 + "b")
    assert pattern.fullmatch("a" * 5000) is None
    assert compiled("*a*b*").fullmatch("xxaxxbxx")
