"""Where two data sets differ in what they mean (``kerma.differences``)."""

from __future__ import annotations

import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.differences import Rules
from kerma.dataset.fragments import Fragments
from kerma.errors import format_path

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"


def found(one: Dataset, two: Dataset, rules: Rules = Rules()) -> list[str]:  # noqa: B008  frozen
    return [f"{format_path(each.path)} {each.kind}" for each in kerma.differences(one, two, rules)]


def sample(**values: object) -> Dataset:
    ds = Dataset()
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "Doe^Jane"
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def test_how_it_is_encoded_does_not_count() -> None:
    item = sample(SelectorFDValue=[1.5, float("nan")])
    ds = sample(SmallestImagePixelValue=-5, PixelRepresentation=1, ContentSequence=[item], FrameTime="1.50")
    ds.add("PixelData", "OW", bytes(range(200)))
    block = ds.private_block(0x0009, "ACME", create=True)
    ds.add(block.tag(1), "US", [1, 2])
    ds.add(block.tag(2), "SQ", [sample()])
    ds.add(0x00080000, "UL", 7)
    for uid in (EXPLICIT, IMPLICIT, BIG):
        again = Dataset.from_bytes(ds.to_bytes(uid), uid)
        assert found(ds, again) == found(again, ds) == []
    assert found(sample(FrameTime="1.5"), sample(FrameTime="1.50")) == []
    assert found(sample(PatientName="Doe^Jane^^"), sample()) == []
    assert found(sample(SpecificCharacterSet="ISO_IR 100"), sample(SpecificCharacterSet="ISO_IR 192")) == []


def test_every_kind_of_difference() -> None:
    one = sample(PatientID="1", Rows=1, ContentSequence=[sample(CodeValue="1"), sample()])
    two = sample(PatientID="2", Columns=1, ContentSequence=[sample(CodeValue="2")])
    assert found(one, two) == [
        "(0010,0020) value",
        "(0028,0010) first",
        "(0028,0011) second",
        "(0040,A730) items",
        "(0040,A730)[0].(0008,0100) value",
    ]
    one.add("PixelData", "OW", b"\1\2\3\4")
    two.add("PixelData", "OW", b"\1\2\3\5")
    assert found(one, two)[-1] == "(7FE0,0010) value"
    assert found(sample(PatientID=""), sample(PatientID="x")) == ["(0010,0020) value"]
    assert found(sample(ImageType=["A", "B"]), sample(ImageType=["A"])) == ["(0008,0008) value"]


def test_rules() -> None:
    one, two = sample(PatientID="1"), sample(PatientID="2", SOPInstanceUID="1.2.4")
    two.add(0x00090010, "LO", "ACME")
    assert found(one, two, Rules(ignore=frozenset({0x00100020}), private=False, uids=False)) == []
    classes = sample(SOPClassUID="1.2.840.10008.1.1"), sample(SOPClassUID="1.2.840.10008.1.2")
    assert found(*classes, Rules(uids=False)) == ["(0008,0016) value"]
    strict = Rules(strict=True)
    charsets = sample(SpecificCharacterSet="ISO_IR 100"), sample(SpecificCharacterSet="ISO_IR 192")
    assert found(*charsets, strict) == ["(0008,0005) value"]
    first, second = Dataset(), Dataset()
    first.add(0x00091001, "LO", "x")
    second.add(0x00091001, "SH", "x")
    assert found(first, second) == []
    assert found(first, second, strict) == ["(0009,1001) vr"]
    first.meta, second.meta = sample(), sample(PatientID="1")
    assert found(first, second, strict)[0] == "(0010,0020) second"


def test_fragments_are_compared_one_by_one() -> None:
    one, two, other = Dataset(), Dataset(), Dataset()
    one.add("PixelData", "OB", Fragments([b"\1\2\3", b"\4\5"]))
    two.add("PixelData", "OB", Fragments([b"\1\2\3\0", b"\4\5"]))
    other.add("PixelData", "OB", Fragments([b"\1\2\3\0\4\5"]))
    assert found(one, two) == []
    assert found(one, other) == ["(7FE0,0010) value"]


def test_trailing_padding_says_nothing() -> None:
    padded = sample()
    padded.add(0xFFFCFFFC, "OB", bytes(64))
    assert found(sample(), padded) == []
    assert found(sample(), padded, Rules(strict=True)) == ["(FFFC,FFFC) second"]


def test_depth_costs_no_stack() -> None:
    def deep(value: str) -> Dataset:
        ds = sample(PatientID=value)
        for _ in range(3000):
            outer = Dataset()
            outer.ContentSequence = [ds]
            ds = outer
        return ds

    assert found(deep("1"), deep("1")) == []
    assert len(found(deep("1"), deep("2"))) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A^B", "A ^ B^^", True),
        ("A^B=C", "A^B=C==", True),
        ("A^B", "A^^B", False),
        ("A^B^C^D^E^F", "A^B^C^D^E^F^", True),
        ("A^B^C^D^E^F", "A^B^C^D^E^G", False),
        ("A=B", "A", False),
    ],
)
def test_names_are_compared_by_what_they_mean(one: str, other: str, same: bool) -> None:
    def named(name: str) -> Dataset:
        raw = name.encode()
        head = b"\x10\0\x10\0PN" + len(raw).to_bytes(2, "little")
        return Dataset.from_bytes(head + raw, "1.2.840.10008.1.2.1")

    assert (not found(named(one), named(other))) is same
