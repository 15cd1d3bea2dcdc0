"""Private blocks: found by creator in each data set and item, moved, copied, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.private import private_blocks, unreserved
from kerma.errors import UsageError, ValueEncodeError

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"


def sample() -> Dataset:
    """Two creators in one group, with values of many kinds."""
    ds = Dataset()
    ds.PatientID = "P1"
    one = ds.private_block(0x0029, "KERMA ONE", create=True)
    one.add(0x01, "LO", "text")
    one.add(0x02, "DS", ("1.50", "2"))
    one.add(0x03, "OB", b"\1\2\3\4")
    one.add(0x04, "FD", 2.5)
    item = Dataset()
    item.private_block(0x0029, "KERMA INNER", create=True).add(0x07, "US", 7)
    one.add(0x05, "SQ", [item])
    two = ds.private_block(0x0029, "KERMA TWO", create=True)
    two.add(0x01, "SH", "other")
    return ds


def values(ds: Dataset, creator: str) -> dict[int, object]:
    return {element.tag & 0xFF: element.value for element in ds.private_block(0x0029, creator)}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_every_block_is_listed(syntax: str) -> None:
    ds = Dataset.from_bytes(sample().to_bytes(syntax), syntax)
    blocks = list(ds.private_blocks())
    assert [(block.group, block.number, block.creator, len(block)) for block in blocks] == [
        (0x0029, 0x10, "KERMA ONE", 5),
        (0x0029, 0x11, "KERMA TWO", 1),
    ]
    assert blocks[0].dataset is ds
    assert repr(blocks[1]) == "<PrivateBlock (0029,11xx)>"
    assert list(unreserved(ds)) == []


def test_creators_are_those_of_the_item(tmp_path: Path) -> None:
    """An item's blocks have nothing to do with those around it (PS3.5 7.8.1)."""
    ds = sample()
    inner = ds.private_block(0x0029, "KERMA ONE")[0x05].value[0]
    assert [block.creator for block in private_blocks(inner)] == ["KERMA INNER"]
    with pytest.raises(KeyError):
        inner.private_block(0x0029, "KERMA ONE")
    bare = Dataset()
    bare.add(0x00291001, "LO", "nobody's")
    ds.add(0x00081140, "SQ", [bare])
    assert [element.tag for element in unreserved(ds["ReferencedImageSequence"].value[0])] == [0x00291001]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_block_is_moved_as_it_is(syntax: str) -> None:
    ds = Dataset.from_bytes(sample().to_bytes(syntax), syntax)
    before = values(ds, "KERMA ONE")
    raws = {element.tag & 0xFF: bytes(element.raw or b"") for element in ds.private_block(0x0029, "KERMA ONE")}
    block = ds.private_block(0x0029, "KERMA ONE")
    block.move(0x42)
    assert (block.number, block.base) == (0x42, 0x00294200)
    assert 0x00290010 not in ds
    assert not any(0x00291000 <= tag <= 0x002910FF for tag in ds)
    again = Dataset.from_bytes(ds.to_bytes(), syntax)
    assert values(again, "KERMA ONE") == before
    moved = again.private_block(0x0029, "KERMA ONE")
    assert moved.number == 0x42
    assert {element.tag & 0xFF: bytes(element.raw or b"") for element in moved} == raws
    assert [element.tag for element in again.private_block(0x0029, "KERMA TWO")] == [0x00291101]
    block.move(0x42)
    with pytest.raises(UsageError, match=r"\(0029,11xx\) is taken"):
        block.move(0x11)
    with pytest.raises(UsageError, match="0x10 to 0xFF"):
        block.move(0x09)


def test_a_block_is_copied_to_another_data_set() -> None:
    source = Dataset.from_bytes(sample().to_bytes(EXPLICIT), EXPLICIT)
    target = Dataset()
    target.private_block(0x0029, "SOMEBODY", create=True).add(0x01, "LO", "first")
    copied = source.private_block(0x0029, "KERMA ONE").copy_to(target)
    assert copied.number == 0x11
    assert values(target, "KERMA ONE") == values(source, "KERMA ONE")
    copied[0x05].value[0].PatientID = "changed"
    assert "PatientID" not in source.private_block(0x0029, "KERMA ONE")[0x05].value[0], "items are copies"
    third = source.private_block(0x0029, "KERMA TWO").copy_to(target, number=0x80)
    assert target.get(0x00290080) == "KERMA TWO"
    assert third.get(0x01) == "other"
    assert source.private_block(0x0029, "KERMA TWO").copy_to(target).number == 0x80, "it has a block there already"
    with pytest.raises(UsageError, match="taken"):
        source.private_block(0x0029, "KERMA ONE").copy_to(target, number=0x10)


