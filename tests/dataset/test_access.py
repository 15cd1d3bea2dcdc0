"""Keyword and mapping access, assignment, private blocks, sequences (PS3.5 6, 7.5, 7.8)."""

from __future__ import annotations

import pytest

from kerma.dataset import Dataset, Element, Sequence
from kerma.errors import KermaError, ValueEncodeError, ValueFormatError
from kerma.values import DS, IS, PersonName

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


def study() -> Dataset:
    ds = Dataset()
    ds.PatientName = "Doe^John"
    ds.PatientID = ""
    ds.Rows = 512
    ds.PixelSpacing = [0.5, 0.25]
    ds.ImageType = ("ORIGINAL", "PRIMARY")
    item = Dataset()
    item.CodeValue = "121.5"
    ds.ConceptNameCodeSequence = [item]
    return Dataset.from_bytes(ds.to_bytes(), EXPLICIT)


def test_values_by_keyword_tag_and_text() -> None:
    ds = study()
    assert ds.PatientName == "Doe^John"
    assert isinstance(ds.PatientName, PersonName)
    assert ds.PatientID is None
    assert ds.PixelSpacing == (0.5, 0.25)
    assert isinstance(ds.PixelSpacing[0], DS)
    for key in ("PatientName", 0x00100010, "0010,0010", "(0010,0010)", "00100010"):
        assert ds[key].value == "Doe^John"
        assert key in ds
        assert ds.get(key) == "Doe^John"
    assert bytes(ds["PatientName"].raw or b"") == b"Doe^John"
    assert ds["Rows"].vr == "US"
    assert ds["Rows"].keyword == "Rows"
    assert list(ds) == sorted(ds)
    assert len(ds) == 6
    assert bool(Dataset())


def test_what_is_absent() -> None:
    ds = study()
    with pytest.raises(AttributeError, match="no StudyDate"):
        _ = ds.StudyDate
    with pytest.raises(AttributeError, match="PatientName"):
        _ = ds.PatientNam  # type: ignore[attr-defined]
    with pytest.raises(KeyError):
        _ = ds["StudyDate"]
    with pytest.raises(AttributeError):
        del ds.StudyDate
    assert ds.get("StudyDate") is None
    assert ds.get("no such thing", 7) == 7
    assert "StudyDate" not in ds
    assert 3.5 not in ds


def test_an_unknown_keyword_cannot_be_assigned() -> None:
    ds = Dataset()
    with pytest.raises(AttributeError, match="did you mean PatientName"):
        ds.PatientNmae = "X"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        ds.lower_case = 1  # type: ignore[attr-defined]
    assert len(ds) == 0


def test_what_is_assigned_reads_as_from_a_file() -> None:
    ds = Dataset()
    ds.InstanceNumber = "7"
    ds.SliceThickness = 1.25
    ds.ImageType = ["A", "B"]
    ds.StudyDate = None
    assert ds.InstanceNumber == 7
    assert isinstance(ds.InstanceNumber, IS)
    assert ds.SliceThickness == 1.25
    assert ds.ImageType == ("A", "B")
    assert ds.StudyDate is None
    assert Dataset.from_bytes(ds.to_bytes(IMPLICIT), IMPLICIT) == ds


def test_what_a_vr_cannot_hold_is_refused_when_assigned() -> None:
    ds = Dataset()
    for keyword, value in (("Rows", -1), ("Rows", "many"), ("InstanceNumber", "x"), ("PatientName", 3)):
        with pytest.raises(ValueEncodeError):
            setattr(ds, keyword, value)
    with pytest.raises(TypeError):
        ds.ConceptNameCodeSequence = ["no data set"]  # type: ignore[list-item]
    assert len(ds) == 0


def test_the_pixel_representation_decides_between_us_and_ss() -> None:
    ds = Dataset()
    ds.PixelRepresentation = 1
    ds.SmallestImagePixelValue = -5
    item = Dataset()
    item.LUTDescriptor = [256, -1024, 16]
    ds.ModalityLUTSequence = [item]
    again = Dataset.from_bytes(ds.to_bytes(IMPLICIT), IMPLICIT)
    assert again["SmallestImagePixelValue"].vr == "SS"
    assert again.SmallestImagePixelValue == -5
    assert again.ModalityLUTSequence[0]["LUTDescriptor"].vr == "SS"
    assert again.ModalityLUTSequence[0].LUTDescriptor == (256, -1024, 16)


