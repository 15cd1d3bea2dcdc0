"""Names and their parts (PS3.5 6.2.1)."""

from __future__ import annotations

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


def test_of() -> None:
    assert PersonName.of(family_name="A", suffix="Jr.") == "A^^^^Jr."
    assert PersonName.of(family_name="Wang", given_name="Li", ideographic="王^李") == "Wang^Li=王^李"
    assert PersonName.of(phonetic="x") == "==x"
