"""The stub that types every keyword is that of the tables, and says what values really are."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tools import gen_typing

import kerma
from kerma.dataset.fragments import Fragments
from kerma.standard import elements
from kerma.values import AS, DA, DS, DT, IS, TM, UID, PersonName

STUB = gen_typing.TARGET.read_text(encoding="utf-8")
ROWS = [row for keyword in elements.keywords() if (row := elements.lookup(elements.KEYWORD_TO_TAG[keyword]))]

TYPES: dict[str, Any] = {
    "AS": AS,
    "DA": DA,
    "DS": DS,
    "DT": DT,
    "IS": IS,
    "PN": PersonName,
    "TM": TM,
    "UI": UID,
    "float": float,
    "int": int,
    "memoryview": memoryview,
    "str": str,
}

# What each type of the stub promises to take, and a second of it.
GIVEN: dict[str, tuple[Any, Any]] = {
    "Buffer": (b"\1\2", bytearray(b"\1\2\3\4")),
    "Dates": (datetime.date(2026, 1, 2), "20260103"),
    "Decimals": (1.5, Decimal("2.50")),
    "Integers": (7, "8"),
    "Pixels": (b"\1\2", Fragments([b"\1\2"])),
    "SupportsFloat": (1.5, 2),
    "SupportsIndex": (7, True),
    "Tags": (0x00100010, "PatientID"),
    "Times": (datetime.time(1, 2, 3), "0405"),
    "str": ("1", "2"),
}


def test_the_stub_is_up_to_date() -> None:
    assert gen_typing.text() == STUB, "run python -m tools.gen_typing"


def test_every_keyword_is_there() -> None:
    for row in ROWS:
        if row.vr:
            assert f"\n    {row.keyword}: " in STUB, row.keyword


def test_what_is_promised_can_be_assigned_and_is_read() -> None:
    """Each kind of the stub, at run time: an element of it takes what the setter promises and gives what the getter
    promises.
    """
    kinds = {gen_typing.kind(row): row for row in ROWS if row.vr}
    assert len(kinds) > 40
    for kind, row in kinds.items():
        ds = kerma.Dataset()
        shape, _, inside = kind.partition("[")
        if shape == "Items":
            setattr(ds, row.keyword, [kerma.Dataset()])
            assert type(getattr(ds, row.keyword)) is kerma.Sequence
            setattr(ds, row.keyword, None)
            assert len(getattr(ds, row.keyword)) == 0
            continue
        if shape == "WordsOrBytes":
            for value, kept in ((3, 3), ([3, 4], (3, 4)), (b"\1\2", b"\1\2")):
                setattr(ds, row.keyword, value)
                assert getattr(ds, row.keyword) == kept
                delattr(ds, row.keyword)
            continue
        got, _, given = inside[:-1].rpartition(", ")
        first, second = GIVEN[given]
        for value in assigned(shape, got, first, second):
            setattr(ds, row.keyword, value)
            check(getattr(ds, row.keyword), shape, got, row.keyword)
            ds.to_bytes()
            delattr(ds, row.keyword)


def assigned(shape: str, got: str, first: Any, second: Any) -> Iterable[Any]:
    if shape == "One":
        return [first, second, None]
    if shape == "Several":
        return [first, second, [first, second], None]
    count = 3 if "..." in got else got.count(",") + 1
    return [[first] * count, None]


def check(value: Any, shape: str, got: str, keyword: str) -> None:
    if value is None or isinstance(value, Fragments):
        return
    if shape == "Many":
        names = got.removeprefix("tuple[").removesuffix("]").split(", ")
        assert type(value) is tuple, keyword
        assert names[-1] == "..." or len(names) == len(value), keyword
        got = names[0]
    parts = value if isinstance(value, tuple) else (value,)
    assert all(isinstance(part, TYPES[got]) for part in parts), keyword


@pytest.mark.parametrize("name", ["py.typed", "dataset/attribute_kinds.pyi", "dataset/_gen/attributes.pyi"])
def test_they_are_shipped(name: str) -> None:
    assert (Path(kerma.__file__).parent / name).is_file()


def test_the_keyword_that_begins_small() -> None:
    """dB/dt (0018,1318) is the one keyword that does."""
    ds = kerma.Dataset()
    ds.dBdt = 1.5
    assert ds.dBdt == 1.5
    del ds.dBdt
    assert "dBdt" not in ds
