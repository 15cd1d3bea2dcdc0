"""Fuzzy matching of person names: words that begin or sound alike (PS3.4 C.2.2.2.1.1)."""

from __future__ import annotations

import pytest

from kerma.dataset import Dataset
from kerma.query import from_identifier, normal
from kerma.query.match import value_matches
from kerma.query.model import Fuzzy, Root, SequenceMatch, Single, Wildcard
from kerma.query.predicates import fuzzily


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("robert", "r163"),
        ("rupert", "r163"),
        ("ashcraft", "a261"),
        ("tymczak", "t522"),
        ("pfister", "p236"),
        ("honeyman", "h555"),
        ("lee", "l000"),
        ("li", ""),
        ("o2", ""),
        ("山田", ""),
    ],
)
def test_sounds_are_those_of_soundex(word: str, code: str) -> None:
    assert normal.sounding_words(word) == ((word, code),)


@pytest.mark.parametrize(
    ("value", "wanted", "matches"),
    [
        ("Müller^Hans", "MULLER", True),
        ("Mueller^Hans", "miller", True),
        ("Mueller^Hans", "hans mueller", True),
        ("Mueller^Hans", "Mueller^Peter", False),
        ("Smith^John", "smyth^jon", True),
        ("Smith-Jones^Amy", "jones", True),
        ("O'Neil^Sean", "oneil", True),
        ("Yamada^Tarou=山田^太郎", "山田", True),
        ("Yamada^Tarou=山田^太郎", "山", True),
        ("Yamada^Tarou=山田^太郎", "田", False),
        ("Schmidt^Anna", "*midt*", True),
        ("Schmidt^Anna", "an", True),
        ("Schmidt^Anna", "na", False),
    ],
)
def test_words_match_by_beginning_and_sound(value: str, wanted: str, matches: bool) -> None:
    assert value_matches(value, Fuzzy(0x00100010, "PN", wanted)) is matches


def test_only_names_are_matched_so() -> None:
    name = Wildcard(0x00100010, "PN", "DOE*")
    assert fuzzily(name) == Fuzzy(0x00100010, "PN", "DOE*")
    assert fuzzily(Single(0x00100020, "LO", "DOE")) == Single(0x00100020, "LO", "DOE")
    assert fuzzily(Wildcard(0x00100010, "PN", "?*")) == Wildcard(0x00100010, "PN", "?*")
    assert fuzzily(SequenceMatch(0x00401011, (name,))) == SequenceMatch(0x00401011, (fuzzily(name),))


def test_an_identifier_may_ask_so() -> None:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.PatientName = "DOE"
    assert from_identifier(identifier, root=Root.STUDY, fuzzy=True).predicates == (Fuzzy(0x00100010, "PN", "DOE"),)
    assert from_identifier(identifier, root=Root.STUDY).predicates == (Single(0x00100010, "PN", "DOE"),)