def test_a_block_is_deleted_with_its_creator() -> None:
    ds = sample()
    ds.private_block(0x0029, "KERMA ONE").delete()
    assert list(ds) == [0x00100020, 0x00290011, 0x00291101]
    assert ds.private_block(0x0029, "NEW", create=True).number == 0x10


def test_what_would_not_be_written_as_it_came_goes_on_as_bytes() -> None:
    """A DS that is no number, and text in bytes that its character set has not."""
    raw = bytearray(sample().to_bytes(EXPLICIT))
    at = raw.index(b"1.50\\2")
    raw[at : at + 6] = b"1,5x?!"
    at = raw.index(b"text")
    raw[at : at + 4] = b"t\xe4\xff\x80"
    ds = Dataset.from_bytes(bytes(raw), EXPLICIT)
    target = Dataset()
    copied = ds.private_block(0x0029, "KERMA ONE").copy_to(target)
    assert (copied[0x02].vr, bytes(copied[0x02].value)) == ("UN", b"1,5x?!")
    assert b"1,5x?!" in target.to_bytes(EXPLICIT)
    assert b"t\xe4\xff\x80" in target.to_bytes(EXPLICIT)


def test_two_blocks_of_one_creator() -> None:
    ds = sample()
    ds.add(0x00290020, "LO", "KERMA ONE")
    ds.add(0x00292001, "LO", "second")
    blocks = [block for block in ds.private_blocks() if block.creator == "KERMA ONE"]
    assert [(block.number, block.get(0x01)) for block in blocks] == [(0x10, "text"), (0x20, "second")]


def test_a_new_block_takes_no_number_that_elements_use() -> None:
    ds = Dataset()
    ds.add(0x00291001, "LO", "nobody reserved this")
    assert ds.private_block(0x0029, "NEW", create=True).number == 0x11


def test_all_numbers_taken() -> None:
    ds = Dataset()
    for number in range(0x10, 0x100):
        ds.private_block(0x0029, f"C{number}", create=True)
    with pytest.raises(ValueEncodeError, match="all 240 private blocks"):
        ds.private_block(0x0029, "ONE MORE", create=True)


def test_elements_by_the_names_of_their_maker() -> None:
    ds = Dataset()
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add(block.element_of("B_value"), "IS", 1000)
    assert ds.get(0x0019100C) == 1000
    assert ds[0x0019100C].name == "B_value"
    with pytest.raises(KeyError):
        block.element_of("no such name")


@pytest.mark.corpus
def test_blocks_of_real_files_move_and_copy(corpus: Path) -> None:
    """Whatever makers put there is the same in another block and in another data set."""
    names = [
        "pydicom+pydicom/src/pydicom/data/test_files/CT_small.dcm",
        "nipy+nibabel/nibabel/nicom/tests/data/0.dcm",
        "neurolabusc+dcm_qa_philips/In/Bangalore_2008/dwi_no-phi/IM_0001",
        "neurolabusc+dcm_qa_enh/In/Siemens/XA10/6_1.dcm",
        "neurolabusc+dcm_qa_uih/In/DTI_134434/dti_tra_dir16_AP_SaveBySlc__140028/00000001.dcm",
    ]
    for name in names:
        ds = kerma.read(corpus / name)
        target = Dataset()
        charset = ds.get("SpecificCharacterSet")
        if charset is not None:
            target.SpecificCharacterSet = charset
        blocks = list(ds.private_blocks())
        assert blocks
        for number, block in enumerate(blocks):
            copied = block.copy_to(target, number=0x80 + number)
            assert [element.tag & 0xFF for element in copied] == [element.tag & 0xFF for element in block]
        again = Dataset.from_bytes(target.to_bytes(EXPLICIT), EXPLICIT)
        for block, other in zip(blocks, again.private_blocks(), strict=True):
            assert block.creator == other.creator
            for one, two in zip(block, other, strict=True):
                if one.vr != "SQ" and ds.transfer_syntax_uid == EXPLICIT:
                    assert one.raw == two.raw, f"{name}: {one.tag:08X}"
                elif one.vr == "SQ":
                    assert list(one.sequence) == list(two.sequence)
