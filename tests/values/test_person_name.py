"""Names and their parts (PS3.5 6.2.1)."""

from __future__ import annotations

import copy
import pickle

import pytest

from kerma.errors import ValueEncodeError
from kerma.values import NameGroup, PersonName


def test_parts_of_the_example() -> None:
    """PS3.5 6.2.1.1: "Adams^John Robert Quincy^^Rev.^B.A. M.Div."."""
    name = PersonName("Adams^John Robert Quincy^^Rev.^B.A. M.Div.")
    assert name.family_name == "Adams"
    assert name.given_name == "John Robert Quincy"
    assert name.middle_name == ""
    assert name.prefix == "Rev."
    assert name.suffix == "B.A. M.Div."
    assert name.alphabetic == name
    assert name.ideographic == name.phonetic == ""


def test_groups() -> None:
    """PS3.5 H.3.1."""
    name = PersonName("Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert name.alphabetic == "Yamada^Tarou"
    assert name.ideographic == "山田^太郎"
    assert name.phonetic == "やまだ^たろう"
    assert name.groups[1] == NameGroup("山田", "太郎")
    assert name.family_name == "Yamada"


def test_without_an_alphabetic_group() -> None:
    name = PersonName("=山田^太郎")
    assert name.alphabetic == ""
    assert name.family_name == "山田"


def test_equality_is_that_of_text() -> None:
    assert PersonName("A^B") == "A^B"
    assert hash(PersonName("A^B")) == hash("A^B")
    assert PersonName("A^B^^") != PersonName("A^B")
    assert PersonName("A ^ B^^ ==").normal == PersonName("A^B").normal == "A^B"
    assert PersonName("A==x^").normal == "A==x"


def test_too_many_delimiters_lose_nothing() -> None:
    name = PersonName("a^b^c^d^e^f^g=h=i=j")
    assert name.suffix == "e^f^g"
    assert name.phonetic == "i=j"


def test_empty() -> None:
    name = PersonName("")
    assert name.family_name == name.normal == ""
    assert name.groups == (NameGroup(), NameGroup(), NameGroup())


def test_a_group_is_a_name() -> None:
    name = PersonName("Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert type(name.ideographic) is PersonName
    assert name.ideographic.family_name == "山田"
    assert name.phonetic.given_name == "たろう"


def test_it_is_a_str() -> None:
    name = PersonName("A^B")
    assert sorted([PersonName("b"), name, PersonName("a")]) == ["A^B", "a", "b"]
    for twin in (copy.copy(name), copy.deepcopy(name), pickle.loads(pickle.dumps(name))):
        assert type(twin) is PersonName
        assert twin == name
    assert name.startswith("A")
    assert f"{name}" == "A^B"
    assert repr(name) == "'A^B'"


@pytest.mark.parametrize("part", ["A^B", "A=B", "A\\B"])
def test_a_part_with_a_delimiter_is_refused(part: str) -> None:
    with pytest.raises(ValueEncodeError):
        PersonName.of(part)
    with pytest.raises(ValueEncodeError):
        PersonName.of("A", suffix=part)
    with pytest.raises(ValueEncodeError):
        PersonName.of("A", ideographic=NameGroup(part))


def test_a_group_as_text_may_have_components_but_no_groups() -> None:
    assert PersonName.of("A", phonetic="a^b") == "A==a^b"
    for text in ("a=b", "a\\b"):
        with pytest.raises(ValueEncodeError):
            PersonName.of("A", phonetic=text)


def test_of() -> None:
    assert PersonName.of(family_name="A", suffix="Jr.") == "A^^^^Jr."
    assert PersonName.of(family_name="Wang", given_name="Li", ideographic="王^李") == "Wang^Li=王^李"
    assert PersonName.of(phonetic="x") == "==x"
