"""A keyword read the short way gives what the long way gives, for every element of every file that pydicom ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest

import kerma
from kerma.dataset import Dataset, keywords
from kerma.errors import KermaError, ValueFormatError
from kerma.standard import elements

FILES = sorted((Path(pydicom.__file__).parent / "data").rglob("*.dcm"))
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def read(path: Path) -> Dataset | None:
    try:
        return kerma.read(path)
    except (KermaError, OSError):
        return None


def told(ask: Any) -> Any:
    """A value in a form that can be compared, or how it could not be read."""
    try:
        value = ask()
    except KermaError as error:
        return str(error)
    return bytes(value) if isinstance(value, memoryview) else value


def test_every_keyword_of_every_file() -> None:
    compared = 0
    for path in FILES:
        short, long = read(path), read(path)
        if short is None or long is None:
            continue
        for keyword in short.keywords():
            tag = elements.tag_of(keyword)
            assert tag is not None
            if elements.keyword_of(tag) != keyword or tag not in long:
                continue  # a repeating group: the keyword is that of its first
            theirs = told(lambda tag=tag, ds=long: ds.value_of(tag))
            ours = told(lambda keyword=keyword, ds=short: getattr(ds, keyword))
            assert ours == theirs or ours != ours, (path.name, keyword)  # noqa: PLR0124  nan is not itself
            assert type(ours) is type(theirs)
            compared += 1
    assert compared > 4000


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_all_encodings(syntax: str) -> None:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName = "Müller^Jörg"
    ds.PatientID = "1"
    ds.StudyInstanceUID = "1.2.3"
    ds.Rows = 512
    ds.PixelSpacing = ["0.50", "0.50"]
    ds.InstanceNumber = None
    ds.PixelRepresentation = 1
    ds.SmallestImagePixelValue = -3
    raw = ds.to_bytes(syntax)
    for _ in range(2):
        back = Dataset.from_bytes(raw, syntax)
        assert back.PatientName == "Müller^Jörg"
        assert back.PatientID == "1"
        assert back.StudyInstanceUID == "1.2.3"
        assert back.Rows == 512
        assert [value.text for value in back.PixelSpacing or ()] == ["0.50", "0.50"]
        assert back.InstanceNumber is None
        assert back.SmallestImagePixelValue == -3


def test_absent_and_unknown_names() -> None:
    ds = Dataset()
    for _ in range(2):
        with pytest.raises(AttributeError, match="no PatientWeight"):
            _ = ds.PatientWeight
        with pytest.raises(AttributeError, match="PatientWeigh"):
            _ = ds.PatientWeigh  # type: ignore[attr-defined]
        assert getattr(ds, "PatientWeight", 70) == 70
        assert not hasattr(ds, "PatientWeight")
    ds.PatientWeight = 71
    assert ds.PatientWeight == 71
    del ds.PatientWeight
    assert not hasattr(ds, "PatientWeight")


def test_dir_tells_what_is_there_only() -> None:
    ds = Dataset()
    ds.PatientAge = "030Y"
    assert ds.PatientAge == "030Y"
    assert "PatientAge" in dir(ds)
    assert "PatientAge" not in dir(Dataset())


def test_a_value_that_is_none_of_its_vr_is_told_with_its_place() -> None:
    raw = Dataset()
    raw.SOPInstanceUID = "1.2"
    raw.InstanceNumber = 12
    data = raw.to_bytes(EXPLICIT).replace(b"12", b"xy")
    ds = Dataset.from_bytes(data, EXPLICIT)
    for _ in range(2):
        with pytest.raises(ValueFormatError) as caught:
            _ = ds.InstanceNumber
        assert caught.value.path == (0x00200013,)
        assert caught.value.offset is not None


def test_what_is_remembered_is_bounded_and_holds_no_buffer() -> None:
    remembered = keywords._Remembered("UI")
    for number in range(10 * keywords._MANY):
        assert remembered[b"1.2.%d" % number] == f"1.2.{number}"
        assert len(remembered) <= keywords._MANY
    view = memoryview(b"1.2.9999999")
    assert remembered[view] == "1.2.9999999"
    assert len(remembered) <= keywords._MANY
    assert not any(type(key) is not bytes for key in remembered)
    long = b"1." + b"2" * 100
    assert remembered[long] == long.decode()
    assert long not in remembered


def test_remembered_values_are_the_same_object_and_names_are_not_remembered() -> None:
    raw = Dataset()
    raw.PatientName = "Doe^Jane"
    raw.ImagePositionPatient = ["1.0", "2.0", "3.5"]
    data = raw.to_bytes(EXPLICIT)
    first, second = Dataset.from_bytes(data, EXPLICIT), Dataset.from_bytes(data, EXPLICIT)
    assert first.ImagePositionPatient is second.ImagePositionPatient
    assert first.PatientName == second.PatientName
    assert not any("Doe" in str(value) for plain in keywords._PLAIN.values() for value in plain.values())


def test_items_are_read_the_same_way() -> None:
    item = Dataset()
    item.CodeValue = "T-1"
    ds = Dataset()
    ds.AnatomicRegionSequence = [item]
    back = Dataset.from_bytes(ds.to_bytes(IMPLICIT), IMPLICIT)
    assert back.AnatomicRegionSequence[0].CodeValue == "T-1"
    assert back.AnatomicRegionSequence is back.AnatomicRegionSequence


def test_only_keywords_become_properties() -> None:
    ds = Dataset()
    for name in ("patientName", "Foo", "__array_interface__", "_repr_html_"):
        assert not hasattr(ds, name)
        assert name not in vars(Dataset)
