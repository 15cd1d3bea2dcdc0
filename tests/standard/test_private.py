"""The private elements that public documents describe."""

from __future__ import annotations

import pytest

from kerma.standard import private, vrs


@pytest.mark.parametrize("tag", [0x00291010, 0x00291110, 0x0029FF10])
def test_a_row_in_any_block(tag: int) -> None:
    row = private.lookup("SIEMENS CSA HEADER", tag)
    assert row == private.PrivateRow("SIEMENS CSA HEADER", 0x0029, 0x10, "OB", "1", "CSA Image Header Info")


def test_trailing_padding_of_the_creator_does_not_count() -> None:
    assert private.lookup("GEMS_IDEN_01 ", 0x00091002) == private.lookup("GEMS_IDEN_01", 0x00091002)
    assert private.lookup("GEMS_IDEN_01\0", 0x00091002) is not None


@pytest.mark.parametrize(
    ("creator", "tag"),
    [
        ("SIEMENS CSA HEADER", 0x00281010),  # an even group
        ("SIEMENS CSA HEADER", 0x00290010),  # the creator itself
        ("SIEMENS CSA HEADER", 0x00310010),
        ("NOBODY KNOWS", 0x00291010),
        ("", 0x00291010),
        ("x" * 10_000, 0x00291010),
    ],
)
def test_no_row(creator: str, tag: int) -> None:
    assert private.lookup(creator, tag) is None


def test_every_row_is_well_formed() -> None:
    count = 0
    for creator in private.creators():
        for block in (0x1000, 0xF000):
            for row in private._rows(creator).values():
                assert row.creator == creator
                assert row.group & 1
                assert 0 <= row.element <= 0xFF
                assert row.vr in vrs.ALL
                assert row.name.isascii()
                assert private.lookup(creator, row.group << 16 | block | row.element) is row
                count += block == 0x1000
    assert count == 10_665


def test_agreement_with_pydicom() -> None:
    from pydicom._private_dict import private_dictionaries

    compared = 0
    for pattern, (vr, vm, _, _) in private_dictionaries["SIEMENS MR HEADER"].items():
        row = private.lookup("SIEMENS MR HEADER", int(pattern.replace("xx", "10"), 16))
        assert row is not None
        assert (row.vr, row.vm) == (vr, vm)
        compared += 1
    assert compared > 5
