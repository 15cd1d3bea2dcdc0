"""From what somebody remembers to unique keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from kerma.app.lookup import level_of, unique_keys
from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.query.model import Level


class Peer:
    """Answers from a table and remembers what it was asked."""

    def __init__(self, *rows: dict[str, str]) -> None:
        self.rows = rows
        self.asked: list[tuple[str, dict[str, str]]] = []

    def find(self, level: str, *, return_keys: Iterable[str], **keys: Any) -> list[Dataset]:
        self.asked.append((level, keys))
        found: dict[tuple[str, ...], Dataset] = {}
        names = list(return_keys)
        for row in self.rows:
            if all(row.get(key, "").startswith(value.rstrip("*")) for key, value in keys.items()):
                match = Dataset()
                for name in names:
                    if name in row:
                        setattr(match, name, row[name])
                found.setdefault(tuple(row.get(name, "") for name in names), match)
        return list(found.values())


def row(study: str, series: str, image: str, patient: str = "P", modality: str = "CT") -> dict[str, str]:
    return {
        "PatientID": patient,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": image,
        "Modality": modality,
    }


ROWS = (
    row("1", "1.1", "1.1.1"),
    row("1", "1.2", "1.2.1", modality="SR"),
    row("2", "2.1", "2.1.1"),
    row("3", "3.1", "3.1.1", "Q"),
)


def test_exact_unique_keys_are_not_asked_for() -> None:
    peer = Peer(*ROWS)
    assert list(unique_keys(peer.find, {"StudyInstanceUID": "9"})) == [{"level": "study", "StudyInstanceUID": "9"}]
    both = {"StudyInstanceUID": "9", "SeriesInstanceUID": "9.1"}
    assert list(unique_keys(peer.find, both)) == [{"level": "series", **both}]
    three = {**both, "SOPInstanceUID": "9.1.1"}
    assert list(unique_keys(peer.find, three)) == [{"level": "image", **three}]
    patient = [{"level": "patient", "PatientID": "P"}]
    assert list(unique_keys(peer.find, {"PatientID": "P"}, "patient")) == patient
    assert peer.asked == []


def test_a_patient_becomes_its_studies() -> None:
    peer = Peer(*ROWS)
    found = list(unique_keys(peer.find, {"PatientID": "P"}))
    assert found == [{"level": "study", "StudyInstanceUID": uid} for uid in ("1", "2")]
    assert peer.asked == [("study", {"PatientID": "P"})]


def test_a_lower_key_goes_down_level_by_level() -> None:
    peer = Peer(*ROWS)
    found = list(unique_keys(peer.find, {"PatientID": "P", "Modality": "CT"}))
    assert [entry["SeriesInstanceUID"] for entry in found] == ["1.1", "2.1"]
    assert [entry["level"] for entry in found] == ["series", "series"]
    assert peer.asked == [
        ("study", {"PatientID": "P"}),
        ("series", {"StudyInstanceUID": "1", "Modality": "CT"}),
        ("series", {"StudyInstanceUID": "2", "Modality": "CT"}),
    ]


def test_without_a_word_on_the_study_the_level_is_asked_outright() -> None:
    peer = Peer(*ROWS)
    found = list(unique_keys(peer.find, {"SOPInstanceUID": "2.1.1"}))
    # An exact UID is all that is known: the peer need not be asked, but a retrieve names the levels above where it can.
    assert found[0]["SOPInstanceUID"] == "2.1.1"
    assert list(unique_keys(peer.find, {"Modality": "SR"})) == [
        {"level": "series", "StudyInstanceUID": "1", "SeriesInstanceUID": "1.2"}
    ]


def test_a_level_above_a_key_is_refused() -> None:
    with pytest.raises(UsageError, match="Modality belongs to the series level"):
        unique_keys(Peer().find, {"PatientID": "P", "Modality": "CT"}, "study")


@pytest.mark.parametrize("keys", [{}, {"PatientID": ""}])
def test_everything_is_never_meant(keys: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no key has a value"):
        unique_keys(Peer().find, keys)


def test_nothing_found_is_nothing() -> None:
    assert list(unique_keys(Peer(*ROWS).find, {"PatientID": "NOBODY"})) == []


@pytest.mark.parametrize(
    ("keys", "level"),
    [
        (["PatientID"], Level.STUDY),
        (["PatientName", "SeriesDescription"], Level.SERIES),
        (["StudyDate", "InstanceNumber"], Level.IMAGE),
        (["KVP"], Level.IMAGE),
    ],
)
def test_the_level_that_keys_speak_of(keys: list[str], level: Level) -> None:
    assert level_of(keys) is level