def test_a_value_that_is_none_of_its_vr_says_where_and_stays_reachable() -> None:
    data = b"\x28\0\x10\0US\3\0abc" + b"\x28\0\x11\0US\2\0\1\0"
    ds = Dataset.from_bytes(data, EXPLICIT)
    with pytest.raises(ValueFormatError) as caught:
        _ = ds.Rows
    assert caught.value.offset == 0
    assert caught.value.path == (0x00280010,)
    assert bytes(ds["Rows"].raw or b"") == b"abc"
    assert ds.Columns == 1


def test_sequences_are_lists_of_data_sets() -> None:
    ds = study()
    sequence = ds.ConceptNameCodeSequence
    assert isinstance(sequence, Sequence)
    assert sequence is ds.ConceptNameCodeSequence
    assert len(sequence) == 1
    more = Dataset()
    more.CodeValue = "B"
    sequence.append(more)
    sequence.insert(0, more)
    assert [item.CodeValue for item in sequence] == ["B", "121.5", "B"]
    del sequence[0]
    assert sequence[-1].CodeValue == "B"
    assert sequence[0:1] == [sequence[0]]
    again = Dataset.from_bytes(ds.to_bytes(), EXPLICIT)
    assert again == ds
    assert [item.CodeValue for item in again.ConceptNameCodeSequence] == ["121.5", "B"]
    with pytest.raises(IndexError):
        _ = sequence[5]


def test_a_data_set_inside_itself_cannot_be_written() -> None:
    ds = Dataset()
    ds.ContentSequence = [ds]
    with pytest.raises(ValueEncodeError, match="inside itself"):
        ds.to_bytes()


def test_private_blocks() -> None:
    ds = Dataset()
    block = ds.private_block(0x0029, "KERMA TEST", create=True)
    block.add(0x10, "LO", "one")
    block.add(0x11, "US", 5)
    other = ds.private_block(0x0029, "ANOTHER", create=True)
    other.add(0x10, "LO", "two")
    assert block.tag(0x10) == 0x00291010
    assert other.tag(0x10) == 0x00291110
    again = Dataset.from_bytes(ds.to_bytes(), EXPLICIT)
    found = again.private_block(0x0029, "ANOTHER")
    assert found.get(0x10) == "two"
    assert 0x11 not in found
    assert [element.tag for element in again.private_block(0x0029, "KERMA TEST")] == [0x00291010, 0x00291011]
    with pytest.raises(KeyError):
        again.private_block(0x0029, "UNKNOWN")
    with pytest.raises(KermaError):
        again.private_block(0x0028, "EVEN", create=True)
    del found[0x10]
    assert 0x00291110 not in again


def test_private_elements_of_implicit_vr_get_the_vr_of_their_makers_documents() -> None:
    ds = Dataset()
    ds.private_block(0x0019, "GEMS_ACQU_01", create=True).add(0x02, "SL", 912)
    again = Dataset.from_bytes(ds.to_bytes(IMPLICIT), IMPLICIT)
    assert again.private_block(0x0019, "GEMS_ACQU_01").get(0x02) == 912


def test_unknown_elements_want_a_vr() -> None:
    ds = Dataset()
    with pytest.raises(KermaError):
        ds[0x00091001] = "text"
    ds.add(0x00091001, "LO", "text")
    ds[0x00091002] = b"\1\2"
    assert ds[0x00091002].vr == "UN"


def test_elements_are_views() -> None:
    ds = study()
    element = ds["PatientName"]
    element.value = "New^Name"
    assert ds.PatientName == "New^Name"
    assert element.raw is None
    assert isinstance(element, Element)
    assert "PatientName" in repr(element)
    assert "New" not in repr(element)
    assert "Doe" not in repr(ds)


def test_walk_gives_paths_in_order() -> None:
    ds = study()
    paths = [path for path, _ in ds.walk()]
    assert paths[-1] == (0x0040A043, 0, 0x00080100)
    assert paths == sorted(paths)


def test_un_of_a_known_element_is_read_by_the_dictionary() -> None:
    data = b"\x10\0\x10\0UN\0\0\4\0\0\0A^B " + b"\x28\0\x10\0UN\0\0\2\0\0\0\1\2"
    ds = Dataset.from_bytes(data, EXPLICIT)
    assert ds.PatientName == "A^B"
    assert ds.Rows == 513
    assert ds.to_bytes() == data
